"""Exercises in backpropagation for pen and paper, with their solutions."""

from glassnet.insight.worksheet.answers import Answer
from glassnet.insight.worksheet.sheet import Worksheet, worksheet

__all__ = ["Answer", "Worksheet", "worksheet"]
