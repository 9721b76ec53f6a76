"""The fit of a + b·n^(−c) on curves that are known, its intervals on simulated ones, and what it refuses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from glassnet.insight.curve.power_law import LEVEL, fit_power_law, project, standard_errors
from glassnet.insight.curve.resampling import block_of_row, resampled_means

N = np.array([22, 45, 90, 180, 360, 720, 1440])


def law(n, a, b, c):
    return a + b * np.asarray(n, float) ** -c


def simulated(seed, truth, seeds=8, rows=300, noise=0.15, n=N):
    """Row errors, (sizes, seeds, held-out rows): each seed is off as a whole, each held-out row is hard or easy."""
    chance = np.random.default_rng(seed)
    of_seed = np.exp(noise * chance.normal(size=(len(n), seeds)) - noise**2 / 2)
    of_row = chance.gamma(1.0, 1.0, size=rows)
    own = chance.gamma(2.0, 0.5, size=(len(n), seeds, rows))
    return law(n, *truth)[:, None, None] * of_seed[:, :, None] * of_row * own


def projected(errors, n=N, seed=0):
    resampled = resampled_means(errors, np.ones(errors.shape[-1]), root=False, seed=seed, level=LEVEL)
    return project(n, errors.mean(axis=-1), resampled)


# --- the fit -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(0, 0.5), st.floats(0.05, 20), st.floats(0.1, 2.0))
def test_a_curve_without_noise_gives_its_law_back(a, b, c):
    errors = law(N, a, b, c)
    found = [float(x) for x in fit_power_law(N, errors, 0.05 * errors)]
    np.testing.assert_allclose(law(N, *found), errors, rtol=1e-4)
    assume(errors[0] - errors[-1] > 0.3 * errors[0])
    assume(b * N[-1] ** -c > 0.02 * a)  # else nearly everything is floor, and c is hidden in the first sizes
    np.testing.assert_allclose(found[2], c, rtol=0.02)
    np.testing.assert_allclose(law(10 * N[-1], *found), law(10 * N[-1], a, b, c), rtol=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_no_worse_than_scipy(seed):
    """SciPy's search, started at the truth, finds no better fit within the same bounds, and about the same law."""
    chance = np.random.default_rng(seed)
    truth = (0.02, 3.0, 0.7)
    sigma = 0.05 * law(N, *truth)
    errors = law(N, *truth) + sigma * chance.normal(size=len(N))
    found = fit_power_law(N, errors, sigma)
    theirs, _ = curve_fit(law, N, errors, p0=truth, sigma=sigma, bounds=([0, 0, 0.01], [np.inf, np.inf, 5.0]))

    def off(parameters):
        return (((errors - law(N, *parameters)) / sigma) ** 2).sum()

    assert off(found) <= off(theirs) * (1 + 1e-6)
    np.testing.assert_allclose(law(N, *found), law(N, *theirs), rtol=1e-3)


def test_many_curves_at_once_are_each_by_itself():
    chance = np.random.default_rng(0)
    sigma = 0.1 * law(N, 0.1, 2, 0.5)
    errors = law(N, 0.1, 2, 0.5) + sigma * chance.normal(size=(5, len(N)))
    together = np.array(fit_power_law(N, errors, sigma))
    alone = np.array([fit_power_law(N, each, sigma) for each in errors]).T
    np.testing.assert_allclose(together, alone)


def test_weights_let_sure_sizes_decide():
    errors = law(N, 0.0, 2.0, 0.5)
    errors[0] *= 1.5
    sigma = np.where(N[0] == N, 100.0, 1e-3)
    assert float(fit_power_law(N, errors, sigma)[2]) == pytest.approx(0.5, abs=1e-3)


# --- intervals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", [25, pytest.param(400, marks=pytest.mark.long)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(trials):
    """Simulated curves whose law is known; the bound is four standard errors below the nominal 90 %."""
    truth = (0.02, 3.0, 0.6)
    inside = np.zeros((3, 2))
    for seed in range(trials):
        errors = simulated(seed, truth)
        resampled = resampled_means(errors, np.ones(errors.shape[-1]), root=False, seed=1, level=LEVEL)
        sigma = standard_errors(errors.mean(axis=-1))
        a, b, c = fit_power_law(N, resampled, sigma)
        for i, multiple in enumerate((2, 5, 10)):
            told, value = a + b * float(multiple * N[-1]) ** -c, law(multiple * N[-1], *truth)
            for j, (several, true) in enumerate(
                ((told, value), (told / resampled[:, -1], value / law(N[-1], *truth))),
            ):
                low, high = np.quantile(several, [0.05, 0.95])
                inside[i, j] += low <= true <= high
    share = inside / trials
    assert (share >= 0.9 - 4 * np.sqrt(0.09 / trials)).all(), share
    assert trials < 100 or (share < 0.99).all(), share  # nor so wide that they say nothing


