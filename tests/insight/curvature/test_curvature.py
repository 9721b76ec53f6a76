"""Eigenvalues, traces and the rates they allow, against closed forms, dense linear algebra and descent itself."""

import json

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.curvature import measuring
from glassnet.insight.curvature.rates import limit_of_adaptive, limit_of_sgd, preconditioner
from glassnet.training import RunFolder


def line(chance, m=40, inputs=3):
    """Return a linear regression, its rows and its Hessian 2XᵀX/m, the bias an input that is always on."""
    x = chance.normal(size=(m, inputs)) * [1.0, 2.0, 0.5][:inputs]
    y = x @ np.ones(inputs) + chance.normal(size=m)
    net = gn.Network(inputs, [gn.Dense(1)], seed=1, dtype="float64")
    full = np.column_stack([x, np.ones(m)])
    return net, x, y, 2 * full.T @ full / m


def test_a_linear_regression_is_the_bowl_that_algebra_says():
    net, x, y, expected = line(np.random.default_rng(0))
    found = gn.curvature(net, x, y, loss="squared_error", count=2)
    np.testing.assert_allclose(found.product(np.eye(4)), expected, rtol=1e-12, atol=1e-14)
    values = np.linalg.eigvalsh(expected)
    np.testing.assert_allclose(found.eigenvalues, values, rtol=1e-12)
    assert found.trace == pytest.approx(np.trace(expected), rel=1e-12)
    assert found.trace_error == 0
    assert [each.value for each in found.largest] == pytest.approx(values[::-1][:2])
    assert found.smallest.value == pytest.approx(values[0])
    assert found.critical_rate == pytest.approx(2 / values[-1])
    assert found.is_minimum is True
    assert max(each.residual for each in found.largest) < 1e-12
    assert found.asymmetry < 1e-14
    assert found.error == pytest.approx(net.backprop(x, y, "squared_error").loss)
    assert found.slope == pytest.approx(np.linalg.norm(net.backprop(x, y, "squared_error").gradient.theta))


METHODS = [
    "sgd",
    "sgd(momentum=0.9)",
    "sgd(momentum=0.5, dampening=0.3)",
    "sgd(momentum=0.8, nesterov=True)",
    "sgd(weight_decay=0.4)",
    "sgd(momentum=0.9, weight_decay=0.4)",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("factor", "grows"), [(0.98, False), (1.02, True)])
def test_descent_really_diverges_beyond_the_limit_and_not_before(method, factor, grows):
    net, x, y, _ = line(np.random.default_rng(2))
    method = method if "(" in method else "sgd(weight_decay=0.0)"
    limit = gn.curvature(net, x, y, loss="squared_error", optimizer=method).rate.limit
    best = gn.Network(3, [gn.Dense(1)], dtype="float64")
    best.theta = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    least = best.backprop(x, y, "squared_error").loss
    above = []
    for epochs in (200, 600):
        going = net.astype("float64")
        optimizer = gn.maths.optimizers.OPTIMIZERS.resolve(method.replace(")", f", learning_rate={limit * factor!r})"))
        gn.train(going, x, y, loss="squared_error", optimizer=optimizer, epochs=epochs, batch_size=None, ledger=False)
        above.append(going.backprop(x, y, "squared_error").loss - least)
    assert (above[1] > 100 * above[0]) if grows else (above[1] < 1.01 * above[0] + 1e-9)


@pytest.mark.parametrize("optimizer", [gn.Adam(), gn.Adam(betas=(0.5, 0.99)), gn.AdamW(weight_decay=0.3), gn.RMSprop()])
@pytest.mark.parametrize(("factor", "grows"), [(0.99, False), (1.01, True)])
def test_adaptive_steps_with_p_held_still_diverge_beyond_the_limit(optimizer, factor, grows):
    """With P = 1, on ½λθ²: the recurrences as their docstrings write them, bias correction left out."""
    lam, (beta, decay) = 3.0, (getattr(optimizer, "betas", (0.0,))[0], 0.3 if optimizer.name == "adamw" else 0.0)
    rate = limit_of_adaptive(optimizer, lam)[0] * factor
    theta, m = 1.0, 0.0
    sizes = []
    for _ in range(4000):
        m = beta * m + (1 - beta) * lam * theta
        theta = (1 - rate * decay) * theta - rate * m
        sizes.append(abs(theta))
        if abs(theta) > 1e6:
            break
    assert (max(sizes[-50:]) > 1e3) == grows


