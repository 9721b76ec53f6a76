"""The learning curve as a whole: which rows are trained on, what is measured, and what happens on the way."""

import json
import os
import re
import signal
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import GlassnetWarning, InputError, NonFiniteError
from glassnet.insight.curve import learning_curve, runs
from glassnet.insight.curve.sizes import as_sizes, nested_order

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
LABELS = (X @ [[1, -1, 0], [0, 2, -1], [1, 0, -1]]).argmax(axis=1)
NUMBERS = np.sin(X[:, 0]) + 0.1 * RNG.normal(size=150)


def classifier(seed):
    return gn.Network(3, [gn.Dense(8, "tanh"), gn.Dense(3, "softmax")], seed=seed)


def regressor(seed):
    return gn.Network(3, [gn.Dense(8, "tanh"), gn.Dense(1)], seed=seed)


def curve(make=classifier, y=LABELS, loss="cross_entropy", **options):
    settings = {"seeds": 2, "epochs": 2, "sizes": [20, 60, 120], "batch_size": 16}
    return learning_curve(make, X, y, loss, **{**settings, **options})


# --- which rows --------------------------------------------------------------------------------------------------


def test_sizes_are_halves():
    def sizes(asked, m, classes):
        labels = np.arange(m) % classes
        return as_sizes(asked, labels, [np.arange(m)])

    assert sizes(None, 1438, 10) == (22, 44, 89, 179, 359, 719, 1438)
    assert sizes(None, 60_000, 10)[-1] == 60_000
    assert len(sizes(None, 60_000, 10)) == 8
    assert sizes(None, 12, 2) == (12,)
    assert sizes([30, 10, 30], 40, 2) == (10, 30)
    assert as_sizes(None, None, [np.arange(20)]) == (10, 20)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 99))
