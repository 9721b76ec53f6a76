"""What `glassnet train` does where nothing was said: sizes, rates and lengths that suit most tables and images.

Measured on digits, MNIST and california; `docs/decisions/0003-defaults.md` has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

_ROWS_TO_MEET = 1_000_000


@final
@dataclass(frozen=True)
class Recipe:
    """Defaults for one table.

    Parameters
    ----------
    hidden : tuple of int
        Neurons of each hidden layer.
    dropout : float
        After each hidden layer.
    learning_rate : float
        Of the default optimizer.
    epochs, batch_size : int
    loss : str
    """

    hidden: tuple[int, ...]
    dropout: float
    learning_rate: float
    epochs: int
    batch_size: int
    loss: str


def recipe(rows: int, is_image: bool, task: str) -> Recipe:
    """Return the defaults for a table of so many training rows; `task` is "classification" or "regression"."""
    return Recipe(
        hidden=(256, 128) if is_image else (64, 64),
        dropout=0.4 if is_image else 0.0,
        learning_rate=2e-3,
        epochs=min(60, max(10, _ROWS_TO_MEET // rows)),
        batch_size=32 if rows < 20_000 else 128,
        loss="cross_entropy" if task == "classification" else "squared_error",
    )
