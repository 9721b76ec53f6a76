"""Published numbers, through the compiled engine: the worked examples and the optimizers' trajectories.

The tests that check these numbers stand elsewhere and go by the textbook. Here they run once more, with the textbook's
pass and update replaced by the compiled engine's.
"""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Block, CompiledEngine, Descent, Rates, State
from glassnet.maths.optimizers import SGD, ElementwiseOptimizer
from glassnet.network import network as network_module
from glassnet.network.inputs import as_rows, as_targets
from glassnet.network.parameters import Parameters

TESTS = Path(__file__).resolve().parents[1]


def load(path):
    """A copy of a test module of its own, since it remembers what it found."""
    spec = importlib.util.spec_from_file_location(f"{path.stem}_compiled", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def take_step(net, objective, block, optimizer, state=None, rates=None):
    engine = CompiledEngine(net, objective, Descent(optimizer), len(block), 0)
    if state is not None:
        engine.state = state
    rates = rates or Rates(np.array([optimizer.learning_rate]))
    return engine, engine.run(block, np.arange(len(block)), np.array([0, len(block)]), rates, lambda: False)


# The worked examples

textbook_backprop = gn.Network.backprop
passes = []


def compiled_backprop(net, X, Y, loss, *, reduction="mean", l1=0.0, l2=0.0, masks=None):
    """The textbook's pass, with the compiled engine's error and gradient: what one step of SGD(1) moved."""
    p = textbook_backprop(net, X, Y, loss, reduction=reduction, l1=l1, l2=l2, masks=masks)
    if masks is not None:  # nobody can choose the masks of a training
        return p
    objective, copy = net.objective(loss, reduction, l1, l2), net.copy()
    x = as_rows(X, net.input_shape, net.dtype)
    y = as_targets(Y, objective.loss, len(x), net.outputs, net.dtype)
    _, steps = take_step(copy, objective, Block(x, y, np.ones(len(x))), SGD(1.0))
    gradient = net.theta - copy.theta
    frozen = ~net.layout.mask("trainable")
    gradient[frozen] = p.gradient.theta[frozen]
    passes.append(net)
    return dataclasses.replace(p, loss=float(steps.errors[0]), gradient=Parameters(net.layout, gradient))


@pytest.fixture
def through_the_compiled_engine(monkeypatch):
    monkeypatch.setattr(gn.Network, "backprop", compiled_backprop)
    monkeypatch.setattr(network_module, "_WORK_TO_COMPILE_FOR", 0)
    passes.clear()


examples = load(TESTS / "test_worked_examples.py")


@examples.needs_the_file
def test_worked_examples(through_the_compiled_engine):
    for example_id, check in examples.CHECKS:
        examples.test_published_numbers(example_id, check)
    assert len(passes) >= 20


# The trajectories

LINEAR = gn.ElementwiseLoss("the_prediction_itself", term=lambda a, y: a + 0 * y, term_slope=lambda a, y: 1 + 0 * a)
"""E = a, so that the gradient of one neuron without a bias is the row x itself."""

updates = []


def compiled_update(optimizer, theta, gradient, state, learning_rate=None, momentum=None):
    """Move θ and state one step against a gradient, by a training step whose gradient it is."""
    net = gn.Network(theta.size, [gn.Dense(1, "identity", bias=False)], dtype=theta.dtype)
    net.theta[:] = theta
    block = Block(np.array([gradient]), np.zeros((1, 1)), np.ones(1))
    start = State({name: array.copy() for name, array in state.items()}, int(state["step"]))
    rate = optimizer.learning_rate if learning_rate is None else learning_rate
    rates = Rates(np.array([rate]), None if momentum is None else np.array([momentum]))
    engine, _ = take_step(net, net.objective(LINEAR), block, optimizer, start, rates)
    theta[:] = net.theta
    for name, array in engine.state.optimizer.items():
        state[name][...] = array
    updates.append(optimizer.name)


trajectories = load(TESTS / "maths" / "test_optimizers.py")
TABLES = [
    trajectories.test_trajectory_handed_out_with_the_project,
    trajectories.test_stored_trajectory_of_pytorch,
    trajectories.test_pytorch_itself_for_longer,
]
SINGLE = [
    trajectories.test_cs231n_momentum,
    trajectories.test_deeplearning_ai_gradient_descent,
    trajectories.test_deeplearning_ai_adam,
    trajectories.test_keras_adam_with_amsgrad,
    trajectories.test_keras_adagrad,
    trajectories.test_keras_adamw,
]


@pytest.mark.parametrize("table", TABLES)
def test_trajectories(monkeypatch, table):
    monkeypatch.setattr(ElementwiseOptimizer, "update", compiled_update)
    updates.clear()
    (mark,) = (mark for mark in table.pytestmark if mark.name == "parametrize")
    for case in mark.args[1]:
        table(*(case if isinstance(case, tuple) else (case,)))
    assert len(updates) >= 12 * len(mark.args[1])


@pytest.mark.parametrize("example", SINGLE)
def test_published_steps_of_optimizers(monkeypatch, example):
    monkeypatch.setattr(ElementwiseOptimizer, "update", compiled_update)
    updates.clear()
    example()
    assert updates
