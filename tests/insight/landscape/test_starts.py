"""Many starts: the same valleys for a seed on any number of threads, and the known valleys of XOR."""

import gc
import itertools
import json
import math
import threading
import weakref

import numpy as np
import pytest
from scipy.optimize import minimize

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.landscape import many_starts
from glassnet.insight.landscape.valleys import comparable, group

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
Y = np.array([0, 1, 1, 0])


def xor(hidden=2):
    return gn.Network(2, [gn.Dense(hidden, "tanh"), gn.Dense(1, "sigmoid")])


@pytest.fixture(scope="module")
def found():
    return many_starts(xor(), X, Y, "binary_cross_entropy", starts=60, epochs=3000, threads=2)


def test_the_valleys_do_not_depend_on_the_number_of_threads(found):
    alone = many_starts(xor(), X, Y, "binary_cross_entropy", starts=60, epochs=3000, threads=1)
    np.testing.assert_array_equal(alone.loss, found.loss)
    np.testing.assert_array_equal(alone.ends, found.ends)
    assert alone.valleys == found.valleys
    other = many_starts(xor(), X, Y, "binary_cross_entropy", starts=5, epochs=30, seed=60)
    assert other.seeds.tolist() == [60, 61, 62, 63, 64]


def test_xor_has_a_valley_at_zero_and_basins_that_an_independent_optimizer_finds_too(found):
    assert sum(valley.count for valley in found.valleys) + found.diverged == 60
    assert sum(valley.share for valley in found.valleys) == pytest.approx(1)
    depths = np.array([valley.loss for valley in found.valleys])
    assert (np.diff(depths) >= 0).all()

    def error(theta):  # a forward pass of the test's own
        z = np.tanh(X @ theta[:4].reshape(2, 2) + theta[4:6]) @ theta[6:8] + theta[8]
        return np.mean(np.logaddexp(0, z) - Y * z)

    rng = np.random.default_rng(0)
    independent = {round(minimize(error, rng.normal(size=9)).fun, 2) for _ in range(40)}
    assert {0.0, 0.35} <= independent  # solved, and two rows of four given up at log 2 / 2
    assert depths[0] < 0.002
    assert any(abs(depth - math.log(2) / 2) < 0.002 for depth in depths)
    for depth in depths:
        assert min(abs(depth - known) for known in independent) < 0.01


def test_a_start_can_be_made_again_from_its_seed(found):
    valley = found.valleys[-1]
    net = xor()
    net.initialize(valley.seed)
    gn.train(net, X, Y, "binary_cross_entropy", optimizer="adam(0.01)", batch_size=32, epochs=3000, seed=valley.seed)
    i = found.seeds.tolist().index(valley.seed)
    np.testing.assert_array_equal(net.theta, found.ends[i])
    p = net.astype("float64").backprop(X, Y, "binary_cross_entropy")
    assert p.loss == pytest.approx(valley.loss)
    assert np.linalg.norm(p.gradient.theta) == pytest.approx(valley.slope)


def test_networks_with_units_swapped_or_signs_turned_are_in_one_valley():
    def predict(theta):
        net = xor()
        net.theta = theta
        return net.predict(X)

    theta = xor().theta.copy()
    w, b, v, c = theta[:4].reshape(2, 2), theta[4:6], theta[6:8], theta[8:]
    same = [
        np.concatenate([(s * w[:, order]).ravel(), s * b[list(order)], s * v[list(order)], c])
        for order in ([0, 1], [1, 0])
        for s in (np.array([1, 1]), np.array([1, -1]), np.array([-1, -1]))
    ]
    other = theta + 2.0
    predictions = np.stack([predict(t) for t in [*same, other]])
    assert len({t.tobytes() for t in same}) == 6
    valleys = group(np.zeros(7), predictions, 1e-6, 1e-4)
    assert [sorted(valley.tolist()) for valley in valleys] == [[0, 1, 2, 3, 4, 5], [6]]


def test_starts_are_within_the_tolerances_of_their_valleys_deepest_start_and_others_within_twice_as_much():
    rng = np.random.default_rng(6)
    errors, predictions = rng.uniform(0, 0.1, 60), rng.uniform(0, 0.2, (60, 1, 1)) + np.zeros((60, 3, 2))
    valleys = group(errors, predictions, 0.04, 0.05)
    widest = 0.0
    for valley in valleys:
        assert errors[valley[0]] == errors[valley].min()
        assert np.ptp(errors[valley]) <= 0.04
        values = predictions[valley, 0, 0]
        assert np.abs(values - values[0]).max() <= 0.05
        widest = max(widest, np.ptp(values))
    assert 0.05 < widest <= 0.1  # two members may be further apart than the tolerance, and here some are


def test_groups_hold_each_start_once():
    rng = np.random.default_rng(5)
    errors = rng.choice([0.1, 0.11, 0.5, 0.52, np.nan], 80)
    predictions = rng.choice([0.0, 0.02, 1.0], (80, 1, 1)) + np.zeros((80, 3, 2))
    valleys = group(errors, predictions, 0.015, 0.05)
    members = np.concatenate(valleys)
    assert sorted(members) == np.flatnonzero(~np.isnan(errors)).tolist()
    for valley in valleys:
        assert np.ptp(errors[valley]) <= 0.015
        assert all(np.abs(predictions[i] - predictions[j]).max() <= 0.05 for i, j in itertools.combinations(valley, 2))
    assert len(valleys) == 6  # three depths that can be told apart, two functions
    shuffled = rng.permutation(80)
    again = group(errors[shuffled], predictions[shuffled], 0.015, 0.05)
    assert [len(v) for v in again] == [len(v) for v in valleys]


