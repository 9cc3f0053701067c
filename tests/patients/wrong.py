"""Every way to break a constraint: the modules that hold them, found here so that importing this one knows them all."""

from patients import breaking_course, breaking_dates, breaking_disease
from patients.breaking import BREAKINGS, draw_wrong_patient, read_constraints

__all__ = [
    "BREAKINGS",
    "breaking_course",
    "breaking_dates",
    "breaking_disease",
    "draw_wrong_patient",
    "read_constraints",
]
