"""The textbook's own experiment, whole: half a minute, so it runs with `pytest -m long`."""

from pathlib import Path

import pytest

import glassnet as gn

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


@pytest.mark.long
@pytest.mark.skipif(not MNIST.exists(), reason="shared/data/mnist is absent")
def test_784_30_10_reaches_what_the_textbook_reports():
    """Nielsen, chapter 1: 30 epochs, batches of 10, rate 3.0, quadratic cost: 95.42 percent at its peak."""
    table = gn.open_source("mnist", folder=MNIST)
    x, xv = table.inputs / 255, table.held_out.inputs / 255
    normal = {"weight_init": "normal(1.0)", "bias_init": "normal(1.0)"}
    net = gn.Network(784, [gn.Dense(30, "sigmoid", **normal), gn.Dense(10, "sigmoid", **normal)], seed=0)
    history = gn.train(
        net,
        x,
        table.targets,
        loss="half_squared_error",
        optimizer=gn.SGD(3.0),
        batch_size=10,
        epochs=30,
        validation=(xv, table.held_out.targets),
    )
    assert 0.94 < max(history.validation_accuracy) < 0.965
