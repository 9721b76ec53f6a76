"""Healthy trainings that look odd and are fine: the doctor has nothing to say of them.

Each part enters its cases into one list as it is imported. Few tolerate a mild word, and say why.
"""

from __future__ import annotations

import catalogue_healthy_numbers
import catalogue_healthy_pictures
import catalogue_healthy_tables
from catalogue_health import HEALTHY

PARTS = (catalogue_healthy_pictures, catalogue_healthy_tables, catalogue_healthy_numbers)

__all__ = ["HEALTHY", "PARTS"]
