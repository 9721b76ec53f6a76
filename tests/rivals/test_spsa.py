import itertools

import numpy as np
import pytest

import glassnet as gn
from glassnet.rivals.forward_gradient import ForwardGradient
from glassnet.rivals.numerical import Numerical
from glassnet.rivals.spsa import SPSA


class Coins:
    """A generator whose coins fall as they are told."""

    def __init__(self, signs):
        self.signs = np.atleast_2d(signs)

    def integers(self, low, high, shape):
        assert shape == self.signs.shape
        return (self.signs + 1) // 2


def all_signs(n):
    return np.array(list(itertools.product([-1, 1], repeat=n)))


def test_the_mean_over_all_coins_is_the_gradient_of_a_quadratic(arena_of):
    chance = np.random.default_rng(0)
    net = gn.Network(3, [gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, chance.normal(size=(7, 3)), chance.normal(size=(7, 2)), "squared_error")
    estimates = [SPSA().estimate(arena, net.theta, 0.5, Coins(signs)) for signs in all_signs(8)]
    true = net.backprop(arena.x, arena.y, "squared_error").gradient.theta
    np.testing.assert_allclose(np.mean(estimates, axis=0), true, rtol=1e-9)
    together = SPSA(directions=256).estimate(arena, net.theta, 0.5, Coins(all_signs(8)))
    np.testing.assert_allclose(together, true, rtol=1e-9)


def test_elsewhere_its_bias_falls_with_the_square_of_the_nudge(arena_of):
    chance = np.random.default_rng(0)
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "tanh")], seed=0, dtype="float64")
    arena = arena_of(net, chance.normal(size=(7, 2)), chance.normal(size=(7, 1)), "squared_error")
    true = net.backprop(arena.x, arena.y, "squared_error").gradient.theta
    rival, coins = SPSA(directions=2**9), Coins(all_signs(9))
    off = [np.linalg.norm(rival.estimate(arena, net.theta, c, coins) - true) for c in (0.1, 0.01)]
    assert off[0] > 1e-4
    assert off[0] / off[1] == pytest.approx(100, rel=0.1)


def test_one_estimate_is_at_a_wide_angle_to_the_gradient(arena_of, degrees):
    """cos² is 1/n in the mean over the coins: what makes it fail as weights are added."""
    chance = np.random.default_rng(0)
    net = gn.Network(3, [gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, chance.normal(size=(7, 3)), chance.normal(size=(7, 2)), "squared_error")
    true = arena.gradient(net.theta)[1]
    angles = [degrees(SPSA().estimate(arena, net.theta, 1e-3, Coins(signs)), true) for signs in all_signs(8)]
    assert np.mean(np.cos(np.radians(angles)) ** 2) == pytest.approx(1 / 8, rel=1e-6)
    assert max(angles) <= 90 + 1e-6


def test_gains_fall_as_spall_has_them(arena_of, walk):
    """Read off a walk: on a plane |ĝ| is |slope·Δ| whatever c is, so that steps of one weight shrink as a_k."""
    plane = gn.ElementwiseLoss("plane", term=lambda a, y: a, term_slope=lambda a, y: 0 * a + 1)
    net = gn.Network(1, [gn.Dense(1, bias=False)], seed=0, dtype="float64")
    arena = arena_of(net, [[1.0]], [[0.0]], plane)
    path = np.ravel(walk(SPSA(0.25, stability=7), arena, net.theta, steps=200))
    k = np.arange(200)
    np.testing.assert_allclose(-np.diff(path), 0.25 * (8 / (7 + k + 1)) ** 0.602, rtol=1e-6)


def test_nudges_shrink_as_spall_has_them(arena_of, monkeypatch):
    net = gn.Network(2, [gn.Dense(1)], seed=0, dtype="float64")
    arena = arena_of(net, [[1.0, 2.0]], [[0.0]], "squared_error")
    asked, losses = [], arena.losses
    monkeypatch.setattr(arena, "losses", lambda thetas, rows=None: asked.append(thetas) or losses(thetas, rows))
    list(itertools.islice(SPSA(nudge=0.3).steps(arena, net.theta, np.random.default_rng(0)), 50))
    sizes = np.array([np.abs(pair[0] - pair[1]) / 2 for pair in asked])
    np.testing.assert_allclose(sizes[:10], 0.3)
    np.testing.assert_allclose(sizes[10:], 0.3 / (np.arange(50)[:, None] + 1) ** 0.101 * np.ones(3), rtol=1e-9)


def test_it_reaches_the_least_squares_solution(arena_of, walk):
    chance = np.random.default_rng(3)
    X = chance.normal(size=(40, 5))
    Y = X @ chance.normal(size=(5, 2)) + 0.1 * chance.normal(size=(40, 2))
    net = gn.Network(5, [gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, X, Y, "half_squared_error")
    path = walk(SPSA(0.3, batch_size=40), arena, net.theta, steps=3000)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(40)]), Y, rcond=None)[0].ravel()
    assert np.linalg.norm(path[-1] - best) < 0.01 * np.linalg.norm(path[0] - best)


