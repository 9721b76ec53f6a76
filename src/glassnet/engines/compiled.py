"""The compiled engine: the same steps as the reference engine's, in machine code and on several threads.

Layers lower to a plan, the plan to tables and one long memory; what then runs is `glassnet.compiled.steps`. Here
training's terms meet those: rows, rates, stops, and what to say when a number is not finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.evaluator import Evaluator, announce, handles_of
from glassnet.compiled.machine_code import Kernel, NotCompilable, addresses
from glassnet.compiled.plan import Product
from glassnet.compiled.program import Program
from glassnet.compiled.records import NOT_FINITE
from glassnet.compiled.sizes import FIRST_SMALL_STEP, small_places
from glassnet.compiled.team import NEVER, cores, new_counters, run
from glassnet.engines.engine import Block, Descent, Engine, Rates, Steps
from glassnet.engines.nonfinite import non_finite_step
from glassnet.errors import NonFiniteError
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss, ShortForm
from glassnet.maths.optimizers import ElementwiseOptimizer
from glassnet.maths.random import Purpose
from glassnet.network.backprop import short_form
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective

Array = NDArray[Any]

WORK_FOR_A_THREAD = 200_000
"""Multiply-adds of a step below which another thread costs more at the meetings than it takes over."""


@final
class CompiledEngine(Engine):
    """Computes steps in machine code; see `Engine` for the parameters.

    Raises
    ------
    NotCompilable
        If the compiler refuses a formula of the user's.
    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        descent: Descent,
        batch_size: int,
        seed: int,
        threads: int | None = None,
    ) -> None:
        super().__init__(network, objective, descent, batch_size, seed)
        plan = network.plan()
        if not any(isinstance(operation, Product) for operation in plan):
            raise NotCompilable("the network has no parameters")
        self._threads = threads or cores()
        work = 3 * network.multiplications * batch_size
        self._workers = max(1, min(self._threads, work // WORK_FOR_A_THREAD))
        dtype, loss = network.dtype, objective.loss
        short = short_form(network.layers, objective)
        self._labels = one_hot(np.zeros(1, np.int64), loss, max(2, network.outputs), dtype)[0, :2]
        self._evaluator = Evaluator(
            plan, network.input_shape[0], dtype, network.theta.size, self._threads, (loss, short, self._labels)
        )
        program = Program(plan, network.input_shape[0], dtype, network.theta.size, batch_size, self._workers)
        self._program = program
        self._elementwise = isinstance(descent.optimizer, ElementwiseOptimizer)
        kernels = [Kernel("take_steps", dtype.name), Kernel("loss", dtype.name, (loss, short))]
        slots = 0
        if isinstance(descent.optimizer, ElementwiseOptimizer):
            optimizer, slots = descent.optimizer, len(descent.optimizer.slots)
            coefficients = len(optimizer.coefficients(optimizer.init(network.theta[:1])))
            program.run[0].coefficients = coefficients
            kernels.append(Kernel("move", dtype.name, (optimizer.formula, slots, coefficients)))
        layout = network.layout
        self._small = self._small_kernel(program, short, slots)
        program.for_training(slots, ~layout.mask("trainable"), layout.mask("penalised"), descent.clip_norm is not None)
        record = program.run[0]
        record.labels = program.memory.place(2)
        self._take_steps, record.loss, *move = handles_of(program, dtype.name, kernels, training=True)
        record.move = move[0] if move else -1
        record.short = short is not None
        record.l1, record.l2, record.sum_reduction = objective.l1, objective.l2, objective.reduction == "sum"
        record.clip_value = -1 if descent.clip_value is None else descent.clip_value
        record.clip_norm = -1 if descent.clip_norm is None else descent.clip_norm
        key = np.random.SeedSequence(seed, spawn_key=(Purpose.DROPOUT,)).generate_state(2)
        record.key0, record.key1 = int(key[0]), int(key[1])
        self._memory = program.memory.allocate()
        self._memory[record.one] = 1
        self._memory[record.labels : record.labels + 2] = self._labels
        self._labels_place = int(record.labels)
        self._partials = np.zeros(3 * len(program.pieces))
        self._shares = program.shares()
        self._prepared: tuple[Block, Array, Array, bool] | None = None

    def _small_kernel(self, program: Program, short: ShortForm | None, slots: int) -> Kernel | None:
        """Return the kernel made for the very sizes of this network and batch, if they are small and all is plain."""
        objective, descent, layers = self.objective, self.descent, program.layers
        biases = [layer.product is not None and layer.product.biases is not None for layer in layers[1:]]
        places = small_places([layer.units for layer in layers], biases, self.batch_size, slots)
        activations = tuple(layer.activation for layer in layers[1:])
        plain = (
            isinstance(objective.loss, ElementwiseLoss)
            and (short is None or short.term is not None)
            and all(isinstance(g, Activation) for g in activations)
            and not any(layer.masks for layer in layers)
            and (objective.l1, objective.l2, descent.clip_value, descent.clip_norm) == (0, 0, None, None)
            and bool(self.network.layout.mask("trainable").all())
        )
        if places is None or not plain or not isinstance(descent.optimizer, ElementwiseOptimizer):
            return None
        record = program.run[0]
        record.small = program.memory.place(places.end)
        parts = (activations, objective.loss, short, descent.optimizer.formula, slots, int(record.coefficients))
        dtype = self.network.dtype.name
        return Kernel("take_small_steps", dtype, (dtype, places, *parts))

    # --- steps --------------------------------------------------------------------------------------------------

    def run(self, block: Block, order: Array, bounds: Array, rates: Rates, stop: Callable[[], bool]) -> Steps:
        """Take steps one after the other; see `Engine.run`."""
        optimizer = self.descent.optimizer
        if not isinstance(optimizer, ElementwiseOptimizer):
            return self._run_one_by_one(block, order, bounds, rates, stop)
        cut = FIRST_SMALL_STEP - self.state.step
        if self._small is not None and 0 < cut < len(rates):
            return self._run_in_two(cut, block, order, bounds, rates, stop)
        totals = self._totals(block, order, bounds)
        counted = np.flatnonzero(totals)
        scalars = {name: self.state.optimizer[name].copy() for name in optimizer.scalars}
        all_coefficients = optimizer.coefficients_of_steps(self.state.optimizer, *_rates_of(rates, counted))
        coefficients = all_coefficients
        if len(counted) < len(totals):
            coefficients = np.zeros((len(totals), all_coefficients.shape[1]))
            coefficients[counted] = all_coefficients
        self._adopt_slots(optimizer)
        taken, errors, failed = self._take(block, order, bounds, totals, coefficients, stop)
        moved = int(np.count_nonzero(totals[:taken]))
        if moved < len(counted):  # the scalars must be those of the steps that were taken
            for name, value in scalars.items():
                self.state.optimizer[name][...] = value
            if moved:
                optimizer.coefficients_of_steps(self.state.optimizer, *_rates_of(rates, counted[:moved]))
        half = 0 if self._takes_small_steps else moved
        theta_next = self._theta(half + 1)
        self.network.theta[:] = self._theta(half)
        self.state.step += taken
        met = Steps(errors[:taken], totals[:taken])
        if failed:
            rows = order[bounds[taken] : bounds[taken + 1]]
            error = non_finite_step(self.network, self.objective, block, rows, self.seed, self.state.step, theta_next)
            error.steps = met
            raise error
        return met

    def _run_in_two(
        self, cut: int, block: Block, order: Array, bounds: Array, rates: Rates, stop: Callable[[], bool]
    ) -> Steps:
        """Take steps up to a cut and from there on, since the two are computed by different functions."""
        first = self.run(block, order, bounds[: cut + 1], rates[:cut], stop)
        if len(first) < cut:
            return first
        try:
            return first + self.run(block, order, bounds[cut:], rates[cut:], stop)
        except NonFiniteError as error:
            error.steps = first + error.steps
            raise

    @property
    def _takes_small_steps(self) -> bool:
        return self._small is not None and self.state.step >= FIRST_SMALL_STEP

    def _take(
        self, block: Block, order: Array, bounds: Array, totals: Array, coefficients: Array, stop: Callable[[], bool]
    ) -> tuple[int, Array, bool]:
        """Run the workers from the network's θ; return steps taken, their errors, and whether one more met a NaN."""
        program, record = self._program, self._program.run[0]
        self._theta(0)[:] = self._theta(1)[:] = self.network.theta
        record.first_step = self.state.step
        labels, targets, has_labels = self._targets(block)
        record.labels = self._labels_place if has_labels else -1
        errors = np.zeros(len(totals))
        counters = new_counters()
        job = [program.run, program.stages, program.pieces, program.masks, self._memory]
        rows = [block.x, labels, targets, block.sample_weight, np.ascontiguousarray(order, np.int64)]
        numbers = np.ascontiguousarray(coefficients, self.network.dtype)
        after = [self._shares, np.ascontiguousarray(bounds, np.int64), totals, numbers, errors, self._partials]
        record.moves = bool(coefficients.size) or self._elementwise
        worker, threads = self._take_steps, self._workers
        if self._small is not None and self._takes_small_steps:
            worker, threads = addresses([self._small], announce)[0], 1
        taken = run(worker, threads, [len(totals), *job, *rows, *after], counters, stop)
        return taken, errors, bool(counters[NOT_FINITE] < NEVER)

    def _theta(self, moved: int) -> Array:
        """Return the half of memory where θ is after so many moves."""
        record = self._program.run[0]
        start = int(record.theta) + moved % 2 * int(record.from_gradient)
        return self._memory[start : start + self.network.theta.size]

    def _totals(self, block: Block, order: Array, bounds: Array) -> Array:
        """Return Σw of each step, in float64."""
        weights = block.sample_weight
        if len(weights) and (weights == 1).all():
            return np.diff(bounds).astype(np.float64)
        return np.add.reduceat(weights[order[: bounds[-1]]].astype(np.float64), bounds[:-1])

    def _targets(self, block: Block) -> tuple[Array, Array, bool]:
        """Return labels and targets as the workers read them; one of them is empty."""
        if self._prepared is None or self._prepared[0] is not block:
            labels, targets = np.empty(0, np.int64), np.empty(0, self.network.dtype)
            if block.y.ndim == 1:
                labels = np.ascontiguousarray(block.y, np.int64)
            else:
                targets = np.ascontiguousarray(self.objective.loss.smooth(block.y), self.network.dtype)
            self._prepared = block, labels, targets, block.y.ndim == 1
        return self._prepared[1:]

    def _adopt_slots(self, optimizer: ElementwiseOptimizer) -> None:
        """Let the optimizer's slots be places in the workers' memory, with the numbers that they hold."""
        record, n = self._program.run[0], self.network.theta.size
        for k, name in enumerate(optimizer.slots):
            start = int(record.slots) + k * int(record.from_gradient)
            place = self._memory[start : start + n]
            if self.state.optimizer[name].ctypes.data != place.ctypes.data:
                place[:] = self.state.optimizer[name]
                self.state.optimizer[name] = place

    # --- optimizers that look at all parameters together --------------------------------------------------------

    def _run_one_by_one(
        self, block: Block, order: Array, bounds: Array, rates: Rates, stop: Callable[[], bool]
    ) -> Steps:
        """Take steps whose optimizer asks for the loss and its gradient at several θ."""
        totals = self._totals(block, order, bounds)
        errors = np.zeros(len(totals))
        for i in range(len(totals)):
            if stop():
                return Steps(errors[:i], totals[:i])
            try:
                if totals[i]:
                    errors[i] = self._one_step(block, order[bounds[i] : bounds[i + 1]], totals[i : i + 1], rates, i)
            except NonFiniteError as error:
                error.steps = Steps(errors[:i], totals[:i])
                raise
            self.state.step += 1
        return Steps(errors, totals)

    def _one_step(self, block: Block, rows: Array, total: Array, rates: Rates, i: int) -> float:
        net, start = self.network, self.network.theta.copy()
        bounds, nothing = np.array([0, len(rows)]), np.empty((1, 0))
        record, penalties = self._program.run[0], self._partials.reshape(-1, 3)[:, 0]
        scale = float(total[0]) if self.objective.reduction == "sum" else 1.0

        def loss_and_gradient(theta: Array) -> tuple[float, Array]:
            kept = net.theta.copy()
            net.theta[:] = theta
            try:
                taken, errors, failed = self._take(block, rows, bounds, total, nothing, lambda: False)
                if failed and np.array_equal(theta, start, equal_nan=True):
                    raise non_finite_step(net, self.objective, block, rows, self.seed, self.state.step, start)
            finally:
                net.theta[:] = kept
            penalty = float(penalties.sum())
            loss = (float(errors[0]) - penalty) * scale + penalty if taken else float("nan")
            gradient = self._memory[int(record.gradient) : int(record.gradient) + net.theta.size].copy()
            return loss, gradient

        momentum = None if rates.momentum is None else float(rates.momentum[i])
        rate = float(rates.learning_rate[i])
        loss = self.descent.optimizer.step(net.theta, loss_and_gradient, self.state.optimizer, rate, momentum)
        trainable = net.layout.mask("trainable")
        net.theta[~trainable] = start[~trainable]
        if not np.isfinite(net.theta).all():
            moved = net.theta.copy()
            net.theta[:] = start
            raise non_finite_step(net, self.objective, block, rows, self.seed, self.state.step, moved)
        penalty = float(self.objective.penalty(start.astype(np.float64), net.layout))
        return (loss - penalty) / scale + penalty

    # --- evaluation ---------------------------------------------------------------------------------------------

    def row_errors(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the error and the prediction of each row; see `Engine.row_errors`."""
        targets = y if y.ndim == 1 else self.objective.loss.smooth(y)
        return self._evaluator.errors(self.network.theta, x, targets)

    def losses(self, thetas: Array, block: Block) -> Array:
        """Return the error of the block for each θ of a stack; see `Engine.losses`."""
        c = self.objective.coefficients(block.sample_weight)
        targets = block.y if block.y.ndim == 1 else self.objective.loss.smooth(block.y)
        own = np.asarray(thetas, self.network.dtype)
        errors = self._evaluator.errors_of_population(own, block.x, targets, c)
        penalties: Array = np.asarray(self.objective.penalty(thetas, self.network.layout))
        return errors + penalties


def _rates_of(rates: Rates, which: Array) -> tuple[Array, Array | None]:
    if len(which) == len(rates):
        return rates.learning_rate, rates.momentum
    return rates.learning_rate[which], None if rates.momentum is None else rates.momentum[which]
