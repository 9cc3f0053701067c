"""Findings that only several hospitals together can show; made again after every ingest from all current versions."""

from __future__ import annotations

import polars as pl

from etl.judging.findings import make_findings, number_findings
from etl.pages.text import Text
from schemas.codes import Severity

SAME_PATIENT_RULE = "between_hospitals.same_patient"
SAME_PATIENT = Text(
    "This patient is also registered by another hospital of the study. The analysis uses the record of the hospital where "
    "therapy started first; nothing needs to be done.",
    "该患者在本研究的另一家医院也有登记。分析采用最先开始治疗的医院的记录；无需处理。",
)


def find_shared_patients(persons: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
    """Return one note per patient record whose person is registered elsewhere; no hospital learns where.

    Args:
        persons: the mart `person_in_two_hospitals`.
        patients: the current patient records with their provenance.
    """
    places = patients.join(persons.select("patient_id"), on="patient_id", how="semi").select(
        "hospital",
        "delivery",
        "ingest_id",
        "patient_id",
        pl.lit("").alias("record_key"),
        "source_file",
        "source_sheet",
        "source_row",
        "source_column",
        pl.lit(None, dtype=pl.String).alias("value"),
    )
    findings = make_findings(
        places, rule_id=SAME_PATIENT_RULE, severity=Severity.NOTE, table="patient", field=None, message=SAME_PATIENT
    )
    numbered = number_findings(findings)
    owners = places.select("patient_id", "hospital", "ingest_id").unique("patient_id")
    return numbered.join(owners, on="patient_id", how="left", maintain_order="left")
