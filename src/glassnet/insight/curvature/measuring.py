"""How the error bends at a network's weights: rows are chosen, eigenvalues and trace found, a rate set beside them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.curvature.curvature import Curvature, Eigenvalue, OtherRows
from glassnet.insight.curvature.product import HessianProducts
from glassnet.insight.curvature.rates import rate_beside
from glassnet.insight.curvature.spectrum import Pairs, largest_pairs, smallest_pair, trace
from glassnet.insight.curvature.words import caveats_of
from glassnet.insight.run_facts import RunFacts, run_facts
from glassnet.insight.sampled import sample
from glassnet.insight.subject import Subject
from glassnet.maths.loss import Loss
from glassnet.maths.optimizers import OPTIMIZERS, Optimizer
from glassnet.network.network import Network
from glassnet.network.rows import require_independent_rows
from glassnet.training import RunFolder
from glassnet.training.arguments import as_count, as_limit
from glassnet.training.blas import OneBlasThread

Array = NDArray[Any]

_AFFORDABLE = 1.5e9  # rows times parameters of a product
_WRITTEN_OUT = 1000  # parameters up to which H is written out,
_AFFORDABLE_OUT = 2e9  # where rows times parameters squared is below this


def curvature(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: str | Loss | None = None,
    sample_weight: ArrayLike | None = None,
    l1: float | None = None,
    l2: float | None = None,
    rows: int | str | None = None,
    count: int = 3,
    probes: int = 20,
    tolerance: float = 1e-3,
    run: RunFacts | RunFolder | str | os.PathLike[str] | None = None,
    optimizer: str | Optimizer | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
) -> Curvature:
    """Tell how the error bends around a network's weights, and how large a learning rate that allows.

    Products with the Hessian are exact (Pearlmutter's R-operator). Where a formula of the user's own cannot be followed
    exactly, it is differentiated numerically, and the answer says so.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array
    Y : (m,) integer labels, or (m, outputs) or, with one output, (m,) numbers
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    sample_weight : (m,) array or None
    l1, l2 : float or None
        Penalties, as for `train`; None takes those of the run, or none. The L1 penalty has no second slope.
    rows : int, "all" or None
        How many rows to look at, drawn at random; None takes as many as keep a product within about a second.
    count : int
        How many of the largest eigenvalues.
    probes : int
        How many vectors of random signs the trace is estimated with.
    tolerance : float
        How exact eigenvalues must be: ‖Hv − λv‖ as a share of |λ|; of the smallest, a tenth of the spread of all times
        that.
    run : path, RunFolder or None
        The folder of the run that led to these weights, to set its rate beside the limit.
    optimizer : str, Optimizer or None
        Instead of the run's.
    learning_rate : float or None
        Instead of the run's last, or of the optimizer's own.
    seed : int
        Decides which rows, and the vectors to start from.

    Returns
    -------
    Curvature
        ``largest``, ``smallest``, ``trace``, ``critical_rate``, ``product(v)``; ``text()``, ``to_dict()``.

    Raises
    ------
    InputError
        If an argument cannot be used, or a layer's second derivatives are not known.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If the error or a derivative of it is not finite.

    References
    ----------
    Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994. Cohen et al., Gradient descent on
    neural networks typically occurs at the edge of stability, ICLR 2021.

    Examples
    --------
    A line through two points, half the squared error: H is the mean of x xᵀ with a 1 for the bias.

    >>> import glassnet as gn
    >>> net = gn.Network(1, [gn.Dense(1)], seed=0)
    >>> bend = gn.curvature(net, [[1.0], [3.0]], [[0.0], [0.0]], loss="half_squared_error")
    >>> bend.product([1.0, 0.0]).round(12).tolist()
    [5.0, 2.0]
    >>> round(bend.trace, 12), round(bend.largest[0].value, 6), round(bend.critical_rate, 6)
    (6.0, 5.828427, 0.343146)
    """
    count, probes = as_count("count", count), max(2, as_count("probes", probes))  # one probe has no spread
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise InputError(f"tolerance is {tolerance!r}; expected a share between 0 and 1, such as 1e-3.")
    rate = as_limit("learning_rate", learning_rate)
    own = None if optimizer is None else OPTIMIZERS.resolve(optimizer)
    facts = None if run is None else run_facts(net, run)
    l1, l2 = (_first(own, getattr(facts, name, None), 0.0) for name, own in (("l1", l1), ("l2", l2)))
    drawn = sample(
        net,
        X,
        Y,
        loss,
        rows=rows,
        affordable=_AFFORDABLE,
        seed=seed,
        sample_weight=sample_weight,
        l1=l1,
        l2=l2,
        with_others=True,
    )
    subject = drawn.subject
    require_independent_rows(subject.network.layers)
    products = HessianProducts(subject, drawn.numbers)
    free = np.flatnonzero(products.free)
    if not len(free):
        raise InputError("Training moves no parameter of this network, so there is nothing along which to bend.")
    with OneBlasThread():  # set once, not for each product
        pairs, least, everything, asymmetry = _spectrum(products, free, min(count, len(free)), tolerance, seed)
        largest = tuple(_evidence(products, subject, vector) for vector in pairs.vectors)
        if everything is None:
            shrunk = Pairs(pairs.values, pairs.vectors[:, free])
            chance = np.random.default_rng([seed, 2])
            total, off = trace(products.of_moved, len(free), shrunk, probes, chance)
        else:
            total, off = float(everything.sum()), 0.0
        standing = rate_beside(products, largest[0].value, facts, own, rate, tolerance, seed)
        return Curvature(
            products=products,
            loss=subject.objective.loss.name,
            rows=len(subject),
            of_rows=drawn.of_rows,
            parameters=len(free),
            l1=subject.objective.l1,
            l2=subject.objective.l2,
            error=products.error(),
            slope=float(np.linalg.norm(products.gradient())),
            largest=largest,
            smallest=None if least is None else _evidence(products, subject, least),
            directions=pairs.vectors,
            eigenvalues=everything,
            asymmetry=asymmetry,
            trace=total,
            trace_error=off,
            other_rows=_other_rows(drawn.others, pairs.vectors[0]),
            rate=standing,
            caveats=caveats_of(subject, drawn.of_rows, products, facts, standing),
        )


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def _spectrum(
    products: HessianProducts, free: Array, count: int, tolerance: float, seed: int
) -> tuple[Pairs, Array | None, Array | None, float | None]:
    """Return the largest pairs, the direction of the smallest, all eigenvalues, and the asymmetry of H.

    The last two where H is small enough to be written out.
    """
    n, m = len(free), len(products.subject)
    if n <= max(64, count + 1) or (n <= _WRITTEN_OUT and m * n * n <= _AFFORDABLE_OUT):
        h = products.of_moved(np.eye(n))
        size = float(np.linalg.norm(h))
        values, vectors = np.linalg.eigh(0.5 * (h + h.T))
        rows = products.spread_out(np.ascontiguousarray(vectors.T[::-1]))
        asymmetry = float(np.linalg.norm(h - h.T)) / size if size else 0.0
        return Pairs(values[::-1][:count], rows[:count]), rows[-1], values, asymmetry
    chance = np.random.default_rng([seed, 1])
    found = largest_pairs(products.of_moved, n, count, tolerance, chance)
    if found is None:  # eigenvalues that lie close together; a looser one is better than none
        found = largest_pairs(products.of_moved, n, 1, min(0.5, 100 * tolerance), chance)
    if found is None:
        raise InputError(
            "The largest eigenvalue did not settle. Ask with a larger tolerance, such as 0.1, or for fewer of them."
        )
    top = max(float(found.values[0]), 0.0)
    least = smallest_pair(products.of_moved, n, top, min(0.5, 10 * tolerance), chance)
    spread = Pairs(found.values, products.spread_out(found.vectors))
    return spread, None if least is None else products.spread_out(least.vectors)[0], None, None


def _evidence(products: HessianProducts, subject: Subject, v: Array) -> Eigenvalue:
    """Return vᵀHv of a direction of length 1, how far it is from an eigenvector, and its spread over rows."""
    bent = products.of(v)
    value = float(v @ bent)
    return Eigenvalue(value, float(np.linalg.norm(bent - value * v)), _spread_over_rows(products, subject, v))


def _spread_over_rows(products: HessianProducts, subject: Subject, v: Array) -> float:
    """Return the standard error of the rows' mean vᵀHᵢv."""
    m = len(subject)
    shares = products.along(v) * subject.objective.coefficients(subject.sample_weight) * m
    return float(shares.std(ddof=1) / np.sqrt(m)) if m > 1 else float("nan")


def _other_rows(others: Subject | None, v: Array) -> OtherRows | None:
    """Return how rows that were not looked at bend along a direction that was found without them."""
    if others is None:
        return None
    products = HessianProducts(others)
    return OtherRows(len(others), float(v @ products.of(v)), _spread_over_rows(products, others, v))
