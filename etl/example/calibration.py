"""The constants that bring the example near the published figures: `calibration.toml`, which a search in `analysis/` wrote.

The analysed patients are drawn in strata: arm x in the matched cohort or not x TACE. Whether a patient is matched
follows from the characteristics and start dates alone, which the seeds settle; so it is noted here as a fact of theirs
and needs no matching when the example is written.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.package_data import find_data, find_folder

CALIBRATION_PATH = find_folder("etl.example") / "calibration.toml"
SURVIVAL_MONTHS = (4.1, 5.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 21.0, 24.0, 30.0, 36.0, 48.0)

_HEADER = """\
# Constants of the synthetic example, found by `python -m calibration.search`: do not edit.
# etl/example/calibration.py says what they mean, docs/example.md how near they come to the published figures.
"""

CurveKey = tuple[str, bool, str]
ArmPart = tuple[str, bool]


@dataclass(frozen=True)
class Calibration:
    """Everything about the analysed patients that was searched for.

    - `matching_seed`: of the characteristics that the propensity score rests on, and of the start dates.
    - `further_seed`: of the other characteristics.
    - `course_seed`: of who gets which course, of visit gaps and of follow-up.
    - `is_matched`: by arm, for every patient in the order drawn, whether the patient is in the matched cohort.
    - `survival`: by arm, matched and TACE, the cumulative hazard of death at each of `SURVIVAL_MONTHS` but the first.
    - `progressions`: by arm and matched, the patients whose progression shows at assessment 1, 2, ...
    - `responders`: by arm and matched, the patients with a partial response.
    """

    matching_seed: int
    further_seed: int
    course_seed: int
    is_matched: dict[str, tuple[bool, ...]]
    survival: dict[CurveKey, tuple[float, ...]]
    progressions: dict[ArmPart, tuple[int, ...]]
    responders: dict[ArmPart, int]


def read_calibration() -> Calibration:
    """Return the constants that the example is written with."""
    table: dict[str, Any] = tomllib.loads(find_data("etl.example", CALIBRATION_PATH.name).read_text(encoding="utf-8"))
    parts = {(row["arm"], row["is_matched"]): row for row in table["progression"]}
    return Calibration(
        **table["seeds"],
        is_matched={arm: tuple(mark == "1" for mark in marks) for arm, marks in table["is_matched"].items()},
        survival={
            (row["arm"], row["is_matched"], row["tace"]): tuple(row["cumulative_hazard"]) for row in table["survival"]
        },
        progressions={key: tuple(row["patients_by_assessment"]) for key, row in parts.items()},
        responders={key: row["responders"] for key, row in parts.items()},
    )


def write_calibration(calibration: Calibration, path: Path = CALIBRATION_PATH) -> None:
    """Write the constants as they are read again."""
    seeds = ("matching_seed", "further_seed", "course_seed")
    lines = [_HEADER, "[seeds]", *(f"{name} = {getattr(calibration, name)}" for name in seeds)]
    lines += ["", "[is_matched]  # patient by patient, in the order drawn"]
    for arm, marks in calibration.is_matched.items():
        lines.append(f'{arm} = "{"".join("1" if mark else "0" for mark in marks)}"')
    for (arm, is_matched, tace), hazard in calibration.survival.items():
        lines += ["", "[[survival]]", f'arm = "{arm}"', f"is_matched = {str(is_matched).lower()}", f'tace = "{tace}"']
        lines.append(f"cumulative_hazard = {list(hazard)}")
    for (arm, is_matched), numbers in calibration.progressions.items():
        lines += ["", "[[progression]]", f'arm = "{arm}"', f"is_matched = {str(is_matched).lower()}"]
        lines += [
            f"patients_by_assessment = {list(numbers)}",
            f"responders = {calibration.responders[arm, is_matched]}",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