@pytest.mark.parametrize(
    "optimizer", [gn.Adam(eps=0.1), gn.AdamW(amsgrad=True), gn.Adam(betas=(0.5, 0.6)), gn.RMSprop(eps=0.01)]
)
def test_p_is_what_each_weights_step_is_divided_by(optimizer):
    chance = np.random.default_rng(0)
    theta = np.zeros(5)
    state = optimizer.init(theta)
    for _ in range(7):
        optimizer.update(theta, chance.normal(size=5), state)
    before, g = theta.copy(), chance.normal(size=5)
    optimizer.update(theta, g, state)
    divisor = preconditioner(optimizer, state)
    if optimizer.name == "rmsprop":
        step, keep = g, 1.0
    else:
        step = state["exp_avg"] / (1 - optimizer.betas[0] ** int(state["step"]))
        keep = 1 - optimizer.learning_rate * optimizer.weight_decay * (optimizer.name == "adamw")
    np.testing.assert_allclose(theta, keep * before - optimizer.learning_rate * step / divisor, rtol=1e-12)


def test_limits_of_methods_without_a_rule_are_not_invented():
    net, x, y, _ = line(np.random.default_rng(2))
    for method in ("adam", "rmsprop", "rprop", "adagrad", "lbfgs"):
        found = gn.curvature(net, x, y, loss="squared_error", optimizer=method)
        assert found.rate.limit is None
        assert "no limit is known" in found.text()


def two_moons(chance, m=120):
    x = chance.normal(size=(m, 2))
    return x, (np.hypot(*x.T) > 1).astype(int)


@pytest.fixture
def by_lanczos(monkeypatch):
    """Let a network of more than 64 parameters count as too large to write its Hessian out."""
    monkeypatch.setattr(measuring, "_WRITTEN_OUT", 0)


@pytest.mark.parametrize("seed", range(3))
def test_lanczos_finds_what_dense_algebra_finds(by_lanczos, seed):
    chance = np.random.default_rng(seed)
    x, y = two_moons(chance)
    net = gn.Network(2, [gn.Dense(9, "tanh"), gn.Dense(6, "gelu"), gn.Dense(2, "softmax")], seed=seed)
    found = gn.curvature(net, x, y, l2=0.01, seed=seed)
    assert found.eigenvalues is None
    h = found.product(np.eye(net.theta.size))
    np.testing.assert_allclose(h, h.T, atol=1e-14)
    values = np.linalg.eigvalsh(h)
    for each, value in zip(found.largest, values[::-1][:3], strict=True):
        assert abs(each.value - value) <= each.residual + 1e-12
        assert each.residual <= 1e-3 * abs(each.value) + 1e-12
    assert abs(found.smallest.value - values[0]) <= found.smallest.residual + 1e-12
    assert found.smallest.residual <= 1e-2 * (values[-1] - values[0]) * 1.01
    assert found.is_minimum is bool(values[0] > 0)
    assert abs(found.trace - np.trace(h)) < 4 * found.trace_error
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(3), atol=1e-9)


def test_the_traces_error_is_as_large_as_it_says(by_lanczos):
    x, y = two_moons(np.random.default_rng(0), 30)
    net = gn.Network(2, [gn.Dense(20, "tanh"), gn.Dense(2, "softmax")], seed=1)
    exact = np.trace(gn.curvature(net, x, y).product(np.eye(net.theta.size)))
    off = []
    for seed in range(25):
        found = gn.curvature(net, x, y, probes=10, seed=seed)
        off.append((found.trace - exact) / found.trace_error)
    assert 0.55 < np.sqrt(np.mean(np.square(off))) < 1.7
    assert abs(np.mean(off)) < 3 * np.std(off) / np.sqrt(25)


