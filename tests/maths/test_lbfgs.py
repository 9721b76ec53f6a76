"""L-BFGS: known minima, SciPy's L-BFGS-B, the algorithm by whole matrices, continued runs, and what may go wrong."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import InputError
from glassnet.maths.optimizers import LBFGS, OPTIMIZERS
from glassnet.maths.optimizers.lbfgs import two_loop_recursion


class Counted:
    """A loss and gradient that count their calls and hand out one gradient buffer, as a network may."""

    def __init__(self, function):
        self.function, self.calls, self.buffer = function, 0, None

    def __call__(self, theta):
        self.calls += 1
        loss, gradient = self.function(theta)
        if self.buffer is None:
            self.buffer = np.empty_like(gradient)
        self.buffer[...] = gradient
        return loss, self.buffer


def quadratic(n, seed=0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    a, b = q @ np.diag(np.geomspace(1, 50, n)) @ q.T, rng.normal(size=n)
    return lambda x: (float(0.5 * x @ a @ x - b @ x), a @ x - b), np.linalg.solve(a, b)


def rosenbrock(x):
    return float(scipy.optimize.rosen(x)), scipy.optimize.rosen_der(x)


def logistic_regression(seed=0, rows=200, columns=10):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) * np.geomspace(0.1, 3, columns)
    y = np.sign(x @ rng.normal(size=columns) + rng.normal(size=rows))

    def loss_and_gradient(theta):
        margin = y * (x @ theta.astype(np.float64))
        loss = np.mean(np.logaddexp(0, -margin)) + 0.005 * float(theta @ theta)
        gradient = x.T @ (-y / (1 + np.exp(margin))) / rows + 0.01 * theta
        return float(loss), gradient

    return loss_and_gradient, np.zeros(columns)


def run(optimizer, theta, loss_and_gradient, steps, state=None):
    state = optimizer.init(theta) if state is None else state
    return [optimizer.step(theta, loss_and_gradient, state) for _ in range(steps)], state


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_a_quadratic_in_n_steps_when_the_search_is_exact(n):
    function, minimum = quadratic(n)
    theta = np.zeros(n)
    run(LBFGS(history_size=n, c1=1e-9, c2=1e-8), theta, function, n)
    np.testing.assert_allclose(theta, minimum, rtol=1e-7, atol=1e-9)


def test_rosenbrock():
    theta = np.array([-1.2, 1.0])
    losses, _ = run(LBFGS(), theta, rosenbrock, 45)
    assert losses[0] == pytest.approx(24.2)
    assert all(later <= earlier for earlier, later in itertools.pairwise(losses))
    np.testing.assert_allclose(theta, 1.0, rtol=1e-8)


def test_rosenbrock_in_20_dimensions():
    theta = np.full(20, -1.0)
    losses, _ = run(LBFGS(), theta, rosenbrock, 250)
    assert losses[-1] < 1e-12 or np.allclose(scipy.optimize.rosen_der(theta), 0, atol=1e-6)


def test_logistic_regression_ends_where_scipys_does():
    function, start = logistic_regression()
    theta = start.copy()
    losses, _ = run(LBFGS(), theta, function, 60)
    reference = scipy.optimize.minimize(
        function, start, jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-10}
    )
    assert losses[-1] == pytest.approx(reference.fun, rel=1e-12)
    np.testing.assert_allclose(theta, reference.x, atol=1e-7)


@given(n=st.integers(1, 6), history=st.integers(1, 5), pairs=st.integers(0, 8), seed=st.integers(0, 999))
def test_two_loops_equal_the_bfgs_matrix(n, history, pairs, seed):
    """Equation 7.19 of Nocedal and Wright, with whole matrices."""
    rng = np.random.default_rng(seed)
    state = LBFGS(history_size=history).init(np.zeros(n))
    state["gradient"][...] = rng.normal(size=n)
    kept = []
    for k in range(pairs):
        s = rng.normal(size=n)
        y = s * rng.uniform(0.5, 2.0, n)
        state["s"][k % history], state["y"][k % history] = s, y
        state["count"] += 1
        kept = [*kept, (s, y)][-history:]
    h = np.eye(n) * (kept[-1][0] @ kept[-1][1] / (kept[-1][1] @ kept[-1][1]) if kept else 1.0)
    for s, y in kept:
        rho = 1 / (y @ s)
        v = np.eye(n) - rho * np.outer(y, s)
        h = v.T @ h @ v + rho * np.outer(s, s)
    np.testing.assert_allclose(two_loop_recursion(state), h @ state["gradient"], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cut", [0, 1, 4, 13])
def test_a_copied_state_goes_on_with_the_same_bits(cut, dtype):
    optimizer = LBFGS(history_size=4)
    undisturbed = np.full(6, -1.0, dtype=dtype)
    losses, _ = run(optimizer, undisturbed, rosenbrock, 25)
    theta = np.full(6, -1.0, dtype=dtype)
    first, state = run(optimizer, theta, rosenbrock, cut)
    theta, state = theta.copy(), {name: np.array(array.tolist(), array.dtype) for name, array in state.items()}
    second, _ = run(optimizer, theta, rosenbrock, 25 - cut, state)
    assert first + second == losses
    np.testing.assert_array_equal(theta, undisturbed)


def test_state_is_moved_in_place():
    theta = np.full(3, -1.0)
    optimizer = LBFGS(history_size=2)
    state = optimizer.init(theta)
    arrays = dict(state)
    run(optimizer, theta, rosenbrock, 5, state)
    assert all(state[name] is array for name, array in arrays.items())
    assert int(state["step"]) == 5
    np.testing.assert_array_equal(state["point"], theta)


def test_no_point_is_evaluated_twice():
    seen = []

    def function(theta):
        seen.append(theta.tobytes())
        return rosenbrock(theta)

    run(LBFGS(), np.array([-1.2, 1.0]), function, 30)
    assert len(seen) == len(set(seen))


def test_without_reuse_each_step_asks_at_its_start():
    function, start = logistic_regression()
    reusing, asking = Counted(function), Counted(function)
    a, b = start.copy(), start.copy()
    run(LBFGS(), a, reusing, 10)
    run(LBFGS(reuse=False), b, asking, 10)
    np.testing.assert_array_equal(a, b)
    assert asking.calls == reusing.calls + 9


def test_theta_moved_from_outside_is_noticed():
    function, theta = logistic_regression()
    _, state = run(LBFGS(), theta, function, 3)
    theta += 0.5
    assert LBFGS().step(theta.copy(), function, state) == function(theta)[0]


def test_float32_stays_float32_and_is_what_is_asked_for():
    function, start = logistic_regression()
    theta = start.astype(np.float32)
    address = theta.__array_interface__["data"]
    dtypes = set()

    def typed(theta):
        dtypes.add(theta.dtype)
        return function(theta)

    losses, state = run(LBFGS(), theta, typed, 40)
    assert dtypes == {np.dtype(np.float32)} == {theta.dtype}
    assert theta.__array_interface__["data"] == address
    assert state["s"].dtype == np.float64
    best = scipy.optimize.minimize(function, start, jac=True, method="L-BFGS-B").fun
    assert losses[-1] == pytest.approx(best, rel=1e-6)


def test_a_zero_gradient_leaves_theta():
    theta = np.zeros(3)
    counted = Counted(lambda x: (float(x @ x), 2 * x))
    losses, _ = run(LBFGS(), theta, counted, 4)
    assert losses == [0.0] * 4
    assert counted.calls == 1
    np.testing.assert_array_equal(theta, 0.0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_trials_that_are_not_finite_are_walked_back(wrong, where):
    """1/x − log(1−x) on (0, 1), not finite elsewhere."""

    def function(x):
        if 0 < x[0] < 1:
            return float(1 / x[0] - np.log(1 - x[0])), -1 / x**2 + 1 / (1 - x)
        return (wrong, np.ones(1)) if where == "loss" else (-1e6, np.full(1, wrong))

    theta = np.array([0.05])
    losses, _ = run(LBFGS(), theta, function, 30)
    assert theta[0] == pytest.approx((5**0.5 - 1) / 2, rel=1e-7)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("loss", [np.nan, np.inf, 1.0])
def test_a_start_that_is_not_finite_is_reported_and_left(loss):
    theta = np.ones(2)
    gradient = np.array([np.nan, 1.0])
    found, _ = run(LBFGS(), theta, lambda _: (loss, gradient), 2)
    np.testing.assert_array_equal(found, [loss, loss])
    np.testing.assert_array_equal(theta, 1.0)


def test_pairs_without_positive_curvature_are_not_kept():
    theta = np.array([1.0, 1.0])
    _, state = run(LBFGS(max_line_search=2), theta, lambda x: (float(-x.sum()), -np.ones(2)), 3)
    assert int(state["count"]) == 0
    assert theta.sum() > 2.0


def test_wrong_memory_is_forgotten_and_the_gradient_followed():
    function, _ = quadratic(3)
    theta = np.zeros(3)
    optimizer = LBFGS()
    state = optimizer.init(theta)
    # A pair of negative curvature, as no step would keep: its direction leads uphill.
    state["count"][...] = 1
    state["s"][0], state["y"][0] = 1.0, -1.0
    before = optimizer.step(theta, function, state)
    assert function(theta)[0] < before
    assert int(state["count"]) == 1
    assert not np.array_equal(state["y"][0], -np.ones(3))


def test_where_nothing_lower_is_found_theta_stays():
    def wrong_gradient(x):
        return float(x @ x), -2 * x

    theta = np.array([1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, state = run(LBFGS(), theta, wrong_gradient, 3)
    assert losses == [5.0] * 3
    np.testing.assert_array_equal(theta, [1.0, 2.0])
    assert int(state["count"]) == 0


def test_warnings_of_the_users_own_are_not_silenced():
    def noisy(x):
        warnings.warn("mine", RuntimeWarning, stacklevel=1)
        return float(x @ x), 2 * x

    with pytest.warns(RuntimeWarning, match="mine") as caught:
        run(LBFGS(), np.array([1.0, 2.0]), noisy, 1)
    assert len(caught) >= 2


def test_a_learning_rate_scales_the_first_trial():
    trials = []

    def function(x):
        trials.append(x.copy())
        return float(0.5 * x @ x), x.copy()

    theta = np.array([0.25])
    optimizer = LBFGS(0.5)
    state = optimizer.init(theta)
    optimizer.step(theta, function, state)
    np.testing.assert_allclose(trials[1], 0.125)
    trials.clear()
    theta[...] = 0.25
    optimizer.step(theta, function, optimizer.init(theta), learning_rate=0.1)
    np.testing.assert_allclose(trials[1], 0.225)


def test_spelling():
    assert LBFGS().spec == "lbfgs"
    assert LBFGS(history_size=5).spec == "lbfgs(history_size=5)"
    assert OPTIMIZERS.resolve("lbfgs(0.5, c2=0.5)") == LBFGS(0.5, c2=0.5)
    assert LBFGS.full_batch
    assert LBFGS().own_momentum is None


SENTENCES = [
    (lambda: LBFGS(0.0), r"learning_rate is 0.0; expected a number above 0"),
    (lambda: LBFGS(history_size=0), r"history_size is 0; expected a whole number, 1 or more"),
    (lambda: LBFGS(history_size=2.5), r"history_size is 2.5"),
    (lambda: LBFGS(c1=0.9, c2=0.1), r"expected c1 below c2"),
    (lambda: LBFGS(reuse="no"), r"reuse is 'no'"),
    (lambda: LBFGS().init(np.zeros((2, 2))), r"expected one vector"),
    (lambda: LBFGS().update(np.zeros(2), np.zeros(2), {}), r"Call step\(theta, loss_and_gradient, state\)"),
    (lambda: LBFGS().step(np.zeros(2), rosenbrock, {}), r"the state's 's' is missing"),
    (lambda: LBFGS().step(np.zeros(2), rosenbrock, LBFGS(history_size=3).init(np.zeros(2))), r"'s' has shape \(3, 2\)"),
    (lambda: LBFGS().step(np.zeros(2), rosenbrock, LBFGS().init(np.zeros(2)), momentum=0.9), r"no momentum to move"),
    (lambda: LBFGS().step(np.zeros(2), lambda x: (0.0, x[:1]), LBFGS().init(np.zeros(2))), r"gradient of shape \(1,\)"),
]


@pytest.mark.parametrize(("call", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_refusals_are_sentences(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
