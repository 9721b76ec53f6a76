"""Suspect rows against what was planted: the tests know which labels are wrong, the network does not."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import roc_auc_score

import glassnet as gn
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.blame import scoring
from glassnet.training.ledger import Ledger

X, TRUTH = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
PAIRS = np.array([6, 7, 3, 8, 9, 6, 5, 1, 3, 4])  # what each digit is mistaken for


def plant(share, kind, seed=0):
    """Return labels, and which of them are wrong."""
    rng = np.random.default_rng(seed)
    bad = np.zeros(len(TRUTH), bool)
    bad[rng.permutation(len(TRUTH))[: round(share * len(TRUTH))]] = True
    other = (TRUTH + rng.integers(1, 10, len(TRUTH))) % 10 if kind == "uniform" else PAIRS[TRUTH]
    return np.where(bad, other, TRUTH), bad


def train_digits(y, hidden=64, epochs=15, dropout=0.2, **more):
    layers = [gn.Dense(hidden, "relu"), gn.Dropout(dropout), gn.Dense(10, "softmax")]
    net = gn.Network(64, layers, seed=0)
    return net, gn.train(net, X, y, "cross_entropy", optimizer="adam(2e-3)", epochs=epochs, **more)


def precision(scores, bad):
    """Return the share of planted rows among as many of the most suspect; recall is the same number there."""
    return bad[np.argsort(-scores)[: bad.sum()]].mean()


@pytest.fixture(scope="module")
def planted():
    y, bad = plant(0.1, "uniform")
    net, history = train_digits(y)
    return net, y, bad, history.ledger


# --- planted errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uniform", "pairs"])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_planted_labels_are_found(share, kind):
    y, bad = plant(share, kind, seed=1)
    net, history = train_digits(y)
    found = gn.blame(net, X, y, history.ledger, top=int(bad.sum()))
    assert precision(found.scores, bad) > 0.8
    assert roc_auc_score(bad, found.scores) > 0.96
    hits = [each for each in found.suspects if bad[each.row]]
    assert np.mean([int(each.suggested) == TRUTH[each.row] for each in hits]) > 0.9
    assert all(each.given == str(y[each.row]) != each.suggested for each in found.suspects)
    assert found.probably_wrong is None or 0.6 < found.probably_wrong / bad.sum() < 1.5


def test_a_network_that_knows_all_rows_by_heart_is_seen_through():
    y, bad = plant(0.1, "uniform", seed=2)
    net, history = train_digits(y, hidden=256, epochs=120, dropout=0.0)
    assert (net.predict(X).argmax(axis=1) == y).mean() > 0.995  # it gives back the wrong labels
    with_ledger, alone = gn.blame(net, X, y, history.ledger), gn.blame(net, X, y)
    assert precision(with_ledger.scores, bad) > 0.85
    assert precision(with_ledger.scores, bad) > precision(alone.scores, bad) + 0.1
    assert "by heart" in alone.text()
    assert alone.epochs == 0
    assert alone.by_ledger is False


def test_one_output_that_says_yes_or_no():
    x, truth = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    bad = np.zeros(len(x), bool)
    bad[np.random.default_rng(0).permutation(len(x))[:40]] = True
    y = np.where(bad, 1 - truth, truth)
    net = gn.Network(30, [gn.Dense(16, "tanh"), gn.Dense(1, "sigmoid")], seed=0)
    ledger = gn.train(net, x, y, "binary_cross_entropy", optimizer="adam(0.01)", epochs=10).ledger
    found = gn.blame(net, x, y, ledger, class_names=["malign", "benign"])
    assert precision(found.scores, bad) > 0.75
    assert {each.given for each in found.suspects} == {"malign", "benign"}
    assert all({each.given, each.suggested} == {"malign", "benign"} for each in found.suspects)


def test_a_rare_class_is_not_suspect_for_being_rare():
    rng = np.random.default_rng(3)
    truth = (rng.random(1500) < 0.05).astype(int)
    x = rng.normal(size=(1500, 6)) + 2.5 * truth[:, None]
    bad = np.zeros(1500, bool)
    bad[rng.permutation(1500)[:75]] = True
    y = np.where(bad, 1 - truth, truth)
    net = gn.Network(6, [gn.Dense(16, "relu"), gn.Dense(2, "softmax")], seed=0)
    ledger = gn.train(net, x, y, "cross_entropy", optimizer="adam(5e-3)", epochs=15).ledger
    found = gn.blame(net, x, y, ledger)
    assert precision(found.scores, bad) > 0.85
    rare = (y == 1) & ~bad  # most of what says 1 is wrong here, and yet those that are right rank below
    assert found.scores[rare].max() < np.median(found.scores[bad])


def shifted(seed=0):
    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), y.copy()
    rng = np.random.default_rng(seed)
    bad = np.zeros(len(y), bool)
    bad[rng.permutation(len(y))[:30]] = True
    moved = np.where(bad, y + rng.choice([-1, 1], len(y)) * 4 * y.std(), y)
    return x, moved, y, bad


def test_targets_out_of_line_in_their_own_units():
    x, y, truth, bad = shifted()
    mean, deviation = y.mean(), y.std()
    net = gn.Network(10, [gn.Dense(16, "relu"), gn.Dense(1)], seed=0)
    scaled = (y - mean) / deviation
    ledger = gn.train(net, x, scaled, "squared_error", optimizer="adam(5e-3)", epochs=30).ledger
    found = gn.blame(net, x, scaled, ledger, target_shift=mean, target_scale=deviation, top=30)
    assert precision(found.scores, bad) > 0.85
    for each in found.suspects:
        assert each.given == pytest.approx(y[each.row], rel=1e-5)
        assert each.margin is None
    hits = [each for each in found.suspects if bad[each.row]]
    nearer = [abs(each.suggested - truth[each.row]) < abs(each.given - truth[each.row]) for each in hits]
    assert np.mean(nearer) > 0.9
    assert found.learned_last == found.forgotten == ()
    assert found.probably_wrong is None
    assert "cannot be told" in found.text()


def test_several_numbers_name_the_output():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = np.stack([x[:, 0] + x[:, 1], x[:, 2]], axis=1)
    y[17, 1] += 6
    y[40, 0] -= 6
    net = gn.Network(3, [gn.Dense(16, "tanh"), gn.Dense(2)], seed=0)
    ledger = gn.train(net, x, y, "squared_error", optimizer="adam(0.01)", epochs=20).ledger
    found = gn.blame(net, x, y, ledger, class_names=["sum", "third"])
    first = {each.row: each for each in found.suspects[:2]}
    assert set(first) == {17, 40}
    assert (first[17].output, first[40].output) == ("third", "sum")
    assert first[17].given == pytest.approx(y[17, 1], rel=1e-5)
    assert "row 17 says third" in str(first[17])


# --- what the numbers are ----------------------------------------------------------------------------------------


def test_evidence_is_what_the_ledger_and_the_network_say(planted):
    net, y, _, ledger = planted
    found = gn.blame(net, X, y, ledger, top=len(y))
    a = net.predict(X).astype(np.float64)
    fitted_loss = -np.log(a[np.arange(len(y)), y])
    right = np.array(ledger.right)
    left = fitted_loss.mean() / ledger.loss[0].mean()
    by_hand = left * fitted_loss + (1 - left) * (ledger.loss[1:].sum(axis=0) + fitted_loss) / len(ledger.loss)
    np.testing.assert_allclose(found.scores, by_hand, rtol=1e-3, atol=1e-5)
    for each in found.suspects[::97]:
        i = each.row
        assert each.wrong == (~right[:, i]).sum()
        assert each.forgotten == (right[:-1, i] & ~right[1:, i]).sum()
        assert each.margin == pytest.approx(ledger.margin[:, i].mean(), abs=0.01)
        assert each.fitted_margin == pytest.approx(a[i, y[i]] - np.delete(a[i], y[i]).max(), abs=1e-5)
        assert each.fitted == str(a[i].argmax())
        votes = np.bincount(ledger.prediction[1:, i], minlength=10).astype(float)
        votes[np.where(np.arange(10) == y[i], -1, a[i]).argmax()] += 1.5
        votes[y[i]] = -1
        assert each.suggested == str(votes.argmax())
    last = [each.learned for each in found.learned_last]
    assert last == sorted(last, reverse=True)
    assert all(right[each.learned :, each.row].all() for each in found.learned_last)
    assert not any(right[each.learned - 1, each.row] for each in found.learned_last)
    often = [each.forgotten for each in found.forgotten]
    assert often == sorted(often, reverse=True)
    assert len(often) == (ledger.times_forgotten > 0).sum()
    hard = [each.loss for each in found.hard]
    assert hard == sorted(hard, reverse=True)
    assert all(each.fitted == each.given for each in found.hard)
    assert found.contradicted == (ledger.times_right * 2 < ledger.epochs).sum()


def test_gap_against_every_threshold():
    scores = np.random.default_rng(0).gamma(1.0, size=60)
    threshold, separation = scoring.gap(scores)

    def within(t):
        return sum(((part - part.mean()) ** 2).sum() for part in (scores[scores <= t], scores[scores > t]))

    best = min(within(t) for t in np.sort(scores)[:-1])
    assert within(threshold) == pytest.approx(best)
    assert separation == pytest.approx(1 - best / ((scores - scores.mean()) ** 2).sum())
    assert scoring.gap(np.ones(5)) == (np.inf, 0.0)


def test_how_many_are_wrong_is_said_only_where_they_stand_apart():
    centres = np.array([[0, 0], [6, 0], [0, 6]])
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 900)
    x = centres[truth] + rng.normal(size=(900, 2))
    bad = rng.permutation(900)[:60]
    y = truth.copy()
    y[bad] = (truth[bad] + 1) % 3
    for labels, planted in ((y, 60), (truth, 0)):
        net = gn.Network(2, [gn.Dense(16, "tanh"), gn.Dense(3, "softmax")], seed=0)
        ledger = gn.train(net, x, labels, "cross_entropy", optimizer="adam(0.01)", epochs=15).ledger
        found = gn.blame(net, x, labels, ledger)
        assert gn.blame(net, x, labels).probably_wrong is None  # the fitted network alone cannot count
        if planted:
            assert 50 <= found.probably_wrong <= 70
            assert "probably wrong" in found.text()
        else:
            assert found.probably_wrong is None or found.probably_wrong < 5
            assert found.contradicted < 5


def test_permuted_labels_are_not_called_wrong():
    y = np.random.default_rng(0).permutation(TRUTH)
    net, history = train_digits(y, epochs=10, validation=0.2)
    found = gn.blame(net, X, y, history.ledger)
    assert found.probably_wrong is None
    assert "means little" in found.caution
    assert "means little" in found.text()
    known_by_heart, history = train_digits(y, hidden=256, epochs=80, dropout=0.0, validation=0.2)
    found = gn.blame(known_by_heart, X, y, history.ledger)
    assert "means little" in found.caution


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_rows_that_are_all_alike(loss):
    net = gn.Network(2, [gn.Dense(2, "softmax") if loss == "cross_entropy" else gn.Dense(1)], seed=0, dtype="float64")
    x = np.random.default_rng(0).normal(size=(50, 2))
    y = np.zeros(50, int) if loss == "cross_entropy" else np.zeros(50)
    net.theta[:] = 0
    if loss == "cross_entropy":
        net.biases[0][:] = [5, -5]
        y[0] = 1
    ledger = gn.train(net, x, y, loss, optimizer="sgd(1e-9)", epochs=3).ledger
    found = gn.blame(net, x, y, ledger)
    assert [each.row for each in found.suspects] == ([0] if loss == "cross_entropy" else [])
    assert ("none" in found.text()) == (loss == "squared_error")


def test_a_network_that_has_learned_little_is_asked_more_than_its_past():
    """Two epochs: what the first ones said is worth less than what the fitted network says."""
    y, bad = plant(0.1, "uniform", seed=6)
    net, history = train_digits(y, epochs=2, dropout=0.0)
    mean = history.ledger.mean_loss
    assert precision(gn.blame(net, X, y, history.ledger).scores, bad) > precision(mean, bad) + 0.02


# --- which rows --------------------------------------------------------------------------------------------------


def test_rows_of_weight_0_are_never_listed(planted):
    _, y, bad, _ = planted
    weight = np.where(bad & (np.arange(len(y)) % 2 == 0), 0.0, 1.0)
    net, history = train_digits(y, epochs=5, sample_weight=weight)
    for ledger in (history.ledger, None):
        found = gn.blame(net, X, y, ledger, sample_weight=weight, top=500)
        lists = [found.suspects, found.hard, found.learned_last, found.forgotten, found.held_out]
        assert not {each.row for rows in lists for each in rows} & set(np.flatnonzero(weight == 0))
        np.testing.assert_array_equal(np.isnan(found.scores), weight == 0)
    known = gn.blame(net, X, y, history.ledger, top=500)  # the ledger knows without being told
    np.testing.assert_array_equal(np.isnan(known.scores), weight == 0)


def test_rows_held_out_are_listed_apart_and_counted_as_the_caller_counts():
    y, bad = plant(0.1, "uniform", seed=4)
    net, history = train_digits(y, validation=0.25)
    trained = set(history.ledger.numbers)
    found = gn.blame(net, X, y, history.ledger, top=400)
    assert {each.row for each in found.suspects} <= trained
    assert not {each.row for each in found.held_out} & trained
    assert all(each.held_out and each.wrong is None for each in found.held_out)
    assert np.mean([bad[each.row] for each in found.held_out]) > 0.8
    assert found.rows + found.held_out_rows == len(y)
    assert np.isfinite(found.scores).all()
    assert all("held out" in str(each) for each in found.held_out)


def test_held_out_rows_of_their_own(planted):
    net, y, bad, ledger = planted
    found = gn.blame(net, X, y, ledger, held_out=(X[:200], y[:200]), image_shape=(8, 8))
    assert found.held_out_apart
    assert found.held_out_rows == 200
    assert all(each.row < 200 for each in found.held_out)
    assert np.mean([bad[each.row] for each in found.held_out]) > 0.8
    assert all((each.row, True) in found.pictures for each in found.held_out)


def test_trained_rows_are_counted_as_x_counts_them(planted):
    net, y, _, ledger = planted
    order = np.random.default_rng(0).permutation(len(y) + 10)[: len(y)]
    x, targets = np.zeros((len(y) + 10, 64), np.float32), np.zeros(len(y) + 10, int)
    x[order], targets[order] = X, y
    plain, moved = gn.blame(net, X, y, ledger), gn.blame(net, x, targets, ledger, trained_rows=order)
    assert [each.row for each in moved.suspects] == [order[each.row] for each in plain.suspects]
    np.testing.assert_array_equal(moved.scores[order], plain.scores)


def test_columns_that_stand_out():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    x = rng.normal(size=(200, 3))
    x[:, 1] += 8 * y
    y[150] = 0
    frame = pd.DataFrame(x, columns=["a", "length\n<b>", "c"])
    net = gn.Network(3, [gn.Dense(2, "softmax")], seed=0)
    ledger = gn.train(net, frame, y, "cross_entropy", optimizer="adam(0.02)", epochs=10).ledger
    first = gn.blame(net, frame, y, ledger, original=x * 10).suspects[0]
    column = first.columns[0]
    assert first.row == 150
    assert column.name == "length <b>"
    assert column.value == pytest.approx(10 * x[150, 1])
    assert column.given == pytest.approx(10 * x[y == 0, 1].mean())
    assert column.suggested == pytest.approx(10 * x[y == 1, 1].mean())


def test_columns_that_explain_nothing_are_not_quoted():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(200, 6))  # no value is 2 deviations from the mean
    y = 3 * x[:, 0] + rng.normal(size=200)
    x[7, 1:5] = 40
    net = gn.Network(6, [gn.Dense(1)], seed=0)
    ledger = gn.train(net, x, y, "squared_error", epochs=3).ledger
    found = gn.blame(net, x, y, ledger, top=200)
    shown = {each.row: each.columns for each in (*found.suspects, *found.hard)}
    z = np.abs(x - x.mean(axis=0)) / x.std(axis=0)
    for row, columns in shown.items():
        assert len(columns) == min(2, (z[row] > 2).sum())
        assert all(column.deviations > 2 for column in columns)
    assert len(shown[7]) == 2


def test_a_ledger_that_kept_but_some_epochs(planted, monkeypatch):
    _, y, bad, _ = planted
    monkeypatch.setattr("glassnet.training.ledger._MOST_ENTRIES", 4 * len(y))
    net, history = train_digits(y)
    assert len(history.ledger.kept) < 6
    assert precision(gn.blame(net, X, y, history.ledger).scores, bad) > 0.85


def test_one_epoch_is_judged_by_the_fitted_network(planted):
    _, y, _, _ = planted
    net, history = train_digits(y, epochs=1)
    np.testing.assert_allclose(gn.blame(net, X, y, history.ledger).scores, gn.blame(net, X, y).scores, rtol=1e-6)


# --- what is told ------------------------------------------------------------------------------------------------


def test_a_row_that_the_fitted_network_is_against_is_not_told_as_learned(planted):
    """The ledger saw it inside the last epochs, where it was right; after them it is wrong."""
    net, y, _, ledger = planted
    turned = gn.Network.from_dict(net.to_dict())
    turned.theta[:] = -net.theta  # which is against nearly all that was learned
    found = gn.blame(turned, X, y, ledger, top=len(y))
    a = turned.predict(X)
    right = a.argmax(axis=1) == y
    late = (ledger.learned > 0) & (ledger.learned < ledger.epochs)
    assert (late & ~right).any()
    assert {each.row for each in found.learned_last} == set(np.flatnonzero(late & right))
    for each in found.suspects:
        if not right[each.row]:
            assert each.learned is None
            assert "right from" not in str(each)


def test_no_row_is_said_twice_and_short_lists_are_short(planted):
    net, y, _, ledger = planted
    found = gn.blame(net, X, y, ledger, top=30)
    lines = found.text().splitlines()
    rows = [line.split()[1] for line in lines if line.startswith("  row ") and "held out" not in line]
    assert len(rows) == len(set(rows))
    assert rows[:30] == [str(each.row) for each in found.suspects]
    assert len(rows) <= 30 + 3 * 5
    left = {each.row for rows in (found.hard, found.learned_last, found.forgotten) for each in rows} - set(
        map(int, rows)
    )
    (more,) = [line for line in lines if "more" in line and "--json" in line]
    assert more.startswith(f"{len(left)} more")
    assert max(len(found.hard), len(found.learned_last)) > 5
    assert len(lines) < 2 * 30 + 3 * 5 + 15  # a suspect takes two at most


def test_it_says_first_where_no_label_is_contradicted():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    x = rng.normal(size=(40, 2)) * 0.3 + 4 * y[:, None]
    net = gn.Network(2, [gn.Dense(8, "tanh"), gn.Dense(2, "softmax")], seed=0)
    ledger = gn.train(net, x, y, "cross_entropy", optimizer="adam(0.05)", epochs=30).ledger
    assert (ledger.margin.mean(axis=0) > 0).all()
    assert (net.predict(x).argmax(axis=1) == y).all()
    for found in (gn.blame(net, x, y, ledger), gn.blame(net, x, y)):
        assert found.disputed == 0
        assert found.text().startswith("The network contradicts none of these 40 labels")
        assert "least sure of" in found.text()
        assert "Suspect labels" not in found.text() + found.html()
        assert found.probably_wrong is None
        for each in found.suspects:
            assert f"row {each.row} says {each.given}, and so does the network; next {each.suggested}" in found.text()


# --- the record --------------------------------------------------------------------------------------------------


def test_the_answer_is_plain_values_and_sentences(planted):
    net, y, _, ledger = planted
    found = gn.blame(net, X, y, ledger, top=3)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(values["suspects"]) == len(values["hard"]) == 3
    first = found.suspects[0]
    line = str(first)
    assert line in found.text()
    says = f"row {first.row} says {first.given}, the network {first.suggested}"
    assert line.startswith(f"{says}: wrong in {first.wrong} of 15")
    assert '<iframe title="Suspect rows"' in found._repr_html_()


def test_what_is_refused(planted):
    net, y, _, ledger = planted
    with pytest.raises(InputError, match="net is a str"):
        gn.blame("net", X, y, ledger)
    with pytest.raises(InputError, match=r"history\.ledger"):
        gn.blame(net, X, y, {"loss": 1})
    with pytest.raises(InputError, match="top is 0"):
        gn.blame(net, X, y, ledger, top=0)
    with pytest.raises(InputError, match="rows up to 1,796; X has 100"):
        gn.blame(net, X[:100], y[:100], ledger)
    other = y.copy()
    other[7] = (other[7] + 1) % 10
    with pytest.raises(InputError, match="row 7 than the ledger"):
        gn.blame(net, X, other, ledger)
    with pytest.raises(InputError, match="trained_rows"):
        gn.blame(net, X, y, ledger, trained_rows=[0, 0])
    with pytest.raises(InputError, match="trained_rows has 3 rows"):
        gn.blame(net, X, y, ledger, trained_rows=[0, 1, 2])
    with pytest.raises(InputError, match="10 names"):
        gn.blame(net, X, y, ledger, class_names=["a"])
    with pytest.raises(InputError, match="image_shape"):
        gn.blame(net, X, y, ledger, image_shape=(3, 3))
    with pytest.raises(InputError, match="original has shape"):
        gn.blame(net, X, y, ledger, original=X[:, :3])
    with pytest.raises(InputError, match="pair"):
        gn.blame(net, X, y, ledger, held_out=X)
    with pytest.raises(InputError, match="target_scale"):
        gn.blame(net, X, y, ledger, target_scale=np.nan)
    with pytest.raises(InputError, match="at least one row that counts"):
        gn.blame(net, X, y, sample_weight=np.zeros(len(y)))
    broken = gn.Network.from_dict(net.to_dict())
    broken.theta[:] = np.nan
    with pytest.raises(NonFiniteError, match="row 0"):
        gn.blame(broken, X, y, ledger, loss="cross_entropy")


def test_other_targets_than_the_ledgers_are_refused():
    x, y, _, _ = shifted()
    net = gn.Network(10, [gn.Dense(1)], seed=0)
    ledger = gn.train(net, x, y / 100, "squared_error", epochs=3).ledger
    gn.blame(net, x, y / 100, ledger)
    with pytest.raises(InputError, match="Y says something else"):
        gn.blame(net, x, y[::-1].copy() / 100, ledger)


def test_a_ledger_without_an_epoch_is_none(planted):
    net, y, _, _ = planted
    from glassnet.engines import Block
    from glassnet.maths.losses import LOSSES

    empty = Ledger(Block(X, y, np.ones(len(y))), LOSSES.resolve("cross_entropy"), np.dtype(np.float32), 10)
    assert gn.blame(net, X, y, empty).by_ledger is False
