"""The arena: all that a rival may ask of a network and its rows, each question counted.

One evaluation is one θ on one row. A pass forward and backward counts as three, since it has three products where a
forward pass has one; so does a forward pass that carries one derivative along. Everything is computed in float64,
without dropout. The populations ride through the compiled engine on all cores.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.compiled.sizes import FIRST_SMALL_STEP
from glassnet.compiled.team import cores
from glassnet.engines import Block, Descent, Engine, Rates, make_engine
from glassnet.errors import InputError, NonFiniteError
from glassnet.maths.optimizers import ElementwiseOptimizer, Optimizer
from glassnet.network.backprop import Pass
from glassnet.network.dropout import Dropout
from glassnet.network.inputs import are_classes, one_hot
from glassnet.network.layer import Layer
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Layout, Parameters, Shape
from glassnet.rivals.mistakes import mistakes_for
from glassnet.rivals.passes import Carry, Start, pass_back, pass_forward, slopes_along

Array = NDArray[Any]

FORWARD, FORWARD_AND_BACKWARD = 1, 3
"""What a row costs, in evaluations."""

_SECONDS_OF_A_PIECE = 0.05
"""Where time is limited, a population is asked about in pieces of about so long, the clock read between them."""


class BudgetSpent(Exception):
    """A question would cost more than is left."""


@final
class Arena:
    """A network and rows for one rival to try itself on.

    Parameters
    ----------
    network : Network
        Copied; what the rival does never reaches the original.
    objective : Objective
    block : Block
        The rows to train on.
    score : {"error", "accuracy"}
        What `costs` gives.
    engine : {"compiled", "reference"}
    threads : int or None

    Attributes
    ----------
    evaluations : int
        Asked so far: one is one θ on one row, forward; forward and backward is three.
    layers, shapes, layout, objective
        The network's description, to decide by; what it computes is asked of the arena.
    x, y, targets, sample_weight : arrays
        The rows: (m, inputs); (m, outputs) as the loss reads the truth; as it was given; (m,).
    rows : int
        m.
    size : int
        n, the length of θ.
    free : (f,) int array
        The entries of θ that may move: links that exist and are trainable. All others must keep their value.
    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        block: Block,
        *,
        score: str = "error",
        engine: str = "compiled",
        threads: int | None = None,
    ) -> None:
        if score not in ("error", "accuracy"):
            raise InputError(f"score is {score!r}; expected 'error' or 'accuracy'.")
        self._net = without_dropout(network)
        self.objective, self.score = objective, score
        self.layers: tuple[Layer, ...] = self._net.layers
        self.shapes: list[Shape] = self._net.shapes
        self.layout: Layout = self._net.layout
        self.x = np.ascontiguousarray(block.x, np.float64)
        self.targets = block.y if block.y.ndim == 1 else block.y.astype(np.float64)
        self.sample_weight = block.sample_weight.astype(np.float64)
        self._block = Block(self.x, self.targets, self.sample_weight)
        self.y: Array = one_hot(self.targets, objective.loss, self._net.outputs, self._net.dtype)
        for array in (self.x, self.y, self.targets, self.sample_weight):
            array.setflags(write=False)
        self.rows, self.size = len(self.x), self._net.theta.size
        self.free = np.flatnonzero(self.layout.mask("trainable"))
        self._bound = ~self.layout.mask("trainable")
        self._engine_name, self._threads = engine, threads
        self._looker = _Looker()
        self._engine = self._make_engine(objective, self._looker, self.rows)
        self.has_classes = are_classes(self.targets) or (
            objective.loss.threshold is not None and self.targets.ndim == 2 and self.targets.shape[1] == 1
        )
        if score == "accuracy" and not self.has_classes:
            raise InputError("score is 'accuracy', but the rows have no classes to be right about; use 'error'.")
        self._judge: Engine | None = None
        self.evaluations = 0
        self._most: int | None = None
        self._deadline, self._used, self._since = np.inf, 0.0, time.perf_counter()
        self._counts = True
        self._pace: float | None = None  # seconds of one θ on one row, in a population, as last seen

    # --- the budget ---------------------------------------------------------------------------------------------

    def start(self, evaluations: int | None = None, seconds: float | None = None) -> None:
        """Set count and clock to 0 and say how far they may go; called by whoever runs the race."""
        self.evaluations, self._most = 0, evaluations
        self._used, self._since = 0.0, time.perf_counter()
        self._deadline = np.inf if seconds is None else seconds

    @property
    def seconds(self) -> float:
        """Seconds on the clock since the start."""
        return self._used + (time.perf_counter() - self._since if self._counts else 0.0)

    @property
    def left(self) -> float:
        """Evaluations left; infinity where they are not limited."""
        return np.inf if self._most is None else self._most - self.evaluations

    @property
    def affordable(self) -> float:
        """How many θ on all rows the seconds left pay for, at the speed of now; infinity where time is not limited.

        Where the speed is not known yet, a few θ are timed, uncounted.
        """
        if not np.isfinite(self._deadline):
            return np.inf
        if self._pace is None:
            with self.resting():
                few = np.tile(self._net.theta, (self._abreast, 1))
                self.costs(few)  # whatever is compiled or allocated at first use
                began = time.perf_counter()
                self.costs(few)
                self._pace = (time.perf_counter() - began) / (len(few) * self.rows)
        return max(0.0, self._deadline - self.seconds) / max(self._pace * self.rows, 1e-12)

    @property
    def share(self) -> float:
        """The share of the budget that is used, from 0 to 1: of evaluations or of time, whichever is the larger.

        For what must cool down by the end. With a budget of time it differs from run to run.
        """
        parts = [0.0]
        if self._most:
            parts.append(self.evaluations / self._most)
        if np.isfinite(self._deadline):
            parts.append(self.seconds / self._deadline)
        return min(1.0, max(parts))

    @contextlib.contextmanager
    def resting(self) -> Iterator[None]:
        """Neither count nor let the clock run: for whoever judges a rival, never for the rival."""
        if not self._counts:
            yield
            return
        self._used, self._counts = self.seconds, False
        try:
            yield
        finally:
            self._counts, self._since = True, time.perf_counter()

    def _spend(self, evaluations: int) -> None:
        """Count before computing; refuse what goes beyond the budget."""
        if not self._counts:
            return
        if evaluations > self.left or self.seconds >= self._deadline:
            raise BudgetSpent
        self.evaluations += evaluations

    # --- questions ----------------------------------------------------------------------------------------------

    def losses(self, thetas: Array, rows: Array | None = None) -> Array:
        """Return the error of each θ of a stack (p, n): (p,). Costs p·m evaluations.

        What is not a number comes as infinity, so that it is never the smallest.

        Parameters
        ----------
        thetas : (p, n) array
        rows : (r,) int array or None
            Which rows; None is all.
        """
        return self._population(self._engine, thetas, rows)

    def accuracies(self, thetas: Array, rows: Array | None = None) -> Array:
        """Return the share of rows whose class is right, for each θ of a stack: (p,). Costs p·m evaluations.

        A tie between classes counts as wrong.
        """
        if self._judge is None:
            if not self.has_classes:
                raise InputError("The rows have no classes to be right about.")
            mistakes = mistakes_for(self.objective.loss, self._net.outputs)
            self._judge = self._make_engine(Objective(mistakes), self._looker, self.rows)
        return 1.0 - self._population(self._judge, thetas, rows)

    def costs(self, thetas: Array, rows: Array | None = None) -> Array:
        """Return what a rival that only tries makes smaller: the error, or 1 − accuracy, as the race's score says."""
        return self.losses(thetas, rows) if self.score == "error" else 1.0 - self.accuracies(thetas, rows)

    def gradient(self, theta: Array, rows: Array | None = None) -> tuple[float, Array]:
        """Return the error and its gradient (n,) by backpropagation; 0 where θ must not move. Costs 3 a row.

        Raises
        ------
        NonFiniteError
            If a NaN or an infinity comes up.
        """
        order = np.arange(self.rows) if rows is None else np.asarray(rows, np.int64)
        self._spend(FORWARD_AND_BACKWARD * len(order))
        self._engine.network.theta[:] = theta
        self._engine.run(self._block, order, np.array([0, len(order)]), _rates(1), _never)
        loss, gradient = self._looker.seen
        gradient[self._bound] = 0.0
        return loss, gradient

    def descend(self, theta: Array, optimizer: ElementwiseOptimizer, batch_size: int) -> Callable[[Array], Array]:
        """Return a function that takes an optimizer's steps by backpropagation, in machine code, from θ on.

        It is given rows (r,) in the order in which they are met, takes one step for each `batch_size` of them and
        returns the θ it reached, (n,): an array that the next call writes over. Costs 3 a row. When time is over
        it stops between two steps, and those not taken are not counted.
        """
        engine = self._make_engine(self.objective, optimizer, batch_size)
        self._warm_up(optimizer, batch_size)
        engine.network.theta[:] = theta

        def take(order: Array) -> Array:
            self._spend(FORWARD_AND_BACKWARD * len(order))
            bounds = np.append(np.arange(0, len(order), batch_size), len(order))
            rates = _rates(len(bounds) - 1, optimizer.learning_rate)
            taken = engine.run(self._block, order, bounds, rates, self._is_over)
            if self._counts:  # steps that the deadline left out were not taken
                self.evaluations -= FORWARD_AND_BACKWARD * (len(order) - int(bounds[len(taken)]))
            return engine.network.theta

        return take

    def _warm_up(self, optimizer: ElementwiseOptimizer, batch_size: int) -> None:
        """Let an engine of the same kind take a step of each sort, uncounted: what is new must be compiled first."""
        with self.resting():
            other = self._make_engine(self.objective, optimizer, batch_size)
            order = np.arange(min(batch_size, self.rows))
            for step in (0, FIRST_SMALL_STEP):
                other.network.theta[:] = self._net.theta
                other.state.step = step
                with contextlib.suppress(NonFiniteError):
                    other.run(self._block, order, np.array([0, len(order)]), _rates(1), _never)

    def _is_over(self) -> bool:
        return self._counts and self.seconds >= self._deadline

    def slopes(self, theta: Array, directions: Array, rows: Array | None = None) -> tuple[float, Array]:
        """Return the error and its derivative along each direction (p, n): (p,), carried forward, exactly.

        Costs 1 + 2p a row: each direction has two products where the forward pass has one.
        """
        x, y, weight = self._rows(rows)
        self._spend((FORWARD + 2 * len(directions)) * len(x))
        parameters = Parameters(self.layout, np.asarray(theta, np.float64))
        with np.errstate(all="ignore"):
            return slopes_along(self.layers, parameters, self.objective, x, y, weight, directions)

    def forward(self, theta: Array, rows: Array | None = None) -> Pass:
        """Return z, a and the errors of rows, as a `Pass` without blame and with a gradient of 0. Costs 1 a row."""
        x, y, weight = self._rows(rows)
        self._spend(FORWARD * len(x))
        with np.errstate(all="ignore"):
            return pass_forward(self.layers, self._views(theta), self.objective, x, y, weight)

    def textbook(
        self,
        theta: Array,
        rows: Array | None = None,
        *,
        start: Start | None = None,
        carry: Carry | None = None,
        slopes: bool = True,
    ) -> Pass:
        """Return a pass forward and backward in which blame may travel by another rule. Costs 3 a row.

        With none of the options it is backpropagation. The gradient is a_j·δ_i of whatever blame came, and 0 where θ
        must not move.

        Parameters
        ----------
        theta : (n,) array
        rows : (r,) int array or None
        start : callable or None
            ``start(p) -> (r, outputs)`` gives the last layer's δ in place of ∂E/∂z; p has z, a, coefficient (the share
            cᵢ of each row, to multiply by) and blame so far.
        carry : callable or None
            ``carry(k, p) -> (r, inputs of layer k)`` stands in place of δ_k Wᵀ, what comes out of layer k on the way
            back; ``p.blame[j]`` is known for j ≥ k. Not asked for k = 0.
        slopes : bool
            Whether g′(z) of hidden layers is multiplied in.
        """
        x, y, weight = self._rows(rows)
        self._spend(FORWARD_AND_BACKWARD * len(x))
        with np.errstate(all="ignore"):
            p = pass_forward(self.layers, self._views(theta), self.objective, x, y, weight)
            pass_back(self.layers, self._views(theta), self.objective, y, p, start, carry, slopes)
        p.gradient.theta[self._bound] = 0.0
        return p

    # --- how it is done -----------------------------------------------------------------------------------------

    def _population(self, engine: Engine, thetas: Array, rows: Array | None) -> Array:
        stack = np.ascontiguousarray(np.atleast_2d(thetas), np.float64)
        block = self._block if rows is None else self._part(np.asarray(rows, np.int64))
        if self._counts and np.isfinite(self._deadline):
            losses = self._by_the_clock(engine, stack, block)
        else:
            self._spend(FORWARD * len(stack) * len(block))
            with np.errstate(all="ignore"):
                losses = engine.losses(stack, block)
        return np.where(np.isnan(losses), np.inf, losses)

    def _by_the_clock(self, engine: Engine, stack: Array, block: Block) -> Array:
        """Ask about a stack in pieces, so that time can end between them; only what is computed is counted.

        The compiled engine gives the bits of one question; the reference sums by BLAS, and may differ in the last one.
        """
        if FORWARD * len(stack) * len(block) > self.left:
            raise BudgetSpent
        losses = np.empty(len(stack))
        done = 0
        while done < len(stack):
            piece = stack[done : done + self._piece(len(block))]
            self._spend(FORWARD * len(piece) * len(block))
            began = time.perf_counter()
            with np.errstate(all="ignore"):
                losses[done : done + len(piece)] = engine.losses(piece, block)
            self._pace = (time.perf_counter() - began) / max(1, len(piece) * len(block))
            done += len(piece)
        return losses

    def _piece(self, rows: int) -> int:
        """Return how many θ to ask about before the next look at the clock: a whole number for each thread."""
        if self._pace is None:
            return self._abreast
        seconds = min(_SECONDS_OF_A_PIECE, max(0.0, self._deadline - self.seconds))
        rounds = int(seconds / max(self._pace * rows * self._abreast, 1e-12))
        return self._abreast * max(1, rounds)

    @property
    def _abreast(self) -> int:
        """How many θ are computed at the same time."""
        return (self._threads or cores()) if self._engine_name == "compiled" else 1

    def _part(self, rows: Array) -> Block:
        return Block(self.x[rows], self.targets[rows], self.sample_weight[rows])

    def _rows(self, rows: Array | None) -> tuple[Array, Array, Array]:
        if rows is None:
            return self.x, self.y, self.sample_weight
        return self.x[rows], self.y[rows], self.sample_weight[rows]

    def _views(self, theta: Array) -> Parameters:
        return Parameters(self.layout, np.asarray(theta, np.float64))

    def _make_engine(self, objective: Objective, optimizer: Optimizer, batch_size: int) -> Engine:
        network = self._net.copy()
        return make_engine(self._engine_name, network, objective, Descent(optimizer), batch_size, 0, self._threads)


def without_dropout(network: Network) -> Network:
    """Return a copy in float64 whose Dropout layers leave nothing out, with θ in the same places."""
    layers = [Dropout(0.0) if isinstance(layer, Dropout) else layer for layer in network.layers]
    copy = Network(network.input_shape, layers, seed=network.seed, dtype=np.float64)
    copy.theta[:] = network.theta
    return copy


@final
class _Looker(Optimizer):
    """Looks at the gradient and moves nothing; how an engine is asked for one."""

    name = "look"
    learning_rate = 0.0

    def __init__(self) -> None:
        self.seen: tuple[float, Array] = (0.0, np.empty(0))

    def init(self, theta: Array) -> dict[str, Array]:
        return {}

    def update(self, theta: Array, gradient: Array, *_: Any) -> None:
        """Move nothing."""

    def step(self, theta: Array, loss_and_gradient: Any, *_: Any) -> float:
        self.seen = loss_and_gradient(theta)
        return float(self.seen[0])


def _rates(steps: int, learning_rate: float = 0.0) -> Rates:
    return Rates(np.full(steps, learning_rate))


def _never() -> bool:
    return False
