"""The study's published whole-cohort counts, and patients drawn so that every count comes out exactly."""

from __future__ import annotations

import csv
from collections.abc import Mapping

import numpy as np

from schemas.package_data import find_data

Levels = dict[str, str]
ARM_SIZES = {"sora_pd1": 127, "len_pd1": 102}
MATCHED_ON = (  # what the study's propensity score rests on
    "Age (years)", "Sex", "ALT (U/L)", "AST (U/L)", "TACE", "Tumor size (cm)", "Tumor number", "AFP (ng/mL)", "PVTT type",
    "Metastasis organs", "Metastasis sites", "HBsAg",
)  # fmt: skip
_CIRRHOSIS_PULL = 0.6


def read_margins() -> dict[str, dict[str, dict[str, int]]]:
    """Return the counts of Table 1 (whole cohort) as arm -> characteristic -> level -> patients."""
    margins: dict[str, dict[str, dict[str, int]]] = {arm: {} for arm in ARM_SIZES}
    with find_data("etl.example", "table1_margins.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for arm in ARM_SIZES:
                margins[arm].setdefault(row["characteristic"], {})[row["level"]] = int(row[arm])
    return margins


def draw_arm_levels(
    rng: np.random.Generator, further_rng: np.random.Generator, counts: Mapping[str, Mapping[str, int]]
) -> list[Levels]:
    """Draw one arm's patients: each characteristic is shuffled over them, so the counts are exact.

    What the propensity score rests on is drawn from `rng`, the other characteristics then from `further_rng`. Hepatitis is
    kept coherent: a patient without HBsAg has neither antiviral therapy nor viral DNA above 2000 IU/mL. Portal
    hypertension is drawn to patients with cirrhosis.
    """
    size = sum(counts["Sex"].values())
    patients: list[Levels] = [{} for _ in range(size)]
    further = [name for name in counts if name not in MATCHED_ON]
    for characteristic in (*MATCHED_ON, *further):
        values = [level for level, number in counts[characteristic].items() for _ in range(number)]
        chance = rng if characteristic in MATCHED_ON else further_rng
        score = chance.random(size) + _pull(characteristic, patients)
        for position, value in zip(np.argsort(score, kind="stable"), values, strict=True):
            patients[int(position)][characteristic] = value
    return patients


def _pull(characteristic: str, patients: list[Levels]) -> np.ndarray:
    """How much later than the others a patient comes in line; the last levels of Table 1 are the positive ones."""
    if characteristic in ("HBV DNA (IU/mL)", "Antiviral therapy"):
        return np.array([2.0 * (patient["HBsAg"] == "Positive") for patient in patients])
    if characteristic == "Portal hypertension":
        return np.array([_CIRRHOSIS_PULL * (patient["Cirrhosis"] == "Yes") for patient in patients])
    return np.zeros(len(patients))
