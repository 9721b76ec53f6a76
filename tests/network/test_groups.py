"""Dense layers with groups: links between groups do not exist, everywhere that somebody looks."""

import json

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError

GROUPS = ((5, 3), (2, 4))
PRESENT = np.block([[np.ones((5, 3)), np.zeros((5, 4))], [np.zeros((2, 3)), np.ones((2, 4))]]).astype(bool)
X = np.random.default_rng(0).normal(size=(20, 7))
Y = np.random.default_rng(1).normal(size=(20, 2))


def grouped(dtype="float64", **settings):
    layers = [gn.Dense(7, "tanh", groups=GROUPS, **settings), gn.Dense(2)]
    return gn.Network(7, layers, seed=3, dtype=dtype)


def two_networks(net):
    """The same function as two separate first layers, each of which sees its own inputs."""
    w, b = net.weights[0], net.biases[0]
    halves = []
    for inputs, units in ((slice(0, 5), slice(0, 3)), (slice(5, 7), slice(3, 7))):
        half = gn.Network(inputs.stop - inputs.start, [gn.Dense(units.stop - units.start, "tanh")], dtype="float64")
        half.weights[0], half.biases[0] = w[inputs, units], b[units]
        halves.append((half, inputs))
    return halves


def test_it_computes_what_two_layers_side_by_side_compute():
    net = grouped()
    net.biases[0][:] = np.linspace(-1, 1, 7)
    side_by_side = np.concatenate([half.predict(X[:, inputs]) for half, inputs in two_networks(net)], axis=1)
    np.testing.assert_allclose(net.predict(X), side_by_side @ net.weights[1] + net.biases[1], rtol=1e-13)


def test_each_group_starts_on_the_scale_of_its_own_size():
    net = gn.Network(1010, [gn.Dense(20, "tanh", groups=((1000, 10), (10, 10)), weight_init="lecun_normal")], seed=0)
    w = net.weights[0]
    assert w[:1000, :10].std() == pytest.approx(1000**-0.5, rel=0.05)
    assert w[1000:, 10:].std() == pytest.approx(10**-0.5, rel=0.25)
    assert not w[:1000, 10:].any()
    assert not w[1000:, :10].any()


def test_links_that_do_not_exist_are_no_parameters():
    net = grouped()
    assert (net.weights[0] != 0).tolist() == PRESENT.tolist()
    for which in ("present", "trainable", "penalised"):
        assert net.layout.mask(which)[:49].reshape(7, 7).tolist() == PRESENT.tolist()
    assert net.layout.mask("present")[49:].all()
    exist = 5 * 3 + 2 * 4 + 7 + 7 * 2 + 2
    assert net.layout.parameters == exist
    assert str(net).startswith(f"Network of {exist} parameters, {exist} of them trainable")
    assert "groups=((5, 3), (2, 4))" in str(net)
    frozen = grouped(trainable_bias=False)
    assert f"Network of {exist} parameters, {exist - 7} of them trainable" in str(frozen)


def test_the_gradient_is_zero_there_and_the_derivative_elsewhere():
    net = grouped()
    p = net.backprop(X, Y, "squared_error", l1=0.01, l2=0.1)
    assert (p.gradient.weights[0] != 0).tolist() == PRESENT.tolist()
    check = gn.check_gradient(net, X, Y, "squared_error", l1=0.01, l2=0.1)
    assert check.passed
    assert check.checked == net.layout.parameters
    assert not check.kinks
    some = gn.check_gradient(net, X, Y, "squared_error", samples=30)
    assert some.passed
    assert net.layout.mask("present")[some.indices].all()


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("optimizer", ["sgd(0.1, momentum=0.9, weight_decay=0.1)", "adam(0.05)", "rprop", "lbfgs"])
def test_training_does_not_make_links(engine, optimizer):
    net = grouped()
    start = net.theta.copy()
    gn.train(net, X, Y, "squared_error", optimizer=optimizer, epochs=5, batch_size=None, l2=0.01, engine=engine)
    moved = net.theta != start
    assert moved.tolist() == net.layout.mask("present").tolist()


def test_there_and_back_through_a_file_and_a_copy(tmp_path):
    net = grouped()
    gn.save(net, tmp_path / "groups.safetensors")
    for again in (gn.load(tmp_path / "groups.safetensors"), net.copy(), net.astype("float32")):
        assert again.layers == net.layers
        np.testing.assert_allclose(again.theta, net.theta, rtol=1e-7)
        assert again.layout.parameters == net.layout.parameters
    assert gn.Network.from_dict(json.loads(json.dumps(net.to_dict()))).layers == net.layers
    assert repr(eval(repr(net.layers[0]), {"Dense": gn.Dense})) == repr(net.layers[0])
    assert "groups" not in gn.Dense(3).to_dict()  # files of layers without groups stay as they were


def test_one_group_of_all_is_no_change():
    plain = gn.Network(7, [gn.Dense(4, "tanh")], seed=5)
    one = gn.Network(7, [gn.Dense(4, "tanh", groups=((7, 4),))], seed=5)
    assert one.theta.tolist() == plain.theta.tolist()


def test_numbers_for_absent_links_are_refused():
    net = grouped()
    kept = net.theta.copy()
    full = np.ones((7, 7))
    for assign in (
        lambda: net.weights.__setitem__(0, full),
        lambda: net.weights.__setitem__(-2, full),
        lambda: setattr(net, "theta", np.ones(net.theta.size)),
        lambda: gn.Network.from_dict(net.to_dict(), arrays=net.parameters.named() | {"0.weights": full}),
    ):
        with pytest.raises(InputError, match=r"\[0, 3\] is 1, but that link does not exist"):
            assign()
    assert net.theta.tolist() == kept.tolist()
    net.weights[0] = full * PRESENT
    net.theta = net.layout.mask("present").astype(float)
    assert net.weights[0].sum() == PRESENT.sum()


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (((5, 3), (2, 3)), "add up to the 7 of the layer"),
        ((), "add up to the 7"),
        (7, "expected pairs"),
        (((7,),), "expected pairs"),
        (((7, 7, 7),), "expected pairs"),
        (((7, 7.0),), "each from 1 up"),
        (((7, 7), (0, 0)), "each from 1 up"),
        (((-1, 7),), "each from 1 up"),
        (((True, 7),), "each from 1 up"),
        ("ab", "expected pairs"),
    ],
)
def test_groups_that_cannot_be(groups, says):
    with pytest.raises(InputError, match=says):
        gn.Dense(7, groups=groups)


def test_groups_that_do_not_fit_the_inputs():
    with pytest.raises(InputError, match=r"Layer 0: the groups .* hear 7 inputs, but there are 8"):
        gn.Network(8, [gn.Dense(7, groups=GROUPS)])
