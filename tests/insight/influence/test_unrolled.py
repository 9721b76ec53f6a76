"""The derivative of whole runs, against runs taken again with a row's weight nudged, and against closed forms."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.insight.influence.steps import backwards, forwards, last_step

from .runs import blobs, error_at, run_of, with_weight

TANH = [gn.Dense(5, "tanh"), gn.Dense(3, "softmax")]
RUNS = {
    "sgd": {"optimizer": gn.SGD(0.3)},
    "momentum": {"optimizer": gn.SGD(0.1, momentum=0.9, dampening=0.1, weight_decay=0.01)},
    "nesterov": {"optimizer": gn.SGD(0.1, momentum=0.8, nesterov=True), "schedule": "one_cycle(0.2)"},
    "adam": {"optimizer": gn.Adam(0.02), "schedule": "cosine"},
    "amsgrad": {"optimizer": gn.Adam(0.02, amsgrad=True, weight_decay=0.1)},
    "adamw": {"optimizer": gn.AdamW(0.02, weight_decay=0.1)},
    "rmsprop": {"optimizer": gn.RMSprop(0.01, momentum=0.5, centered=True)},
    "adagrad": {"optimizer": gn.Adagrad(0.1)},
    "adadelta": {"optimizer": gn.Adadelta(1.0)},
    "nadam": {"optimizer": gn.NAdam(0.02)},
    "radam": {"optimizer": gn.RAdam(0.02)},
    "adamax": {"optimizer": gn.Adamax(0.02)},
    "clipped": {"optimizer": gn.SGD(0.3), "clip_norm": 0.3, "clip_value": 0.2},
    "penalised": {"optimizer": gn.SGD(0.2), "l2": 0.05, "l1": 0.01},
    "summed": {"optimizer": gn.SGD(0.03), "reduction": "sum"},
    "weighted": {"optimizer": gn.SGD(0.3), "sample_weight": np.linspace(0.2, 2.0, 24)},
    "in order": {"optimizer": gn.SGD(0.3), "shuffle": False},
}


def derivative(replay, row, x, y, h=1e-5):
    """Return dE/dw of a training row's weight w, by two more trainings."""
    last, weight = replay.steps, float(replay.block.sample_weight[row])
    up, down = (error_at(replay, with_weight(replay, row, weight + e, last), x, y) for e in (h, -h))
    return (up - down) / (2 * h)


@pytest.mark.parametrize("name", RUNS)
def test_exact_is_the_derivative_by_a_rows_weight(name, tmp_path):
    X, y = blobs()
    options = {"epochs": 4, "batch_size": 24 if name == "weighted" else 6, **RUNS[name]}
    replay, _ = run_of(tmp_path / "a.run", TANH, X, y, **options)
    asked, truth = np.array([[0.3, 0.1, -0.4, 0.8]]), [1]
    found = gn.influence(replay, x=asked, y=1, method="exact")
    weight = replay.block.sample_weight
    for row in (0, 7, 19):
        expected = -weight[row] * derivative(replay, row, asked, truth)
        if replay.objective.reduction == "mean":  # without the row, its step's others share what it leaves
            total = weight.sum() if name == "weighted" else 6.0
            expected *= total / (total - weight[row])
        assert found.without[row] == pytest.approx(expected, rel=2e-5, abs=1e-9)


def test_dropout_frozen_biases_and_groups(tmp_path):
    X, y = blobs()
    layers = [
        gn.Dense(6, "tanh", groups=((2, 3), (2, 3))),
        gn.Dropout(0.4),
        gn.Dense(3, "softmax", trainable_bias=False),
    ]
    replay, _ = run_of(tmp_path / "a.run", layers, X, y, optimizer=gn.Adam(0.02), epochs=4, batch_size=6)
    asked = np.array([[0.3, 0.1, -0.4, 0.8]])
    found = gn.influence(replay, x=asked, y=1, method="exact")
    for row in (2, 11):
        expected = -derivative(replay, row, asked, [1]) * 6 / 5
        assert found.without[row] == pytest.approx(expected, rel=2e-5, abs=1e-9)


def test_float32_and_the_compiled_engine(tmp_path):
    X, y = blobs(60)
    net = gn.Network(4, TANH, dtype="float32", seed=1)
    gn.train(
        net, X, y, "cross_entropy", optimizer=gn.Adam(0.01), epochs=5, batch_size=10, checkpoint=tmp_path / "a.run"
    )
    replay = gn.Replay(tmp_path / "a.run", X, y)
    exact, _ = run_of(tmp_path / "b.run", TANH, X, y, optimizer=gn.Adam(0.01), epochs=5, batch_size=10, seed=0)
    # the same run in float64 by the other engine: the initial weights are rounded to float32 in the one
    mine, theirs = (gn.influence(each, row=5, method="exact").without for each in (replay, exact))
    np.testing.assert_allclose(mine, theirs, rtol=2e-2, atol=1e-5)


