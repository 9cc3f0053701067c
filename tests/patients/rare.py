"""Every kind of rare patient: the modules that draw them, found here so that importing this one knows them all."""

from patients import rare_images, rare_liver, rare_person, rare_treatment
from patients.kinds import KINDS, draw_rare_patient, read_kinds

__all__ = ["KINDS", "draw_rare_patient", "rare_images", "rare_liver", "rare_person", "rare_treatment", "read_kinds"]
