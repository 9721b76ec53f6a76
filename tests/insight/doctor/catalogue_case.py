"""What a case of the catalogue is: a training as a person would set it up, and what the doctor has to say of it.

Knows `gn.train` and the doctor's public interface. What is expected was written down without knowing any rule of the
doctor; a case's own `proof` says by other means whether the training is as sick, or as healthy, as it is held to be.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from catalogue_rows import Array, Rows

import glassnet as gn
from glassnet.errors import GlassnetWarning, NonFiniteError

NAMES = frozenset(
    (
        "dead_units",
        "saturated_units",
        "vanishing_blame",
        "exploding_blame",
        "updates_too_large",
        "updates_too_small",
        "input_scales",
        "target_scale",
        "rate_too_high",
        "rate_too_low",
        "plateau",
        "overfitting",
        "underfitting",
        "imbalance",
        "duplicates_across_split",
        "leaking_target",
        "nothing_to_learn",
        "not_finite",
    )
)


@dataclass(frozen=True)
class Setting:
    """What is to be trained; `test` is seen by neither the training nor the doctor."""

    net: gn.Network
    X: Array
    Y: Array
    loss: str
    validation: tuple[Array, Array] | float | None
    test: tuple[Array, Array]
    train: Mapping[str, Any] = field(default_factory=dict)

    def with_net(self, net: gn.Network) -> Setting:
        return replace(self, net=net)

    def changed(self, **train: Any) -> Setting:
        """Return the same with other settings of the training."""
        return replace(self, net=self.net.copy(), train={**self.train, **train})


@dataclass(frozen=True)
class Trained:
    """A training that has ended; `start` is the network as it was before."""

    setting: Setting
    start: gn.Network
    history: gn.History
    folder: Path | None
    error: NonFiniteError | None

    @property
    def net(self) -> gn.Network:
        return self.setting.net

    @property
    def classes(self) -> bool:
        return self.setting.Y.dtype.kind == "i"

    def score(self, X: Array, Y: Array) -> float:
        """Accuracy, or R² where the target is a number."""
        return score(self.net.predict(X), Y)

    @property
    def test_score(self) -> float:
        return self.score(*self.setting.test)

    @property
    def training_score(self) -> float:
        return self.score(self.setting.X, self.setting.Y)


def score(prediction: Array, Y: Array) -> float:
    """Accuracy of classes, R² of numbers; 0 stands for a prediction that is no number."""
    if not np.isfinite(prediction).all():
        return 0.0
    if Y.dtype.kind == "i":
        chosen = prediction.argmax(axis=1) if prediction.shape[1] > 1 else prediction[:, 0] > 0.5
        return float(np.mean(chosen == Y))
    numbers = Y.reshape(len(Y), -1)
    return float(1 - np.sum((prediction - numbers) ** 2) / np.sum((numbers - numbers.mean(axis=0)) ** 2))


def train(setting: Setting, folder: Path | None = None) -> Trained:
    """Train as a person would who keeps the run's folder."""
    start = setting.net.copy()
    error = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlassnetWarning)
        try:
            history = gn.train(
                setting.net,
                setting.X,
                setting.Y,
                setting.loss,
                validation=setting.validation,
                checkpoint=folder,
                checkpoint_every=60.0,
                threads=1,
                **setting.train,
            )
        except NonFiniteError as found:
            history, error = found.history, found
    return Trained(setting, start, history, folder, error)


@dataclass(frozen=True)
class Fact:
    """Whether a case is what it is held to be, and the figures that say so."""

    holds: bool
    says: str


Proof = Callable[[Trained, int], Fact]


@dataclass(frozen=True)
class Case:
    """A training, and what may be said of it.

    Attributes
    ----------
    name : str
    make : function
        From a seed to what is to be trained.
    must : tuple of sets of names
        Of each set, one name has to be among the first two findings; empty for a healthy training.
    may : set of names
        Tolerated besides.
    never : set of names
        The wrong way: what would send a person in the opposite direction. Any other name is an invention.
    proof : function
        Says of a finished training, by other means than the doctor's, whether it is what it is held to be.
    hides : set of str
        Which of history, run and validation the doctor is not given.
    why : str
        Why a healthy training may hear something.
    """

    name: str
    make: Callable[[int], Setting]
    must: tuple[frozenset[str], ...]
    may: frozenset[str]
    never: frozenset[str]
    proof: Proof
    hides: frozenset[str] = frozenset()
    why: str = ""

    @property
    def sick(self) -> bool:
        return bool(self.must)

    def __post_init__(self) -> None:
        used = self.may | self.never | frozenset().union(*self.must)
        if not used <= NAMES or self.may & self.never:
            raise ValueError(f"{self.name}: {sorted(used - NAMES)} are no names, or tolerated and forbidden at once")


def arguments(case: Case, trained: Trained) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what the doctor is called with."""
    setting = trained.setting
    given = {
        "history": trained.history,
        "run": trained.folder,
        "validation": setting.validation,
        "sample_weight": setting.train.get("sample_weight"),
        "loss": setting.loss,
    }
    return (setting.net, setting.X, setting.Y), {
        key: value for key, value in given.items() if value is not None and key not in case.hides
    }


@dataclass(frozen=True)
class Verdict:
    """What the doctor said of one case, against what was expected."""

    case: Case
    found: tuple[str, ...]

    @property
    def missed(self) -> tuple[frozenset[str], ...]:
        return tuple(names for names in self.case.must if not names & set(self.found[:2]))

    @property
    def invented(self) -> tuple[str, ...]:
        allowed = self.case.may.union(*self.case.must)
        return tuple(name for name in self.found if name not in allowed)

    @property
    def harmful(self) -> tuple[str, ...]:
        return tuple(name for name in self.found if name in self.case.never)

    @property
    def right(self) -> bool:
        return not self.missed and not self.invented


def judge(case: Case, seed: int, folder: Path) -> Verdict:
    """Train the case and ask the doctor."""
    trained = train(case.make(seed), folder)
    positional, keywords = arguments(case, trained)
    return Verdict(case, tuple(finding.name for finding in gn.doctor(*positional, **keywords).findings))


# --- how trainings are set up ------------------------------------------------------------------------------------


def fit(
    rows: Rows,
    hidden: Iterable[int] = (32,),
    g: str = "relu",
    *,
    seed: int,
    softmax: bool = False,
    drop: float = 0.0,
    validation: bool = True,
    loss: str | None = None,
    last: str | None = None,
    dtype: str = "float32",
    dense: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Setting:
    """A network with an output that suits the target, and how it is to be trained; `dense` goes to hidden layers."""
    layers: list[Any] = []
    for units in hidden:
        layers.append(gn.Dense(units, g, **(dense or {})))
        if drop:
            layers.append(gn.Dropout(drop))
    if rows.Y.dtype.kind == "i":
        classes = int(max(rows.Y.max(), rows.Yv.max())) + 1
        if classes > 2 or softmax:
            layers.append(gn.Dense(classes, last or "softmax"))
            loss = loss or "cross_entropy"
        else:
            layers.append(gn.Dense(1, last or "sigmoid"))
            loss = loss or "binary_cross_entropy"
    else:
        layers.append(gn.Dense(1 if rows.Y.ndim == 1 else rows.Y.shape[1], last or "identity"))
        loss = loss or "squared_error"
    net = gn.Network(rows.X.shape[1], layers, seed=seed, dtype=dtype)
    return Setting(
        net,
        rows.X,
        rows.Y,
        loss,
        (rows.Xv, rows.Yv) if validation else None,
        (rows.Xt, rows.Yt),
        {"seed": seed, **settings},
    )
