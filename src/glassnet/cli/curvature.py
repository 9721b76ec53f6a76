"""`glassnet curvature`: how the error bends around the weights, and how large a learning rate that allows."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.options import Data, Json, ModelPath, Whole
from glassnet.cli.patience import told_if_slow
from glassnet.cli.questioned import OptimizerOrNone, RateOrNone, Rows, Seed, TrainingSource, give, open_questioned
from glassnet.insight.curvature import curvature as measure
from glassnet.training.arguments import as_count


def curvature(
    model: ModelPath,
    source: TrainingSource = None,
    /,
    *,
    rows: Rows = None,
    count: Annotated[Whole, Parameter(help="How many of the largest eigenvalues.")] = 3,
    learning_rate: RateOrNone = None,
    optimizer: OptimizerOrNone = None,
    seed: Seed = 0,
    data: Data = None,
    json: Json = False,
) -> None:
    """Tell how the error bends around the weights: eigenvalues of its second derivatives, and what rate they allow."""
    as_count("--count", count)
    asked = open_questioned(model, source, data)
    net = asked.opened.model.network
    with told_if_slow(
        f"multiplying vectors by the second derivatives of the error by {net.layout.parameters:,} weights."
    ):
        found = measure(
            net,
            asked.x,
            asked.y,
            loss=asked.opened.loss,
            rows=rows,
            count=count,
            run=asked.run,
            optimizer=optimizer,
            learning_rate=learning_rate,
            seed=seed,
        )
    give(model, asked, found, json)
