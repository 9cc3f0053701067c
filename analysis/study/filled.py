"""Refuses a study that would read columns which were not yet made when a hospital's current version was loaded.

Such a column is empty there, which is no statement about the patients.
"""

from __future__ import annotations

import polars as pl

from analysis.study.cohort import MONTH_DATES, PATIENT_ORDER
from analysis.study.spec import StudySpec
from etl.errors import AnalysisError
from etl.suggestions import suggest_command
from schemas.rules import CRITERIA

SUBJECT, ELIGIBILITY, ADVERSE_EVENT = "versions.subject", "versions.eligibility", "versions.adverse_event"
ALWAYS_READ = ("patient_id", "person_id", *PATIENT_ORDER)
"""Columns of the subject table that every study reads: who a patient is, and the order of the patients."""
EVENT_COLUMNS = ("hospital", "patient_id", "term", "grade")


def list_read(spec: StudySpec) -> dict[str, set[str]]:
    """Return the columns that a study reads of each stored table; of the eligibility its criteria."""
    asked = set(CRITERIA) - set(spec.population.without_criteria)
    # A sensitivity analysis that needs them says so by itself where they are not known, and stops nothing.
    of_months = {MONTH_DATES} if spec.population.days_known_only else set()
    return {
        SUBJECT: {*ALWAYS_READ, *spec.list_columns(), *of_months},
        ELIGIBILITY: asked if spec.population.eligible_only else set(),
        ADVERSE_EVENT: set(EVENT_COLUMNS) if spec.grade_bands else set(),
    }


def check_filled(unfilled: pl.DataFrame, spec: StudySpec) -> None:
    """Refuse the study where one of its hospitals was loaded before a column that it reads was made.

    `unfilled` is the mart `unfilled_column`.

    Raises `AnalysisError`, naming hospitals, columns and what to do.
    """
    read = list_read(spec)
    rows = [
        row
        for row in unfilled.sort("hospital", "table_name", "column_name").iter_rows(named=True)
        if row["column_name"] in read.get(row["table_name"], ())
        if row["hospital"] in (spec.population.hospitals or (row["hospital"],))
    ]
    if not rows:
        return
    columns: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        columns.setdefault((row["hospital"], row["delivery"]), []).append(row["column_name"])
    listed = "".join(
        f"\n  {hospital} ({delivery}): {', '.join(names)}\n    {suggest_command('ingest', hospital)}"
        for (hospital, delivery), names in columns.items()
    )
    raise AnalysisError(
        f"study {spec.study}: what it reads was not yet made when these deliveries were loaded, so that it is empty there. Read them "
        f"again (the delivery must still lie in the hospital's folder of extracts, or be named by EXTRACT=path):{listed}",
        f"研究 {spec.study}：下列提交载入时，本研究所需的列尚未建立，故其中为空。请重新读取（提交内容须仍在该医院的 extracts 文件夹中，"
        f"或用 EXTRACT=路径 指明）：{listed}",
    )
