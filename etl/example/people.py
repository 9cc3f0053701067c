"""Identifiers of invented people: shaped like real ones, and such that none can belong to anybody."""

from __future__ import annotations

from datetime import date

import numpy as np
from stdnum.cn import ric

from etl.example.model import Identity, SyntheticPatient

_NO_SUCH_REGION = "999999"
_LOCAL_IDS = {"nanfang": "00{:06d}", "hunan": "HN-{:05d}", "sysu": "{:d}"}
_FIRST_NUMBERS = {"nanfang": 310450, "hunan": 20117, "sysu": 0}
_LARGEST_STEPS = {"nanfang": 60, "hunan": 25, "sysu": 1}


def make_national_id(birth_date: date, sequence: int, sex: str) -> str:
    """Return an 18-digit id-card number with a right check digit (GB 11643-1999) of a region that does not exist.

    The seventeenth digit is odd for men and even for women.
    """
    order_code = (2 * sequence + (sex == "male")) % 1000
    digits = f"{_NO_SUCH_REGION}{birth_date:%Y%m%d}{order_code:03d}"
    return digits + ric.calc_check_digit(digits + "0")


def give_identities(rng: np.random.Generator, patients: list[SyntheticPatient]) -> None:
    """Give every patient without one an identity; local numbers rise in the given order within each hospital."""
    numbers = dict(_FIRST_NUMBERS)
    for sequence, patient in enumerate(patients, 1):
        numbers[patient.hospital] += int(rng.integers(1, _LARGEST_STEPS[patient.hospital] + 1))
        local_id = _LOCAL_IDS[patient.hospital].format(numbers[patient.hospital])
        patient.identity = Identity(
            local_id=local_id,
            name=f"合成患者{sequence:03d}",
            national_id=make_national_id(patient.facts["birth_date"], sequence, patient.facts["sex"]),
            telephone=f"000-0000-{sequence:04d}",
        )
