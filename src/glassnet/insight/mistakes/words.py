"""What training with a mistake did, in a sentence with its numbers."""

from __future__ import annotations

import numpy as np

from glassnet.insight.documents import number
from glassnet.insight.mistakes.study import Finding, Training

_SAME = 0.02  # of the right error
_STALLED = 0.1  # of the right fall


def outcome(found: Finding) -> str:
    """Return one word for it: "runs away", "climbs", "same", "lower", "stalls" or "slower"."""
    wrong, right = found.wrong.errors, found.right.errors
    if not np.isfinite(wrong).all():
        return "runs away"
    if wrong[-1] >= wrong[0]:
        return "climbs"
    if abs(wrong[-1] - right[-1]) <= _SAME * right[-1] or min(found.right.ends) <= wrong[-1] <= max(found.right.ends):
        return "same"
    if wrong[-1] < right[-1]:
        return "lower"
    return "stalls" if wrong[0] - wrong[-1] < _STALLED * (right[0] - right[-1]) else "slower"


def sentence(found: Finding) -> str:
    """Return what training with the mistake did, beside the right gradient from the same start."""
    wrong, right, steps = found.wrong.errors, found.right.errors, found.setting.steps
    begin = f"In {steps:,} steps of plain descent at rate {number(found.setting.rate, 3)}"
    fall = f"from {_short(wrong[0])} to {_short(wrong[-1])}"
    right_end = f"the right gradient ends at {_short(right[-1])}"
    match outcome(found):
        case "runs away":
            step = int(np.argmin(np.isfinite(wrong)))
            said = f"Training runs away: at step {step:,} the error is no number any more; {right_end} after {steps:,}."
        case "climbs":
            said = f"{begin} the error climbs {fall}; {right_end}."
        case "same":
            said = f"{begin} the error falls {fall}; {right_end}, {_range(found.right)}."
        case "lower":
            said = f"{begin} the error falls {fall}, lower than with the right gradient; {right_end}, "
            said += f"{_range(found.right)}."
        case "stalls":
            said = f"{begin} training stalls: the error goes {fall}, while {right_end}."
        case _:
            passed = int(np.argmax(right <= wrong[-1]))
            said = f"{begin} the error falls {fall}, where the right gradient is after {passed:,}; {right_end}."
    return said + _judged(found.wrong, found.right, found.setting.judged_on)


def _range(right: Training) -> str:
    starts = "its start" if len(right.ends) == 1 else f"{len(right.ends)} starts"
    return f"from {starts} at {_short(min(right.ends))} to {_short(max(right.ends))}"


def _judged(wrong: Training, right: Training, judged_on: str) -> str:
    if right.accuracy is None:
        return ""
    had = "can say nothing" if wrong.accuracy is None else f"gets {wrong.accuracy:.0%} right"
    return f" Of {judged_on}, it {had}; the right gradient {right.accuracy:.0%}."


def _short(value: float) -> str:
    return f"${number(float(value), 3)}$"
