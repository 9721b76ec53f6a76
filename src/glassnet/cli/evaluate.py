"""`glassnet evaluate`: how good a saved network is on rows."""

from __future__ import annotations

from typing import Any

from glassnet.cli.console import in_words, note, say, say_json
from glassnet.cli.models import Opened, open_model
from glassnet.cli.options import Data, Json, ModelPath, Source
from glassnet.training import Scores
from glassnet.training import evaluate as evaluate_network


def evaluate(model: ModelPath, source: Source, /, *, data: Data = None, json: Json = False) -> None:
    """Tell how good a saved network is on rows; held-out rows apart, where they are known."""
    opened = open_model(model, source, data, with_truth=True)
    parts = _parts(opened)
    if json:
        say_json({"model": str(model), "source": opened.table.source, **{name: _plain(s) for name, s in parts.items()}})
        return
    for name, scores in parts.items():
        say(f"{_TITLES[name]}: {in_words(scores)}, {scores.rows:,} rows")


_TITLES = {
    "all": "All rows",
    "held_out": "Held out, never trained on",
    "train": "Trained on",
}


def _parts(opened: Opened) -> dict[str, Scores]:
    """Return the scores of the rows, of held-out rows and others apart if these are the training's own."""
    net, loss, table = opened.model.network, opened.loss, opened.table
    if opened.source_has_changed:
        note(f"{table.source} is not as it was when this model was trained: these rows may be among those trained on.")
    mask = opened.held_out()
    if mask is not None:
        x, y = opened.x, opened.y
        return {
            "held_out": evaluate_network(net, x[mask], y[mask], loss),
            "train": evaluate_network(net, x[~mask], y[~mask], loss),
        }
    if table.held_out is not None:
        test = Opened(opened.model, opened.encoder, table.held_out)
        parts = {"held_out": evaluate_network(net, test.x, test.y, loss)}
        return {**parts, "train": evaluate_network(net, opened.x, opened.y, loss)}
    return {"all": evaluate_network(net, opened.x, opened.y, loss)}


def _plain(scores: Scores) -> dict[str, Any]:
    named = {"rows": scores.rows, "loss": scores.loss, "accuracy": scores.accuracy, "r2": scores.r2}
    return {name: value for name, value in named.items() if value is not None}
