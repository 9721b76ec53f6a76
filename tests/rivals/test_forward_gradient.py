import numpy as np
import pytest
from scipy import stats

import glassnet as gn
from glassnet.rivals.forward_gradient import ForwardGradient


@pytest.fixture
def curved(arena_of):
    chance = np.random.default_rng(0)
    net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dropout(0.3), gn.Dense(2, "sigmoid")], seed=1, dtype="float64")
    return net, arena_of(net, chance.normal(size=(6, 3)), chance.uniform(size=(6, 2)), "squared_error", l2=0.1)


def true_gradient(net, arena):
    return net.backprop(arena.x, arena.y, "squared_error", l2=0.1).gradient.theta


def test_its_mean_is_the_gradient_and_its_spread_the_theorys(curved):
    """Var ĝᵢ = |∇E|² + (∂E/∂θᵢ)² for one direction."""
    net, arena = curved
    draws, true = 4000, true_gradient(net, arena)
    estimate = ForwardGradient().estimator(arena, np.random.default_rng(0))
    estimates = np.array([estimate(net.theta, None) for _ in range(draws)])
    spread = np.sqrt(true @ true + true**2)
    z = (estimates.mean(axis=0) - true) / (spread / np.sqrt(draws))
    assert np.abs(z).max() < 4.5
    assert (z @ z) < stats.chi2(len(z)).ppf(1 - 1e-4) * 2  # entries hang together a little
    np.testing.assert_allclose(estimates.std(axis=0), spread, rtol=0.25)
    assert (estimates @ true >= 0).all()  # never uphill


def test_many_directions_come_close_to_the_gradient(curved, degrees):
    net, arena = curved
    true = true_gradient(net, arena)
    angle = {
        q: np.mean(
            [
                degrees(ForwardGradient(directions=q).estimator(arena, np.random.default_rng(s))(net.theta, None), true)
                for s in range(20)
            ]
        )
        for q in (1, 1000)
    }
    assert angle[1] > 60
    assert angle[1000] < 15


def test_what_must_not_move_has_no_estimate(arena_of):
    net = gn.Network(4, [gn.Dense(2, groups=((2, 1), (2, 1)), trainable_bias=False), gn.Dense(1)], seed=0)
    arena = arena_of(net, np.ones((3, 4)), np.zeros((3, 1)), "squared_error")
    estimate = ForwardGradient().estimator(arena, np.random.default_rng(0))(net.theta.astype(float), None)
    assert set(np.flatnonzero(estimate)) == set(arena.free)


@pytest.mark.parametrize("directions", [1, 3])
def test_a_step_costs_a_forward_pass_and_two_more_for_each_direction(curved, walk, directions):
    net, arena = curved
    walk(ForwardGradient(directions=directions), arena, net.theta, steps=1)
    assert arena.evaluations == (1 + 2 * directions) * 6


def test_it_bears_a_learning_rate_of_2_over_n_plus_2_and_no_more(arena_of, walk):
    """On ½|θ|² the mean of |θ|² is multiplied by 1 − 2η + η²(n + 2) each step; descent on the gradient bears η < 2."""
    n = 60
    net = gn.Network(n, [gn.Dense(1, bias=False)], seed=0, dtype="float64")
    arena = arena_of(net, np.eye(n), np.zeros((n, 1)), "half_squared_error", reduction="sum")
    theta = np.ones(n)
    steps = 40

    def mean_square(rate):
        ends = [
            walk(ForwardGradient(rate, optimizer="sgd", batch_size=n), arena, theta, steps=steps, seed=seed)[-1]
            for seed in range(30)
        ]
        return np.mean([end @ end for end in ends]) / n

    best = 1 / (n + 2)
    assert mean_square(best) == pytest.approx((1 - best) ** steps, rel=0.1)
    assert mean_square(4 * best) > 100  # twice the bound; a quarter of a thirtieth of what backpropagation bears


def test_it_comes_to_the_best_error_of_logistic_regression_on_3_against_7(arena_of, walk):
    from scipy.optimize import minimize
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X, y = X[(y == 3) | (y == 7)] / 16, (y[(y == 3) | (y == 7)] == 7).astype(float)

    def error(theta):
        z = X @ theta[:-1] + theta[-1]
        return np.mean(np.logaddexp(0, z) - y * z) + 0.005 * theta[:-1] @ theta[:-1]

    best = minimize(error, np.zeros(65)).fun
    net = gn.Network(64, [gn.Dense(1, "sigmoid")], seed=0, dtype="float64")
    arena = arena_of(net, X, y[:, None], "binary_cross_entropy", l2=0.01)
    rival = ForwardGradient(batch_size=len(X))
    path = walk(rival, arena, net.theta, steps=2000)
    assert error(path[0]) > 4 * best
    assert best <= error(path[-1]) < 1.05 * best
