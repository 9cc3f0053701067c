"""Flow chart: the patients each step removed, over all hospitals and in each."""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.steps.study import ALL, Study

COUNTS = ("n_before", "n_removed", "n_unknown", "n_after")


def add_flow(study: Study, attrition: pl.DataFrame) -> None:
    """Add every step of the flow chart and the patients analysed, by arm and by hospital."""
    totals = attrition.group_by("step", "criterion_id", "label", maintain_order=True).agg(pl.col(COUNTS).sum())
    for row in totals.sort("step").iter_rows(named=True):
        _add_step(study, row, None)
    for row in attrition.sort("step", "hospital").iter_rows(named=True):
        _add_step(study, row, row["hospital"])
    frame = study.cohorts[ALL]
    study.results.add("flow", "n", frame.height, variable="analysed", unit="patients", n=frame.height)
    for arm, patients in study.list_groups(frame):
        if arm:
            n = patients.height
            study.results.add("flow", "n", n, arm=arm.id, variable="analysed", unit="patients", n=frame.height)
    for hospital in sorted(frame["hospital"].unique().to_list()):
        here = frame.filter(pl.col("hospital") == hospital)
        study.results.add("flow", "n", here.height, hospital=hospital, variable="analysed", unit="patients")
        for arm, patients in study.list_groups(here):
            if arm:
                keys = {"hospital": hospital, "arm": arm.id, "variable": "analysed"}
                study.results.add("flow", "n", patients.height, unit="patients", n=here.height, **keys)


def _add_step(study: Study, row: dict[str, Any], hospital: str | None) -> None:
    for name in COUNTS:
        study.results.add(
            "flow",
            name,
            row[name],
            hospital=hospital,
            variable=row["criterion_id"],
            unit="patients",
            method=row["label"],
        )
