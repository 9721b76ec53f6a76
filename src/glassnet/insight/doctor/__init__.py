"""The doctor: what ails a training, in sentences with numbers and the cure; silent where nothing does."""

from glassnet.insight.doctor.asking import doctor
from glassnet.insight.doctor.diagnosis import Diagnosis, Finding, Trial
from glassnet.insight.doctor.watching import Doctor

__all__ = ["Diagnosis", "Doctor", "Finding", "Trial", "doctor"]
