"""What was found of how the error bends, as a record; it is measured and told next door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.curvature.product import HessianProducts
from glassnet.insight.curvature.rates import RateLimit, plain_limit
from glassnet.network.inputs import as_numbers

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Eigenvalue:
    """One eigenvalue of the Hessian, with the evidence for it.

    Parameters
    ----------
    value : float
        vᵀHv of a direction v of length 1.
    residual : float
        ‖Hv − λv‖, by a product of its own: a true eigenvalue lies no further than this from `value`.
    spread : float
        The standard error of vᵀHv over the rows: how far it moves with the draw of rows like these.
    """

    value: float
    residual: float
    spread: float


@final
@dataclass(frozen=True)
class OtherRows:
    """How the error of rows that were not looked at bends along the steepest direction.

    Parameters
    ----------
    rows : int
    value, spread : float
        vᵀHv of them, and its standard error.
    """

    rows: int
    value: float
    spread: float


@final
@dataclass(frozen=True, eq=False)
class Curvature:
    """The second derivatives of the error at a network's weights: its Hessian H, seen through products with vectors.

    H is that of the mean error of the rows plus the penalties, without dropout, over the parameters that training
    moves.

    Attributes
    ----------
    products : HessianProducts
    loss : str
    rows, of_rows : int
        How many rows were looked at, and how many there were.
    parameters : int
        How many parameters training moves.
    l1, l2 : float
    error, slope : float
        The error, and the length of its gradient.
    largest : tuple of Eigenvalue
        From the largest down.
    smallest : Eigenvalue or None
        The most negative, or smallest; None where it did not settle.
    directions : (k, n) float64 array
        Of `largest`, each of length 1, with θ's layout.
    eigenvalues : (p,) float64 array or None
        All of them from the smallest up, where the network is so small that H was written out.
    asymmetry : float or None
        ‖H − Hᵀ‖/‖H‖ where H was written out, which is 0 but for rounding.
    trace, trace_error : float
        The sum of all eigenvalues and its standard error, 0 where it is exact.
    other_rows : OtherRows or None
        None where all rows were looked at.
    rate : RateLimit or None
        None where neither a run nor an optimizer was given.
    caveats : tuple of str
        When the figures do not hold.
    """

    products: HessianProducts
    loss: str
    rows: int
    of_rows: int
    parameters: int
    l1: float
    l2: float
    error: float
    slope: float
    largest: tuple[Eigenvalue, ...]
    smallest: Eigenvalue | None
    directions: Array
    eigenvalues: Array | None
    asymmetry: float | None
    trace: float
    trace_error: float
    other_rows: OtherRows | None
    rate: RateLimit | None
    caveats: tuple[str, ...]

    @property
    def critical_rate(self) -> float | None:
        """2/λ: at a larger fixed rate, plain descent on all these rows grows along the steepest direction.

        None where the error nowhere bends upwards.
        """
        return plain_limit(self.largest[0].value)

    @property
    def is_minimum(self) -> bool | None:
        """False where the error falls along some direction; None where that cannot be told, as on level ground.

        True says no more than that H has no eigenvalue below 0: the slope must be 0 too.
        """
        if self.smallest is None:
            return None
        rounding = 1e-10 * max(abs(self.largest[0].value), abs(self.smallest.value))
        if self.smallest.value < -rounding:
            return False
        return True if self.smallest.value > max(rounding, self.smallest.residual) else None

    def product(self, v: ArrayLike) -> Array:
        """Return H v, exactly.

        Parameters
        ----------
        v : (n,) or (p, n) array
            With θ's layout; p vectors at once. Entries of parameters that training does not move do not count.

        Returns
        -------
        (n,) or (p, n) float64 array
            0 where training moves nothing.

        Raises
        ------
        InputError
            If the shape does not fit.
        """
        vector = as_numbers(v, "v").astype(np.float64)
        n = self.products.size
        if vector.ndim not in (1, 2) or vector.shape[-1] != n:
            raise InputError(f"v has shape {vector.shape}; expected ({n},), as θ has, or (p, {n}) for p of them.")
        return self.products.of(vector)

    def text(self) -> str:
        """Return everything in sentences and a table, for a terminal."""
        from glassnet.insight.curvature.words import text

        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; directions are left out."""
        rate = None if self.rate is None else {**dataclasses.asdict(self.rate), "share": self.rate.share}
        return {
            "loss": self.loss,
            "rows": self.rows,
            "of_rows": self.of_rows,
            "parameters": self.parameters,
            "l1": self.l1,
            "l2": self.l2,
            "error": self.error,
            "slope": self.slope,
            "largest": [dataclasses.asdict(each) for each in self.largest],
            "smallest": None if self.smallest is None else dataclasses.asdict(self.smallest),
            "eigenvalues": None if self.eigenvalues is None else self.eigenvalues.tolist(),
            "asymmetry": self.asymmetry,
            "trace": self.trace,
            "trace_error": self.trace_error,
            "critical_rate": self.critical_rate,
            "is_minimum": self.is_minimum,
            "other_rows": None if self.other_rows is None else dataclasses.asdict(self.other_rows),
            "rate": rate,
            "numerical": dict(self.products.moves.numerical),
            "products": self.products.count,
            "caveats": list(self.caveats),
        }

    def __str__(self) -> str:
        return self.text()
