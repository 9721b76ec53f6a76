"""Sick trainings, as people make them: what was done wrong, what the doctor has to say, and how one knows otherwise.

Each part enters its cases into one list as it is imported. Where an illness shows in two ways, either name
is right.
"""

from __future__ import annotations

import catalogue_sick_fit
import catalogue_sick_inside
import catalogue_sick_more
import catalogue_sick_rates
import catalogue_sick_rows
import catalogue_sick_scales
from catalogue_illnesses import SICK

PARTS = (
    catalogue_sick_inside,
    catalogue_sick_rates,
    catalogue_sick_scales,
    catalogue_sick_fit,
    catalogue_sick_rows,
    catalogue_sick_more,
)

__all__ = ["PARTS", "SICK"]
