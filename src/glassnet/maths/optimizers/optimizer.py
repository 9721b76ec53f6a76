"""What an optimizer is: a record of hyper-parameters that moves θ in place, with every bit of memory in an open state.

An element-wise optimizer only declares: its slots, the scalars of a step, and the formula that one parameter obeys. The
update here applies that formula with NumPy; another engine may compile the very same formula.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import spell
from glassnet.maths.optimizers.anatomy import Anatomy, Slots

Array = NDArray[Any]
State = dict[str, Array]
LossAndGradient = Callable[[Array], tuple[float, Array]]
Formula = Callable[..., tuple[Array, ...]]


class Optimizer(ABC):
    """A way to move θ downhill. Subclasses are frozen dataclasses; the learning rate is their first field.

    Attributes
    ----------
    name : str
        How it is found in the registry.
    full_batch : bool
        Whether one step needs the loss at several θ on the same rows (L-BFGS), so that a step means all rows.
    """

    name: ClassVar[str]
    full_batch: ClassVar[bool] = False
    learning_rate: float

    @property
    def spec(self) -> str:
        """The spelling that ``OPTIMIZERS.resolve`` turns into an equal record."""
        return spell(self.name, self)

    def at_rate(self, learning_rate: float) -> Self:
        """Return the same optimizer with another learning rate."""
        changed: Any = dataclasses.replace(self, learning_rate=learning_rate)  # type: ignore[type-var]
        return changed  # type: ignore[no-any-return]

    @property
    def own_momentum(self) -> float | None:
        """The momentum that a schedule may move: `momentum` or β₁; None where there is none."""
        return None

    @abstractmethod
    def init(self, theta: Array) -> State:
        """Return the state in front of the first step: slots shaped like θ and scalars as 0-d arrays, all by name."""

    @abstractmethod
    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> None:
        """Move θ one step against `gradient`, in place, and the state with it.

        Parameters
        ----------
        theta, gradient : ndarray of shape (n,), float32 or float64
        state : dict
            What `init` returned for this θ.
        learning_rate, momentum : float, optional
            What a schedule wants in this step; the optimizer's own values where left out.

        Raises
        ------
        InputError
            If shapes or slots do not fit, or the optimizer has no momentum to move.
        """

    @property
    def memory(self) -> str | None:
        """The slot that remembers gradients, b in an `Anatomy`; None where there is none."""
        return None

    def anatomy(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> Anatomy | None:
        """Return what a step from here would be made of, without taking it; None where it cannot be taken apart.

        Parameters
        ----------
        theta, gradient, state, learning_rate, momentum
            As in `update`; best in float64. Nothing is changed.
        """
        return None

    def step(
        self,
        theta: Array,
        loss_and_gradient: LossAndGradient,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> float:
        """Ask for the loss and its gradient at θ, move θ in place, and return the loss where the step started.

        Parameters
        ----------
        loss_and_gradient : callable
            ``loss_and_gradient(theta) -> (loss, gradient)``, a number and an array of shape (n,).
        theta, state, learning_rate, momentum
            As in `update`.
        """
        loss, gradient = loss_and_gradient(theta)
        self.update(theta, gradient, state, learning_rate, momentum)
        return float(loss)

    @final
    def _rates(self, learning_rate: float | None, momentum: float | None) -> tuple[float, float]:
        """Return the step's learning rate and momentum; 0 is the momentum of an optimizer that has none."""
        self._require_movable(momentum)
        rate = self.learning_rate if learning_rate is None else float(learning_rate)
        return rate, float(momentum if momentum is not None else self.own_momentum or 0.0)

    @final
    def _require_movable(self, momentum: float | Array | None) -> None:
        if momentum is not None and self.own_momentum is None:
            raise InputError(
                f"{self.spec} got momentum={momentum!r} for a step, but has no momentum to move. "
                f"Leave it out, or give the optimizer one, as in SGD(0.1, momentum=0.9)."
            )


