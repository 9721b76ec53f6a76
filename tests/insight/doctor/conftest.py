"""Lets the tests of this folder share the catalogue."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

collect_ignore_glob = ["catalogue*.py"]  # not tests; as doctests they would be imported a second time
