"""A step taken apart is the step: for every optimizer, against the update itself and against papers' formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.maths.optimizers import OPTIMIZERS, ElementwiseOptimizer

SPECS = [
    "sgd(0.1)",
    "sgd(0.1, weight_decay=0.3)",
    "sgd(0.1, momentum=0.9)",
    "sgd(0.1, momentum=0.9, dampening=0.4, weight_decay=0.3)",
    "sgd(0.1, momentum=0.8, nesterov=True, weight_decay=0.3)",
    "rmsprop(0.01)",
    "rmsprop(0.01, momentum=0.7, weight_decay=0.2)",
    "rmsprop(0.01, centered=True)",
    "rmsprop(0.01, centered=True, momentum=0.7)",
    "adagrad(0.1, lr_decay=0.2, weight_decay=0.1)",
    "adadelta(1.0, weight_decay=0.1)",
    "adam(0.01)",
    "adam(0.01, amsgrad=True, weight_decay=0.1)",
    "adamw(0.01, weight_decay=0.3)",
    "adamax(0.01, weight_decay=0.1)",
    "nadam(0.01, weight_decay=0.1)",
    "nadam(0.01, weight_decay=0.1, decoupled_weight_decay=True)",
    "radam(0.01, weight_decay=0.1)",
    "radam(0.01, weight_decay=0.1, decoupled_weight_decay=True)",
]
SPLIT = {name for name in OPTIMIZERS if name not in ("rprop", "lbfgs")}


def test_every_optimizer_is_here():
    assert {OPTIMIZERS.resolve(spec).name for spec in SPECS} == SPLIT


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), steps=st.integers(0, 12), scale=st.sampled_from([1e-6, 1.0, 1e3]))
def test_the_parts_sum_to_the_update(spec, seed, steps, scale):
    optimizer, chance = OPTIMIZERS.resolve(spec), np.random.default_rng(seed)
    theta = chance.normal(size=7)
    state = optimizer.init(theta)
    for _ in range(steps):
        optimizer.update(theta, chance.normal(size=7), state)
    gradient, rate = chance.normal(size=7) * scale, float(chance.uniform(0.5, 2)) * optimizer.learning_rate
    before, kept = theta.copy(), {name: array.copy() for name, array in state.items()}
    step = optimizer.anatomy(theta, gradient, state, rate)
    for name, array in state.items():
        np.testing.assert_array_equal(array, kept[name], err_msg="an anatomy is a look, not a step")
    optimizer.update(theta, gradient, state, rate)
    g = gradient + step.decay * before
    b = step.keep * (kept[optimizer.memory] if optimizer.memory else 0.0) + step.entry * g
    linear = np.array([-step.direct * g, -step.lever * b, -step.shrink * before])
    stages = [-step.rate * g, step.momentum, step.scaling, step.correction, -step.shrink * before]
    stages = np.stack([np.broadcast_to(stage, (7,)) for stage in stages])
    # θ after less θ before is only as exact as θ is
    ulp = np.spacing(np.maximum(np.abs(before), np.abs(theta)))
    np.testing.assert_array_less(
        np.abs(linear.sum(axis=0) - (theta - before)), 8 * (ulp + np.abs(linear).max(0) * 2**-52)
    )
    np.testing.assert_array_less(
        np.abs(stages.sum(axis=0) - (theta - before)), 8 * (ulp + np.abs(stages).max(0) * 2**-52)
    )
    if optimizer.memory:
        np.testing.assert_allclose(b, state[optimizer.memory], rtol=1e-13, atol=1e-300)


def test_adams_stages_by_hand():
    """With β₁ = 0.5, β₂ = 0.75, ε = 0 and g = 4 in the first step: m = 2, v = 4, both corrections are known."""
    adam = OPTIMIZERS.resolve("adam(1.0, betas=(0.5, 0.75), eps=0.0)")
    theta = np.array([10.0])
    step = adam.anatomy(theta, np.array([4.0]), adam.init(theta))
    assert step.momentum.item() == -(2 - 4)  # follow 2 in place of 4
    assert step.scaling.item() == -(2 / 2 - 2)  # divided by √v = 2
    assert math.isclose(step.correction.item(), -(1 - 1))  # (2/0.5)/√(4/0.25) = 1 as well
    assert step.lever.item() == pytest.approx(0.5)


def test_a_momentum_that_a_schedule_moves():
    sgd = OPTIMIZERS.resolve("sgd(0.5, momentum=0.9)")
    theta, state = np.array([1.0]), {"momentum_buffer": np.array([4.0]), "step": np.array(3)}
    step = sgd.anatomy(theta, np.array([2.0]), state, 0.25, 0.5)
    assert (step.rate, step.keep, step.lever) == (0.25, 0.5, 0.25)
    assert step.momentum.item() == -0.25 * (0.5 * 4 + 2 - 2)


@pytest.mark.parametrize("spec", ["rprop", "lbfgs"])
def test_what_cannot_be_taken_apart_says_so(spec):
    optimizer = OPTIMIZERS.resolve(spec)
    theta = np.ones(3)
    assert optimizer.anatomy(theta, np.ones(3), optimizer.init(theta)) is None
    assert optimizer.memory is None


def test_every_elementwise_optimizer_names_a_slot_as_its_memory():
    for spec in SPECS:
        optimizer = OPTIMIZERS.resolve(spec)
        assert isinstance(optimizer, ElementwiseOptimizer)
        assert optimizer.memory is None or optimizer.memory in optimizer.slots
