"""Counts and rates of the data-quality output: pure functions from the warehouse's frames to small frames.

A rate travels with its numerator, denominator, threshold and the reason for the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.pages.text import Text
from etl.quality.status import ASKED
from etl.quality.thresholds import ALTERNATIVES, BASELINE_TABLE, BASELINE_TESTS, find_completeness_threshold
from schemas.codes import LabTest, Severity
from schemas.contract import read_contract
from schemas.definitions.bounds import BOUND_SIGNS
from schemas.tables import TABLES

Frames = Mapping[str, pl.DataFrame]

SEVERITY_ORDER = [severity.value for severity in Severity]
FINDING_ORDER = ["source_file", "source_sheet", "source_row", "source_column", "rule_id", "finding_id"]
ACCOUNT_PARTS = {
    "rows": ("rows_read", {"used": "rows_used", "ignored": "rows_ignored"}),
    "records": ("records_made", {"loaded": "records_loaded", "quarantined": "records_quarantined"}),
    "cells": (
        "cells",
        {
            "mapped": "cells_mapped",
            "identifier": "cells_identifier",
            "in ignored columns": "cells_ignored",
            "stray": "cells_quarantined",
        },
    ),
}
BETWEEN_HOSPITALS = "between_hospitals."
"""How the rules are called that look at several hospitals: what they find is the coordinating centre's."""
BESIDE_OTHERS = "median"
"""The check of a batch that looks at the other hospitals."""
_ALTERNATIVE = Text("not needed where {} is given", "已提供{}时无需填写")


def filter_current(frame: pl.DataFrame, ingests: pl.DataFrame) -> pl.DataFrame:
    """Keep what belongs to each hospital's current ingest."""
    current = ingests.filter("is_current").select("ingest_id")
    return frame.join(current, on="ingest_id", how="semi", maintain_order="left")


def filter_hospital(frames: Frames, hospital: str) -> dict[str, pl.DataFrame]:
    """Keep one hospital's rows of every frame, so that nothing of another can reach its page."""
    return {name: frame.filter(pl.col("hospital") == hospital) for name, frame in frames.items()}


def keep_own(own: Frames) -> dict[str, pl.DataFrame]:
    """Of one hospital's frames keep what its own records say alone: no finding between hospitals, no check against the others' medians."""
    kept = dict(own)
    for name in ("findings", "status"):
        kept[name] = own[name].filter(~pl.col("rule_id").str.starts_with(BETWEEN_HOSPITALS))
    kept["expectations"] = own["expectations"].filter(pl.col("expectation") != BESIDE_OTHERS)
    return kept


