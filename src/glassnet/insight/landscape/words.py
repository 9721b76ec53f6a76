"""What landscapes and many starts say, in sentences and tables of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from glassnet.insight.landscape.starts import Starts
    from glassnet.insight.landscape.survey import Landscape, Walk

MOST_VALLEYS = 20
_MOST_BASINS = 5


def of_landscape(land: Landscape) -> list[str]:
    """Return the sentences of a landscape, one a line."""
    size = f"{len(land.alpha)} × {len(land.beta)}"
    lines = [f"The error ({land.objective}) at {size} points of a plane through the trained weights, {on_rows(land)}."]
    if land.usual_seconds is not None:
        lines.append(
            "There are fewer points than the usual 51 × 51, which would take about "
            f"{duration(land.usual_seconds)} for a network of this size; ask for more points to have them all the same."
        )
    lines.append(land.plane.says)
    if land.has_dropout:
        lines.append("Dropout is left out: all units are there, as they are when the network predicts.")
    low, origin = land.lowest, land.origin
    where = "at" if low[2] >= land.own_loss else f"{_change(low[2], land.own_loss)} lower than there, at"
    finite = land.loss[(land.loss < float("inf")) & (land.loss == land.loss)]
    lines.append(
        f"At the trained weights {land.own_loss:.4g}; the grid's lowest point {low[2]:.4g}, "
        + ("the trained weights themselves" if low[:2] == (0, 0) else f"{where} {_place(low, origin)}")
        + f"; its highest {finite.max():.4g}."
    )
    if finite.size < land.loss.size:
        lines.append(f"At {land.loss.size - finite.size:,} points the error is too large for a number; they are blank.")
    lines.append(_basins(land))
    lines += [of_walk(walk) for walk in land.walks]
    return lines


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def on_rows(land: Landscape) -> str:
    """Return on which rows the error was taken."""
    if land.rows == land.all_rows:
        return f"on {land.rows:,} row{'s' if land.rows != 1 else ''}"
    return f"on {land.rows:,} rows drawn from {land.all_rows:,}"


def of_walk(walk: Walk) -> str:
    """Return what there is to say of a path."""
    name = walk.name[:1].upper() + walk.name[1:]
    return (
        f"{name}: {len(walk.labels)} points, error {walk.loss[0]:.4g} → {walk.loss[-1]:.4g}; "
        f"{walk.in_plane:.1%} of its squared distance from the trained weights lies in the plane."
    )


def _change(low: float, own: float) -> str:
    return f"{(own - low) / abs(own):.1%}" if own else f"{own - low:.3g}"


def _place(point: tuple[float, float, float], origin: NDArray[Any]) -> str:
    return f"({point[0] + origin[0]:z.3g}, {point[1] + origin[1]:z.3g})"


def _basins(land: Landscape) -> str:
    basins = land.basins
    if not basins:
        return "No point inside the grid is lower than all its neighbours."
    if len(basins) == 1:
        return f"One basin on this grid: {basins[0][2]:.4g} at {_place(basins[0], land.origin)}."
    shown = "; ".join(f"{basin[2]:.4g} at {_place(basin, land.origin)}" for basin in basins[:_MOST_BASINS])
    more = f"; and {len(basins) - _MOST_BASINS} more" if len(basins) > _MOST_BASINS else ""
    return f"{len(basins)} basins on this grid, where a point is lower than all around it: {shown}{more}."


def of_starts(starts: Starts) -> list[str]:
    """Return sentences and the table of valleys, one line each."""
    lines = starts_summary(starts)
    if not starts.valleys:
        return lines
    rows = [("valley", "error", "starts", "share", "slope there", "example"), *valley_rows(starts)]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines.append("")
    lines += ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines += ["", *starts_notes(starts)]
    return lines


def starts_summary(starts: Starts) -> list[str]:
    """Return the sentences above the table."""
    done = len(starts.seeds)
    of_planned = f" of {starts.planned:,}, then interrupted" if done < starts.planned else ""
    lines = [f"{done:,} starts{of_planned}, from random weights each, on {starts.rows:,} rows. {starts.says}"]
    if starts.diverged:
        lines.append(f"{starts.diverged:,} of them met a NaN or an infinity and reached no valley.")
    if starts.valleys:
        deepest = starts.valleys[0]
        lines.append(
            f"Valleys reached: {len(starts.valleys):,}. The deepest, at {deepest.loss:.4g}, by {deepest.count:,} of "
            f"{done:,} starts ({deepest.share:.1%})."
        )
    return lines


def valley_rows(starts: Starts) -> list[tuple[str, ...]]:
    """Return the cells of the table of valleys."""
    return [
        (
            str(i + 1),
            f"{valley.loss:.4g}",
            f"{valley.count:,}",
            f"{valley.share:.1%}",
            "" if valley.slope is None else f"{valley.slope:.1e}",
            f"seed {valley.seed}",
        )
        for i, valley in enumerate(starts.valleys[:MOST_VALLEYS])
    ]


def starts_notes(starts: Starts) -> list[str]:
    """Return the sentences below the table."""
    rest = starts.valleys[MOST_VALLEYS:]
    lines = []
    if rest:
        lines.append(
            f"{len(rest):,} more valleys, between {rest[0].loss:.4g} and {rest[-1].loss:.4g}, hold "
            f"{sum(valley.count for valley in rest):,} starts."
        )
    lines.append(
        f"A start is in a valley if its error is at most {starts.depth_tolerance:.3g} above that of the valley's "
        f"deepest start, and its predictions differ from that one's by at most {starts.function_tolerance:.3g} (root "
        f"mean square, on {starts.compared_rows:,} rows); the predictions of two starts in a valley may so differ by "
        "up to twice as much. Networks that are the same but for the order or the sign of their units count as one."
    )
    lines.append(
        "The slope is the length of ∂E/∂θ at the valley's deepest start. Where it is not small, training had not come "
        "to rest, and more epochs would move that start on."
    )
    lines.append(f"A start can be made again: net.initialize(seed), then gn.train(..., seed=seed, {starts.call}).")
    return lines