def test_a_saddle_is_no_minimum_and_its_error_falls_both_ways():
    """w₁ = w₂ = 0 in h = w₂ w₁ x for y = x: no slope, and H = [[0, −2], [−2, 0]], with eigenvalues ±2 by hand."""
    net = gn.Network(1, [gn.Dense(1, bias=False), gn.Dense(1, bias=False)], dtype="float64")
    net.theta = [0.0, 0.0]
    found = gn.curvature(net, [[1.0], [-1.0]], [1.0, -1.0], loss="squared_error")
    np.testing.assert_allclose(found.product(np.eye(2)), [[0, -2], [-2, 0]], atol=1e-15)
    assert found.slope == 0
    assert (found.largest[0].value, found.smallest.value) == (pytest.approx(2), pytest.approx(-2))
    assert found.is_minimum is False
    words = " ".join(found.text().split())
    assert "no minimum" in words
    for d in (0.1, -0.1):  # along (1, 1)/√2 the product grows to d²/2
        net.theta = np.array([1.0, 1.0]) * d / np.sqrt(2)
        change = net.backprop([[1.0], [-1.0]], [1.0, -1.0], "squared_error").loss - 1
        assert change == pytest.approx(0.5 * -2 * d**2, rel=0.01)


def test_level_ground_is_told_as_such():
    """At a fit of more weights than rows some directions change nothing: neither a minimum in each nor a saddle."""
    net = gn.Network(3, [gn.Dense(1)], dtype="float64")
    x, y = [[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]], [1.0, 2.0]
    found = gn.curvature(net, x, y, loss="squared_error")
    assert found.is_minimum is None
    assert "cannot be told" in found.text()
    assert np.sum(np.abs(found.eigenvalues) > 1e-9) == 2


def test_where_nothing_bends_upwards_no_rate_is_too_large():
    net = gn.Network(2, [gn.Dense(1)], dtype="float64")
    found = gn.curvature(net, [[1.0, 2.0]], [5.0], loss="absolute_error", learning_rate=0.1)
    assert found.critical_rate is None
    assert found.rate.limit is None
    assert "sets no limit" in found.text()
    assert "absolute_error has corners" in " ".join(found.text().split())


def test_the_run_and_its_rate_stand_beside_the_limit(tmp_path):
    net, x, y, expected = line(np.random.default_rng(3))
    top = np.linalg.eigvalsh(expected)[-1]
    gn.train(net, x, y, loss="squared_error", optimizer=gn.SGD(1.8 / top), epochs=5, checkpoint=tmp_path / "a.run")
    found = gn.curvature(net, x, y, run=tmp_path / "a.run")
    assert found.rate.limit == pytest.approx(2 / top)
    assert found.rate.share == pytest.approx(0.9)
    assert "0.9 of the limit" in found.text()
    assert "batches of 32 rows" in " ".join(found.text().split())
    again = gn.curvature(net, x, y, run=RunFolder(tmp_path / "a.run"), learning_rate=4 / top)
    assert again.rate.share == pytest.approx(2)
    assert "such steps would grow" in " ".join(again.text().split())
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_adams_limit_is_that_of_the_scaled_bowl(tmp_path, decay):
    net, x, y, expected = line(np.random.default_rng(3))
    adam = gn.Adam(0.01, weight_decay=decay)
    gn.train(net, x, y, loss="squared_error", optimizer=adam, epochs=9, l2=0.1, checkpoint=tmp_path / "a.run")
    found = gn.curvature(net, x, y, run=tmp_path / "a.run")
    state = list(RunFolder(tmp_path / "a.run").moments())[-1][1]
    p = np.sqrt(state["optimizer.exp_avg_sq"] / (1 - 0.999 ** int(state["optimizer.step"]))) + 1e-8
    h = expected + 0.1 * np.diag([1, 1, 1, 0]) + decay * np.eye(4)  # a penalty leaves biases out, decay does not
    largest = np.linalg.eigvals(h / p[:, None]).real.max()
    assert found.rate.eigenvalue == pytest.approx(largest)
    assert found.rate.limit == pytest.approx(38 / largest)
    assert found.l2 == 0.1  # the run's


def test_a_summing_runs_rate_counts_for_each_row(tmp_path):
    net, x, y, expected = line(np.random.default_rng(3))
    top = np.linalg.eigvalsh(expected)[-1]
    rate = 1.0 / top / 40
    gn.train(net, x, y, loss="squared_error", reduction="sum", optimizer=gn.SGD(rate), epochs=2, batch_size=None,
             checkpoint=tmp_path / "a.run")  # fmt: skip
    assert gn.curvature(net, x, y, run=tmp_path / "a.run").rate.share == pytest.approx(0.5)


