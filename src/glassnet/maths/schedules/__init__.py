"""Schedules by name. A new one is a record in one of these files and a row here.

`schedule` says what one is; `decay` holds formulas in t that lower the rate, `cycles` those that raise it first,
`composed` warm-up and reduction on a plateau. Names and arguments are those of ``torch.optim.lr_scheduler``.
"""

from __future__ import annotations

from glassnet.maths.registry import Registry
from glassnet.maths.schedules.composed import ReduceLROnPlateau, WarmUp
from glassnet.maths.schedules.cycles import CyclicLR, OneCycleLR
from glassnet.maths.schedules.decay import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from glassnet.maths.schedules.schedule import Schedule, State

SCHEDULES: Registry[Schedule] = Registry(
    "schedule",
    Schedule,
    {
        "constant": ConstantLR,
        "step": StepLR,
        "multi_step": MultiStepLR,
        "exponential": ExponentialLR,
        "linear": LinearLR,
        "polynomial": PolynomialLR,
        "cosine": CosineAnnealingLR,
        "cosine_restarts": CosineAnnealingWarmRestarts,
        "one_cycle": OneCycleLR,
        "cyclic": CyclicLR,
        "warm_up": WarmUp,
        "plateau": ReduceLROnPlateau,
    },
)

__all__ = [
    "SCHEDULES",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "Schedule",
    "State",
    "StepLR",
    "WarmUp",
]
