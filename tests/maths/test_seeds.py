"""Many generators at once against NumPy's own way to each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.maths.random import Purpose, generator
from glassnet.maths.seeds import generators


@given(
    seed=st.integers(0, 2**63 - 1) | st.sampled_from([2**32 - 1, 2**32, 2**62]),
    purpose=st.sampled_from(list(Purpose)),
    first=st.integers(0, 2**32 - 8) | st.integers(0, 50),
    count=st.integers(0, 7),
)
def test_each_is_the_generator_of_its_key(seed, purpose, first, count):
    keys = range(first, first + count)
    found = [each.bit_generator.state for each in generators(seed, purpose, keys)]
    assert found == [generator(seed, purpose, key).bit_generator.state for key in keys]


@pytest.mark.parametrize("rows", [1, 2, 150, 70_000])
def test_shuffling_in_place_is_the_permutation(rows):
    (each,) = generators(7, Purpose.BATCHES, range(3, 4))
    order = np.arange(rows)
    each.shuffle(order)
    np.testing.assert_array_equal(order, generator(7, Purpose.BATCHES, 3).permutation(rows))