def test_a_step_of_one_row_is_not_taken_without_it(tmp_path):
    X, y = blobs(12)
    replay, net = run_of(tmp_path / "a.run", TANH, X, y, optimizer=gn.SGD(1e-4), epochs=2, batch_size=1)
    asked = np.array([[0.3, 0.1, -0.4, 0.8]])
    before = error_at(replay, net.theta, asked, [1])
    found = gn.influence(replay, x=asked, y=1)
    for row in range(12):
        actual = error_at(replay, with_weight(replay, row, 0.0, replay.steps), asked, [1]) - before
        assert found.without[row] == pytest.approx(actual, rel=0.02)


def test_without_hidden_layers_both_curvatures_are_one(tmp_path):
    X, y = blobs()
    replay, _ = run_of(
        tmp_path / "a.run", [gn.Dense(3, "softmax")], X, y, optimizer=gn.Adam(0.05), epochs=3, batch_size=5
    )
    exact, unrolled = (gn.influence(replay, row=3, method=method).without for method in ("exact", "unrolled"))
    np.testing.assert_allclose(unrolled, exact, rtol=1e-10)


def test_a_convex_run_to_its_end_is_the_influence_function(tmp_path):
    """Koh & Liang, Understanding black-box predictions via influence functions, ICML 2017: H⁻¹ in closed form."""
    X, y = blobs(40, classes=2, inputs=3, seed=2)
    layers, l2 = [gn.Dense(1, "sigmoid", bias=False)], 0.1
    replay, net = run_of(
        tmp_path / "a.run",
        layers,
        X,
        y,
        "binary_cross_entropy",
        optimizer=gn.SGD(1.5),
        epochs=160,
        batch_size=None,
        l2=l2,
    )
    p = 1 / (1 + np.exp(-X @ net.theta))
    hessian = (X * (p * (1 - p))[:, None]).T @ X / 40 + l2 * np.eye(3)
    gradients = X * (p - y)[:, None]
    x = np.array([0.5, -1.0, 0.7])
    asked = x * (1 / (1 + np.exp(-x @ net.theta)) - 1)
    moved = (gradients - gradients.mean(axis=0)) @ np.linalg.inv(hessian) / 39
    found = gn.influence(replay, x=x, y=1)
    np.testing.assert_allclose(found.without, moved @ asked, rtol=1e-8, atol=1e-12)
    # and what it predicts is what leaving one row out does
    before = error_at(replay, net.theta, x[None], [1])
    actual = [error_at(replay, with_weight(replay, i, 0.0, replay.steps), x[None], [1]) - before for i in range(12)]
    assert np.corrcoef(found.without[:12], actual)[0, 1] > 0.999
    np.testing.assert_allclose(found.without[:12], actual, rtol=0.2, atol=1e-3)


# --- the walk through the steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [None, 40, 7, 2])
def test_backwards_is_forwards_reversed_in_any_room(room, tmp_path):
    X, y = blobs()
    replay, net = run_of(
        tmp_path / "a.run", TANH, X, y, optimizer=gn.Adam(0.02), epochs=35, batch_size=6, schedule="cosine"
    )
    ahead, back = list(forwards(replay, replay.steps)), list(backwards(replay, replay.steps, net.theta, room))
    taken = list(replay.taken(0, replay.steps))
    assert [each.number for each in back] == list(range(replay.steps))[::-1]
    for a, b, c in zip(ahead, reversed(back), taken, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)
        np.testing.assert_array_equal(a.theta, c.theta)
        np.testing.assert_array_equal(b.rows, c.rows)
        np.testing.assert_array_equal(b.state["exp_avg_sq"], c.state["exp_avg_sq"])
        assert (a.learning_rate, b.state["step"]) == (c.learning_rate, c.state["step"])


def test_early_stopping_questions_the_best_epochs_weights(tmp_path):
    X, y = blobs(60)
    options = {
        "validation": (X[40:], y[40:]),
        "early_stopping": 2,
        "optimizer": gn.Adam(0.3),
        "epochs": 60,
        "batch_size": 8,
    }
    replay, net = run_of(tmp_path / "a.run", TANH, X[:40], y[:40], **options)
    last, theta = last_step(replay)
    assert last == (replay.history.best_epoch + 1) * 5 < replay.steps
    np.testing.assert_array_equal(theta, net.theta)
    asked = np.array([[0.3, 0.1, -0.4, 0.8]])
    found = gn.influence(replay, x=asked, y=1, method="exact")
    up, down = (error_at(replay, with_weight(replay, 4, w, last), asked, [1]) for w in (1 + 1e-5, 1 - 1e-5))
    assert found.without[4] == pytest.approx(-(up - down) / 2e-5 * 8 / 7, rel=2e-4)
    assert found.run.steps == last


def test_a_run_that_a_callback_changed_is_refused(tmp_path):
    X, y = blobs()

    def meddle(event: gn.EpochEnded):
        event.network.theta[:] *= 0.99

    net = gn.Network(4, TANH, dtype="float64", seed=1)
    gn.train(net, X, y, "cross_entropy", epochs=40, batch_size=6, callbacks=[meddle], checkpoint=tmp_path / "a.run")
    with pytest.raises(InputError, match="does not lead to the weights"):
        gn.influence(tmp_path / "a.run", X, y, row=0)