def test_a_run_of_other_weights_is_refused(tmp_path):
    net, x, y, _ = line(np.random.default_rng(3))
    gn.train(net, x, y, loss="squared_error", epochs=2, checkpoint=tmp_path / "a.run")
    net.theta = net.theta + 1
    with pytest.raises(InputError, match="other weights"):
        gn.curvature(net, x, y, run=tmp_path / "a.run")
    with pytest.raises(InputError, match="There is no run"):
        gn.curvature(net, x, y, run=tmp_path / "nowhere.run")
    with pytest.raises(InputError, match="other layers"):
        gn.curvature(gn.Network(3, [gn.Dense(1, "tanh")]), x, y, loss="squared_error", run=tmp_path / "a.run")


def test_a_sample_of_rows_says_so_and_looks_at_others():
    net, x, y, expected = line(np.random.default_rng(4), m=400)
    found = gn.curvature(net, x, y, loss="squared_error", rows=50, seed=1)
    assert (found.rows, found.of_rows, found.other_rows.rows) == (50, 400, 50)
    top = np.linalg.eigvalsh(expected)[-1]
    assert abs(found.largest[0].value - top) < 4 * found.largest[0].spread
    assert abs(found.other_rows.value - top) < 4 * found.other_rows.spread
    assert "50 of 400 rows" in found.text()
    again = gn.curvature(net, x, y, loss="squared_error", rows=50, seed=1)
    assert again.to_dict() == found.to_dict()
    assert gn.curvature(net, x, y, loss="squared_error").other_rows is None


def test_what_is_refused():
    net, x, y, _ = line(np.random.default_rng(4))
    for settings, words in (
        ({"rows": 0}, "rows is 0"),
        ({"rows": "some"}, "rows is 'some'"),
        ({"count": 0}, "count is 0"),
        ({"tolerance": 2}, "tolerance is 2"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"optimizer": "sdg"}, "optimizer"),
        ({"loss": "squared_eror"}, "squared_error"),
    ):
        with pytest.raises(InputError, match=words):
            gn.curvature(net, x, y, **{"loss": "squared_error", **settings})
    found = gn.curvature(net, x, y, loss="squared_error")
    with pytest.raises(InputError, match=r"v has shape \(3,\); expected \(4,\)"):
        found.product([1, 2, 3])
    net.theta = [1e200, 0, 0, 0]
    with pytest.raises(gn.GlassnetError, match="not finite"):
        gn.curvature(net, x, y, loss="squared_error")


def test_formulas_of_limits():
    assert limit_of_sgd(gn.SGD(), 4.0) == (0.5, "2/λ")
    assert limit_of_sgd(gn.SGD(), -1.0)[0] is None
    assert limit_of_sgd(gn.SGD(momentum=0.9, nesterov=True), 1.0)[0] == pytest.approx(3.8 / 2.8)


def test_a_row_is_named_as_the_caller_counts_it():
    net, x, y, _ = line(np.random.default_rng(4), m=60)
    y[41] = 1e200
    with pytest.raises(gn.GlassnetError, match=r"row 41\b"):
        gn.curvature(net, x, y, loss="squared_error")
    seeds = [seed for seed in range(20) if 41 in np.random.default_rng(seed).choice(60, 30, replace=False)]
    with pytest.raises(gn.GlassnetError, match=r"row 41\b"):
        gn.curvature(net, x, y, loss="squared_error", rows=30, seed=seeds[0])
    with pytest.raises(gn.GlassnetError, match=r"row 41\b"):
        gn.noise(net, x, y, loss="squared_error", rows=30, seed=seeds[0])


def test_a_layer_that_mixes_rows_is_refused(monkeypatch):
    net, x, y, _ = line(np.random.default_rng(4))
    monkeypatch.setattr(gn.Dense, "mixes_rows", True)
    for ask in (gn.curvature, gn.noise):
        with pytest.raises(InputError, match="all rows of a step together"):
            ask(net, x, y, loss="squared_error")


def test_other_rows_are_those_that_count():
    net, x, y, _ = line(np.random.default_rng(4), m=30)
    weight = np.zeros(30)
    weight[:20] = 1.0
    found = gn.curvature(net, x, y, loss="squared_error", rows=15, sample_weight=weight)
    assert 0 < found.other_rows.rows <= 15
    with pytest.raises(InputError, match="0 for every row"):
        gn.curvature(net, x, y, loss="squared_error", sample_weight=0 * weight)
