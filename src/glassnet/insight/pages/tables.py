"""Tables that may be wider than the screen."""

from __future__ import annotations

from glassnet.insight.pages.page import escape


def scrolling(label: str, table: str) -> str:
    """Return a table (HTML) that scrolls by itself where it is too wide, reached by keyboard and called `label`."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>\n'
