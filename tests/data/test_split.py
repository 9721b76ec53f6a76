from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data import open_source, split, split_rows
from glassnet.errors import InputError

fractions = st.floats(0.001, 0.999)
seeds = st.integers(0, 2**63 - 1)


@given(m=st.integers(2, 300), fraction=fractions, seed=seeds)
def test_without_labels_the_share_is_rounded_and_both_sides_have_rows(m: int, fraction: float, seed: int) -> None:
    training, held_out = split_rows(None, m, fraction, seed)
    assert np.array_equal(np.sort(np.concatenate([training, held_out])), np.arange(m))
    assert len(held_out) == min(max(int(np.floor(m * fraction + 0.5)), 1), m - 1)
    assert (np.diff(training) > 0).all()
    assert (np.diff(held_out) > 0).all()


@given(labels=st.lists(st.integers(-3, 5), min_size=2, max_size=200), fraction=fractions, seed=seeds)
def test_with_labels_each_class_gives_its_share(labels: list[int], fraction: float, seed: int) -> None:
    counts = {label: labels.count(label) for label in labels}
    if max(counts.values()) < 2:
        with pytest.raises(InputError, match="class of its own"):
            split_rows(labels, len(labels), fraction, seed)
        return
    training, held_out = split_rows(labels, len(labels), fraction, seed)
    assert np.array_equal(np.sort(np.concatenate([training, held_out])), np.arange(len(labels)))
    held = [labels[row] for row in held_out]
    for label, count in counts.items():
        if count == 1:
            assert label not in held
        else:
            assert 1 <= held.count(label) <= count - 1
            # Within one row of its exact share, unless a side would be empty.
            assert abs(held.count(label) - count * fraction) < 1 + 1e-9 or held.count(label) in (1, count - 1)


def test_the_total_comes_out_right_where_the_classes_allow_it() -> None:
    labels = np.repeat(np.arange(10), 13)  # each share is 2.6
    _, held_out = split_rows(labels, 130, 0.2, 5)
    assert len(held_out) == 26
    assert set(np.bincount(labels[held_out])) == {2, 3}


def test_the_rows_of_a_seed_never_change() -> None:
    # Written down when this was first run: a later version of NumPy or of this code must give the same rows.
    assert split_rows(None, 12, 0.25, 0)[1].tolist() == [3, 4, 8]
    assert split_rows([0, 1] * 6, 12, 0.34, 7)[1].tolist() == [1, 2, 4, 9]


def test_the_keys_are_the_fourth_child_of_the_seed() -> None:
    child = np.random.SeedSequence(11).spawn(4)[3]
    keys = np.random.PCG64(child).random_raw(50)
    assert np.array_equal(split_rows(None, 50, 0.3, 11)[1], np.sort(np.argsort(keys)[:15]))


def test_every_row_is_held_out_about_equally_often() -> None:
    times = np.zeros(40)
    for seed in range(2000):
        times[split_rows(None, 40, 0.25, seed)[1]] += 1
    # 2000 draws of 1/4: 500 with a standard deviation of 19.4; six of them.
    assert np.abs(times - 500).max() < 6 * 19.4


def test_names_and_numbers_of_classes_split_alike() -> None:
    numbers = np.array([2, 0, 1] * 20)
    assert np.array_equal(split_rows(numbers, 60)[1], split_rows(np.array(["a", "b", "c"])[numbers], 60)[1])


def test_a_table_is_split_by_its_classes() -> None:
    table = open_source("digits")
    training, held_out = split(table, 0.2, seed=3)
    assert table.targets is not None
    assert len(training) + len(held_out) == 1797
    assert len(held_out) == 359
    shares = np.bincount(table.targets[held_out]) / np.bincount(table.targets)
    assert np.abs(shares - 0.2).max() < 0.01


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), True, "0.2", None])
def test_a_fraction_that_is_none(fraction: Any) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        split_rows(None, 10, fraction, 0)


@pytest.mark.parametrize("seed", [-1, 0.5, "1", None])
def test_a_seed_that_is_none(seed: Any) -> None:
    with pytest.raises(InputError, match=r"seed is .* expected a whole number"):
        split_rows(None, 10, 0.2, seed)


@pytest.mark.parametrize("m", [0, 1])
def test_too_few_rows(m: int) -> None:
    with pytest.raises(InputError, match="cannot be divided"):
        split_rows(None, m)


@pytest.mark.parametrize(
    ("labels", "words"), [([0, 1], "shape"), ([[0], [1], [1]], "shape"), ([0.0, 1.0, 1.0], "float64")]
)
def test_labels_that_are_none(labels: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        split_rows(labels, 3)


def test_many_small_classes_take_no_time() -> None:
    labels = np.repeat(np.arange(50_000), 2)
    training, held_out = split_rows(labels, 100_000, 0.2, 0)
    assert len(held_out) == len(training) == 50_000


def test_importing_it_loads_no_library_but_numpy() -> None:
    code = "import sys, glassnet.data; print([m for m in ('duckdb', 'sklearn', 'scipy', 'pandas') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