def test_an_order_holds_every_row_once_and_every_class_about_in_its_share(counts, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    m = len(labels)
    order = nested_order(labels, m, seed)
    assert sorted(order) == list(range(m))
    for n in range(1, m + 1):
        held = np.bincount(labels[order[:n]], minlength=len(counts))
        assert (np.abs(held - n * np.array(counts) / m) <= len(counts)).all()


def test_without_classes_the_order_is_a_shuffle():
    orders = [nested_order(None, 30, seed) for seed in range(40)]
    assert all(sorted(order) == list(range(30)) for order in orders)
    assert len({tuple(order) for order in orders}) == 40
    assert 10 < np.mean([order[0] for order in orders]) < 19  # of 0 to 29


@pytest.fixture
def trained_on(monkeypatch):
    """Every training that is asked for: its rows, seed and epochs."""
    calls, lock, real = [], threading.Lock(), runs.train

    def train(net, x, y, loss, **options):
        with lock:
            calls.append({"x": x.copy(), "y": y.copy(), "start": net.theta.copy(), "net": net, **options})
        return real(net, x, y, loss, **options)

    monkeypatch.setattr(runs, "train", train)
    return calls


def as_set(x):
    return {row.tobytes() for row in x}


@pytest.mark.parametrize("validation", [0.2, "pair"])
def test_subsets_are_nested_and_held_out_rows_never_trained_on(trained_on, validation):
    pair = (X[:30], LABELS[:30])
    if validation == "pair":
        found = learning_curve(
            classifier, X[30:], LABELS[30:], "cross_entropy", sizes=[20, 60, 120], seeds=3, epochs=1, validation=pair
        )
        held_out = as_set(X[:30].astype(np.float32))
    else:
        found = curve(seeds=3, epochs=1)
        everything = as_set(X.astype(np.float32))
        held_out = everything - set().union(*(as_set(call["x"]) for call in trained_on))
    assert found.rows_held_out == 30 == len(held_out)
    assert len(trained_on) == 9
    for seed in range(3):
        own = sorted((call for call in trained_on if call["seed"] == seed), key=lambda call: len(call["x"]))
        small, middle, large = (as_set(call["x"]) for call in own)
        assert [len(part) for part in (small, middle, large)] == [20, 60, 120]
        assert small < middle < large
        assert not large & held_out
        assert len({call["start"].tobytes() for call in own}) == 1  # a seed's weights are the same at every size
    assert len({call["start"].tobytes() for call in trained_on}) == 3
    smallest = [as_set(call["x"]) for call in trained_on if len(call["x"]) == 20]
    assert smallest[0] != smallest[1] != smallest[2]
    assert len({id(call["net"]) for call in trained_on}) == 9


def test_small_sizes_get_enough_steps(trained_on):
    found = curve(seeds=1, epochs=50)
    steps = {len(call["x"]): call["epochs"] * -(-len(call["x"]) // 16) for call in trained_on}
    assert steps == {20: 300, 60: 300, 120: 400}
    assert found.epochs == (150, 75, 50)
    trained_on.clear()
    assert curve(seeds=1, epochs=2).epochs == (8, 4, 2)  # no more steps than all rows take
    assert curve(seeds=1, epochs=2, batch_size=None).epochs == (2, 2, 2)


# --- what is measured --------------------------------------------------------------------------------------------


def test_figures_are_those_of_training_by_hand():
    found = curve()
    split = gn.Table(X, ("a", "b", "c"), LABELS, "y", "classification", ("0", "1", "2"))
    from glassnet.data import split as divide

    rows, held_out = divide(split, 0.2, 0)
    for i, size in enumerate(found.sizes):
        for j, seed in enumerate(found.seeds):
            subset = rows[nested_order(LABELS[rows], len(rows), seed)[:size]]
            net = classifier(seed)
            gn.train(net, X[subset], LABELS[subset], "cross_entropy", epochs=found.epochs[i], batch_size=16, seed=seed)
            for measured, part in ((0, held_out), (1, subset)):
                scores = gn.evaluate(net, X[part], LABELS[part], "cross_entropy")
                loss = (found.loss.held_out, found.loss.training)[measured][i, j]
                error = (found.error.held_out, found.error.training)[measured][i, j]
                assert loss == pytest.approx(scores.loss, rel=1e-6)
                assert error == pytest.approx(1 - scores.accuracy, abs=1e-12)


def test_regression_is_told_in_the_units_of_the_target():
    plain = curve(regressor, NUMBERS, "squared_error")
    scaled = curve(regressor, NUMBERS, "squared_error", units=1000.0)
    np.testing.assert_allclose(plain.error.held_out, np.sqrt(plain.loss.held_out), rtol=1e-5)
    np.testing.assert_allclose(scaled.error.held_out, 1000 * plain.error.held_out)
    np.testing.assert_allclose(scaled.r2, plain.r2)
    assert scaled.r2_scale == pytest.approx(1000 * plain.r2_scale)
    net = regressor(0)
    from glassnet.data.split import split_rows

    rows, held_out = split_rows(None, 150, 0.2, 0)
    subset = rows[nested_order(None, len(rows), 0)]
    gn.train(net, X[subset], NUMBERS[subset], "squared_error", epochs=2, batch_size=16, seed=0)
    scores = gn.evaluate(net, X[held_out], NUMBERS[held_out], "squared_error")
    assert plain.r2[-1, 0] == pytest.approx(scores.r2, abs=1e-6)


@pytest.mark.parametrize("threads", [1, 3])
def test_figures_do_not_depend_on_how_many_run_at_once(threads):
    found, other = curve(threads=threads), curve()
    np.testing.assert_array_equal(found.loss.held_out, other.loss.held_out)
    assert found.loss.projection == other.loss.projection


def test_yes_or_no_by_one_output():
    def make(seed):
        return gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1, "sigmoid")], seed=seed)

    found = curve(make, LABELS == 1, "binary_cross_entropy", epochs=20)
    assert found.error.name == "share of rows mistaken"
    assert np.nanmax(found.error.held_out) <= 1
    whole = found.error.held_out * found.rows_held_out
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-9)


def test_a_network_is_taken_as_a_pattern():
    net = classifier(7)
    before = net.theta.copy()
    found, by_function = curve(net), curve()
    np.testing.assert_array_equal(found.loss.held_out, by_function.loss.held_out)
    assert net.theta.tobytes() == before.tobytes()


def test_plain_values_and_words():
    found = curve(seeds=3, sizes=[15, 30, 60, 120], epochs=10)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert values["sizes"] == [15, 30, 60, 120]
    assert np.array(values["error"]["held_out"]).shape == (4, 3)
    said = found.text()
    first, second = said.splitlines()[:2]
    mean = found.error.held_out[-1].mean()
    assert f"{mean:.2%} of 30 held-out rows are mistaken" in first
    assert ("twice the rows would bring" in second) != ("cannot be told" in second)
    assert len(re.findall(r"^ *\d+ ", said, re.M)) >= 4


