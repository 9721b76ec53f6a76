"""Lets the tests of this folder share `two_engines`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
