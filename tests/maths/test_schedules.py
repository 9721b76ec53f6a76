"""Every schedule against PyTorch (the project's file, stored and live), and what all must have in common."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import InputError
from glassnet.maths import schedules
from glassnet.maths.schedules import (
    SCHEDULES,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    StepLR,
    WarmUp,
)

TORCH = json.loads(Path(__file__).with_name("torch_trajectories.json").read_text())
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "optimizer_trajectories.json"


def path_of(schedule, metric, learning_rate=0.1, momentum=0.9):
    """Rate and momentum at each count, the metric observed after it."""
    state = schedule.init()
    path = []
    for t, value in enumerate(metric):
        path.append(schedule.at(t, learning_rate, momentum, state))
        schedule.observe(state, value)
    return path


def case_id(case):
    return f"{case[0]}-{'-'.join(case[1])}"


@pytest.mark.parametrize(
    ("key", "schedule"),
    [
        ("step", StepLR(7, gamma=0.5)),
        ("exponential", ExponentialLR(0.9)),
        ("cosine", CosineAnnealingLR(10, eta_min=1e-3)),
        ("onecycle_cos", OneCycleLR(0.5, total_steps=31)),
        ("warmup_cosine_seq", WarmUp(5, CosineAnnealingLR(25), start_factor=0.1)),
    ],
)
def test_path_handed_out_with_the_project(key, schedule):
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not on this machine")
    expected = json.loads(SHARED.read_text())["schedulers_lr_momentum"][key]
    assert len(expected) == 31
    np.testing.assert_allclose(path_of(schedule, range(31)), expected, rtol=1e-12)


@pytest.mark.parametrize("case", TORCH["schedules"], ids=case_id)
def test_stored_path_of_pytorch(case):
    name, arguments, expected = case
    found = path_of(getattr(schedules, name)(**arguments), TORCH["metric"])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", TORCH["schedules"], ids=case_id)
def test_pytorch_itself_on_another_run(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; its stored paths were tested")
    name, arguments, _ = case
    metric = np.random.default_rng(3).lognormal(sigma=0.5, size=26) * np.linspace(1, 0.3, 26)
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=0.03, betas=(0.7, 0.99))
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    expected = []
    for t in range(26):
        if t > 0:
            optimizer.step()
            scheduler.step(metric[t - 1]) if name == "ReduceLROnPlateau" else scheduler.step()
        expected.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"][0]])
    found = path_of(getattr(schedules, name)(**arguments), metric, 0.03, 0.7)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


# What all have in common

VARIANTS = [
    *SCHEDULES.values(),
    *(getattr(schedules, name)(**arguments) for name, arguments, _ in TORCH["schedules"]),
    CosineAnnealingLR(25, per="step"),
    WarmUp(3, "one_cycle(0.5, total_steps=20)", start_factor=0.5),
    WarmUp(3, ReduceLROnPlateau(0.5)),
    WarmUp(2, WarmUp(3, CosineAnnealingLR(9))),
    WarmUp(0, "exponential"),
]
each_variant = pytest.mark.parametrize("schedule", VARIANTS, ids=lambda schedule: schedule.spec)


@each_variant
def test_spelling_finds_an_equal_record(schedule):
    again = SCHEDULES.resolve(schedule.spec)
    assert again == schedule
    assert again.spec == schedule.spec
    assert again.per == schedule.per
    assert hash(again) == hash(schedule)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_name_alone_is_a_schedule(name):
    assert SCHEDULES.resolve(name).spec == name == SCHEDULES[name].name


def test_spellings():
    assert ConstantLR().spec == "constant"
    assert CosineAnnealingLR(25).spec == "cosine(25)"
    assert CosineAnnealingLR(25, per="step").spec == "cosine(25, per='step')"
    assert WarmUp(4, CosineAnnealingLR(25)).spec == "warm_up(4, then='cosine(25)')"
    assert SCHEDULES.resolve("warm_up(5, then='cosine(25)')") == WarmUp(5, then=CosineAnnealingLR(25))
    assert MultiStepLR([np.int64(7), 3]).spec == "multi_step((3, 7))"


def test_what_t_counts():
    steps = {name for name, schedule in SCHEDULES.items() if schedule.per == "step"}
    assert steps == {"one_cycle", "cyclic"}
    assert WarmUp(5, OneCycleLR()).per == "step"
    assert WarmUp(5, CosineAnnealingLR(25), per="step").then == CosineAnnealingLR(25, per="step")


@each_variant
def test_rates_are_never_negative_and_floats(schedule):
    schedule = schedule.for_run(30, 60)
    for rate, momentum in path_of(schedule, np.ones(60)):
        assert type(rate) is type(momentum) is float
        assert 0.0 <= rate <= 1.0
        assert 0.0 <= momentum <= 1.0


@each_variant
def test_an_optimizer_without_momentum_stays_without(schedule):
    schedule = schedule.for_run(30, 60)
    with_, without = path_of(schedule, np.ones(40)), path_of(schedule, np.ones(40), momentum=None)
    assert [rate for rate, _ in with_] == [rate for rate, _ in without]
    assert {momentum for _, momentum in without} == {None}


@each_variant
@given(cut=st.integers(0, 26))
def test_a_copied_state_goes_on_with_the_same_values(schedule, cut):
    schedule = schedule.for_run(30, 60)
    undisturbed = path_of(schedule, TORCH["metric"])
    state = schedule.init()
    for value in TORCH["metric"][:cut]:
        schedule.observe(state, value)
    state = {name: np.array(array.tolist(), array.dtype) for name, array in state.items()}
    for t in range(cut, 26):
        assert schedule.at(t, 0.1, 0.9, state) == undisturbed[t]
        schedule.observe(state, TORCH["metric"][t])


@each_variant
def test_state_is_moved_in_place(schedule):
    state = schedule.init()
    arrays = dict(state)
    for value in TORCH["metric"]:
        schedule.observe(state, value)
    assert all(array is arrays[name] and array.shape == () for name, array in state.items())
    assert state.keys() == arrays.keys()


# Single ones


def test_constant_by_default_is_constant():
    assert path_of(ConstantLR(), range(10)) == [(0.1, 0.9)] * 10


def test_an_open_length_is_the_runs():
    assert CosineAnnealingLR().for_run(20, 600) == CosineAnnealingLR(20)
    assert CosineAnnealingLR(per="step").for_run(20, 600) == CosineAnnealingLR(600, per="step")
    assert OneCycleLR().for_run(20, 600) == OneCycleLR(total_steps=600)
    assert OneCycleLR(per="epoch").for_run(20, 600) == OneCycleLR(total_steps=20, per="epoch")
    assert OneCycleLR(total_steps=5).for_run(20, 600) == OneCycleLR(total_steps=5)
    assert WarmUp(5, "cosine").for_run(20, 600) == WarmUp(5, CosineAnnealingLR(15))
    assert WarmUp(100, "one_cycle").for_run(20, 600) == WarmUp(100, OneCycleLR(total_steps=500))
    assert WarmUp(50, "cosine").for_run(20, 600) == WarmUp(50, CosineAnnealingLR(1))
    assert StepLR().for_run(20, 600) is not None


def test_one_cycle_peaks_at_the_optimizers_own_rate_by_default():
    rates = [OneCycleLR(total_steps=50).at(t, 0.3)[0] for t in range(60)]
    assert max(rates) == pytest.approx(0.3)
    assert rates[14] == max(rates)
    assert rates[0] == pytest.approx(0.3 / 25)
    assert set(rates[50:]) == {rates[49]}
    assert rates[49] == pytest.approx(0.3 / 25 / 1e4)


@given(
    total=st.integers(1, 40),
    pct=st.floats(0, 1),
    three=st.booleans(),
    strategy=st.sampled_from(["cos", "linear"]),
)
def test_one_cycle_of_any_shape_stays_between_its_ends(total, pct, three, strategy):
    cycle = OneCycleLR(1.0, total_steps=total, pct_start=pct, three_phase=three, anneal_strategy=strategy)
    for t in range(total + 3):
        rate, momentum = cycle.at(t, 0.1, 0.9)
        assert 1 / 25 / 1e4 * (1 - 1e-9) <= rate <= 1 + 1e-9
        assert 0.85 - 1e-9 <= momentum <= 0.95 + 1e-9


def test_cyclic_ends_follow_the_optimizer_by_default():
    rates = [CyclicLR(step_size_up=4).at(t, 0.4)[0] for t in range(9)]
    assert (rates[0], rates[4], rates[8]) == (0.1, 0.4, 0.1)


def test_warm_up_rises_to_where_the_next_begins():
    rates = [WarmUp(4, OneCycleLR(1.0, total_steps=20), start_factor=0.0).at(t, 0.1)[0] for t in range(6)]
    np.testing.assert_allclose(rates[:5], np.linspace(0, 1 / 25, 5))
    assert rates[5] > rates[4]


def test_nan_is_never_better_on_a_plateau():
    plateau = ReduceLROnPlateau(0.5, patience=1)
    state = plateau.init()
    for value in (1.0, math.nan, math.nan):
        plateau.observe(state, value)
    assert plateau.at(3, 0.1, state=state) == (0.05, None)
    assert float(state["best"]) == 1.0


@given(t=st.integers(0, 10**12), mult=st.integers(1, 3))
def test_restarts_far_away_are_quick(t, mult):
    assert 0.0 <= CosineAnnealingWarmRestarts(7, T_mult=mult).at(t, 1.0)[0] <= 1.0


SENTENCES = [
    (
        lambda: StepLR(0),
        r"StepLR: step_size is 0; expected a whole number, 1 or more. Leave it out for the default, 30.",
    ),
    (lambda: StepLR(2.5), r"step_size is 2.5"),
    (lambda: StepLR(2, gamma=-1), r"gamma is -1"),
    (lambda: StepLR(2, per="batch"), r"per is 'batch'; expected 'epoch' or 'step'"),
    (lambda: MultiStepLR("3"), r"milestones is '3'"),
    (lambda: MultiStepLR(3), r"milestones is 3"),
    (lambda: MultiStepLR([-3]), r"milestones is \[-3\]"),
    (lambda: MultiStepLR([1.5]), r"milestones is \[1.5\]"),
    (lambda: ConstantLR(2.0), r"at least 0 and at most 1"),
    (lambda: LinearLR(0.0), r"above 0 and at most 1"),
    (lambda: PolynomialLR(0), r"total_iters is 0"),
    (lambda: CosineAnnealingLR(0), r"T_max is 0"),
    (lambda: CosineAnnealingLR().at(0, 0.1), r"cosine has no T_max, its length in epochs; expected a number by now"),
    (lambda: OneCycleLR().at(0, 0.1), r"one_cycle has no total_steps, its length in steps"),
    (lambda: OneCycleLR(anneal_strategy="cosine"), r"expected 'cos' or 'linear'"),
    (lambda: OneCycleLR(div_factor=0), r"div_factor is 0; expected a number above 0"),
    (lambda: OneCycleLR(max_momentum=1.0), r"max_momentum is 1.0"),
    (lambda: CyclicLR(0.2, max_lr=0.1), r"base_lr is 0.2 and max_lr is 0.1"),
    (lambda: CyclicLR(mode="sawtooth"), r"mode is 'sawtooth'"),
    (lambda: WarmUp(-1), r"steps is -1"),
    (lambda: WarmUp(5, then="cosin"), r"no schedule named 'cosin'. Did you mean 'cosine'"),
    (lambda: WarmUp(5, then=3), r"schedule is 3 of type int"),
    (lambda: WarmUp(5, per="batch"), r"per is 'batch'"),
    (lambda: ReduceLROnPlateau(1.0), r"factor is 1.0; expected a number of at least 0 and below 1"),
    (lambda: ReduceLROnPlateau(mode="best"), r"mode is 'best'"),
    (lambda: ReduceLROnPlateau().at(0, 0.1), r"came without a state"),
]


@pytest.mark.parametrize(("call", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_refusals_are_sentences(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


@each_variant
def test_every_argument_is_checked(schedule):
    for field in dataclasses.fields(schedule):
        with pytest.raises(InputError, match="schedule is" if field.name == "then" else field.name):
            dataclasses.replace(schedule, **{field.name: object()})
