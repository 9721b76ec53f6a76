"""L-BFGS: full-batch steps along a direction that remembers how the gradient changed over the last few steps.

Unlike the element-wise optimizers it looks at all parameters together, and asks for the loss at several points in one
step. All it remembers is in the open state, in float64, so that a saved run goes on with the same bits. Sums are
NumPy's own, not BLAS's, so that the number of threads does not show in them.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, final

import numpy as np

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import require_flag, require_number, require_whole
from glassnet.maths.optimizers.optimizer import Array, LossAndGradient, Optimizer, State, require_theta


@final
@dataclass(frozen=True)
class LBFGS(Optimizer):
    r"""Limited-memory BFGS with a line search for the strong Wolfe conditions.

    .. math::
        d &= -\eta H_k g_k, \qquad H_k \text{ from the last } h \text{ pairs }
            s_i = \theta_{i+1}-\theta_i,\; y_i = g_{i+1}-g_i \\
        \theta_{k+1} &= \theta_k + \alpha d, \qquad
            E(\theta_{k+1}) \le E(\theta_k) + c_1 \alpha\, g_k^T d, \qquad
            |g_{k+1}^T d| \le c_2\, |g_k^T d|

    Parameters
    ----------
    learning_rate : float
        η: the search tries the step −ηHg first and lengthens or shortens it. Without any pair it is cut to
        η·min(1, 1/Σ|g|), as in PyTorch.
    history_size : int
        h: how many pairs are kept; the state holds 2h+2 vectors.
    max_line_search : int
        How many times the search may lengthen its step.
    c1, c2 : float
        Of the Wolfe conditions, 0 < c1 < c2 < 1.
    reuse : bool
        Whether a step may start from the loss and gradient that the step before found at the very same θ, which saves
        one evaluation in about two. Say False where ``loss_and_gradient`` changes from step to step, as with dropout.

    Notes
    -----
    Source: J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd edition, 2006: two-loop recursion, algorithm 7.4,
    with H₀ = sᵀy/yᵀy (7.20); line search, algorithms 3.5 and 3.6, in ``scipy.optimize.line_search``.

    Where they leave something open: a pair whose curvature sᵀy is not above 2⁻⁵²·yᵀy is not kept; a trial whose loss or
    gradient is not finite counts as infinitely high; where the search finds nothing, the pairs are forgotten and it is
    tried once more along −g; where that finds nothing either, or the gradient is 0 or not finite, θ stays as it is.
    float32 θ: trial points are rounded to float32, everything else is float64. Deviation from PyTorch: one step is one
    iteration (``max_iter=1``), and the search is SciPy's.

    Examples
    --------
    >>> import numpy as np
    >>> def bowl(theta):
    ...     return float(np.sum(theta**4 + theta**2)), 4 * theta**3 + 2 * theta
    >>> theta = np.array([3.0, -2.0])
    >>> lbfgs = LBFGS()
    >>> state = lbfgs.init(theta)
    >>> losses = [lbfgs.step(theta, bowl, state) for _ in range(12)]
    >>> losses[0], losses[-1] < 1e-9
    (110.0, True)
    """

    name = "lbfgs"
    full_batch: ClassVar[bool] = True
    learning_rate: float = 1.0
    history_size: int = 10
    max_line_search: int = 20
    c1: float = 1e-4
    c2: float = 0.9
    reuse: bool = True

    def __post_init__(self) -> None:
        require_number(self, "learning_rate", low=0, ends="()")
        for field in ("history_size", "max_line_search"):
            require_whole(self, field, low=1)
        for field in ("c1", "c2"):
            require_number(self, field, low=0, high=1, ends="()")
        require_flag(self, "reuse")
        if self.c1 >= self.c2:
            raise InputError(
                f"LBFGS: c1 is {self.c1} and c2 is {self.c2}; expected c1 below c2. Write c1=1e-4, c2=0.9."
            )

    def init(self, theta: Array) -> State:
        """Return the state in front of the first step.

        Returns
        -------
        dict
            `s` and `y`, the pairs, (h, n), a ring that pair number i enters at row i mod h; `count`, how many pairs
            were kept since the last restart; `point`, `gradient` and `loss`, what the last step ended with (loss NaN:
            none yet); `step`, the number of steps. float64 and int64.
        """
        require_theta(theta)
        n, h = theta.size, self.history_size
        return {
            "step": np.array(0),
            "count": np.array(0),
            "s": np.zeros((h, n)),
            "y": np.zeros((h, n)),
            "point": np.zeros(n),
            "gradient": np.zeros(n),
            "loss": np.array(math.nan),
        }

    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> NoReturn:
        """Refuse: one gradient is not enough for a step of L-BFGS."""
        raise InputError(
            "LBFGS.update got one gradient; L-BFGS needs the loss at several θ. "
            "Call step(theta, loss_and_gradient, state), where loss_and_gradient(theta) returns both."
        )

    def step(
        self,
        theta: Array,
        loss_and_gradient: LossAndGradient,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> float:
        """Search along one direction, move θ in place, and return the loss where the step started.

        Parameters
        ----------
        loss_and_gradient : callable
            ``loss_and_gradient(theta) -> (loss, gradient)`` at any θ of the same shape and dtype; always on the same
            rows.
        theta, state, learning_rate, momentum
            As in `Optimizer.update`; L-BFGS has no momentum to move.
        """
        rate, _ = self._rates(learning_rate, momentum)
        _require_state(state, theta, self)
        start = theta.astype(np.float64)
        if not (self.reuse and math.isfinite(state["loss"]) and np.array_equal(state["point"], start)):
            _remember(state, start, *_evaluate(loss_and_gradient, theta.copy()))
        state["step"] += 1
        loss = float(state["loss"])
        if not (math.isfinite(loss) and np.isfinite(state["gradient"]).all() and state["gradient"].any()):
            return loss

        found = self._search(start, rate, loss_and_gradient, theta.dtype, state)
        if found is None and state["count"] > 0:
            state["count"][...] = 0
            found = self._search(start, rate, loss_and_gradient, theta.dtype, state)
        if found is not None:
            point, loss_there, gradient_there = found
            _keep_pair(state, point - start, gradient_there - state["gradient"])
            _remember(state, point, loss_there, gradient_there)
            theta[...] = point
        return loss

    def _search(
        self, start: Array, rate: float, loss_and_gradient: LossAndGradient, dtype: np.dtype[Any], state: State
    ) -> tuple[Array, float, Array] | None:
        """Return point, loss and gradient at the end of the line search; None where it finds nothing lower."""
        gradient = state["gradient"]
        direction = -rate * two_loop_recursion(state)
        if state["count"] == 0:
            direction *= min(1.0, 1.0 / float(np.sum(np.abs(gradient))))
        slope = _dot(gradient, direction)
        if not -math.inf < slope < 0.0:
            return None
        line = _Line(loss_and_gradient, start, direction, dtype)
        alpha = _strong_wolfe(line, float(state["loss"]), slope, self.c1, self.c2, self.max_line_search)
        if alpha is None or line.loss_at(alpha) > float(state["loss"]) + self.c1 * alpha * slope:
            return None
        return line.point, line.loss, line.gradient


def two_loop_recursion(state: State) -> Array:
    """Return H·g from the pairs and the gradient in the state: algorithm 7.4 of Nocedal and Wright, with its names."""
    s, y = state["s"], state["y"]
    count, h = int(state["count"]), len(s)
    oldest_to_newest = [i % h for i in range(max(0, count - h), count)]
    rho = {i: 1.0 / _dot(y[i], s[i]) for i in oldest_to_newest}
    alpha = {}
    q: Array = state["gradient"].copy()
    for i in reversed(oldest_to_newest):
        alpha[i] = rho[i] * _dot(s[i], q)
        q -= alpha[i] * y[i]
    r = q
    if oldest_to_newest:
        k = oldest_to_newest[-1]
        r *= _dot(s[k], y[k]) / _dot(y[k], y[k])
    for i in oldest_to_newest:
        beta = rho[i] * _dot(y[i], r)
        r += s[i] * (alpha[i] - beta)
    return r


class _Line:
    """The loss along start + α·direction; the last trial is kept, so that no point is evaluated twice in a row."""

    def __init__(
        self, loss_and_gradient: LossAndGradient, start: Array, direction: Array, dtype: np.dtype[Any]
    ) -> None:
        self._loss_and_gradient, self._start, self._direction, self._dtype = loss_and_gradient, start, direction, dtype
        self._alpha = math.nan
        self.point, self.loss, self.gradient = start, math.nan, start

    def _go(self, alpha: float) -> None:
        if alpha == self._alpha:
            return
        with np.errstate(over="ignore"):
            trial = (self._start + alpha * self._direction).astype(self._dtype)
        self._alpha, self.point = alpha, trial.astype(np.float64)
        self.loss, self.gradient = _evaluate(self._loss_and_gradient, trial)
        if not (math.isfinite(self.loss) and np.isfinite(self.gradient).all()):
            self.loss = math.inf

    def loss_at(self, alpha: float) -> float:
        """Return the loss at α, infinite where it or the gradient is not finite."""
        self._go(alpha)
        return self.loss

    def slope_at(self, alpha: float) -> float:
        """Return the derivative of the loss by α."""
        self._go(alpha)
        return _dot(self.gradient, self._direction)


def _strong_wolfe(line: _Line, loss: float, slope: float, c1: float, c2: float, max_iter: int) -> float | None:
    """Return an α that SciPy's search accepts, or None.

    To SciPy the line is a problem of one unknown, α itself: so no product of long vectors happens there.
    """
    from scipy.optimize import line_search  # 0.2 s of import that only L-BFGS needs

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The line search algorithm", category=RuntimeWarning)
        warnings.filterwarnings("ignore", message="Rounding errors prevent the line search", category=RuntimeWarning)
        found = line_search(
            lambda alpha: line.loss_at(float(alpha[0])),
            lambda alpha: np.array([line.slope_at(float(alpha[0]))]),
            xk=np.zeros(1),
            pk=np.ones(1),
            gfk=np.array([slope]),
            old_fval=loss,
            c1=c1,
            c2=c2,
            maxiter=max_iter,
        )
    return None if found[0] is None else float(found[0])


def _evaluate(loss_and_gradient: LossAndGradient, theta: Array) -> tuple[float, Array]:
    loss, gradient = loss_and_gradient(theta)
    # A copy, because the caller may hand out the same buffer each time.
    gradient = np.array(gradient, dtype=np.float64)
    if gradient.shape != theta.shape:
        raise InputError(
            f"loss_and_gradient returned a gradient of shape {gradient.shape} for θ of shape {theta.shape}; "
            f"expected the same shape. Return (loss, gradient) with one number per parameter."
        )
    return float(loss), gradient


def _remember(state: State, point: Array, loss: float, gradient: Array) -> None:
    state["point"][...] = point
    state["gradient"][...] = gradient
    state["loss"][...] = loss


def _keep_pair(state: State, s: Array, y: Array) -> None:
    if _dot(s, y) > np.finfo(np.float64).eps * _dot(y, y):
        row = int(state["count"]) % len(state["s"])
        state["s"][row], state["y"][row] = s, y
        state["count"] += 1


def _require_state(state: State, theta: Array, record: LBFGS) -> None:
    pairs = (record.history_size, theta.size)
    expected: dict[str, tuple[int, ...]] = {"s": pairs, "y": pairs, "point": theta.shape, "gradient": theta.shape}
    for name, shape in (expected | {"loss": (), "count": (), "step": ()}).items():
        found = state[name].shape if name in state else None
        if found != shape:
            raise InputError(
                f"{record.spec}: the state's {name!r} {'is missing' if found is None else f'has shape {found}'}; "
                f"expected shape {shape}. Make the state with init(theta) of the same optimizer."
            )


def _dot(a: Array, b: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sum(a * b))