@pytest.mark.parametrize("hidden", [2, 200])
@pytest.mark.parametrize("directions", [1, 3])
def test_a_step_costs_two_errors_for_each_direction_however_many_weights_there_are(arena_of, walk, hidden, directions):
    net = gn.Network(3, [gn.Dense(hidden, "tanh"), gn.Dense(2)], seed=1)
    arena = arena_of(net, np.ones((6, 3)), np.ones((6, 2)), "squared_error")
    walk(SPSA(directions=directions), arena, net.theta, steps=5)
    assert arena.evaluations == (10 + 5) * 2 * directions * 6  # ten trials at the start


def test_for_equal_evaluations_it_gets_further_than_differences(arena_of, walk):
    """Spall's point: about the progress of a difference step, for n times fewer errors."""
    chance = np.random.default_rng(0)
    net = gn.Network(30, [gn.Dense(1, bias=False)], seed=0, dtype="float64")
    X = chance.normal(size=(60, 30))
    arena = arena_of(net, X, X @ chance.normal(size=(30, 1)), "half_squared_error")
    ends = {}
    for rival in (SPSA(0.5, batch_size=60), Numerical(0.1, optimizer="sgd", batch_size=60)):
        theta = walk(rival, arena, net.theta, evaluations=60 * 2 * 30 * 10)[-1]
        with arena.resting():
            ends[rival.name] = arena.losses(theta[None])[0]
    assert ends["spsa"] < ends["numerical"] / 2


def test_its_exact_cousin_sees_the_same_slope(arena_of):
    chance = np.random.default_rng(0)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(2)], seed=0, dtype="float64")
    arena = arena_of(net, chance.normal(size=(7, 3)), chance.normal(size=(7, 2)), "squared_error")
    signs = chance.integers(0, 2, net.theta.size) * 2 - 1

    class Normal(Coins):
        def standard_normal(self, shape):
            return self.signs.astype(float)

    exact = ForwardGradient().estimator(arena, Normal(signs))(net.theta, None)
    np.testing.assert_allclose(SPSA().estimate(arena, net.theta, 1e-5, Coins(signs)), exact, rtol=1e-6)


def test_the_first_step_has_the_wanted_length_whatever_the_number_of_weights(arena_of, walk):
    chance = np.random.default_rng(0)
    for hidden in (2, 500):
        net = gn.Network(3, [gn.Dense(hidden, "tanh"), gn.Dense(2)], seed=1, dtype="float64")
        arena = arena_of(net, chance.normal(size=(6, 3)), chance.normal(size=(6, 2)), "squared_error")
        first = [np.linalg.norm(np.diff(walk(SPSA(), arena, net.theta, steps=1, seed=s), axis=0)) for s in range(100)]
        assert np.mean(first) == pytest.approx(0.3, rel=0.3)
