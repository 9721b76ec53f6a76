"""The catalogue of trainings that the doctor is examined by: sick ones, and healthy ones that look odd.

It was written without knowledge of the doctor's rules and their thresholds; `catalogue_case` says what a case is,
`catalogue_sick` and `catalogue_healthy` hold them, and each has a proof of its own that it is what it is held to be.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from catalogue_case import NAMES, Case, Fact, Trained, Verdict, arguments, judge, train
from catalogue_healthy import HEALTHY
from catalogue_rows import SHARED
from catalogue_sick import SICK

CASES: tuple[Case, ...] = (*SICK, *HEALTHY)


# What runs by default, half a minute of it: each name at least once, and healthy trainings of each kind.
QUICK = frozenset(
    (
        "biases_far_below_zero",
        "tanh_with_huge_first_weights",
        "sigmoids_on_raw_measurements",
        "eight_layers_of_sigmoids",
        "deep_relu_with_large_weights",
        "deep_gelu_with_large_weights",
        "sgd_at_rate_5",
        "textbook_sigmoids_at_rate_100",
        "sgd_at_rate_1e4",
        "gradients_clipped_to_nothing",
        "rate_cut_to_a_tenth_each_epoch",
        "raw_wine",
        "one_column_in_grams_instead_of_tons",
        "pressure_in_pascal",
        "diabetes_in_its_own_units",
        "all_units_start_alike",
        "moons_learned_by_heart",
        "more_columns_than_rows_can_tell",
        "a_line_through_circles",
        "stopped_after_two_epochs",
        "three_frauds_in_a_hundred",
        "a_rare_third_class",
        "rare_class_multiplied_before_the_split",
        "a_few_patients_on_both_sides",
        "a_flag_that_is_set_afterwards",
        "the_target_measured_twice",
        "coins_tossed",
        "permuted_diabetes_stopped_early",
        "counts_with_an_exponential_at_a_high_rate",
        "digits_with_adam",
        "textbook_sigmoids",
        "digits_without_a_folder",
        "labels_of_which_three_in_ten_are_wrong",
        "a_sixth_of_the_variance_can_be_told",
        "diabetes_stopped_early",
        "long_at_the_floor_of_the_noise",
        "wine_told_to_the_last_bottle",
        "exclusive_or",
        "one_in_ten_and_found",
        "a_strong_column_is_no_leak",
        "yesterday_tells_today",
        "few_different_rows",
        "heavy_tails_and_constant_columns",
        "friedman_told_well",
        "a_line_without_noise",
        "trained_on_from_a_good_start",
        "tuned_finely_from_a_good_start",
        "held_out_by_train_and_not_told_to_the_doctor",
        "several_labels_at_once",
        "lbfgs_on_a_small_table",
    )
)


def cases(*, quick: bool = False) -> tuple[Case, ...]:
    """All cases that can be made on this machine, or the quick selection."""
    shared = SHARED.is_dir()
    found = (case for case in CASES if case.name in QUICK or not quick)
    return tuple(case for case in found if shared or not _needs_the_shared_folder(case))


def _needs_the_shared_folder(case: Case) -> bool:
    code = case.make.__code__
    return bool({"mnist", "california", "adult"} & set(code.co_names))


def seed_of(case: Case, number: int = 0) -> int:
    """A seed of the case's own, so that all cases do not meet the same rows."""
    return zlib.crc32(case.name.encode()) % 1000 + 1000 * number


def verify(case: Case, seed: int) -> Fact:
    """Train the case and ask its proof, which knows nothing of the doctor."""
    with TemporaryDirectory() as folder:
        return case.proof(train(case.make(seed), Path(folder) / "run"), seed)


__all__ = [
    "CASES",
    "HEALTHY",
    "NAMES",
    "QUICK",
    "SICK",
    "Case",
    "Fact",
    "Trained",
    "Verdict",
    "arguments",
    "cases",
    "judge",
    "seed_of",
    "train",
    "verify",
]
