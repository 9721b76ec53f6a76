"""What one step costs as networks grow: a gradient by backpropagation and by nudging every weight, both measured.

Times are divided by that of a forward pass over the same rows, by the same machine code on one thread. What is left is
how the method itself grows: not at all for backpropagation, as the number of weights for the numerical derivative.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from glassnet.engines import Block, Descent, Rates, make_engine
from glassnet.maths.optimizers import SGD
from glassnet.network import Dense, Network
from glassnet.network.objective import Objective
from glassnet.racing.records import Cost

SIZES: tuple[tuple[int, ...], ...] = (
    (2, 2, 1),
    (4, 6, 4),
    (10, 20, 4),
    (32, 32, 10),
    (64, 100, 32, 10),
    (64, 256, 50, 10),
    (784, 100, 100, 10),
    (784, 300, 200, 10),
    (784, 1000, 210, 10),
)
"""Units of the networks, from 9 to about a million weights."""

_WORK_OF_A_PASS = 3e7
_SAMPLE_SECONDS = 0.15


def cost_of_step(
    sizes: Sequence[Sequence[int]] = SIZES, *, repeats: int = 5, tell: Callable[[int], None] | None = None
) -> Cost:
    """Measure what one gradient costs, in forward passes, for networks of growing size.

    Parameters
    ----------
    sizes : sequence of sequences of int
        The units of each network, from input to output.
    repeats : int
        How often each is timed; the shortest counts.
    tell : callable or None
        Hears the number of weights before each network is timed.

    Returns
    -------
    Cost
        The numerical derivative is timed on as many weights as fit into a moment, all of them in small networks, and
        reckoned for the rest; ``sampled`` says how many.

    Examples
    --------
    >>> cost = cost_of_step([(2, 2, 1), (8, 8, 1)], repeats=1)
    >>> cost.weights, cost.sampled[0]
    ((9, 81), 9)
    """
    found = []
    for units in sizes:
        net = Network(units[0], [*(Dense(n, "tanh") for n in units[1:-1]), Dense(units[-1])], dtype="float32")
        if tell is not None:
            tell(net.layout.parameters)
        found.append(_measure(net, repeats))
    return Cost(*(tuple(column) for column in zip(*found, strict=True)))


def _measure(net: Network, repeats: int) -> tuple[int, int, float, float, float, int]:
    """Return weights, rows, seconds of a forward pass, both gradients in forward passes, and the weights nudged."""
    n, units = net.layout.parameters, sum(shape[0] for shape in net.shapes)
    rows = int(np.clip(_WORK_OF_A_PASS / (n + 10 * units), 256, 40_000))
    chance = np.random.default_rng(0)
    x = chance.standard_normal((rows, net.input_shape[0]), np.float32)
    y = chance.standard_normal((rows, net.outputs), np.float32)
    block = Block(x, y, np.ones(rows, np.float32))
    still = SGD(0.0)
    objective = Objective(net.objective("squared_error").loss)
    engine = make_engine("compiled", net, objective, Descent(still), rows, 0, 1)
    order, bounds, rates = np.arange(rows), np.array([0, rows]), Rates(np.zeros(1))
    theta = net.theta

    def forward() -> None:
        engine.row_errors(x, y)

    def backprop() -> None:
        engine.run(block, order, bounds, rates, _never)

    def nudge(i: int) -> None:
        kept = theta[i]
        theta[i] = kept + np.float32(1e-3)
        engine.row_errors(x, y)
        theta[i] = kept

    forward()
    backprop()
    times = [(_seconds(forward), _seconds(backprop)) for _ in range(repeats)]
    forward_time, backprop_time = (min(column) for column in zip(*times, strict=True))
    sampled = int(np.clip(_SAMPLE_SECONDS / forward_time, 8, n)) if n > 8 else n
    chosen = np.sort(chance.choice(n, sampled, replace=False))

    def nudge_all() -> None:
        for i in chosen.tolist():
            nudge(i)

    nudges = [_seconds(nudge_all) for _ in range(min(2, repeats))]
    numerical = forward_time + min(nudges) / sampled * n  # E(θ) once, and once more for each weight
    return n, rows, forward_time, backprop_time / forward_time, numerical / forward_time, sampled


def _seconds(work: Callable[[], object]) -> float:
    """Return the processor's time for some work, where it is told finely: others on the machine do not count then."""
    clock = time.process_time if time.get_clock_info("process_time").resolution < 1e-6 else time.perf_counter
    began = clock()
    work()
    return clock() - began


def _never() -> bool:
    return False
