"""The gradient of each row by itself: against an autodiff, one row at a time, on both engines."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from autodiff import PAIRS, gradient, truths
from glassnet.network.layer import Layer
from glassnet.network.parameters import Parameters

ENGINES = ("compiled", "reference")


def one_by_one(net, x, y, loss):
    return np.stack([gradient(net, x[i : i + 1], y[i : i + 1], loss, np.ones(1)) for i in range(len(x))])


@pytest.mark.parametrize(("loss", "last"), PAIRS)
def test_every_pair_of_loss_and_last_activation(loss, last):
    rng = np.random.default_rng(zlib.crc32(f"{loss} {last}".encode()))
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dropout(0.3), gn.Dense(5, "gelu"), gn.Dense(3, last)], dtype="float64")
    net.theta[:] += rng.normal(scale=0.1, size=net.theta.size)
    x, y = rng.normal(size=(6, 3)), truths(loss, 6, 3, rng)
    expected = one_by_one(net, x, y, loss)
    for engine in ENGINES:
        rows = gn.row_gradients(net, x, y, loss, engine=engine)
        np.testing.assert_allclose(rows.array(), expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(rows.norms(), np.linalg.norm(expected, axis=1), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(rows.products(), expected @ expected.T, rtol=1e-10, atol=1e-11)


networks = st.builds(
    lambda sizes, bias, drops, seed: (sizes, bias, drops, seed),
    st.lists(st.integers(1, 40), min_size=2, max_size=5),
    st.booleans(),
    st.booleans(),
    st.integers(0, 10_000),
)


@settings(max_examples=30)
@given(networks, st.integers(1, 9), st.sampled_from(["mean", "sum"]), st.floats(0, 0.5), st.floats(0, 0.5))
def test_weighted_they_sum_to_the_gradient_of_the_step(network, m, reduction, l1, l2):
    sizes, bias, drops, seed = network
    rng = np.random.default_rng(seed)
    layers = [gn.Dense(n, "silu", bias=bias) for n in sizes[1:]]
    net = gn.Network(sizes[0], [gn.Dropout(0.5), *layers] if drops else layers, seed=seed, dtype="float64")
    net.theta[:] += rng.normal(scale=0.1, size=net.theta.size)
    x, y, weight = rng.normal(size=(m, sizes[0])), rng.normal(size=(m, sizes[-1])), rng.random(m) + 0.01
    p = net.backprop(x, y, "squared_error", sample_weight=weight, reduction=reduction, l1=l1, l2=l2)
    penalty = (l1 * np.sign(net.theta) + l2 * net.theta) * net.layout.mask("penalised")
    for engine in ENGINES:
        rows = gn.row_gradients(net, x, y, "squared_error", engine=engine)
        summed = p.coefficient @ rows.array() + penalty
        np.testing.assert_allclose(summed, p.gradient.theta, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(rows.errors(), p.row_errors, rtol=1e-12)


def test_layers_groups_and_other_rows():
    rng = np.random.default_rng(3)
    grouped = gn.Dense(5, "tanh", groups=((4, 2), (3, 3)))
    net = gn.Network(7, [grouped, gn.Dropout(0.2), gn.Dense(3, "softmax", bias=False)], seed=1, dtype="float64")
    x, y = rng.normal(size=(9, 7)), rng.integers(0, 3, 9)
    expected = one_by_one(net, x, np.eye(3)[y], "cross_entropy") * net.layout.mask("present")
    by_layer = [expected[:, :40], expected[:, :0], expected[:, 40:]]
    for engine in ENGINES:
        rows = gn.row_gradients(net, x, y, "cross_entropy", engine=engine)
        np.testing.assert_allclose(rows.array(), expected, rtol=1e-10, atol=1e-13)
        norms = np.stack([np.linalg.norm(part, axis=1) for part in by_layer], axis=1)
        np.testing.assert_allclose(rows.norms(by_layer=True), norms, rtol=1e-10, atol=1e-13)
        others = gn.row_gradients(net, x[:4], y[:4], "cross_entropy", engine=engine)
        products = rows.products(others, by_layer=True)
        assert products.shape == (3, 9, 4)
        for found, part in zip(products, by_layer, strict=True):
            np.testing.assert_allclose(found, part @ part[:4].T, rtol=1e-10, atol=1e-12)


def test_many_rows_come_in_chunks_that_are_all_of_them():
    rng = np.random.default_rng(0)
    net = gn.Network(20, [gn.Dense(300, "relu"), gn.Dense(10, "softmax")], seed=0)
    x, y = rng.normal(size=(5000, 20)), rng.integers(0, 10, 5000)
    rows = gn.row_gradients(net, x, y)
    met, norms = [], []
    for which, gradients in rows.chunks():
        assert gradients.size <= 16_000_000
        met += range(which.start, which.stop)
        norms.append(np.linalg.norm(gradients, axis=1))
        weights = Parameters(net.layout, gradients).weights[1]
        assert weights.shape == (len(gradients), 300, 10)
    assert met == list(range(5000))
    assert len(norms) > 1
    np.testing.assert_allclose(np.concatenate(norms), rows.norms(), rtol=1e-10)


def test_the_networks_own_dtype_and_dropout_do_not_show():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)
    net = gn.Network(4, [gn.Dense(6, "relu"), gn.Dropout(0.9), gn.Dense(3, "softmax")], seed=0, dtype="float32")
    plain = gn.Network(4, [gn.Dense(6, "relu"), gn.Dense(3, "softmax")], seed=0, dtype="float64")
    plain.theta[:] = net.theta
    assert gn.row_gradients(net, x, y).array().dtype == np.float64
    np.testing.assert_allclose(gn.row_gradients(net, x, y).array(), gn.row_gradients(plain, x, y).array(), rtol=1e-12)


def test_a_layer_that_mixes_rows_is_refused(monkeypatch):
    net = gn.Network(2, [gn.Dense(2)])
    monkeypatch.setattr(Layer, "mixes_rows", True)
    with pytest.raises(gn.GlassnetError, match="depend on its neighbours"):
        gn.row_gradients(net, [[1.0, 2.0]], [[0.0, 1.0]])


def test_an_unknown_engine():
    with pytest.raises(gn.GlassnetError, match="no engine named 'compild'"):
        gn.row_gradients(gn.Network(2, [gn.Dense(2)]), [[1.0, 2.0]], [[0.0, 1.0]], engine="compild")
