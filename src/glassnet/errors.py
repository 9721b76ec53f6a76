"""Everything that can go wrong, as sentences for the person.

Each message says what came, what was expected and what to do. The tree::

    GlassnetError
    ├── InputError (ValueError)         an argument or array that cannot be used
    │   ├── UnknownNameError            a name that is in no registry
    │   └── MissingActivationError      a model file needs an activation of the user's own
    ├── PairingError (ValueError)       a loss that cannot read a last layer's output
    ├── DataError                       a source that cannot be read as a table of numbers
    ├── FileError                       a file of glassnet's own
    │   ├── TruncatedFileError          it ends too early
    │   ├── CorruptFileError            its bytes are not those that were written
    │   ├── ForeignFileError            it was not written by glassnet
    │   └── NewerVersionError           it was written by a later glassnet
    ├── ResumeError                     a run folder that belongs to another run
    └── NonFiniteError (ArithmeticError)  training met a NaN or an infinity

    GlassnetWarning (UserWarning)       something legal that is probably not meant
"""

from __future__ import annotations

import difflib
import functools
import sys
import warnings
from collections.abc import Iterable
from typing import Any


class GlassnetError(Exception):
    """Base of every error that glassnet raises on purpose."""


class InputError(GlassnetError, ValueError):
    """An argument or array that cannot be used."""


class UnknownNameError(InputError):
    """A name that is in no registry; the message suggests the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        word = name.lower()
        initials = [k for k in known if word == "".join(part[0] for part in k.split("_"))]
        begins = [k for k in known if k.startswith(word) or word.startswith(k)]
        near = list(dict.fromkeys(initials + begins + difflib.get_close_matches(word, known, n=3, cutoff=0.5)))[:3]
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known: {', '.join(known)}."
        super().__init__(f"There is no {kind} named {name!r}. {hint}")


class MissingActivationError(InputError):
    """A model file uses an activation of the user's own that was not given."""


class PairingError(GlassnetError, ValueError):
    """A loss that cannot read what the last layer puts out."""


class DataError(GlassnetError):
    """A source that cannot be read as a table of numbers."""


class FileError(GlassnetError):
    """A model file or run folder that cannot be read or written."""


class TruncatedFileError(FileError):
    """A file that ends too early."""


class CorruptFileError(FileError):
    """A file whose bytes are not those that were written."""


class ForeignFileError(FileError):
    """A file that glassnet did not write."""


class NewerVersionError(FileError):
    """A file from a later glassnet."""


class ResumeError(GlassnetError):
    """A run folder that belongs to another run."""


class NonFiniteError(GlassnetError, ArithmeticError):
    """Training met a NaN or an infinity and stopped; the network keeps its last good weights.

    Attributes
    ----------
    step : int
        Number of the step, counted from 0 over the whole run.
    quantity : str
        What was not finite first: "z", "a", "loss", "blame", "gradient" or "theta".
    layer : int or None
        Index into ``net.layers``; None for the loss.
    row : int or None
        Row of X, as the caller numbered them; None where the quantity has no rows.
    unit : int or None
        Neuron or flat index within the quantity.
    history : History or None
        What training met until then.
    steps : Steps or None
        What the steps before it met, as far as they belong to the same call of an engine's `run`; None if unknown.
    story : Story or None
        How it came about: the steps before, the chain of quantities inside the step, and the cause;
        ``print(error.story.text())``. None where no training was going on.
    """

    history: Any = None
    steps: Any = None
    story: Any = None

    def __init__(
        self,
        message: str,
        *,
        step: int,
        quantity: str,
        layer: int | None = None,
        row: int | None = None,
        unit: int | None = None,
    ) -> None:
        super().__init__(message)
        self.step, self.quantity, self.layer, self.row, self.unit = step, quantity, layer, row, unit

    def __reduce__(self) -> Any:
        """Travel between processes with all that is known."""
        place = {name: getattr(self, name) for name in ("step", "quantity", "layer", "row", "unit")}
        return functools.partial(type(self), **place), self.args, self.__dict__


class GlassnetWarning(UserWarning):
    """Something legal that is probably not what was meant."""


def warn(message: str) -> None:
    """Warn of something legal, at the line outside glassnet from which it was called."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("glassnet", "contextlib"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, GlassnetWarning, stacklevel=level)
