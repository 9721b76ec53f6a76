"""Initializers: how weights and biases are drawn before training, each a record with its formula and its source.

Weights have the shape (inputs, outputs), biases (outputs,). Draws are float64 whatever the network's dtype, so that the
same seed gives the same network in both, to rounding.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import InputError
from glassnet.maths.hyperparameters import require_choice, require_number, spell
from glassnet.maths.registry import Registry


class Initializer(ABC):
    """A way to draw the numbers that training starts from. Subclasses are frozen dataclasses.

    Attributes
    ----------
    name : str
        The spelling that ``INITIALIZERS.resolve`` turns into an equal record.
    latex : str
        The distribution.
    source : str
        Where it was published.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The spelling that ``INITIALIZERS.resolve`` turns into an equal record."""

    @property
    @abstractmethod
    def latex(self) -> str:
        """The distribution."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where it was published."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return an array of the shape.

        Raises
        ------
        InputError
            If the initializer needs inputs and outputs, and the shape is not (inputs, outputs).
        """


_SCALED_SOURCES = {
    "glorot": 'X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward networks", 2010, '
    "equations 12 and 16",
    "he": 'K. He et al., "Delving deep into rectifiers", ICCV 2015, equation 10',
    "lecun": 'Y. LeCun et al., "Efficient BackProp", 1998, section 4.6',
}


@final
@dataclass(frozen=True)
class VarianceScaling(Initializer):
    r"""Weights whose variance keeps signals at the same size from layer to layer.

    Parameters
    ----------
    rule : "glorot", "he" or "lecun"
        Var θ = 2/(inputs + outputs), 2/inputs or 1/inputs.
    distribution : "uniform" or "normal"
        Uniform on ±√(3 Var θ), or normal. Deviation from Keras: the normal one is not truncated; nor is PyTorch's.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weights = VarianceScaling("he", "uniform").draw(rng, (6, 4))
    >>> weights.shape, bool(np.all(np.abs(weights) <= 1))
    ((6, 4), True)
    """

    rule: Literal["glorot", "he", "lecun"] = "glorot"
    distribution: Literal["uniform", "normal"] = "uniform"

    def __post_init__(self) -> None:
        require_choice(self, "rule", ("glorot", "he", "lecun"))
        require_choice(self, "distribution", ("uniform", "normal"))

    @property
    def name(self) -> str:
        """The spelling, such as "he_normal"."""
        return f"{self.rule}_{self.distribution}"

    @property
    def latex(self) -> str:
        """The distribution."""
        variance = {
            "glorot": r"\frac{2}{n_{in}+n_{out}}",
            "he": r"\frac{2}{n_{in}}",
            "lecun": r"\frac{1}{n_{in}}",
        }[self.rule]
        if self.distribution == "normal":
            return rf"\mathcal{{N}}\left(0, {variance}\right)"
        return rf"\mathcal{{U}}\left(-a, a\right),\; a = \sqrt{{3 \cdot {variance}}}"

    @property
    def source(self) -> str:
        """Where it was published."""
        return _SCALED_SOURCES[self.rule]

    def variance(self, inputs: int, outputs: int) -> float:
        """Return Var θ for a layer with so many inputs and outputs."""
        return {"glorot": 2.0 / (inputs + outputs), "he": 2.0 / inputs, "lecun": 1.0 / inputs}[self.rule]

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return weights of the shape (inputs, outputs)."""
        deviation = math.sqrt(self.variance(*_inputs_and_outputs(self, shape)))
        if self.distribution == "normal":
            return rng.normal(0.0, deviation, shape)
        bound = math.sqrt(3.0) * deviation
        return rng.uniform(-bound, bound, shape)


@final
@dataclass(frozen=True)
class Orthogonal(Initializer):
    r"""Weights whose columns, or rows where there are fewer, are perpendicular and of length `gain`.

    The factor Q of a normal matrix, with signs such that R has a positive diagonal: then Q is uniform over all
    orthogonal matrices.

    Examples
    --------
    >>> q = Orthogonal().draw(np.random.default_rng(0), (5, 3))
    >>> bool(np.allclose(q.T @ q, np.eye(3)))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        require_number(self, "gain", low=0, ends="()")

    @property
    def name(self) -> str:
        """The spelling, such as "orthogonal(2.0)"."""
        return spell("orthogonal", self)

    @property
    def latex(self) -> str:
        """The distribution."""
        return r"\gamma\, Q,\quad Q^\mathsf{T} Q = I"

    @property
    def source(self) -> str:
        """Where it was published."""
        return (
            'A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in '
            'deep linear neural networks", ICLR 2014; F. Mezzadri, "How to generate random matrices from the '
            'classical compact groups", 2007'
        )

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return weights of the shape (inputs, outputs)."""
        inputs, outputs = _inputs_and_outputs(self, shape)
        q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
        q *= np.where(np.diagonal(r) < 0.0, -self.gain, self.gain)
        return np.ascontiguousarray(q if inputs >= outputs else q.T)


