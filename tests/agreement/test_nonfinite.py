"""Where numbers end, both engines say the same, and the network keeps its last good θ."""

import numpy as np
import pytest
from two_engines import LABELS, NUMBERS, X, both, network

import glassnet as gn

WITH_A_BAD_ROW = np.where(np.arange(40)[:, None] == 29, 1e200, X)


def exploding(rate, **more):
    return network((9, "tanh"), (3, "identity")), X, NUMBERS, "squared_error", {"optimizer": f"sgd({rate})"} | more


CASES = {
    "rate": exploding(1e8, epochs=50),
    "rate, one epoch a step": exploding(1e8, epochs=50, batch_size=None),
    "rate with momentum and clipping by value": exploding(1e300, clip_value=1e100, epochs=9),
    "θ itself": exploding(1e308, batch_size=8, epochs=9),
    "exp": (network((9, "exp"), (3, "identity")), 200 * X, NUMBERS, "squared_error", {"optimizer": "sgd(0.1)"}),
    "exp twice": (network((9, "exp"), (4, "exp"), (3, "identity")), 9 * X, NUMBERS, "squared_error", {}),
    "one row": (network((9, "relu"), (3, "identity")), WITH_A_BAD_ROW, NUMBERS, "squared_error", {}),
    "one row without shuffling": (
        network((9, "relu"), (3, "identity")),
        WITH_A_BAD_ROW,
        NUMBERS,
        "squared_error",
        {"shuffle": False, "batch_size": 8, "optimizer": "sgd(1e-9)"},
    ),
    "penalty": (network((9, "tanh"), (3, "identity")), X, NUMBERS, "squared_error", {"l2": 1e308, "epochs": 9}),
    "dropout": (
        network((9, "exp"), gn.Dropout(0.5), (3, "softmax")),
        60 * X,
        LABELS,
        "cross_entropy",
        {"optimizer": "sgd(10.0)", "epochs": 30},
    ),
    "poisson": (
        network(
            (3, "exp"),
        ),
        X,
        np.abs(NUMBERS),
        "poisson",
        {"optimizer": "sgd(50.0)", "epochs": 30},
    ),
    "weights": exploding(1e8, epochs=50, sample_weight=(np.arange(40) % 3).astype(float)),
    "sum": exploding(1e6, epochs=50, reduction="sum"),
    "lbfgs": (
        network((9, "exp"), (3, "identity")),
        200 * X,
        NUMBERS,
        "squared_error",
        {"optimizer": "lbfgs", "batch_size": None},
    ),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", [*CASES.values()], ids=[*CASES])
def test_both_engines_say_the_same(case, threads):
    net, inputs, truth, loss, options = case
    reference, compiled = both(net, inputs, truth, loss, **{"batch_size": 16} | options, threads=threads)
    expected, found = reference.error, compiled.error
    assert expected is not None
    assert type(found) is type(expected)
    for name in ("step", "quantity", "layer", "row", "unit"):
        assert getattr(found, name) == getattr(expected, name), name
    assert np.isfinite(compiled.net.theta).all()
    largest = np.abs(reference.net.theta).max()
    np.testing.assert_allclose(compiled.net.theta, reference.net.theta, rtol=1e-9, atol=1e-9 * largest)
    np.testing.assert_allclose(found.history.loss, expected.history.loss, rtol=1e-9)
    assert found.history.stopped == str(found)
    assert compiled.engine.state.step == reference.engine.state.step == found.step  # the slots may be the bad step's


def test_the_network_goes_on_after_a_smaller_rate():
    net, inputs, truth, loss, options = CASES["rate"]
    _, compiled = both(net, inputs, truth, loss, **options)
    good = network((9, "tanh"), (3, "identity"))
    for attempt in (compiled.net, good):
        attempt.theta[:] = net.theta
        gn.train(attempt, inputs, truth, loss, optimizer="sgd(0.01)", epochs=2)
    assert compiled.net.theta.tobytes() == good.theta.tobytes()
