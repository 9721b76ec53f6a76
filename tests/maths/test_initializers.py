"""Initializers against the theory of their distributions, with tolerances from the error of the sample."""

import json
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import InputError, UnknownNameError
from glassnet.maths.initializers import INITIALIZERS, Constant, Normal, Orthogonal, Uniform, VarianceScaling

SHAPE = (400, 250)
COUNT = 400 * 250
VARIANCES = {
    "glorot_uniform": 2 / 650,
    "glorot_normal": 2 / 650,
    "he_uniform": 2 / 400,
    "he_normal": 2 / 400,
    "lecun_uniform": 1 / 400,
    "lecun_normal": 1 / 400,
    "uniform(-1.0, high=3.0)": 16 / 12,
    "normal(0.25, mean=2.0)": 0.0625,
    "orthogonal(2.0)": 4 / 400,
}
VARIANTS = [*INITIALIZERS.values(), Orthogonal(2.0), Uniform(-1.0, 3.0), Normal(0.25, mean=2.0), Constant(-0.5)]
each_variant = pytest.mark.parametrize("initializer", VARIANTS, ids=lambda initializer: initializer.name)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("name", "variance"), VARIANCES.items())
def test_mean_and_variance(name, variance):
    sample = INITIALIZERS.resolve(name).draw(rng(), SHAPE)
    mean = {"uniform(-1.0, high=3.0)": 1.0, "normal(0.25, mean=2.0)": 2.0}.get(name, 0.0)
    assert abs(sample.mean() - mean) < 5 * math.sqrt(variance / COUNT)
    # The variance of a sample variance is at most 2σ⁴/N for a distribution no wider in the tails than the normal.
    assert abs(sample.var() - variance) < 5 * variance * math.sqrt(2 / COUNT)


@pytest.mark.parametrize("name", ["glorot_uniform", "he_uniform", "lecun_uniform"])
def test_uniform_ones_fill_their_interval_evenly(name):
    sample = INITIALIZERS[name].draw(rng(), SHAPE).ravel()
    bound = math.sqrt(3 * VARIANCES[name])
    assert 0.999 * bound < np.abs(sample).max() <= bound
    assert scipy.stats.kstest(sample, scipy.stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_normal_ones_are_normal_and_not_cut(name):
    sample = INITIALIZERS[name].draw(rng(), SHAPE).ravel()
    assert scipy.stats.kstest(sample, scipy.stats.norm(0, math.sqrt(VARIANCES[name])).cdf).pvalue > 1e-3
    assert np.abs(sample).max() > 3.5 * math.sqrt(VARIANCES[name])


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), gain=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_orthogonal_is_orthogonal(rows, columns, gain, seed):
    q = Orthogonal(gain).draw(rng(seed), (rows, columns)) / gain
    product = q.T @ q if rows >= columns else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_favours_no_sign():
    """Without the signs of R's diagonal, QR's first entry would nearly always be negative."""
    first = [Orthogonal().draw(rng(seed), (3, 3))[0, 0] for seed in range(400)]
    assert abs(np.mean(np.sign(first))) < 4 / math.sqrt(400)


def test_constants():
    assert (INITIALIZERS["zeros"].draw(rng(), (3,)) == 0).all()
    assert (INITIALIZERS["ones"].draw(rng(), (3, 2)) == 1).all()
    assert (Constant(0.1).draw(rng(), (2,)) == 0.1).all()
    generator = rng()
    Constant(2.0).draw(generator, (5,))
    assert generator.random() == rng().random()


@each_variant
def test_draws_are_float64_contiguous_of_the_shape_and_repeatable(initializer):
    for shape in [(4, 7), (7, 4), (1, 1)]:
        drawn = initializer.draw(rng(3), shape)
        assert drawn.shape == shape
        assert drawn.dtype == np.float64
        assert drawn.flags.c_contiguous
        np.testing.assert_array_equal(drawn, initializer.draw(rng(3), shape))


@each_variant
def test_spelling_finds_an_equal_record(initializer):
    again = INITIALIZERS.resolve(initializer.name)
    assert again == initializer
    assert again.name == initializer.name
    assert initializer.latex
    assert initializer.source
    json.dumps([initializer.name, initializer.latex, initializer.source])


def test_spellings():
    assert set(INITIALIZERS) == {
        *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"),
        *("orthogonal", "uniform", "normal", "constant", "zeros", "ones"),
    }
    assert INITIALIZERS.resolve("uniform(-0.1, 0.1)") == Uniform(-0.1, 0.1)
    assert INITIALIZERS.resolve("normal(0.01)") == Normal(std=0.01)
    assert INITIALIZERS.resolve("constant(1)").name == "ones"
    assert Constant(0.5).name == "constant(0.5)"
    with pytest.raises(UnknownNameError, match="glorot_normal"):
        INITIALIZERS.resolve("glorot_norm")


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "lecun_normal", "orthogonal"])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 3), ()])
def test_a_shape_without_inputs_and_outputs_is_refused(name, shape):
    with pytest.raises(InputError, match=rf"initializer '{name}' got the shape .* expected .* \(inputs, outputs\)"):
        INITIALIZERS[name].draw(rng(), shape)


SENTENCES = [
    (lambda: VarianceScaling("xavier"), r"rule is 'xavier'; expected 'glorot' or 'he' or 'lecun'"),
    (lambda: VarianceScaling("he", "cauchy"), r"distribution is 'cauchy'"),
    (lambda: Orthogonal(0), r"gain is 0; expected a number above 0"),
    (lambda: Uniform(1.0, -1.0), r"Write uniform\(-1.0, 1.0\)"),
    (lambda: Uniform(float("nan")), r"low is nan"),
    (lambda: Normal(-1.0), r"std is -1.0"),
    (lambda: Normal(1.0, mean=float("inf")), r"mean is inf"),
    (lambda: Constant("0"), r"value is '0'"),
    (lambda: Constant(float("inf")), r"value is inf"),
    (lambda: INITIALIZERS.resolve("zeros(3)"), r"takes no arguments"),
]


@pytest.mark.parametrize(("call", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_refusals_are_sentences(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