@final
@dataclass(frozen=True)
class Uniform(Initializer):
    """Numbers evenly spread over an interval.

    Examples
    --------
    >>> Uniform(0.0, 2.0).draw(np.random.default_rng(0), (3,)).round(2)
    array([1.27, 0.54, 0.08])
    """

    low: float = -0.5
    high: float = 0.5

    def __post_init__(self) -> None:
        for field in ("low", "high"):
            require_number(self, field, low=-math.inf, ends="()")
        if self.low > self.high:
            raise InputError(
                f"Uniform: low is {self.low} and high is {self.high}; expected low to be the smaller. "
                f"Write uniform({self.high}, {self.low})."
            )

    @property
    def name(self) -> str:
        """The spelling, such as "uniform(-1.0, high=1.0)"."""
        return spell("uniform", self)

    @property
    def latex(self) -> str:
        """The distribution."""
        return rf"\mathcal{{U}}({self.low:g}, {self.high:g})"

    @property
    def source(self) -> str:
        """Where it was published."""
        return "elementary"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return numbers of the shape."""
        return rng.uniform(self.low, self.high, shape)


@final
@dataclass(frozen=True)
class Normal(Initializer):
    """Numbers with a bell-shaped distribution.

    Examples
    --------
    >>> Normal(0.5).draw(np.random.default_rng(0), (3,)).round(2)
    array([ 0.06, -0.07,  0.32])
    """

    std: float = 1.0
    mean: float = 0.0

    def __post_init__(self) -> None:
        require_number(self, "std", low=0)
        require_number(self, "mean", low=-math.inf, ends="()")

    @property
    def name(self) -> str:
        """The spelling, such as "normal(0.01)"."""
        return spell("normal", self)

    @property
    def latex(self) -> str:
        """The distribution."""
        return rf"\mathcal{{N}}({self.mean:g}, {self.std:g}^2)"

    @property
    def source(self) -> str:
        """Where it was published."""
        return "elementary"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return numbers of the shape."""
        return rng.normal(self.mean, self.std, shape)


@final
@dataclass(frozen=True)
class Constant(Initializer):
    """One number everywhere; nothing is drawn.

    Examples
    --------
    >>> Constant(1.0).name, Constant(0.5).draw(np.random.default_rng(0), (3,))
    ('ones', array([0.5, 0.5, 0.5]))
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        require_number(self, "value", low=-math.inf, ends="()")

    @property
    def name(self) -> str:
        """The spelling: "zeros", "ones", or such as "constant(0.5)"."""
        return {0.0: "zeros", 1.0: "ones"}.get(self.value) or spell("constant", self)

    @property
    def latex(self) -> str:
        """The number."""
        return f"{self.value:g}"

    @property
    def source(self) -> str:
        """Where it was published."""
        return "elementary"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return an array of the shape."""
        return np.full(shape, self.value)


def _inputs_and_outputs(initializer: Initializer, shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2 or min(shape) < 1:
        raise InputError(
            f"initializer {initializer.name!r} got the shape {shape}; expected weights of the shape (inputs, outputs), "
            f"at least 1 each, because its scale follows from them. For biases take 'zeros' or 'uniform(-0.1, 0.1)'."
        )
    return shape[0], shape[1]


INITIALIZERS: Registry[Initializer] = Registry(
    "initializer",
    Initializer,
    {
        "glorot_uniform": VarianceScaling("glorot", "uniform"),
        "glorot_normal": VarianceScaling("glorot", "normal"),
        "he_uniform": VarianceScaling("he", "uniform"),
        "he_normal": VarianceScaling("he", "normal"),
        "lecun_uniform": VarianceScaling("lecun", "uniform"),
        "lecun_normal": VarianceScaling("lecun", "normal"),
        "orthogonal": Orthogonal,
        "uniform": Uniform,
        "normal": Normal,
        "constant": Constant,
        "zeros": Constant(0.0),
        "ones": Constant(1.0),
    },
)
