"""What a race shows while it runs: a table on a terminal, a line for each run that has ended elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from glassnet.racing.contest import Listener, Seen

_LINES_EVERY = 2.0


@contextlib.contextmanager
def race_shown(console: Console, title: str) -> Iterator[Listener]:
    """Give the listener that shows a race on `console`."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, refresh_per_second=5, transient=True) as live:
        yield _Board(live, title)


@final
class _Board:
    """The error of each method so far, and how far the race is."""

    def __init__(self, live: Live, title: str) -> None:
        self.live, self.title = live, title
        self.last: dict[str, Seen] = {}
        self.starts: dict[str, set[int]] = {}
        self.drawn = 0.0

    def __call__(self, seen: Seen) -> None:
        self.last[seen.entry.title] = seen
        self.starts.setdefault(seen.entry.title, set()).add(seen.seed)
        if time.monotonic() - self.drawn > 0.1:
            self.drawn = time.monotonic()
            self.live.update(self._draw(seen))

    def _draw(self, now: Seen) -> Group:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("method")
        for head in ("error now", "evaluations", "seconds", "start"):
            table.add_column(head, justify="right")
        ranked = sorted(self.last.values(), key=lambda seen: seen.point.error)
        for seen in ranked:
            point, running = seen.point, seen.entry.title == now.entry.title
            cells = (
                f"{point.error:.4g}",
                f"{point.evaluations:,}",
                f"{point.seconds:.2f}",
                str(len(self.starts[seen.entry.title])),
            )
            table.add_row(seen.entry.title, *cells, style="bold" if running else "")
        progress = Text(f"{self.title}  run {now.done + 1} of {now.runs}")
        return Group(progress, ProgressBar(total=now.runs, completed=now.done, width=40), table)


@final
class _Lines:
    """A line when a run has ended, and never more than one in two seconds."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last, self.before = time.monotonic(), None

    before: Seen | None

    def __call__(self, seen: Seen) -> None:
        before, self.before = self.before, seen
        if before is None or before.done == seen.done or time.monotonic() - self.last < _LINES_EVERY:
            return
        self.last = time.monotonic()
        words = f"{before.done + 1}/{before.runs}  {before.entry.title}: error {before.point.error:.4g}"
        self.console.print(f"{words} after {before.point.evaluations:,} evaluations", highlight=False)
