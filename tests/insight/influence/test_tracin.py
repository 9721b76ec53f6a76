"""TracIn against autograd's gradients, one row at a time, summed by hand over the snapshots."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

import glassnet as gn
from glassnet.training import RunFolder

from .runs import blobs, run_of


def error_of(theta, x, y):
    """Cross-entropy of a network 4-5-3, tanh and soft-max, written again."""
    w0, b0 = theta[:20].reshape(4, 5), theta[20:25]
    w1, b1 = theta[25:40].reshape(5, 3), theta[40:43]
    z = anp.dot(anp.tanh(anp.dot(x, w0) + b0), w1) + b1
    return anp.log(anp.sum(anp.exp(z))) - z[y]


@pytest.mark.parametrize(("method", "first"), [("tracin", 0), ("last_layer", 25)])
@pytest.mark.parametrize("epochs", [3, 20])
def test_the_sum_over_snapshots(method, first, epochs, tmp_path):
    X, y = blobs()
    weight = np.linspace(0.5, 1.5, 24)
    layers = [gn.Dense(5, "tanh"), gn.Dropout(0.2), gn.Dense(3, "softmax")]
    options = {"optimizer": gn.SGD(0.2), "schedule": "exponential(0.9)", "epochs": epochs, "batch_size": 5}
    replay, _ = run_of(tmp_path / "a.run", layers, X, y, sample_weight=weight, **options)
    x, truth = np.array([0.3, 0.1, -0.4, 0.8]), 1
    found = gn.influence(replay, x=x, y=truth, method=method)

    slope = grad(error_of)
    expected, moments = np.zeros(24), list(RunFolder(tmp_path / "a.run").moments())
    snapshots = [(document["epoch"], arrays["theta"]) for document, arrays in moments if document["epoch"] < epochs]
    starts = [epoch for epoch, _ in snapshots]
    assert starts == ([0, 1, 2] if epochs == 3 else list(range(0, 20, 2)))
    for (start, theta), end in zip(snapshots, [*starts[1:], epochs], strict=True):
        rate = sum(0.2 * 0.9**epoch for epoch in range(start, end))
        asked = slope(theta, x, truth)[first:]
        for i in range(24):
            expected[i] += rate * weight[i] / (5 * weight.mean()) * slope(theta, X[i], y[i])[first:] @ asked
    np.testing.assert_allclose(found.without, expected, rtol=1e-9, atol=1e-12)
    assert found.run.snapshots == len(snapshots)


def test_one_small_step_of_plain_descent_is_what_it_says(tmp_path):
    """Where the formula is derived, it is true: a single step from one snapshot, over all rows."""
    X, y = blobs()
    layers = [gn.Dense(5, "tanh"), gn.Dense(3, "softmax")]
    options = {"optimizer": gn.SGD(1e-6), "epochs": 1, "batch_size": None, "reduction": "sum"}
    replay, net = run_of(tmp_path / "a.run", layers, X, y, **options)
    x = np.array([[0.3, 0.1, -0.4, 0.8]])
    traced, unrolled = (gn.influence(replay, x=x, y=1, method=method).without for method in ("tracin", "exact"))
    np.testing.assert_allclose(traced, unrolled, rtol=1e-3, atol=1e-9)
    start = next(RunFolder(tmp_path / "a.run").moments())[1]["theta"]
    gained = error_of(start, x[0], 1) - error_of(net.theta, x[0], 1)
    assert traced.sum() == pytest.approx(gained, rel=1e-4)  # all rows together did what the step did
