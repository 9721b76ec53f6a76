"""Pages a person opens in a browser: one self-contained HTML file each, which works offline, in light and in dark."""

from glassnet.insight.pages.charts import chart
from glassnet.insight.pages.page import escape, frame, page, prose
from glassnet.insight.pages.tables import scrolling

__all__ = ["chart", "escape", "frame", "page", "prose", "scrolling"]