def derive_accounts(ingests: pl.DataFrame) -> pl.DataFrame:
    """Return the three accounts of each ingest, one row per part.

    Columns: ingest_id, hospital, account, n_total, part, n, is_balanced (the parts add up to the total).
    """
    rows = [
        {
            "ingest_id": ingest["ingest_id"], "hospital": ingest["hospital"], "account": account,
            "n_total": ingest[total], "part": part, "n": ingest[column],
            "is_balanced": ingest[total] == sum(ingest[name] for name in parts.values()),
        }
        for ingest in ingests.iter_rows(named=True)
        for account, (total, parts) in ACCOUNT_PARTS.items()
        for part, column in parts.items()
    ]  # fmt: skip
    schema = {
        "ingest_id": pl.Int64, "hospital": pl.String, "account": pl.String, "n_total": pl.Int64, "part": pl.String,
        "n": pl.Int64, "is_balanced": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def derive_completeness(frames: Frames) -> pl.DataFrame:
    """Return how complete each field of the current versions is.

    Needs the frames completeness, patient and subject. Columns: hospital, table_name, field, n_records (the
    denominator), n_filled, rate (null without records), threshold (null where the field need not be filled), is_met,
    reason_en, reason_zh; in the contracts' order. The laboratory also has one line per baseline test, whose denominator
    is the patients. A field with an alternative (`birth_date` or `age_years`) is met where the alternative is.
    """
    tests = count_baseline_tests(frames)
    counts = pl.concat([frames["completeness"].select(tests.columns), tests], how="vertical_relaxed")
    counts = counts.with_columns(
        rate=pl.when(pl.col("n_records") > 0).then(pl.col("n_filled") / pl.col("n_records"))
    ).join(_list_thresholds(), on=["table_name", "field"], how="inner")
    other = counts.select("hospital", "table_name", alternative="field", alternative_rate="rate")
    is_alternative = (pl.col("alternative_rate") >= pl.col("threshold")).fill_null(value=False)
    return (
        counts.join(other, on=["hospital", "table_name", "alternative"], how="left")
        .with_columns(is_met=(pl.col("rate") >= pl.col("threshold")) | is_alternative)
        .sort("hospital", "position")
        .select(
            "hospital", "table_name", "field", "n_records", "n_filled", "rate", "threshold", "is_met",
            "reason_en", "reason_zh",
        )
    )  # fmt: skip


def count_baseline_tests(frames: Frames) -> pl.DataFrame:
    """Count the patients of each hospital of whom the study can use each baseline test.

    A value can always be used; a bound where what hangs on it is known: the test's level, of bilirubin and albumin the ALBI grade.
    """
    patients = frames["patient"].group_by("hospital").agg(n_records=pl.col("patient_id").n_unique().cast(pl.Int64))
    usable = (
        frames["subject"].group_by("hospital").agg(_compute_is_usable(t).sum().alias(t.value) for t in BASELINE_TESTS)
    )
    measured = usable.unpivot(index="hospital", variable_name="field", value_name="n_filled")
    tests = pl.DataFrame({"field": [test.value for test in BASELINE_TESTS]})
    return (
        patients.join(tests, how="cross")
        .join(measured, on=["hospital", "field"], how="left")
        .select(
            "hospital",
            pl.lit(BASELINE_TABLE).alias("table_name"),
            "field",
            "n_records",
            pl.col("n_filled").cast(pl.Int64).fill_null(0),
        )
    )


def _compute_is_usable(test: LabTest) -> pl.Expr:
    name = test.name.lower()
    level = pl.col("albi_level" if test in (LabTest.BILIRUBIN, LabTest.ALBUMIN) else f"{name}_level")
    is_bound = pl.col(f"{name}_comparator").is_in(BOUND_SIGNS).fill_null(value=False)
    return pl.col(test.value).is_not_null() & (~is_bound | level.is_not_null())


def _list_thresholds() -> pl.DataFrame:
    """List every field with its place, threshold, reason and alternative."""
    rows = []
    names = [(table, name) for table, model in TABLES.items() for name in read_contract(model)]
    names += [(BASELINE_TABLE, test.value) for test in BASELINE_TESTS]
    for position, (table, name) in enumerate(names):
        threshold = find_completeness_threshold(table, name)
        alternative = ALTERNATIVES.get((table, name))
        reason = threshold.reason if threshold else Text("", "")
        note = (
            Text(_ALTERNATIVE.en.format(alternative), _ALTERNATIVE.zh.format(alternative))
            if alternative
            else Text("", "")
        )
        rows.append(
            (table, name, position, threshold.value if threshold else None, alternative,
             f"{reason.en} ({note.en})" if alternative else reason.en,
             f"{reason.zh}（{note.zh}）" if alternative else reason.zh)
        )  # fmt: skip
    schema = {
        "table_name": pl.String, "field": pl.String, "position": pl.Int64, "threshold": pl.Float64,
        "alternative": pl.String, "reason_en": pl.String, "reason_zh": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def sort_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """Order findings as every list of them does: hospital, severity (gravest first), then as in the files.

    What was set aside only because its patient was comes last of its severity: correcting the patient settles it.
    """
    severity = pl.col("severity").cast(pl.Enum(SEVERITY_ORDER))
    is_consequence = pl.col("rule_id").str.ends_with(".parent")
    return findings.sort("hospital", severity, is_consequence, *FINDING_ORDER, nulls_last=False)


def derive_finding_counts(findings: pl.DataFrame) -> pl.DataFrame:
    """Return the open findings by severity, rule and question from `derive_query_status`.

    Columns: hospital, severity, rule_id, message_en, message_zh, n_findings, n_new, n_records (different records asked
    about); what is answered is not open; gravest and most frequent first. One rule asks several questions where a laboratory value's test decides what
    is asked.
    """
    return (
        findings.filter(pl.col("status").is_in(ASKED))
        .group_by("hospital", "severity", "rule_id", "message_en", "message_zh", maintain_order=True)
        .agg(
            n_findings=pl.len().cast(pl.Int64),
            n_new=(pl.col("status") == "new").sum().cast(pl.Int64),
            n_records=pl.struct("table_name", "patient_id", "record_key").n_unique().cast(pl.Int64),
        )
        .sort(
            "hospital", pl.col("severity").cast(pl.Enum(SEVERITY_ORDER)), "n_findings", "rule_id", "message_en",
            descending=[False, False, True, False, False],
        )
    )  # fmt: skip


def derive_status_counts(findings: pl.DataFrame) -> pl.DataFrame:
    """Return hospital, severity, status, n from `derive_query_status`."""
    return findings.group_by("hospital", "severity", "status").agg(n=pl.len().cast(pl.Int64)).sort(pl.all())


def count_shared_patients(patient: pl.DataFrame) -> int:
    """Return how many people are known in more than one hospital, by their second pseudonym."""
    per_person = patient.drop_nulls("person_id").group_by("person_id").agg(n=pl.col("hospital").n_unique())
    return per_person.filter(pl.col("n") > 1).height
