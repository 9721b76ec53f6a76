"""Chance: Philox against the published answers, and masks and generators that depend on where they stand alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import InputError
from glassnet.maths.random import Purpose, check_seed, generator, keep_mask, philox

# Random123 1.14, tests/kat_vectors, "philox4x32 10": counter, key, words.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
STANDS = st.fixed_dictionaries(
    {"seed": st.integers(0, 2**63 - 1), "step": st.integers(0, 10**7), "layer": st.integers(0, 50)}
)


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(counter, key, expected):
    found = philox(np.array(words(counter), np.uint32), tuple(words(key)))
    assert found.dtype == np.uint32
    assert found.tolist() == words(expected)


def philox_by_hand(counter, key):
    """The ten rounds of the paper in Python's unbounded integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b % 2**32, (a >> 32) ^ c[3] ^ k[1], a % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


@given(
    counters=st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=4, max_size=4), min_size=1, max_size=4),
    key=st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
)
def test_philox_of_many_counters_is_philox_of_each(counters, key):
    assert philox(np.array(counters, np.uint32), key).tolist() == [philox_by_hand(c, key) for c in counters]


@given(
    stand=STANDS,
    rate=st.floats(0, 0.99),
    rows=st.integers(1, 9),
    units=st.integers(1, 13),
    more_rows=st.integers(0, 9),
    more_units=st.integers(0, 9),
)
def test_a_mask_does_not_depend_on_how_much_is_asked_for(stand, rate, rows, units, more_rows, more_units):
    mask = keep_mask(rate, **stand, rows=rows, units=units)
    larger = keep_mask(rate, **stand, rows=rows + more_rows, units=units + more_units)
    assert mask.shape == (rows, units)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, larger[:rows, :units])


@given(stand=STANDS, low=st.floats(0, 0.99), high=st.floats(0, 0.99))
def test_a_higher_rate_drops_more_of_the_same(stand, low, high):
    low, high = sorted((low, high))
    kept = [keep_mask(rate, **stand, rows=20, units=20) for rate in (0.0, low, high)]
    assert kept[0].all()
    assert not (kept[2] & ~kept[1]).any()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 0.999])
def test_the_share_that_is_kept(rate):
    kept = keep_mask(rate, seed=3, step=5, layer=1, rows=1000, units=1000)
    share, deviation = 1 - rate, np.sqrt(rate * (1 - rate))
    assert abs(kept.mean() - share) < 5 * deviation / 1000
    assert (np.abs(kept.mean(axis=0) - share) < 6 * deviation / np.sqrt(1000)).all()
    assert (np.abs(kept.mean(axis=1) - share) < 6 * deviation / np.sqrt(1000)).all()


@pytest.mark.parametrize("change", [{"seed": 1}, {"step": 1}, {"layer": 1}, {"seed": 2**40}, {"step": 2**31}])
def test_other_places_have_other_masks(change):
    """Two masks that know nothing of each other agree in about half of the places."""
    place = {"seed": 0, "step": 0, "layer": 0}
    here, there = (keep_mask(0.5, **p, rows=300, units=300) for p in (place, place | change))
    assert abs((here == there).mean() - 0.5) < 5 * 0.5 / 300


def test_neighbouring_rows_and_units_know_nothing_of_each_other():
    kept = keep_mask(0.5, seed=0, step=0, layer=0, rows=500, units=500)
    for near in (kept[1:] == kept[:-1], kept[:, 1:] == kept[:, :-1], kept[:, 4:] == kept[:, :-4]):
        assert abs(near.mean() - 0.5) < 5 * 0.5 / 500


def test_generators_are_found_by_purpose_and_key():
    def draw(*key):
        return generator(*key).integers(0, 2**62, 4).tolist()

    keys = [(0, p) for p in Purpose] + [(1, Purpose.BATCHES), (0, Purpose.BATCHES, 0), (0, Purpose.BATCHES, 1)]
    draws = [draw(*key) for key in keys]
    assert len({tuple(d) for d in draws}) == len(keys)
    assert draws == [draw(*key) for key in reversed(keys)][::-1]


def test_generators_are_numpys_own_children_of_the_seed():
    child = np.random.SeedSequence(7).spawn(Purpose.BATCHES + 1)[Purpose.BATCHES]
    np.testing.assert_array_equal(
        generator(7, Purpose.BATCHES).random(5), np.random.Generator(np.random.PCG64(child)).random(5)
    )


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, np.int64(3), np.uint8(3)])
def test_seeds(seed):
    assert check_seed(seed) == int(seed)
    assert type(check_seed(seed)) is int


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "0", None, True, np.float64(1), [1]])
def test_what_is_no_seed(seed):
    with pytest.raises(InputError, match=r"^seed is .*; expected a whole number from 0 to 2\*\*63 − 1, such as 0\.$"):
        check_seed(seed)