class ElementwiseOptimizer(Optimizer):
    """An optimizer under which each parameter moves by its own gradient and slots alone.

    A subclass declares `slots`, `formula` and `_coefficients`; see `SGD` for the smallest. To write a formula that both
    engines can use: arithmetic and NumPy's element-wise functions, no ``if`` on data, and every number but a 0 to
    compare with as a coefficient (1−β₂ too), so that float32 stays float32 when compiled.
    """

    @property
    @abstractmethod
    def slots(self) -> Mapping[str, float]:
        """The arrays of θ's shape and dtype that are kept, in the formula's order, and the number each starts at."""

    @property
    def scalars(self) -> Mapping[str, int | float | np.float32]:
        """The numbers that are kept, and what each starts at."""
        return {"step": 0}

    @property
    @abstractmethod
    def formula(self) -> Formula:
        """The step of one parameter: ``(theta, gradient, *slots, *coefficients) -> (theta, *slots)``."""

    @abstractmethod
    def _coefficients(self, t: Array, rate: Array, momentum: Array, state: State) -> tuple[float | Array, ...]:
        """Return the formula's coefficients of the steps t, which follow one another; each a number or an array (n,).

        Scalars of the state other than `step`, which is the last t already, are advanced here.
        """

    @final
    def coefficients(
        self, state: State, learning_rate: float | None = None, momentum: float | None = None
    ) -> tuple[float, ...]:
        """Count one more step in the state's scalars and return that step's coefficients, computed in float64.

        Examples
        --------
        >>> import numpy as np
        >>> from glassnet.maths.optimizers import Adagrad
        >>> adagrad = Adagrad(0.1, lr_decay=1.0)
        >>> state = adagrad.init(np.zeros(3))
        >>> [adagrad.coefficients(state)[0] for _ in range(2)]
        [0.1, 0.05]
        """
        rate, momentum = self._rates(learning_rate, momentum)
        momenta = None if self.own_momentum is None else np.array([momentum])
        return tuple(self.coefficients_of_steps(state, np.array([rate]), momenta)[0].tolist())

    @final
    def coefficients_of_steps(self, state: State, learning_rate: Array, momentum: Array | None = None) -> Array:
        """Count n more steps and return the coefficients of each: what n calls of `coefficients` do, in one.

        Parameters
        ----------
        state : dict
        learning_rate : (n,) float64 array
        momentum : (n,) float64 array or None
            None leaves the optimizer's own.

        Returns
        -------
        (n, k) float64 array

        Examples
        --------
        >>> import numpy as np
        >>> from glassnet.maths.optimizers import Adagrad
        >>> adagrad = Adagrad(0.1, lr_decay=1.0, eps=0.0)
        >>> adagrad.coefficients_of_steps(adagrad.init(np.zeros(3)), np.array([0.1, 0.1]))
        array([[0.1 , 0.  , 0.  ],
               [0.05, 0.  , 0.  ]])
        """
        self._require_movable(momentum)
        n = len(learning_rate)
        if momentum is None:
            momentum = np.full(n, self.own_momentum or 0.0)
        t = np.arange(1, n + 1) + state["step"]
        state["step"] += n
        columns = self._coefficients(t, learning_rate, momentum, state)
        coefficients = np.empty((n, len(columns)))
        for k, column in enumerate(columns):
            coefficients[:, k] = column
        return coefficients

    @final
    def init(self, theta: Array) -> State:
        """Return the state in front of the first step: slots shaped like θ and scalars as 0-d arrays, all by name."""
        require_theta(theta)
        slots = {name: np.full_like(theta, start) for name, start in self.slots.items()}
        return slots | {name: np.array(start) for name, start in self.scalars.items()}

    @final
    def update(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> None:
        """Move θ one step against `gradient`, in place, and the state with it; see `Optimizer.update`."""
        require_theta(theta)
        slots = self._slots_of(theta, gradient, state)
        coefficients = self.coefficients(state, learning_rate, momentum)
        moved = self.formula(theta, gradient.astype(theta.dtype, copy=False), *slots, *coefficients)
        for old, new in zip((theta, *slots), moved, strict=True):
            old[...] = new

    @final
    def anatomy(
        self,
        theta: Array,
        gradient: Array,
        state: State,
        learning_rate: float | None = None,
        momentum: float | None = None,
    ) -> Anatomy | None:
        """Return what a step from here would be made of, without taking it; see `Optimizer.anatomy`.

        Examples
        --------
        >>> import numpy as np
        >>> from glassnet.maths.optimizers import SGD
        >>> theta, gradient, sgd = np.array([1.0]), np.array([2.0]), SGD(0.5, momentum=0.5)
        >>> step = sgd.anatomy(theta, gradient, {"momentum_buffer": np.array([4.0]), "step": np.array(7)})
        >>> step.rate, step.keep, step.entry, step.lever  # b ← 0.5 b + 1 g, Δθ = −0.5 b
        (0.5, 0.5, 1.0, 0.5)
        >>> step.momentum  # −0.5·(4 − 2): b is 0.5·4 + 2
        array([-1.])
        """
        slots = self._slots_of(theta, gradient, state)
        scalars = {name: np.array(state[name]) for name in self.scalars}
        rate, _ = self._rates(learning_rate, momentum)
        coefficients = self.coefficients(scalars, learning_rate, momentum)
        _, *moved = self.formula(theta, gradient, *slots, *coefficients)
        before, after = (dict(zip(self.slots, values, strict=True)) for values in (slots, moved))
        return self._anatomy(theta, gradient, before, after, rate, coefficients)

    def _anatomy(
        self, theta: Array, gradient: Array, before: Slots, slots: Slots, rate: float, numbers: tuple[float, ...]
    ) -> Anatomy | None:
        """Return the anatomy of a step that leaves `slots` behind, with its coefficients.

        It is None where the step is not linear in the gradients whatever it divides by.
        """
        return None

    def _slots_of(self, theta: Array, gradient: Array, state: State) -> list[Array]:
        missing = [name for name in (*self.slots, *self.scalars) if name not in state]
        if missing:
            raise InputError(
                f"{self.spec} needs {', '.join(map(repr, missing))} in its state, which holds "
                f"{', '.join(map(repr, state)) or 'nothing'}. Make the state with init(theta) of the same optimizer."
            )
        slots = [state[name] for name in self.slots]
        for what, array in (("gradient", gradient), *zip(self.slots, slots, strict=True)):
            if array.shape != theta.shape:
                raise InputError(
                    f"{self.spec}: {what} has shape {array.shape}, θ has {theta.shape}; expected the same. "
                    f"The gradient and the state belong to one network each."
                )
        return slots


def powers(base: float | Array, exponent: Array) -> Array:
    """Return base^exponent of each step with the C library's `pow`: NumPy's own differs in last bits by machine."""
    bases = np.broadcast_to(base, exponent.shape)
    return np.array(list(map(pow, bases.tolist(), exponent.tolist())), np.float64)


def require_theta(theta: Array) -> None:
    """Require one vector of float32 or float64 numbers."""
    if not isinstance(theta, np.ndarray) or theta.ndim != 1 or theta.dtype not in (np.float32, np.float64):
        found = f"{theta.dtype} of shape {theta.shape}" if isinstance(theta, np.ndarray) else type(theta).__name__
        raise InputError(f"θ is {found}; expected one vector (n,) of float32 or float64, such as net.theta.")
