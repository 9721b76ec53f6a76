"""Pages a person opens in a browser: one self-contained HTML file each, which works offline, in light and in dark."""

from glassnet.insight.pages.charts import chart
from glassnet.insight.pages.page import escape, page, prose

__all__ = ["chart", "escape", "page", "prose"]
