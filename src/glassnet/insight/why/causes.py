"""What made two runs take a step differently: other settings, other rows, or nothing that was recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block
from glassnet.insight.why.difference import Setting
from glassnet.network.network import Network
from glassnet.training.replay import TakenStep

Array = NDArray[Any]

_FEW = 5
_AT_EVERY_STEP = (
    *("loss", "reduction", "l1", "l2", "optimizer", "clip_norm", "clip_value", "own_formulas"),
    *("layers", "dtype", "engine"),
)
_CALLED = {
    "data": "rows trained on",
    "validation": "held-out rows",
    "own_formulas": "formulas of one's own",
    "seed": "seed of order and dropout",
    "network seed": "seed of the first weights",
}
_ABSENT = "none"
_UNEXPLAINED = (
    "Settings, rows and rates of this step are the same, so nothing that was recorded explains it: the runs computed "
    "it differently, as other machines or versions of glassnet may."
)


def settings_apart(a: Mapping[str, Any], b: Mapping[str, Any], nets: tuple[Network, Network]) -> list[tuple[str, Any]]:
    """Return the names and `Setting` of what differs between two runs' settings, networks taken apart."""
    found = []
    for name in dict.fromkeys((*a, *b)):
        if name in ("start", "network") or a.get(name) == b.get(name):
            continue
        shown = [_digest(values.get(name)) if name in ("data", "validation") else values.get(name) for values in (a, b)]
        found.append((name, Setting(_CALLED.get(name, name), *map(_short, shown))))
    for name, key in (("inputs", "inputs"), ("layers", "layers"), ("network seed", "seed"), ("dtype", "dtype")):
        theirs = [values["network"].get(key) for values in (a, b)]
        if theirs[0] != theirs[1]:
            if name == "layers":
                theirs = [", ".join(map(repr, net.layers)) for net in nets]
            if name == "layers" and theirs[0] == theirs[1]:  # initializers do not show
                theirs = [[layer.get("weight_init") for layer in values["network"]["layers"]] for values in (a, b)]
            found.append((name, Setting(_CALLED.get(name, name), *map(_short, theirs))))
    return found


def causes_of_step(
    steps: tuple[TakenStep, TakenStep],
    blocks: tuple[Block, Block],
    numbers: tuple[Array, Array],
    settings: list[tuple[str, Any]],
    drops: bool,
) -> list[str]:
    """Return sentences on what made a step that began with the same weights end with others.

    `numbers` says how people count the rows of each block, `drops` whether there is dropout.
    """
    (a, b), apart = steps, dict(settings)
    found = []
    rows = numbers[0][a.rows], numbers[1][b.rows]
    if not np.array_equal(*rows):
        found.append(_other_rows(*rows, apart))
    else:
        found += _rows_apart(rows[0], *(_of(block, step) for block, step in zip(blocks, steps, strict=True)))
    if a.learning_rate != b.learning_rate:
        found.append(f"The learning rate of the step is {a.learning_rate:.6g} and {b.learning_rate:.6g}.")
    if a.momentum != b.momentum:
        found.append(f"The schedule's momentum is {a.momentum} and {b.momentum}.")
    if drops and "seed" in apart:
        found.append("Dropout draws from the seed, so other units were left out.")
    acting = [apart[name] for name in _AT_EVERY_STEP if name in apart]
    found += [f"{_capital(each.name)} is {each.a} and {each.b}." for each in acting]
    return found or [_UNEXPLAINED]


def _of(block: Block, step: TakenStep) -> Block:
    return Block(block.x[step.rows], block.y[step.rows], block.sample_weight[step.rows])


def _other_rows(a: Array, b: Array, apart: dict[str, Any]) -> str:
    """Return that a step met other rows, and why."""
    if np.array_equal(np.sort(a), np.sort(b)):
        return "The step met the same rows in another order, so that sums round differently."
    shown = " and ".join(
        ", ".join(f"{row}" for row in rows[:_FEW]) + (", …" if len(rows) > _FEW else "") for rows in (a, b)
    )
    said = f"The step met other rows: {shown}."
    why = [name for name in ("seed", "shuffle", "batch_size", "data") if name in apart]
    return said + (
        f" Which rows a step meets follows from {' and '.join(_CALLED.get(n, n) for n in why)}." if why else ""
    )


def _rows_apart(numbers: Array, a: Block, b: Block) -> list[str]:
    """Return which rows of a step are not the same in both runs, and in what."""
    found = []
    if a.x.shape != b.x.shape or a.y.shape != b.y.shape:
        return ["The rows of the two runs have other shapes."]
    kinds = {
        "another weight": (a.sample_weight, b.sample_weight),
        "another truth": (a.y, b.y),
        "other inputs": (a.x, b.x),
    }
    for what, (ours, theirs) in kinds.items():
        unlike = np.flatnonzero((ours != theirs).reshape(len(ours), -1).any(axis=1))
        if len(unlike):
            listed = ", ".join(f"{numbers[i]}" for i in unlike[:_FEW]) + (", …" if len(unlike) > _FEW else "")
            i = unlike[0]
            values = f": {ours[i]:.6g} and {theirs[i]:.6g}" if ours.ndim == 1 and len(unlike) == 1 else ""
            which = f"Row {listed} has" if len(unlike) == 1 else f"{len(unlike)} rows ({listed}) have"
            found.append(f"{which} {what}{values}.")
    return found


def _short(value: object) -> str:
    if value is None:
        return _ABSENT
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _digest(value: object) -> object:
    return None if value is None else f"fingerprint {str(value)[:8]}"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")
