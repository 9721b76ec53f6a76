"""The compiled engine: the same steps as the reference engine's, in machine code and on several threads.

Layers lower to a plan, the plan to tables and one long memory; what then runs is `glassnet.compiled.steps`. Here
training's terms meet those: rows, rates, stops, and what to say when a number is not finite.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.evaluator import Evaluator, handles_of, labels_and_targets
from glassnet.compiled.machine_code import Kernel, NotCompilable, addresses
from glassnet.compiled.passes import Passes
from glassnet.compiled.program import Program
from glassnet.compiled.records import NOT_FINITE, Rows
from glassnet.compiled.sizes import FIRST_SMALL_STEP, small_places
from glassnet.compiled.team import NEVER, cores, new_counters, run
from glassnet.engines.engine import Block, Descent, Engine, Rates, Steps
from glassnet.engines.nonfinite.place import non_finite_step
from glassnet.engines.notes import NOTES, Notes, Truth, truth_of
from glassnet.errors import NonFiniteError
from glassnet.maths.activation import Activation
from glassnet.maths.loss import ElementwiseLoss, ShortForm
from glassnet.maths.optimizers import ElementwiseOptimizer
from glassnet.maths.random import dropout_key
from glassnet.network.backprop import short_form
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.rows import RowPass

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
        dtype, loss, optimizer = network.dtype, objective.loss, descent.optimizer
        size, inputs, plan = network.theta.size, network.input_shape[0], network.plan()
        self._threads = threads or cores()
        work = 3 * network.multiplications * batch_size
        self._workers = max(1, min(self._threads, work // WORK_FOR_A_THREAD))
        self._program = program = Program(plan, inputs, dtype, size, batch_size, self._workers)
        settings = program.run[0]
        short = short_form(network.layers, objective)
        kernels = [Kernel("take_steps", dtype.name), Kernel("loss", dtype.name, (loss, short))]
        slots = 0
        if isinstance(optimizer, ElementwiseOptimizer):
            slots, settings.moves = len(optimizer.slots), True
            settings.coefficients = len(optimizer.coefficients(optimizer.init(network.theta[:1])))
            kernels.append(Kernel("move", dtype.name, (optimizer.formula, slots, int(settings.coefficients))))
        layout = network.layout
        wants_whole = descent.clip_norm is not None or not settings.moves
        program.for_training(slots, ~layout.mask("trainable"), layout.mask("penalised"), wants_whole)
        self._take_steps, settings.loss, *move = handles_of(program, dtype.name, kernels, training=True)
        settings.move = move[0] if move else -1
        settings.short = short is not None
        settings.l1, settings.l2, settings.sum_reduction = objective.l1, objective.l2, objective.reduction == "sum"
        settings.clip_value = -1 if descent.clip_value is None else descent.clip_value
        settings.clip_norm = -1 if descent.clip_norm is None else descent.clip_norm
        settings.key0, settings.key1 = dropout_key(seed)
        settings.threshold = 0 if objective.loss.threshold is None else objective.loss.threshold

        self._small, self._small_steps = self._small_kernel(short, slots), 0
        self._labels = program.memory.place(2)
        self._memory = program.memory.allocate()
        self._memory[settings.one] = 1
        if settings.free >= 0:
            self._memory[settings.free : settings.free + size] = layout.mask("trainable")
        numbers = one_hot(np.zeros(1, np.int64), loss, max(2, network.outputs), dtype)[0, :2]
        self._memory[self._labels : self._labels + 2] = numbers
        self._partials = np.zeros(3 * len(program.pieces))
        self._shares = program.shares()
        self._taken_in: tuple[Block, Rows, bool] | None = None
        self._truth = Truth.NUMBERS  # what the rows of the block have as truth
        self._noted: tuple[Array, Array] | None = None  # the last θ that a line search looked at, and its notes
        self._ones: Array | None = None  # the weights of the block that was taken in, where all are 1
        self._evaluator_of = plan, inputs, dtype, size, self._threads, (loss, short, numbers)

    @functools.cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(*self._evaluator_of)

    def _small_kernel(self, short: ShortForm | None, slots: int) -> Kernel | None:
        """Return the kernel made for the very sizes of this network and batch, if they are small and all is plain.

        Its numbers get a place in the memory, which must not be allocated yet.
        """
        objective, descent, layers = self.objective, self.descent, self._program.layers[1:]
        if not isinstance(objective.loss, ElementwiseLoss) or not isinstance(descent.optimizer, ElementwiseOptimizer):
            return None
        if not (short is None or short.term is not None) or not self.network.layout.mask("trainable").all():
            return None
        if (objective.l1, objective.l2, descent.clip_value, descent.clip_norm) != (0, 0, None, None):
            return None
        if not all(isinstance(layer.activation, Activation) for layer in layers):
            return None
        if any(layer.masks for layer in self._program.layers):
            return None
        products = [layer.product for layer in layers if layer.product is not None]
        places = small_places(products, self.batch_size, slots)
        if places is None:
            return None
        settings, dtype = self._program.run[0], self.network.dtype.name
        settings.small = self._program.memory.place(places.end)
        activations = tuple(layer.activation for layer in layers)
        numbers = slots, int(settings.coefficients)
        parts = (dtype, places, activations, objective.loss, short, descent.optimizer.formula, *numbers)
        return Kernel("take_small_steps", dtype, parts)

    # --- steps --------------------------------------------------------------------------------------------------

    def run(
        self,
        block: Block,
        order: Array,
        bounds: Array,
        rates: Rates,
        stop: Callable[[], bool],
        notes: Notes | None = None,
    ) -> Steps:
        """Take steps one after the other; see `Engine.run`."""
        optimizer, state = self.descent.optimizer, self.state.optimizer
        if not isinstance(optimizer, ElementwiseOptimizer):
            return self._run_one_by_one(block, order, bounds, rates, stop, notes)
        cut = FIRST_SMALL_STEP - self.state.step
        if self._small is not None and 0 < cut < len(rates):
            return self._run_in_two(cut, block, order, bounds, rates, stop, notes)
        totals = self._totals(block, order, bounds)
        counted = np.flatnonzero(totals)  # other steps are skipped
        ahead = {name: state[name].copy() for name in optimizer.scalars}
        coefficients = np.zeros((len(totals), int(self._program.run[0].coefficients)))
        coefficients[counted] = optimizer.coefficients_of_steps(ahead, *_rates_of(rates, counted))
        self._adopt_slots(optimizer)
        taken, errors, failed, theta, theta_next = self._take(block, order, bounds, totals, coefficients, stop, notes)
        moved = int(np.count_nonzero(totals[:taken]))
        if moved < len(counted):  # the scalars must be those of the steps that were taken
            ahead = {name: state[name].copy() for name in optimizer.scalars}
            if moved:
                optimizer.coefficients_of_steps(ahead, *_rates_of(rates, counted[:moved]))
        state.update(ahead)
        self.network.theta[:] = theta
        self.state.step += taken
        met = Steps(errors[:taken], totals[:taken])
        if failed:
            rows = order[bounds[taken] : bounds[taken + 1]]
            error = non_finite_step(self.network, self.objective, block, rows, self.seed, self.state.step, theta_next)
            error.steps = met
            raise error
        return met

    def _run_in_two(
        self,
        cut: int,
        block: Block,
        order: Array,
        bounds: Array,
        rates: Rates,
        stop: Callable[[], bool],
        notes: Notes | None,
    ) -> Steps:
        """Take steps up to a cut and from there on, since the two are computed by different functions."""
        first = self.run(block, order, bounds[: cut + 1], rates[:cut], stop, notes)
        if len(first) < cut:
            return first
        try:
            return first + self.run(block, order, bounds[cut:], rates[cut:], stop, notes)
        except NonFiniteError as error:
            error.steps = first + error.steps
            raise

    def _take(
        self,
        block: Block,
        order: Array,
        bounds: Array,
        totals: Array,
        coefficients: Array,
        stop: Callable[[], bool],
        notes: Notes | None,
    ) -> tuple[int, Array, bool, Array, Array]:
        """Run the workers from the network's θ.

        Returns
        -------
        How many steps were taken, the errors they met, whether one more met a NaN, θ, and what that one made of it.
        """
        program, settings = self._program, self._program.run[0]
        self._theta(0)[:] = self._theta(1)[:] = self.network.theta
        settings.first_step = self.state.step
        rows, has_labels = self._take_in(block)
        settings.truth = 0
        if notes is not None:
            settings.truth, settings.rows, settings.met = self._truth.value, len(block), notes.place
        settings.labels = self._labels if has_labels else -1
        rows = rows._replace(order=np.ascontiguousarray(order, np.int64))
        errors, counters = np.zeros(len(totals)), new_counters()
        job = [program.run, program.stages, program.pieces, program.masks, program.groups, self._memory, *rows]
        numbers = np.ascontiguousarray(coefficients, self.network.dtype)
        after = [self._shares, np.ascontiguousarray(bounds, np.int64), totals, numbers, errors, self._partials]
        after.append(np.empty(1, self.network.dtype) if notes is None else notes.values)
        small = self._find_small_steps()
        worker, threads = (small, 1) if small else (self._take_steps, self._workers)
        taken = run(worker, threads, [len(totals), *job, *after], counters, stop)
        half = 0 if small else int(np.count_nonzero(totals[:taken]))  # small steps leave θ in its first place
        return taken, errors, bool(counters[NOT_FINITE] < NEVER), self._theta(half), self._theta(half + 1)

    def _find_small_steps(self) -> int:
        """Return the handle of the steps for a small network, if the next ones are such; 0 otherwise."""
        if self._small is None or self.state.step < FIRST_SMALL_STEP:
            return 0
        if not self._small_steps:
            try:
                self._small_steps = addresses([self._small])[0]
            except NotCompilable:  # what compiles alone may not compile together; the other steps go on
                self._small = None
        return self._small_steps

    def _theta(self, moved: int) -> Array:
        """Return the half of memory where θ is after so many moves."""
        settings = self._program.run[0]
        start = int(settings.theta) + moved % 2 * int(settings.stride)
        return self._memory[start : start + self.network.theta.size]

    def _totals(self, block: Block, order: Array, bounds: Array) -> Array:
        """Return Σw of each step, in float64."""
        if self._take_in(block)[0].weight is self._ones:
            return np.diff(bounds).astype(np.float64)
        return np.add.reduceat(block.sample_weight[order[: bounds[-1]]].astype(np.float64), bounds[:-1])

    def _take_in(self, block: Block) -> tuple[Rows, bool]:
        """Return a block's rows as the workers read them, all but their order, and whether they have labels."""
        if self._taken_in is None or self._taken_in[0] is not block:
            dtype = self.network.dtype
            has_labels = block.y.ndim == 1
            labels, targets = labels_and_targets(block.y if has_labels else self.objective.loss.smooth(block.y), dtype)
            x, weight = np.ascontiguousarray(block.x, dtype), np.ascontiguousarray(block.sample_weight, dtype)
            self._ones = weight if (weight == 1).all() else None
            self._taken_in = block, Rows(x, labels, targets, weight, None), has_labels
            self._truth = truth_of(block.y, self.objective.loss)
        return self._taken_in[1:]

    def _adopt_slots(self, optimizer: ElementwiseOptimizer) -> None:
        """Let the optimizer's slots be places in the workers' memory, with the numbers that they hold."""
        settings, n = self._program.run[0], self.network.theta.size
        for k, name in enumerate(optimizer.slots):
            start = int(settings.slots) + k * int(settings.stride)
            place = self._memory[start : start + n]
            if self.state.optimizer[name].ctypes.data != place.ctypes.data:
                place[:] = self.state.optimizer[name]
                self.state.optimizer[name] = place

    # --- optimizers that look at all parameters together --------------------------------------------------------

    def _run_one_by_one(
        self,
        block: Block,
        order: Array,
        bounds: Array,
        rates: Rates,
        stop: Callable[[], bool],
        notes: Notes | None,
    ) -> Steps:
        """Take steps whose optimizer asks for the loss and its gradient at several θ."""
        totals = self._totals(block, order, bounds)
        errors = np.zeros(len(totals))
        for i in range(len(totals)):
            if stop():
                return Steps(errors[:i], totals[:i])
            try:
                if totals[i]:
                    rows, total = order[bounds[i] : bounds[i + 1]], totals[i : i + 1]
                    noted = None if notes is None else Notes(notes.values, notes.place + int(bounds[i]))
                    errors[i] = self._one_step(block, rows, total, rates, i, noted)
            except NonFiniteError as error:
                error.steps = Steps(errors[:i], totals[:i])
                raise
            self.state.step += 1
        return Steps(errors, totals)

    def _one_step(self, block: Block, rows: Array, total: Array, rates: Rates, i: int, notes: Notes | None) -> float:
        net, start = self.network, self.network.theta.copy()
        bounds, nothing = np.array([0, len(rows)]), np.empty((1, 0))
        penalties = self._partials.reshape(-1, 3)[:, 0]
        scale = float(total[0]) if self.objective.reduction == "sum" else 1.0
        at_start: list[Array] = []  # what is noted where the step starts
        masks = any(layer.masks for layer in self._program.layers)
        if self._noted is not None and not masks and np.array_equal(self._noted[0], start):
            at_start.append(self._noted[1])  # a line search does not look again where the last one ended

        def loss_and_gradient(theta: Array) -> tuple[float, Array]:
            kept = net.theta.copy()
            net.theta[:] = theta
            there = None if notes is None else Notes(np.full((1, len(block), NOTES), np.nan, net.dtype), 0)
            try:
                taken, errors, failed, *_ = self._take(block, rows, bounds, total, nothing, lambda: False, there)
                if failed and np.array_equal(theta, start, equal_nan=True):
                    raise non_finite_step(net, self.objective, block, rows, self.seed, self.state.step, start)
            finally:
                net.theta[:] = kept
            if there is not None:
                self._noted = theta.copy(), there.values[0]
                if not at_start and np.array_equal(theta, start):
                    at_start.append(there.values[0])
            penalty = float(penalties.sum())
            loss = (float(errors[0]) - penalty) * scale + penalty if taken else float("nan")
            place = int(self._program.run[0].gradient)
            return loss, self._memory[place : place + net.theta.size].copy()

        momentum = None if rates.momentum is None else float(rates.momentum[i])
        rate = float(rates.learning_rate[i])
        loss = self.descent.optimizer.step(net.theta, loss_and_gradient, self.state.optimizer, rate, momentum)
        if notes is not None:
            if not at_start:  # a run that is resumed
                last = self._noted
                loss_and_gradient(start)
                self._noted = last
            notes.write(0, rows, at_start[0][rows])
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

    def row_passes(self, x: Array, y: Array) -> Iterator[RowPass]:
        """Give passes in which each row stands for itself; see `Engine.row_passes`."""
        net, layers = self.network, self.network.layers
        targets = y if y.ndim == 1 else self.objective.loss.smooth(y)
        for errors, outputs, blames in self._passes.of(net.theta, x, targets):
            a, blame, stage = [outputs[0]], list[Array](), 0
            for k in range(len(layers)):
                stage += k in self._products  # another layer hands on what it hears, as there is no dropout
                a.append(outputs[stage])
            for k in reversed(range(len(layers))):
                if k in self._products:
                    blame.insert(0, blames[self._products.index(k)])
                else:
                    blame.insert(0, blame[0] @ net.weights[k + 1].T if k + 1 in self._products else blame[0])
            yield RowPass(errors, a, blame)

    @functools.cached_property
    def _products(self) -> list[int]:
        """The layers that are a stage of the program."""
        return [k for k, weights in enumerate(self.network.weights) if weights is not None]

    @functools.cached_property
    def _passes(self) -> Passes:
        return Passes(*self._evaluator_of)

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
