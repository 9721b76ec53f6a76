"""The same training on both engines, from the same start, and how far their results are apart.

What is compared is how far θ moved, array by array: the largest difference within one W or one b, against the largest
way that a number of this array has gone. Against θ itself an engine that never moves would pass, and against the whole
movement a wrong gradient of a small bias would hide behind large weights. Numbers of θ are rounded at every step, so a
few units in the last place of the largest θ are allowed besides.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import CompiledEngine
from glassnet.errors import NonFiniteError

training_module: Any = importlib.import_module("glassnet.training.train")  # the name is the function's as well

X = np.random.default_rng(0).normal(size=(40, 5))
NUMBERS = np.random.default_rng(1).normal(size=(40, 3))
LABELS = np.random.default_rng(2).integers(0, 3, 40)


def network(*layers: Any, inputs: int = 5, seed: int = 1, dtype: str = "float64") -> gn.Network:
    """A network whose biases are not all zero, so that a bias which is forgotten shows."""
    net = gn.Network(inputs, [gn.Dense(*d) if isinstance(d, tuple) else d for d in layers], seed=seed, dtype=dtype)
    net.theta[:] += 0.1 * np.random.default_rng(seed).normal(size=net.theta.size)
    return net


@dataclass
class Outcome:
    """What a training left behind."""

    net: gn.Network
    history: gn.History | None
    error: Exception | None
    state: dict[str, np.ndarray]
    engine: Any

    @property
    def bits(self) -> tuple[bytes, str, dict[str, bytes]]:
        """All that must be the same, bit by bit; repr shows every digit of a float."""
        return self.net.theta.tobytes(), repr(self.history), {k: v.tobytes() for k, v in self.state.items()}


def train(net: gn.Network, inputs: Any, truth: Any, loss: Any, engine: str = "compiled", **options: Any) -> Outcome:
    """Train, and keep the engine's state, which `gn.train` does not return."""
    engines: list[Any] = []
    make = training_module.make_engine

    def keep(*arguments: Any) -> Any:
        engines.append(make(*arguments))
        return engines[-1]

    training_module.make_engine = keep
    history = error = None
    try:
        history = gn.train(net, inputs, truth, loss, engine=engine, **options)
    except NonFiniteError as raised:
        error = raised
    finally:
        training_module.make_engine = make
    return Outcome(net, history, error, engines[0].state.optimizer, engines[0])


def both(
    net: gn.Network, inputs: Any, truth: Any, loss: Any, dtype: str | None = None, **options: Any
) -> tuple[Outcome, Outcome]:
    """Train copies of a network: by the reference engine, in another dtype if one is given, and by the compiled one."""
    reference = train(net.astype(dtype or net.dtype), inputs, truth, loss, "reference", **options)
    compiled = train(net.copy(), inputs, truth, loss, "compiled", **options)
    assert isinstance(compiled.engine, CompiledEngine)
    return reference, compiled


def errors_of_arrays(start: gn.Network, found: np.ndarray, expected: np.ndarray) -> list[tuple[str, float, float]]:
    """Return for each W and b its name, its largest difference and its largest movement."""
    rows = []
    for k, parameter, place in start.layout.places:
        difference = np.abs(found[place].astype(np.float64) - expected[place]).max()
        movement = np.abs(expected[place].astype(np.float64) - start.theta[place]).max()
        rows.append((f"{parameter.name}[{k}]", float(difference), float(movement)))
    return rows


def assert_agree(
    net: gn.Network, inputs: Any, truth: Any, loss: Any, tolerance: float = 1e-10, **options: Any
) -> Outcome:
    """Require float64 to agree: θ, the history, and the optimizer's state; return the compiled outcome."""
    assert net.dtype == np.float64
    reference, compiled = both(net, inputs, truth, loss, **options)
    assert reference.error is None
    assert compiled.error is None
    largest = np.abs(reference.net.theta).max()
    for name, difference, movement in errors_of_arrays(net, compiled.net.theta, reference.net.theta):
        assert difference <= tolerance * movement + 64 * np.finfo(np.float64).eps * largest, name
    assert any(movement > 0 for *_, movement in errors_of_arrays(net, net.theta, reference.net.theta))
    for field in ("loss", "validation_loss", "learning_rate"):
        a, b = np.array(getattr(compiled.history, field)), np.array(getattr(reference.history, field))
        assert a.shape == b.shape
        assert np.all(np.abs(a - b) <= tolerance * np.abs(b).max(initial=1e-300)), field
    for name, array in reference.state.items():
        found = compiled.state[name]
        assert found.dtype == array.dtype
        difference = np.abs(found.astype(np.float64) - array).max(initial=0)
        assert difference <= tolerance * np.abs(array).max(initial=0), name
    return compiled


