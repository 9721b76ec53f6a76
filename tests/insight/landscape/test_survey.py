"""The error over a plane, against forward passes of the tests' own and closed forms."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError, NonFiniteError
from glassnet.insight.landscape import cost, landscape
from glassnet.insight.landscape.cost import affordable, seconds

rng = np.random.default_rng(1)
X = rng.normal(size=(30, 4))
LABELS = rng.integers(0, 3, 30)


def classifier(dtype="float64", seed=0):
    return gn.Network(4, [gn.Dense(5, "tanh"), gn.Dropout(0.3), gn.Dense(3, "softmax")], seed=seed, dtype=dtype)


def forward(net, theta):
    """Cross-entropy by NumPy alone, the layout of θ read by hand."""
    w0, b0, w1, b1 = np.split(theta, np.cumsum([20, 5, 15]))
    z = np.tanh(X @ w0.reshape(4, 5) + b0) @ w1.reshape(5, 3) + b1
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(30), LABELS]).mean()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_grid_point_has_the_error_of_a_forward_pass(dtype):
    net = classifier(dtype)
    land = landscape(net, X, LABELS, points=7, span=(1.0, 2.0), seed=4)
    X32 = X.astype(dtype).astype("float64")
    np.testing.assert_allclose(X32, X, atol=1e-6)
    for i, a in enumerate(land.alpha):
        for j, b in enumerate(land.beta):
            theta = net.theta.astype("float64") + a * land.plane.directions[0] + b * land.plane.directions[1]
            assert land.loss[i, j] == pytest.approx(forward(net, theta), rel=1e-12)
    assert land.alpha[[0, -1]].tolist() == [-1, 1]
    assert land.beta[[0, -1]].tolist() == [-2, 2]


@pytest.mark.parametrize("points", [5, 6, 51])
@pytest.mark.parametrize("directions", ["random", "path", ("0:1,2", "2:0")])
def test_the_middle_is_the_networks_own_error(points, directions):
    net = classifier("float32")
    path = net.theta + rng.normal(size=(5, net.theta.size))
    land = landscape(net, X, LABELS, directions=directions, path=path, points=points)
    own = net.astype("float64").backprop(X, LABELS, "cross_entropy").loss
    i, j = np.flatnonzero(land.alpha == 0), np.flatnonzero(land.beta == 0)
    assert len(i) == len(j) == 1
    assert land.loss[i[0], j[0]] == pytest.approx(own, rel=1e-13)
    assert land.own_loss == land.loss[i[0], j[0]]
    assert land.lowest[2] == land.loss.min()


def test_penalties_weights_and_sums_count_as_in_training():
    net = classifier()
    weight = rng.uniform(0, 2, 30)
    how = {"reduction": "sum", "sample_weight": weight, "l1": 0.1, "l2": 0.3}
    land = landscape(net, X, LABELS, "cross_entropy", points=3, **how)
    assert land.own_loss == pytest.approx(net.backprop(X, LABELS, "cross_entropy", **how).loss, rel=1e-12)


def test_the_loss_is_that_of_the_training_where_none_is_named():
    net = gn.Network(4, [gn.Dense(1)], dtype="float64")
    gn.train(net, X, X[:, :1], "absolute_error", epochs=1)
    assert landscape(net, X, X[:, :1], points=3).objective == "absolute_error"


def bowl():
    """A linear network at the bottom: E(θ* + d) = mean (X d)² = dᵀ H d."""
    net = gn.Network(4, [gn.Dense(1, bias=False)], dtype="float64")
    net.theta = [1.0, -2.0, 0.5, 3.0]
    return net, X @ net.theta[:, None], X.T @ X / 30


def test_a_bowl_has_the_contours_of_its_quadratic_form():
    net, y, H = bowl()
    u = np.linalg.qr(rng.normal(size=(4, 4)))[0].T
    path = net.theta + np.array([[4.0, 0], [-2.0, 0], [0, 1.0], [0, 0]]) @ u[:2]
    land = landscape(net, X, y, "squared_error", directions="path", path=path, points=21)
    d = land.plane.directions
    np.testing.assert_allclose(np.abs(d @ u[:2].T), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(land.plane.shares, [20 / 21, 1 / 21])
    A, B = np.meshgrid(land.alpha, land.beta, indexing="ij")
    h = d @ H @ d.T
    expected = h[0, 0] * A**2 + 2 * h[0, 1] * A * B + h[1, 1] * B**2
    np.testing.assert_allclose(land.loss, expected, rtol=1e-10, atol=1e-12)
    assert land.basins == [(0.0, 0.0, pytest.approx(0, abs=1e-25))]
    assert land.alpha[0] == pytest.approx(-3.5, abs=0.2)  # the path and a quarter of it more, on both sides
    assert land.alpha[-1] == pytest.approx(5.5, abs=0.2)
    (walk,) = land.walks
    assert walk.in_plane == pytest.approx(1)
    np.testing.assert_allclose(walk.loss, [(t - net.theta) @ H @ (t - net.theta) for t in path], rtol=1e-10, atol=1e-25)


def test_two_weights_move_and_all_others_stay():
    net, y, H = bowl()
    land = landscape(net, X, y, directions=((0, 1, 0), (0, 3, 0)), span=1, points=3)
    assert land.origin.tolist() == [-2, 3]
    assert land.loss[2, 0] == pytest.approx(H[1, 1] + H[3, 3] - 2 * H[1, 3])
    assert "2 weights" not in land.text()
    assert "weights[0][1, 0] and weights[0][3, 0]" in land.text()


def test_dropout_is_left_out_and_that_is_said():
    with_dropout = classifier()
    without = gn.Network(4, [gn.Dense(5, "tanh"), gn.Dense(3, "softmax")], dtype="float64")
    without.theta = with_dropout.theta
    one, other = (landscape(net, X, LABELS, points=5) for net in (with_dropout, without))
    np.testing.assert_array_equal(one.loss, other.loss)
    assert "Dropout is left out" in one.text()
    assert "Dropout" not in other.text()


def test_sampled_rows_are_said_and_are_the_same_for_a_seed():
    net = classifier()
    one, again, other = (landscape(net, X, LABELS, rows=10, points=3, seed=s) for s in (0, 0, 1))
    assert "10 rows drawn from 30" in one.text()
    assert (one.rows, one.all_rows) == (10, 30)
    assert one.own_loss == again.own_loss != other.own_loss
    assert "on 30 rows" in landscape(net, X, LABELS, rows=30, points=3).text()


def test_rows_are_sampled_by_themselves_where_the_grid_would_take_long():
    net = gn.Network(200, [gn.Dense(300), gn.Dense(1)], dtype="float64")
    many = np.zeros((4000, 200))
    land = landscape(net, many, many[:, :1], points=3)
    assert land.rows == 4000
    assert affordable(net, 1001, None, 4000) == (1001, 128)


@given(
    units=st.lists(st.integers(1, 2000), min_size=1, max_size=3),
    points=st.none() | st.integers(3, 200),
    rows=st.none() | st.integers(1, 10**6),
    all_rows=st.integers(1, 10**6),
)
@settings(max_examples=40, deadline=None)
def test_a_grid_is_cut_down_until_it_takes_ten_seconds_and_what_was_asked_for_is_kept(units, points, rows, all_rows):
    net = gn.Network(50, [gn.Dense(n) for n in units], dtype="float32")
    side, count = affordable(net, points, rows, all_rows)
    assert points is None or side == points
    assert rows is None or count == min(rows, all_rows)
    cut = (points is None and side < 51, rows is None and count < all_rows)
    assert seconds(net, side**2, count) <= 10 or (
        (points is not None or side == 11) and (rows is not None or count <= 128)
    )
    assert not cut[0] or count == min(all_rows, 128) or rows is not None
    if any(cut):  # it was needed
        assert (
            seconds(net, (points or 51) ** 2, count if rows is not None else min(all_rows, max(128, count + 1))) > 9.9
        )


def test_fewer_points_for_a_large_network_are_said(monkeypatch):
    monkeypatch.setattr(cost, "_SECONDS", 0.2)  # as if ten seconds were for a network fifty times as large
    net = gn.Network(200, [gn.Dense(300), gn.Dense(1)])
    heard = []
    land = landscape(net, np.zeros((2, 200)), [[0.0], [1.0]], report=heard.append)
    assert 11 <= len(land.alpha) < 51
    assert len(land.alpha) % 2 == 1
    assert "fewer points than the usual 51 × 51, which would take about" in land.text()
    assert heard[0].done < heard[-1].done == heard[-1].points == land.loss.size
    assert heard[0].seconds_left > heard[-1].seconds_left == 0
    assert "fewer points" not in landscape(classifier(), X, LABELS, points=3).text()


def test_a_notebook_shows_the_page_in_a_frame():
    shown = landscape(classifier(), X, LABELS, points=3)._repr_html_()
    assert shown.startswith("<iframe title=")
    assert "Surface" in shown


def test_the_path_comes_from_a_runs_folder(tmp_path):
    net = classifier("float32")
    kept = [net.theta.copy()]
    gn.train(
        net,
        X,
        LABELS,
        "cross_entropy",
        epochs=9,
        checkpoint=tmp_path / "a.run",
        callbacks=[lambda event: kept.append(event.network.theta.copy())],
    )
    land = landscape(net, X, LABELS, directions="path", path=tmp_path / "a.run", points=5)
    (walk,) = land.walks
    assert walk.labels == tuple(f"epoch {i}" for i in range(10))
    np.testing.assert_allclose(walk.coordinates[-1], 0, atol=1e-12)
    away = np.array(kept, float) - net.theta
    np.testing.assert_allclose(walk.coordinates, away @ land.plane.directions.T, atol=1e-9)
    assert walk.loss[0] == pytest.approx(forward(net, kept[0].astype(float)), rel=1e-9)
    assert "10 points" in land.text()

    other = classifier("float32", seed=1)
    with pytest.raises(InputError, match="ended in other weights"):
        landscape(other, X, LABELS, path=tmp_path / "a.run")
    larger = gn.Network(4, [gn.Dense(3, "softmax")])
    with pytest.raises(InputError, match="other layers"):
        landscape(larger, X, LABELS, path=tmp_path / "a.run")
    with pytest.raises(InputError, match="There is no run"):
        landscape(net, X, LABELS, path=tmp_path / "b.run")


def test_early_stopping_ends_the_path_at_the_best_epoch(tmp_path):
    net = classifier("float32")
    history = gn.train(
        net,
        X,
        LABELS,
        "cross_entropy",
        optimizer="adam(0.3)",
        epochs=40,
        early_stopping=3,
        validation=0.4,
        checkpoint=tmp_path / "a.run",
    )
    assert history.best_epoch + 1 < history.epochs
    (walk,) = landscape(net, X, LABELS, path=tmp_path / "a.run", points=3).walks
    assert walk.labels[-1] == "best epoch"
    assert walk.distance[-1] == 0


def test_points_where_the_error_is_too_large_are_blank_and_counted():
    net = gn.Network(1, [gn.Dense(1, "exp")], dtype="float64")
    net.theta = [1.0, 0.0]
    land = landscape(net, [[1.0]], [[1.0]], directions=("0:0,0", "0:0"), span=1000, points=5)
    assert not np.isfinite(land.loss).all()
    assert "too large for a number" in land.text()
    assert f"At {(~np.isfinite(land.loss)).sum()} points" in land.text()


def test_to_dict_is_plain():
    land = landscape(classifier(), X, LABELS, points=3, path=classifier().theta[None])
    values = json.loads(json.dumps(land.to_dict()))
    assert np.array(values["loss"]).shape == (3, 3)
    assert values["walks"][0]["labels"] == ["point 0"]


def test_weights_that_are_not_finite_are_told():
    net = classifier()
    net.weights[0][0, 0] = 1.0
    net.theta[0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        landscape(net, X, LABELS)
    net.theta[:] = 1e200
    big = gn.Network(4, [gn.Dense(1)], dtype="float64")
    big.theta[:] = 1e200
    with pytest.raises(InputError, match="no landscape"):
        landscape(big, X, X[:, :1])
    with pytest.raises(NonFiniteError, match="no landscape"):
        landscape(big, X, X[:, :1], directions=("0:0,0", "0:1,0"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"directions": "pca"}, "expected 'random', 'path' or two weights"),
        ({"directions": "path"}, "there is no path"),
        ({"directions": None}, "two weights"),
        ({"directions": np.eye(2)}, "names no parameter"),
        ({"directions": ("0:0,0",)}, "two weights"),
        ({"directions": ("0:0,0", "0:0,0")}, "twice"),
        ({"span": 0}, "span"),
        ({"span": (1, 2, 3)}, "span"),
        ({"span": True}, "span"),
        ({"span": 1e308}, "too large for a number"),
        ({"span": (1, 1e308), "directions": ("0:0,0", "0:0,1")}, "too large for a number"),
        ({"path": np.full((1, 43), 1e308), "directions": ("0:0,0", "0:0,1")}, "overflows"),
        ({"points": 2}, "from 3 up"),
        ({"points": 5.0}, "points"),
        ({"rows": 0}, "rows"),
        ({"seed": -1}, "seed"),
        ({"path": np.zeros((3, 4))}, "expected .points, 43."),
        ({"path": np.zeros((0, 43))}, "path has shape"),
    ],
)
def test_arguments_that_cannot_be_used_are_told(arguments, says):
    with pytest.raises(InputError, match=says):
        landscape(classifier(), X, LABELS, **arguments)
