"""Names for formulas: "relu", or with arguments, "leaky_relu(0.2)" and "quantile(q=0.9)".

One registry per kind of record. An entry is a record, or a factory that makes one from a few literal arguments; the
name a record carries is the spelling that finds it again, so records travel through files and command lines as text.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from glassnet.errors import InputError, UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A read-only mapping from names to records of one kind.

    Parameters
    ----------
    kind : str
        What the records are, for messages: "activation".
    record_type : type
        The type of every record.
    entries : mapping
        Name to record, or name to a factory whose parameters all have defaults.

    Examples
    --------
    >>> from glassnet.maths.activations import ACTIVATIONS
    >>> ACTIVATIONS.resolve("leaky_relu(0.2)").name
    'leaky_relu(0.2)'
    """

    def __init__(self, kind: str, record_type: type | tuple[type, ...], entries: Mapping[str, T | Callable[..., T]]):
        self.kind = kind
        self._record_type = record_type
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> T:
        entry = self._entries[name]
        return entry if isinstance(entry, self._record_type) else cast("Callable[[], T]", entry)()  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def spells(self, spec: str) -> bool:
        """Whether a spelling, such as "leaky_relu(0.2)", is that of an entry."""
        return spec.split("(")[0] in self._entries

    def resolve(self, spec: str | T) -> T:
        """Return the record that `spec` names; a record is returned as it is.

        Raises
        ------
        UnknownNameError
            If no entry has the name; the message suggests near ones.
        InputError
            If the spelling or the arguments are wrong.
        """
        if isinstance(spec, self._record_type):
            self._require_own_spelling(spec)
            return cast("T", spec)
        if isinstance(spec, type) and issubclass(spec, self._record_type):
            raise InputError(f"{self.kind} is the class {spec.__name__}; expected a record of it: {spec.__name__}().")
        if not isinstance(spec, str):
            raise InputError(
                f"{self.kind} is {spec!r} of type {type(spec).__name__}; expected a name such as "
                f"{next(iter(self._entries))!r} or a record of your own."
            )
        name, positional, named = self._parse(spec)
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        if "(" not in spec:
            return self[name]
        entry = self._entries[name]
        if isinstance(entry, self._record_type):
            raise InputError(f"{self.kind} {name!r} takes no arguments; got {spec!r}. Write {name!r}.")
        try:
            return cast("Callable[..., T]", entry)(*positional, **named)
        except TypeError:
            known = ", ".join(inspect.signature(cast("Callable[..., T]", entry)).parameters)
            raise InputError(f"{self.kind} {spec!r} cannot be made; {name} takes: {known}.") from None

    def _require_own_spelling(self, record: Any) -> None:
        """Refuse a record of the user's own that is spelled like another of glassnet's: a file holds only spellings."""
        spelling = str(getattr(record, "spec", "") or getattr(record, "name", ""))
        try:
            known = self.resolve(spelling)
        except InputError:
            return
        if known != record:
            raise InputError(f"Your {self.kind} is named {spelling!r}, as one of glassnet's own; rename it.")

    def _parse(self, spec: str) -> tuple[str, list[Any], dict[str, Any]]:
        try:
            tree = ast.parse(spec.strip(), mode="eval").body
            if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
                positional = [ast.literal_eval(a) for a in tree.args]
                return tree.func.id, positional, {k.arg or "**": ast.literal_eval(k.value) for k in tree.keywords}
        except (SyntaxError, ValueError) as error:
            if "(" in spec:
                raise InputError(
                    f"{self.kind} {spec!r} cannot be read; expected a name, or a name with plain values such as "
                    f"'name(0.5)' or 'name(size=3)'."
                ) from error
        return spec.strip(), [], {}