def assert_float32_as_good(
    net: gn.Network, inputs: Any, truth: Any, loss: Any, factor: float = 4.0, **options: Any
) -> Outcome:
    """Require float32 to be about as near to float64 as the reference engine in float32 is.

    Both round every product and sum to float32, in different orders, so their errors are two draws of the same size, of
    which the largest of an array is judged: hence the factor. A draw may be small by luck. So much is allowed besides
    as both must expect: θ is rounded by at most half a unit in the last place at every step, which adds up as a random
    walk does, and what moves it by some units in all.
    """
    start, inputs = net.astype("float32"), np.asarray(inputs, np.float32)
    exact, compiled = both(start, inputs, truth, loss, "float64", **options)
    reference = train(start.copy(), inputs, truth, loss, "reference", **options)
    eps, steps = float(np.finfo(np.float32).eps), compiled.engine.state.step
    largest = float(np.abs(exact.net.theta).max())
    theirs = errors_of_arrays(start, reference.net.theta, exact.net.theta)
    for (name, ours, movement), (_, other, _) in zip(
        errors_of_arrays(start, compiled.net.theta, exact.net.theta), theirs, strict=True
    ):
        floor = eps * (0.5 * np.sqrt(steps) * largest + 2 * movement)
        assert ours <= factor * other + floor, (name, ours, other, movement)
    for field in ("loss", "validation_loss"):
        a, b, c = (np.array(getattr(o.history, field)) for o in (compiled, reference, exact))
        floor = 4 * eps * np.abs(c).max(initial=0)
        assert np.abs(a - c).max(initial=0) <= factor * np.abs(b - c).max(initial=0) + floor, field
    return compiled


@st.composite
def cases(draw: Any, dtypes: tuple[str, ...] = ("float64",)) -> Any:
    """Draw a network, rows and everything that a training is told."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    layers = []
    for _ in range(draw(st.integers(0, 3))):
        layers += [gn.Dropout(draw(st.sampled_from([0.0, 0.2, 0.5])))] if draw(st.integers(0, 3)) == 0 else []
        bias = draw(st.sampled_from([{}, {}, {"bias": False}, {"trainable_bias": False}]))
        units = draw(st.integers(1, 40))
        layers.append(gn.Dense(units, draw(st.sampled_from(["tanh", "sigmoid", "silu", "softsign"])), **bias))
    kind = draw(st.sampled_from(["numbers", "labels", "distribution", "yes_no"]))
    m, outputs = draw(st.integers(1, 60)), draw(st.integers(2 if kind in ("labels", "distribution") else 1, 20))
    last, loss, truth = {
        "numbers": ("identity", "squared_error", rng.normal(size=(m, outputs))),
        "labels": ("softmax", "cross_entropy(0.1)", rng.integers(0, outputs, m)),
        "distribution": ("identity", "cross_entropy_from_logits", rng.dirichlet(np.ones(outputs), m)),
        "yes_no": ("sigmoid", "binary_cross_entropy", (rng.random((m, outputs)) < 0.5).astype(float)),
    }[kind]
    net = network(
        *layers,
        (outputs, last),
        inputs=draw(st.integers(1, 40)),
        seed=draw(st.integers(0, 99)),
        dtype=draw(st.sampled_from(dtypes)),
    )
    weight = draw(st.sampled_from([None, rng.random(m), (np.arange(m) % 2 + (m == 1)).astype(float)]))
    options = {
        "optimizer": draw(st.sampled_from(["sgd(0.02)", "sgd(0.02, momentum=0.9)", "adam(0.01)", "rmsprop(0.01)"])),
        "schedule": draw(st.sampled_from([None, "cosine", "exponential(0.9, per='step')"])),
        "epochs": draw(st.integers(1, 4)),
        "batch_size": draw(st.none() | st.integers(1, 64)),
        "reduction": draw(st.sampled_from(["mean", "mean", "sum"])),
        "l1": draw(st.sampled_from([0.0, 0.0, 0.01])),
        "l2": draw(st.sampled_from([0.0, 0.1])),
        "clip_norm": draw(st.sampled_from([None, 0.1, 1.0])),
        "clip_value": draw(st.sampled_from([None, None, 0.05])),
        "sample_weight": weight,
        "seed": draw(st.integers(0, 5)),
        "shuffle": draw(st.booleans()),
        "validation": draw(st.sampled_from([None, 0.5])) if m > 3 else None,
        "threads": draw(st.integers(1, 4)),
    }
    return net, rng.normal(size=(m, net.input_shape[0])), truth, loss, options
