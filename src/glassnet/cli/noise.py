"""`glassnet noise`: how much the gradients of rows differ, and which batch size suits that."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.options import Data, Json, ModelPath, WholeOrNone
from glassnet.cli.patience import told_if_slow
from glassnet.cli.questioned import OptimizerOrNone, RateOrNone, Rows, Seed, TrainingSource, give, open_questioned
from glassnet.insight.noise import noise as measure


def noise(
    model: ModelPath,
    source: TrainingSource = None,
    /,
    *,
    rows: Rows = None,
    batch_size: Annotated[WholeOrNone, Parameter(help="The batch size in use. Left out: the run's.")] = None,
    learning_rate: RateOrNone = None,
    optimizer: OptimizerOrNone = None,
    seed: Seed = 0,
    data: Data = None,
    json: Json = False,
) -> None:
    """Tell how noisy gradients are, layer by layer, and over the run, and which batch size suits that."""
    asked = open_questioned(model, source, data)
    net = asked.opened.model.network
    with told_if_slow(f"passing {len(asked.x):,} rows through {net.layout.parameters:,} weights and back."):
        found = measure(
            net,
            asked.x,
            asked.y,
            loss=asked.opened.loss,
            rows=rows,
            batch_size=batch_size,
            learning_rate=learning_rate,
            optimizer=optimizer,
            run=asked.run,
            seed=seed,
        )
    give(model, asked, found, json)