def test_logits_are_compared_as_probabilities():
    logits = np.array([[[30.0, -30.0]], [[300.0, -10.0]]])
    p = comparable(logits, "cross_entropy_from_logits")
    np.testing.assert_allclose(p, [[[1, 0]], [[1, 0]]], atol=1e-12)
    np.testing.assert_allclose(comparable(np.array([0.0, 800.0]), "binary_cross_entropy_from_logits"), [0.5, 1])
    assert comparable(logits, "squared_error") is logits


def test_starts_that_diverge_are_counted_apart():
    net = gn.Network(2, [gn.Dense(2, "exp"), gn.Dense(1)])
    found = many_starts(net, 30 * X, Y, "squared_error", starts=4, epochs=50, optimizer="sgd(10.0)")
    assert found.diverged == 4
    assert found.valleys == ()
    assert "4 of them met a NaN or an infinity" in found.text()
    assert "<table" not in found.html()


def test_what_is_not_trained_is_kept_and_the_network_is_left_alone():
    net = gn.Network(2, [gn.Dense(1, trainable_bias=False)], dtype="float64")
    net.theta = [5.0, 5.0, 0.25]
    found = many_starts(net, X, Y, "squared_error", starts=3, epochs=20)
    assert (found.ends[:, 2] == 0.25).all()
    assert (found.begins[:, 2] == 0.25).all()
    assert net.theta.tolist() == [5.0, 5.0, 0.25]


def test_thetas_are_let_go_where_they_do_not_fit_and_the_valleys_are_the_same(found, monkeypatch):
    from glassnet.insight.landscape import starts, team

    alive = []

    def watch(seed, theta, look=starts._Look.__call__):
        alive.append(weakref.ref(theta))
        return look(watch.self, seed, theta)

    class Watching(starts._Look):
        def __call__(self, seed, theta):
            watch.self = self
            return watch(seed, theta)

    monkeypatch.setattr(starts, "_BYTES_OF_ENDS", 2 * 59 * 9 * 4)
    monkeypatch.setattr(starts, "_Look", Watching)
    held = []

    def count(progress):
        if progress.done % 20:  # a collection takes a second in a process that has run all tests
            return
        gc.collect()
        held.append(sum(theta() is not None for theta in alive))

    again = []
    monkeypatch.setattr(
        team.Team,
        "again",
        lambda self, seeds, threads, own=team.Team.again: again.extend(seeds) or own(self, seeds, threads),
    )
    lean = many_starts(xor(), X, Y, "binary_cross_entropy", starts=60, epochs=3000, threads=2, report=count)
    assert max(held) <= 3
    assert lean.begins is lean.ends is None
    assert lean.valleys == found.valleys  # slopes too, from starts that were made again
    assert again == [valley.seed for valley in found.valleys[:20]]
    np.testing.assert_array_equal(lean.loss, found.loss)
    assert "more than 512 MB" in lean.html()
    assert found._repr_html_().startswith("<iframe title=")


def test_ctrl_c_keeps_the_starts_that_are_done():
    def stop(progress):
        if progress.done >= 5:
            raise KeyboardInterrupt

    found = many_starts(xor(), X, Y, "binary_cross_entropy", starts=500, epochs=2000, threads=2, report=stop)
    assert 5 <= len(found.seeds) < 20
    assert found.planned == 500
    assert sum(valley.count for valley in found.valleys) == len(found.seeds)
    assert "of 500, then interrupted" in found.text()
    whole = many_starts(xor(), X, Y, "binary_cross_entropy", starts=20, epochs=2000)
    kept = np.isin(whole.seeds, found.seeds)
    np.testing.assert_array_equal(whole.loss[kept], found.loss)


def test_the_time_is_told_before_the_rest_is_begun():
    heard = []
    before = threading.active_count()
    many_starts(xor(), X, Y, "binary_cross_entropy", starts=7, epochs=500, threads=2, report=heard.append)
    assert heard[0].done == 2
    assert heard[0].seconds_each > 0
    assert heard[0].seconds_left == pytest.approx(heard[0].seconds_each * 5 / 2)
    assert [progress.done for progress in heard] == [2, 3, 4, 5, 6, 7]
    assert heard[-1].seconds_left == 0
    assert threading.active_count() <= before + 2


def test_words_and_values(found):
    values = json.loads(json.dumps(found.to_dict()))
    assert values["starts"] == 60
    assert len(values["valleys"]) == len(found.valleys)
    text = found.text()
    assert f"{found.valleys[0].count:,} of 60 starts" in text
    assert f"seed {found.valleys[0].seed}" in text
    assert "adam(0.01), batches of 32, 3,000 epochs" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"starts": 0}, "starts"),
        ({"starts": 2.0}, "starts"),
        ({"threads": 0}, "threads"),
        ({"depth_tolerance": 0}, "depth_tolerance"),
        ({"function_tolerance": "much"}, "function_tolerance"),
        ({"callbacks": []}, "cannot take 'callbacks'"),
        ({"epoch": 3}, "cannot take 'epoch'"),
        ({"optimizer": "adamant"}, "adam"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "few"}, "batch_size"),
        ({"seed": -3}, "seed"),
    ],
)
def test_arguments_that_cannot_be_used_are_told(arguments, says):
    with pytest.raises(InputError, match=says):
        many_starts(xor(), X, Y, "binary_cross_entropy", **{"starts": 2, **arguments})
