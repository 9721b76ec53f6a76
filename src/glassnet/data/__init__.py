"""From a source a person names to X, Y of numbers, and back.

The way is source → table → encoder → X, Y. This floor knows files, tables and units; it knows nothing of training, and
imports
DuckDB and scikit-learn only when a source needs them.
"""

from __future__ import annotations

from glassnet.data.encoder import Decoded, Encoder
from glassnet.data.idx import read_idx
from glassnet.data.sources import open_source
from glassnet.data.split import split, split_rows
from glassnet.data.table import Table

__all__ = ["Decoded", "Encoder", "Table", "open_source", "read_idx", "split", "split_rows"]
