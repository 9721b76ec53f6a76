"""Optimizers by name. A new one is a record in one of these files and a row here.

`optimizer` says what one is; `descent`, `adaptive`, `adam` and `adam_variants` hold the element-wise ones, `lbfgs` the
one that looks at all parameters together. PyTorch's `torch.optim` is the yardstick: the same names, defaults, updates.
"""

from __future__ import annotations

from glassnet.maths.optimizers.adam import Adam, AdamW
from glassnet.maths.optimizers.adam_variants import Adamax, NAdam, RAdam
from glassnet.maths.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from glassnet.maths.optimizers.descent import SGD, Rprop
from glassnet.maths.optimizers.lbfgs import LBFGS
from glassnet.maths.optimizers.optimizer import ElementwiseOptimizer, Optimizer, State
from glassnet.maths.registry import Registry

OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    Optimizer,
    {
        "sgd": SGD,
        "rmsprop": RMSprop,
        "adagrad": Adagrad,
        "adadelta": Adadelta,
        "adam": Adam,
        "adamw": AdamW,
        "adamax": Adamax,
        "nadam": NAdam,
        "radam": RAdam,
        "rprop": Rprop,
        "lbfgs": LBFGS,
    },
)

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ElementwiseOptimizer",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "State",
]
