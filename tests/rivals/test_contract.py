"""Every registered rival against one list of properties; a new row in the registry is tested by itself."""

import itertools
import warnings

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Block
from glassnet.network.dense import Dense
from glassnet.rivals import RIVALS, Arena, BudgetSpent
from glassnet.rivals import arena as arena_module

RNG = np.random.default_rng(5)
X = RNG.standard_normal((23, 3))
LABELS = (X @ RNG.standard_normal((3, 3))).argmax(axis=1)
NUMBERS = X @ RNG.standard_normal((3, 2)) + 0.1
YES_OR_NO = (X[:, :1] > 0).astype(float)

NETWORKS = {
    "two layers, classes": ([gn.Dense(7, "tanh"), gn.Dense(3, "softmax")], LABELS, "cross_entropy"),
    "two layers, numbers": ([gn.Dense(7, "tanh"), gn.Dense(2)], NUMBERS, "squared_error"),
    "dropout": ([gn.Dense(7, "relu"), gn.Dropout(0.5), gn.Dense(3, "softmax")], LABELS, "cross_entropy"),
    "one layer, yes or no": ([gn.Dense(1, "sigmoid")], YES_OR_NO, "binary_cross_entropy"),
    "one layer, logits": ([gn.Dense(1)], YES_OR_NO, "binary_cross_entropy_from_logits"),
    "one layer, classes": ([gn.Dense(3, "softmax")], LABELS, "cross_entropy"),
    "one layer, numbers": ([gn.Dense(2)], NUMBERS, "half_squared_error"),
    "bound": (
        [gn.Dense(4, "tanh", groups=((2, 2), (1, 2)), trainable_bias=False), gn.Dense(2)],
        NUMBERS,
        "squared_error",
    ),
}
PAIRS = list(itertools.product(RIVALS, NETWORKS))


def make(name, engine="reference", **options):
    layers, Y, loss = NETWORKS[name]
    net = gn.Network(3, layers, seed=2, dtype="float64")
    block = Block(X, Y if Y.ndim == 1 else Y.astype(float), np.ones(len(X)))
    return Arena(net, net.objective(loss), block, engine=engine, **options), net.theta.copy()


def walk(rival, arena, theta, evaluations=6000, steps=60, seed=0):
    """Return the θ of each step, and what was spent when it came."""
    arena.start(evaluations)
    path, spent = [], []
    given = theta.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            for reached in itertools.islice(rival.steps(arena, given, np.random.default_rng(seed)), steps):
                path.append(reached.copy())
                spent.append(arena.evaluations)
        except BudgetSpent:
            pass
    assert np.array_equal(given, theta), "the start was written into"
    return path, spent


@pytest.mark.parametrize(("name", "network"), PAIRS)
def test_a_walk_keeps_what_every_rival_promises(name, network):
    rival, (arena, theta) = RIVALS[name], make(network)
    refusal = rival.refusal(arena)
    if refusal:
        assert refusal[0].isupper()
        assert refusal.endswith(".")
        return
    path, spent = walk(rival, arena, theta)
    again, _ = walk(rival, make(network)[0], theta)
    assert len(path) == len(again) > 0
    assert all(np.array_equal(a, b) for a, b in zip(path, again, strict=True)), "the same seed gave another walk"
    bound = np.setdiff1d(np.arange(arena.size), arena.free)
    for reached in path:
        assert reached.shape == theta.shape
        assert np.isfinite(reached).all()
        assert np.array_equal(reached[bound], theta[bound]), "a parameter that must not move has moved"
    assert spent == sorted(spent)
    assert spent[-1] <= 6000
    moved = any(not np.array_equal(reached, theta) for reached in path)
    assert moved or rival.never_worse, (
        "it never moved"
    )  # who only keeps what is better may find nothing in so few tries
    if rival.never_worse:
        with arena.resting():
            costs = arena.costs(np.array([theta, *path]))
        assert (costs[1:] <= costs[0]).all()


class Counter:
    """Counts rows at the first layer of seven or of up to three units: once forward, twice more backward."""

    def __init__(self, monkeypatch, first):
        self.evaluations, self.still = 0, False
        forward, backward = Dense.forward, Dense.backward

        def counted_forward(layer, x, parameters, mask=None):
            z = forward(layer, x, parameters, mask)
            if layer is first and not self.still:
                self.evaluations += z.size // layer.units
            return z

        def counted_backward(layer, blame, x, parameters, gradient, mask=None):
            if layer is first and not self.still:
                self.evaluations += 2 * len(blame)
            return backward(layer, blame, x, parameters, gradient, mask)

        monkeypatch.setattr(Dense, "forward", counted_forward)
        monkeypatch.setattr(Dense, "backward", counted_backward)
        monkeypatch.setattr(Arena, "_warm_up", lambda *_: None)  # compiles; no rival gets to see what it computes


@pytest.mark.parametrize(("name", "network"), PAIRS)
def test_evaluations_are_those_of_an_independent_counter(name, network, monkeypatch):
    rival, (arena, theta) = RIVALS[name], make(network)
    if rival.refusal(arena):
        return
    counter = Counter(monkeypatch, NETWORKS[network][0][0])
    walk(rival, arena, theta, evaluations=4000, steps=20)
    assert counter.evaluations > 0
    if name == "forward_gradient":
        # what is carried along has two products a layer, but only one that goes through Dense.forward
        assert counter.evaluations < arena.evaluations < 2 * counter.evaluations
    else:
        assert arena.evaluations == counter.evaluations


@pytest.mark.parametrize("name", RIVALS)
def test_no_step_goes_beyond_the_budget(name):
    for network in ("two layers, classes", "one layer, yes or no"):
        rival, (arena, theta) = RIVALS[name], make(network)
        if rival.refusal(arena):
            continue
        for most in (1, 50, 777):
            walk(rival, arena, theta, evaluations=most, steps=None)
            assert arena.evaluations <= most


@pytest.mark.parametrize("name", RIVALS)
def test_the_spelling_finds_it_again(name):
    rival = RIVALS[name]
    assert rival.name == name
    assert rival.spec == name
    assert RIVALS.resolve(rival.spec) == rival
    assert hash(RIVALS.resolve(name)) == hash(rival)
    for text in (rival.title, rival.idea, rival.source):
        assert len(text) > 5
    assert rival.title[0].isupper()
    assert rival.idea.endswith(".")
    assert rival.uses in ("errors", "passes", "rows")


@pytest.mark.parametrize("name", RIVALS)
def test_the_compiled_engine_walks_the_same_way(name):
    """In step with the reference until rounding grows: the first few θ agree closely."""
    for network in ("two layers, classes", "one layer, yes or no"):
        rival, (arena, theta) = RIVALS[name], make(network)
        if rival.refusal(arena):
            continue
        compiled, _ = make(network, engine="compiled")
        ours, _ = walk(rival, arena, theta, steps=3)
        theirs, _ = walk(rival, compiled, theta, steps=3)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_registry_is_the_issue_s_list():
    assert set(RIVALS) >= {"backprop", "guessing", "tweaking", "genetic", "evolution", "coordinate", "grid"}
    assert set(RIVALS) >= {"numerical", "spsa", "forward_gradient", "proportional", "transposed", "perceptron", "delta"}
    assert set(RIVALS) >= {"feedback_alignment", "direct_feedback_alignment", "hebbian"}
    assert arena_module.FORWARD_AND_BACKWARD == 3 * arena_module.FORWARD
