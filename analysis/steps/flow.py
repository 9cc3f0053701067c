"""Flow chart: the patients each step removed, over all hospitals, in each, and in each arm."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.steps.study import Study
from analysis.study.cohort import ARM_ID, Cohort
from analysis.study.cohort_names import ALL
from analysis.study.flow_steps import NOT_COMPARED
from analysis.study.results import Key
from schemas.contract_checks import PERSON_ID

COUNTS = ("n_before", "n_removed", "n_unknown", "n_after")
IN_NO_ARM = "in no arm"


def add_flow(study: Study, cohort: Cohort) -> None:
    """Add every step of the flow chart and the patients analysed, by arm and by hospital."""
    attrition = cohort.attrition
    if cohort.attrition_by_arm is not None:
        _add_steps_by_arm(study, cohort.attrition_by_arm)
    totals = attrition.group_by("step", "criterion_id", "label", maintain_order=True).agg(pl.col(COUNTS).sum())
    for row in totals.sort("step").iter_rows(named=True):
        _add_step(study, row, None)
    for row in attrition.sort("step", "hospital").iter_rows(named=True):
        _add_step(study, row, row["hospital"])
    frame = study.cohorts[ALL]
    _add_not_compared(study, frame)
    analysed = Key(analysis="flow", variable="analysed")
    study.results.add(analysed, "n", frame.height, unit="patients", n=frame.height)
    for arm, patients in study.list_groups(frame):
        if arm:
            study.results.add(analysed.of(arm=arm.id), "n", patients.height, unit="patients", n=frame.height)
    for hospital in sorted(frame["hospital"].unique().to_list()):
        here = frame.filter(pl.col("hospital") == hospital)
        of_hospital = analysed.of(hospital=hospital)
        study.results.add(of_hospital, "n", here.height, unit="patients")
        for arm, patients in study.list_groups(here):
            if arm:
                study.results.add(of_hospital.of(arm=arm.id), "n", patients.height, unit="patients", n=here.height)


def _add_not_compared(study: Study, frame: pl.DataFrame) -> None:
    """Add how many of those analysed were not compared between hospitals, where there is more than one."""
    if frame["hospital"].n_unique() < 2 or PERSON_ID not in frame.columns:
        return
    key = Key(analysis="flow", variable=NOT_COMPARED)
    label = "analysed and not compared between hospitals: no hash of an identity document"
    study.results.add(key, "n", frame[PERSON_ID].null_count(), unit="patients", n=frame.height, method=label)
    for (hospital,), here in frame.sort("hospital").group_by("hospital", maintain_order=True):
        n = here[PERSON_ID].null_count()
        study.results.add(key.of(hospital=str(hospital)), "n", n, unit="patients", n=here.height, method=label)


def _add_steps_by_arm(study: Study, attrition: pl.DataFrame) -> None:
    """Add whom each step removed of each arm, and of the patients in none: who is lost to it may differ between the arms."""
    for row in attrition.sort("step", ARM_ID, nulls_last=True).iter_rows(named=True):
        level = None if row[ARM_ID] else IN_NO_ARM
        key = Key(analysis="flow_by_arm", arm=row[ARM_ID], variable=row["criterion_id"], level=level)
        study.results.add_all(key, {name: row[name] for name in COUNTS}, unit="patients", method=row["label"])


def _add_step(study: Study, row: dict[str, Any], hospital: str | None) -> None:
    key = Key(analysis="flow", hospital=hospital, variable=row["criterion_id"])
    study.results.add_all(key, {name: row[name] for name in COUNTS}, unit="patients", method=row["label"])
