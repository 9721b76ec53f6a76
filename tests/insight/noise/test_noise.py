"""Gradient noise against explicit gradients of rows, brute force over samples, and populations that are known."""

import itertools
import json

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.noise.estimates import RowSums, estimate
from glassnet.training import RunFolder

NETWORKS = {
    "plain": (3, [gn.Dense(4, "tanh"), gn.Dropout(0.3), gn.Dense(3, "softmax")], "cross_entropy"),
    "one layer": (3, [gn.Dense(1, "sigmoid")], "binary_cross_entropy"),
    "no bias": (3, [gn.Dense(4, "relu", bias=False), gn.Dense(2)], "huber"),
    "groups": (3, [gn.Dense(4, "elu", groups=((1, 2), (2, 2))), gn.Dense(2)], "squared_error"),
    "frozen": (3, [gn.Dense(4, "tanh", bias_init="ones", trainable_bias=False), gn.Dense(1)], "squared_error"),
}


def setting(name, m=23):
    inputs, layers, loss = NETWORKS[name]
    net = gn.Network(inputs, layers, seed=5)
    chance = np.random.default_rng(6)
    x = chance.normal(size=(m, inputs))
    y = chance.integers(0, max(2, net.outputs), m) if "entropy" in loss else chance.normal(size=(m, net.outputs))
    return net, x, y, loss


def gradients_of(net, x, y, loss):
    """Return the gradient of each row, of what training moves alone, and the layer of each parameter."""
    free = net.layout.mask("trainable")
    owner = np.concatenate([np.full(place.stop - place.start, k) for k, _, place in net.layout.places])
    return gn.row_gradients(net, x, y, loss).array()[:, free], owner[free]


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("name", NETWORKS)
def test_variance_and_signal_are_those_of_explicit_gradients(name, l2):
    net, x, y, loss = setting(name)
    found = gn.noise(net, x, y, loss=loss, l1=l2 / 3, l2=l2)
    g, owner = gradients_of(net, x, y, loss)
    mean = net.astype("float64").backprop(x, y, loss, l1=l2 / 3, l2=l2).gradient.theta[net.layout.mask("trainable")]
    m = len(x)
    parts = [(found.whole, slice(None))] + [(each.estimate, owner == each.layer) for each in found.layers]
    assert [each.layer for each in found.layers] == sorted(set(owner))
    for est, at in parts:
        variance = np.trace(np.atleast_2d(np.cov(g[:, at].T)))
        assert est.variance == pytest.approx(variance, rel=1e-10)
        assert est.gradient == pytest.approx(mean[at] @ mean[at], rel=1e-9)
        assert est.signal == pytest.approx(mean[at] @ mean[at] - variance / m, rel=1e-8, abs=1e-12)
        assert est.ratio == pytest.approx(est.signal / est.variance)
        assert est.of_these_rows == pytest.approx(variance / (mean[at] @ mean[at]), rel=1e-9)
    assert sum(each.parameters for each in found.layers) == net.layout.mask("trainable").sum()


def test_weighted_rows_count_by_their_weight():
    net, x, y, loss = setting("plain")
    weight = np.random.default_rng(1).integers(0, 4, len(x)).astype(float)
    found = gn.noise(net, x, y, loss=loss, sample_weight=weight)
    g = gradients_of(net, x, y, loss)[0] * (weight / weight.mean())[:, None]
    assert found.whole.variance == pytest.approx(np.trace(np.cov(g.T)))
    step = net.astype("float64").backprop(x, y, loss, sample_weight=weight)
    assert found.whole.gradient == pytest.approx(step.gradient.theta @ step.gradient.theta)
    assert found.error == pytest.approx(step.loss)
    assert "Rows count by their sample weight" in found.text()
    with pytest.raises(InputError, match="0 for every row"):
        gn.noise(net, x, y, loss=loss, sample_weight=0 * weight)


def explicit(g, pull):
    """Return tr Σ, ‖G‖² and their ratio from gradients of rows and the penalty's."""
    m, mean = len(g), g.mean(axis=0)
    variance = g.var(axis=0, ddof=1).sum()
    signal = mean @ mean - variance / m + 2 * pull @ mean + pull @ pull
    return variance, signal, signal / variance


def sums_of(g, pull):
    mean = g.mean(axis=0)
    return RowSums((g * g).sum(axis=1), g @ mean, g @ pull, mean @ mean, mean @ pull, pull @ pull)