def test_too_few_seeds_are_refused_a_law_and_still_measured():
    found = curve(seeds=1)
    assert "at least 4 sizes and 3 seeds" in found.error.projection.refusal
    assert "cannot be told" in found.text()
    assert not np.isnan(found.loss.held_out).any()


# --- on the way --------------------------------------------------------------------------------------------------


def test_progress_tells_the_time_before_the_rest_and_ends_at_all():
    events = []
    curve(progress=events.append)
    assert [event.runs_done for event in events] == list(range(1, 7))
    assert events[0].seconds_left > 0
    assert events[0].share < 0.2
    assert events[-1].share == pytest.approx(1)
    assert events[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert all(event.runs == 6 for event in events)


def test_ctrl_c_keeps_what_is_done():
    def interrupt(event):
        if event.runs_done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.warns(GlassnetWarning, match="was interrupted after"):
        found = curve(seeds=20, epochs=40, threads=1, progress=interrupt)
    assert found.interrupted
    assert 4 <= found.runs < 60
    assert "Interrupted:" in found.text()
    assert found.html()
    whole = curve(seeds=20, epochs=40)
    done = ~np.isnan(found.loss.held_out)
    np.testing.assert_array_equal(found.loss.held_out[done], whole.loss.held_out[done])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not [t for t in threading.enumerate() if t.name.startswith("glassnet curve")]


def test_a_training_that_diverges_is_left_out_and_told(monkeypatch):
    real = runs.train

    def train(net, x, y, loss, **options):
        if options["seed"] == 1 and len(x) == 60:
            raise NonFiniteError("It became inf.", step=3, quantity="loss")
        return real(net, x, y, loss, **options)

    monkeypatch.setattr(runs, "train", train)
    found = curve(seeds=3)
    assert np.argwhere(np.isnan(found.loss.held_out)).tolist() == [[1, 1]]
    assert found.diverged == ((60, 1, "On 60 rows with seed 1, which are counted by themselves: It became inf."),)
    assert "1 training met a NaN" in found.text()
    assert found.error.projection.refusal.endswith("there are 3 sizes with 2 seeds each.")


def test_a_first_training_that_diverges_ends_it():
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError):
        curve(regressor, NUMBERS, "squared_error", optimizer="sgd(1e30)")


def test_small_subsets_without_every_class_are_no_cause_to_warn():
    labels = np.where(np.arange(150) < 146, LABELS, 3)  # 4 rows of a class of their own

    def make(seed):
        return gn.Network(3, [gn.Dense(4, "softmax")], seed=seed)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = curve(make, labels, sizes=[8, 100])
    assert found.runs == 4


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"sizes": [10, 1000]}, "only 120 rows are there"),
        ({"sizes": []}, "expected a list of row counts"),
        ({"sizes": [1.5]}, "whole numbers from 1 up"),
        ({"sizes": [1, 50]}, "one class only"),
        ({"seeds": 0}, "seeds is 0"),
        ({"validation": None}, "expected the share of rows"),
        ({"validation": 1.5}, "between 0 and 1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"units": -1}, "units is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"optimizer": "lbfgs"}, "batch_size=None"),
        ({"optimizer": "adm"}, "no optimizer named"),
        ({"make": "net"}, "expected a function from a seed"),
        ({"make": lambda seed: 3}, "returned a int"),
    ],
    ids=lambda part: part if isinstance(part, str) else ", ".join(part),
)
def test_what_is_refused(options, match):
    with pytest.raises(InputError, match=match):
        curve(**options)


def test_a_function_that_gives_one_network_for_all_is_refused():
    net = classifier(0)
    with pytest.raises(InputError, match="the same network twice"):
        curve(lambda seed: net)


def test_a_rare_class_makes_the_smallest_subset_larger():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 3))
    y = (x[:, 0] > np.sort(x[:, 0])[-20]).astype(int)  # one in a hundred

    def network(seed):
        return gn.Network(3, [gn.Dense(2, "softmax")], seed=seed)

    found = gn.learning_curve(network, x, y, "cross_entropy", seeds=2, epochs=1)
    assert found.sizes[-1] == 1600
    assert len(found.sizes) >= 2
    with pytest.raises(gn.errors.InputError, match=r"Begin with \d+ rows or more"):
        gn.learning_curve(network, x, y, "cross_entropy", sizes=[5, 100], seeds=2, epochs=1)