def test_intervals_narrow_with_seeds_and_rows():
    few = projected(simulated(0, (0.02, 3.0, 0.6), seeds=4, rows=50))
    many = projected(simulated(0, (0.02, 3.0, 0.6), seeds=40, rows=3000))
    assert many.refusal == ""
    assert few.law is not None
    widths = [each.high - each.low for each in many.forecasts]
    wide = [each.high - each.low for each in few.forecasts] or [np.inf]
    assert widths[0] < wide[0]
    for each in many.forecasts:
        assert each.low <= each.value <= each.high
        assert each.value == pytest.approx(law(each.rows, 0.02, 3.0, 0.6), rel=0.2)


def test_resampled_means_scatter_as_means_do():
    """Against the plain formula: the variance of a mean over seeds and rows, seeds stretched as for Student's t."""
    chance = np.random.default_rng(0)
    k, m = 6, 400
    errors = chance.normal(size=(1, k, 1)) + chance.normal(size=(1, 1, m)) * 2 + 10
    found = resampled_means(errors, np.ones(m), root=False, seed=0, level=0.9)[:, 0]
    of_seeds, of_rows = errors.mean(axis=2).ravel(), errors.mean(axis=1).ravel()
    stretch = 2.015 / 1.6449  # Student's t with 5 degrees of freedom at 95 %, and the normal's
    variance = of_seeds.var(ddof=1) / k * stretch**2 + of_rows.var(ddof=1) / m
    assert found.var() == pytest.approx(variance, rel=0.15)
    assert found.mean() == pytest.approx(errors.mean(), abs=3 * np.sqrt(variance / 1000))


def test_the_root_is_taken_of_each_run():
    sums = np.arange(1.0, 25).reshape(2, 3, 4)
    found = resampled_means(sums, np.full(4, 2.0), root=True, seed=0, level=0.9)
    runs = np.sqrt(sums.sum(axis=2) / 8)
    assert found.mean(axis=0) == pytest.approx(runs.mean(axis=1), rel=0.05)


@pytest.mark.parametrize("m", [1, 7, 1000, 1001, 2500])
def test_blocks_hold_every_row_and_about_as_many_each(m):
    blocks = block_of_row(m, seed=3)
    counts = np.bincount(blocks)
    assert counts.sum() == m
    assert len(counts) == min(m, 1000)
    assert counts.max() - counts.min() <= 1


# --- what is refused ---------------------------------------------------------------------------------------------


def test_too_few_sizes_or_seeds():
    errors = simulated(0, (0, 3, 0.6))
    assert "at least 4 sizes" in projected(errors[:3], N[:3]).refusal
    assert "there are 7 sizes with 2 seeds each" in projected(errors[:, :2]).refusal


def test_an_error_that_does_not_fall():
    for truth in ((0.3, 0.0, 1.0), (0.3, -0.2, 0.5)):
        found = projected(simulated(1, truth))
        assert "does not fall" in found.refusal
        assert found.forecasts == ()


def test_an_error_that_is_gone():
    errors = simulated(0, (0, 3, 0.6))
    errors[-1] = 0
    assert "no error is left" in projected(errors).refusal


def test_a_curve_that_is_no_power_law():
    """A cliff: nothing is learned below 200 rows, nearly everything above."""
    errors = simulated(0, (0, 1, 0.0), noise=0.02) * np.where(N < 200, 1.0, 0.05)[:, None, None]
    assert "do not lie on a power law" in projected(errors).refusal


def test_a_law_that_fails_at_the_largest_size():
    """A fall that comes late: the smaller sizes do not know of it."""
    n = N[2:]
    errors = simulated(0, (0.5, 0.3, 0.2), noise=0.02, n=n)
    errors[-1] *= 0.5
    found = projected(errors, n)
    assert found.refusal
    assert found.forecasts == ()


def test_seeds_that_differ_too_much():
    found = projected(simulated(3, (0.0, 3.0, 0.6), seeds=3, rows=40, noise=1.2))
    assert found.refusal
    assert found.forecasts == ()


def test_a_floor_is_seen():
    """Where the error has reached its floor, more rows are said to bring nothing."""
    found = projected(simulated(0, (0.2, 30.0, 1.5), rows=2000, noise=0.03, seeds=12))
    assert not found.refusal
    assert found.law.a == pytest.approx(0.2, rel=0.1)
    assert found.forecasts[-1].value == pytest.approx(0.2, rel=0.1)
    assert found.forecasts[-1].share_low > 0.8