def test_errors_are_the_jackknifes_with_each_row_really_left_out():
    net, x, y, loss = setting("plain", m=12)
    found = gn.noise(net, x, y, loss=loss, l2=0.2).whole
    g, _ = gradients_of(net, x, y, loss)
    pull = np.where(net.layout.mask("penalised"), 0.2 * net.theta.astype(np.float64), 0.0)
    without = np.array([explicit(np.delete(g, i, axis=0), pull) for i in range(12)])
    errors = np.sqrt(11 / 12 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose([found.variance_error, found.signal_error, found.ratio_error], errors, rtol=1e-9)
    np.testing.assert_allclose([found.variance, found.signal, found.ratio], explicit(g, pull), rtol=1e-9)


def test_both_estimates_are_unbiased_over_all_samples_that_could_be_drawn():
    chance = np.random.default_rng(0)
    population, pull = chance.normal(size=(4, 3)), 0.1 * chance.normal(size=3)
    drawn = [estimate(sums_of(population[list(which)], pull)) for which in itertools.product(range(4), repeat=4)]
    true = population.mean(axis=0) + pull
    assert np.mean([each.variance for each in drawn]) == pytest.approx(population.var(axis=0).sum())
    assert np.mean([each.signal for each in drawn]) == pytest.approx(true @ true)
    assert min(each.signal for each in drawn) < 0  # which an unbiased estimate must be at times


@pytest.mark.parametrize("strength", [0.6, 0.1, 0.0])
def test_intervals_hold_the_truth_about_95_times_of_100(strength):
    chance = np.random.default_rng(1)
    n, m, trials = 6, 150, 400
    true = np.full(n, strength)
    scales = np.array([2.0, 1, 1, 0.5, 0.5, 0.2])
    ratio = true @ true / (scales @ scales)
    hits = 0
    for _ in range(trials):
        est = estimate(sums_of(true + scales * chance.standard_exponential((m, n)) - scales, np.zeros(n)))
        scale = 1 / ratio if ratio else np.inf
        hits += est.low <= scale and (est.high is None or scale <= est.high)
    assert hits / trials > 0.9
    assert hits / trials < (0.99 if strength else 1.01)  # where there is no signal the jackknife errs to the safe side


def test_the_norm_test_passes_at_that_batch_and_not_before():
    """The variance of a batch's mean by going through every batch of 9 rows that there is."""
    net, x, y, loss = setting("one layer", m=9)
    found = gn.noise(net, x, y, loss=loss)
    g, _ = gradients_of(net, x, y, loss)
    mean = g.mean(axis=0)

    def noise_of(b):
        batches = [g[list(which)].mean(axis=0) - mean for which in itertools.combinations(range(9), b)]
        return np.mean([off @ off for off in batches])

    for share in (0.9, 0.7, 0.5):
        b = found.norm_batch(share)
        assert noise_of(b) <= share**2 * (mean @ mean) * (1 + 1e-9)
        assert b == 1 or noise_of(b - 1) > share**2 * (mean @ mean)
    assert found.norm_batch(0.9) < found.norm_batch(0.5) <= 9


def test_at_the_bottom_of_a_bowl_the_gradient_cannot_be_told_from_0():
    chance = np.random.default_rng(3)
    x = chance.normal(size=(50, 3))
    y = x @ [1.0, -2.0, 0.5] + chance.normal(size=50)
    net = gn.Network(3, [gn.Dense(1)], seed=0, dtype="float64")
    net.theta = np.linalg.lstsq(np.column_stack([x, np.ones(50)]), y, rcond=None)[0]
    found = gn.noise(net, x, y, loss="squared_error", batch_size=10)
    assert found.noise_scale is None
    assert found.whole.high is None
    assert found.whole.low > 10
    assert found.step_share(10) is None
    assert found.norm_batch() == 50
    words = " ".join(found.text().split())
    assert words.startswith("These rows no longer show a direction")
    assert "no batch size follows" in words
    assert words.count("no batch size follows") == 1
    assert "cannot be told" in words
    for unwanted in ("no bound", "not above 0", "of the progress"):
        assert unwanted not in words
    assert json.loads(json.dumps(found.to_dict()))["noise_scale"] is None


def test_rows_that_all_agree_have_no_noise():
    net = gn.Network(2, [gn.Dense(1)], seed=0)
    found = gn.noise(net, [[1.0, 2.0]] * 5, [9.0] * 5, loss="squared_error", batch_size=2)
    assert found.whole.variance == pytest.approx(0, abs=1e-9)
    assert found.norm_batch() == 1
    assert "a step of one row is as good as one of all" in found.text()


def test_b_is_where_a_step_makes_half_the_progress():
    """On a bowl that bends alike everywhere: progress of the best step on b rows, by its formula and by trial."""
    chance = np.random.default_rng(4)
    g = chance.normal(size=(3000, 4)) + 0.3
    est = estimate(sums_of(g, np.zeros(4)))
    b = round(est.noise_scale)
    steps = chance.choice(g, (20_000, b)).mean(axis=1)
    mean = g.mean(axis=0)
    # E(θ − ηs) − E(θ) = −η mean·s + ½η²‖s‖², at the best fixed η
    rate = (steps @ mean).mean() / (steps * steps).sum(axis=1).mean()
    progress = rate * (steps @ mean).mean() - 0.5 * rate**2 * (steps * steps).sum(axis=1).mean()
    assert progress / (0.5 * mean @ mean) == pytest.approx(0.5, abs=0.03)


def test_cabs_speaks_where_it_holds_and_says_why_elsewhere():
    net, x, y, loss = setting("plain")
    plain = gn.noise(net, x, y, loss=loss, optimizer="sgd(0.1)")
    error = net.astype("float64").backprop(x, y, loss).loss
    assert plain.cabs.batch_size == pytest.approx(0.1 * plain.whole.variance / error)
    assert gn.noise(net, x, y, loss=loss, learning_rate=0.1).cabs == plain.cabs
    for settings, word in (
        ({}, "needs a learning rate"),
        ({"optimizer": "adam"}, "adam divides"),
        ({"optimizer": "sgd(momentum=0.9)"}, "without momentum"),
    ):
        found = gn.noise(net, x, y, loss=loss, **settings)
        assert found.cabs.batch_size is None
        assert word in found.cabs.says
        assert word in " ".join(found.text().split())
    momentum = " ".join(gn.noise(net, x, y, loss=loss, optimizer="sgd(momentum=0.9)").text().split())
    assert "about 10 of them at β = 0.9" in momentum


def test_the_answer_comes_first():
    net, x, y, loss = setting("plain", m=400)
    found = gn.noise(net, x, y, loss=loss, batch_size=8)
    scale, first = found.noise_scale, " ".join(found.text().split()).split(". ")[0]
    assert scale is not None
    assert found.whole.high is not None
    assert first.startswith("A batch of about ")
    assert float(first.split()[4].replace(",", "")) == pytest.approx(scale, rel=0.06)
    flat = " ".join(found.text().split())
    sentences = [each for each in flat.split(". ") if len(each) > 30]
    assert len(sentences) == len(set(sentences))
    assert " to no bound" not in flat


@pytest.fixture
def run(tmp_path):
    chance = np.random.default_rng(7)
    x = chance.normal(size=(160, 2))
    y = (np.hypot(*x.T) > 1).astype(int)
    net = gn.Network(2, [gn.Dense(8, "tanh"), gn.Dense(2, "softmax")], seed=1)
    settings = {"optimizer": gn.SGD(0.3), "epochs": 12, "batch_size": 20, "l2": 1e-3}
    gn.train(net, x, y, loss="cross_entropy", checkpoint=tmp_path / "a.run", **settings)
    return net, x, y, tmp_path / "a.run"


def test_a_runs_noise_is_told_over_its_snapshots(run):
    net, x, y, folder = run
    found = gn.noise(net, x, y, run=folder)
    assert (found.batch_size, found.learning_rate, found.optimizer) == (20, 0.3, gn.SGD(0.3).spec)
    assert [each.label for each in found.moments] == [f"epoch {i}" for i in range(13)]
    assert found.moment_rows == 160
    assert found.moments[-1].estimate == found.whole
    kept = {f"epoch {document['epoch']}": arrays["theta"] for document, arrays in RunFolder(folder).moments()}
    for each in found.moments:
        there = net.astype("float64")
        there.theta = kept[each.label]
        g, _ = gradients_of(there, x, y, "cross_entropy")
        assert each.estimate.variance == pytest.approx(np.trace(np.cov(g.T)))
        assert each.error == pytest.approx(there.backprop(x, y, "cross_entropy", l2=1e-3).loss)
    words = found.text()
    assert "B was" in words
    assert "epoch 12" in words
    json.dumps(found.to_dict(), allow_nan=False)


def test_early_stopping_and_other_weights(run, tmp_path):
    _, x, y, folder = run
    stopped = gn.Network(2, [gn.Dense(8, "tanh"), gn.Dense(2, "softmax")], seed=2)
    settings = {"optimizer": gn.SGD(3.0), "epochs": 40, "batch_size": 20, "validation": 0.3}
    early = gn.EarlyStopping(patience=3)
    history = gn.train(
        stopped, x, y, loss="cross_entropy", early_stopping=early, checkpoint=tmp_path / "b.run", **settings
    )
    assert history.best_epoch is not None
    found = gn.noise(stopped, x, y, run=tmp_path / "b.run")
    assert found.moments[-1].error == pytest.approx(found.error)
    with pytest.raises(InputError, match="other weights"):
        gn.noise(stopped, x, y, run=folder)


def test_a_sample_says_so_and_is_the_same_for_a_seed(run):
    net, x, y, _ = run
    found = gn.noise(net, x, y, rows=40, seed=3)
    assert (found.rows, found.of_rows) == (40, 160)
    assert found.to_dict() == gn.noise(net, x, y, rows=40, seed=3).to_dict()
    assert found.whole.variance != gn.noise(net, x, y, rows=40, seed=4).whole.variance
    assert "40 of 160 rows" in found.text()
    assert "the intervals themselves are rough" in found.text()
    many = gn.noise(net, x, y)
    assert abs(found.whole.variance - many.whole.variance) < 4 * found.whole.variance_error


def test_what_is_refused():
    net, x, y, loss = setting("plain")
    for settings, words in (
        ({"rows": 2}, "expected at least 3"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"optimizer": "sdg"}, "optimizer"),
    ):
        with pytest.raises(InputError, match=words):
            gn.noise(net, x, y, loss=loss, **settings)
    with pytest.raises(InputError, match="There are 2 rows"):
        gn.noise(net, x[:2], y[:2], loss=loss)
