"""What to fix first: a hospital's open questions, ranked by the patients and the results that hang on them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.quality.measures import SEVERITY_ORDER
from etl.quality.queries import filter_queries
from schemas.field_effects import Result, list_field_effects
from schemas.quantity import find_long_field
from schemas.rules.eligibility import e4_complete_data
from schemas.tables import TABLES

Frames = Mapping[str, pl.DataFrame]

ANALYSED, WAITING, EXCLUDED = "analysed", "waiting", "excluded"
QUESTION = ["rule_id", "message_en"]
"""One rule may ask several questions: the sentence tells them apart."""


def derive_standing(eligibility: pl.DataFrame) -> pl.DataFrame:
    """Return hospital, patient_id and standing, one row per patient.

    `analysed`: every criterion holds. `waiting`: none is known not to hold, but something is missing, so that an answer may
    bring the patient in. `excluded`: a criterion does not hold, whatever is answered.
    """
    is_other = pl.col("criterion_id") != e4_complete_data.__name__
    return (
        eligibility.group_by("hospital", "patient_id")
        .agg(
            has_failed=(is_other & ~pl.col("is_met")).any(),
            has_met_all=pl.col("is_met").fill_null(value=False).all(),
        )
        .select(
            "hospital",
            "patient_id",
            standing=pl.when("has_met_all")
            .then(pl.lit(ANALYSED))
            .when("has_failed")
            .then(pl.lit(EXCLUDED))
            .otherwise(pl.lit(WAITING)),
        )
        .sort("hospital", "patient_id")
    )


def find_open_effects(own: Frames) -> pl.DataFrame:
    """Return the open questions of one hospital with the results that hang on each and its patient's standing.

    Needs the frames `status`, `eligibility` and `patient`. Columns: those of `status`, results (ids of `Result`), standing. A
    record without its patient waits. What was set aside only because its patient was is left out: correcting the patient
    settles it; so is what enters no result.
    """
    asked = filter_queries(own["status"]).filter(~pl.col("rule_id").str.ends_with(".parent"))
    is_loaded = pl.col("patient_id").is_in(own["patient"]["patient_id"].to_list())
    return (
        _add_results(asked)
        .filter(pl.col("results").list.len() > 0)
        .join(derive_standing(own["eligibility"]), on=["hospital", "patient_id"], how="left", maintain_order="left")
        .with_columns(standing=pl.when(is_loaded).then("standing").otherwise(pl.lit(WAITING)))
    )


def rank_questions(own: Frames) -> pl.DataFrame:
    """Return the open questions of one hospital on which results hang, those with the greatest effect first.

    Columns: rule_id, severity, message_en, message_zh, n_findings, n_analysed (patients whose results change with the answer),
    n_waiting (patients who may come in by it), results (ids of `Result`).
    """
    patient, standing = pl.col("patient_id"), pl.col("standing")
    # Only what decides on eligibility can bring a patient in.
    may_join = (standing == WAITING) & pl.col("results").list.contains(Result.ELIGIBILITY.result_id)
    return (
        find_open_effects(own)
        .group_by("severity", *QUESTION, "message_zh", maintain_order=True)
        .agg(
            n_findings=pl.len().cast(pl.Int64),
            n_analysed=patient.filter(standing == ANALYSED).n_unique().cast(pl.Int64),
            n_waiting=patient.filter(may_join).n_unique().cast(pl.Int64),
            results=pl.col("results").explode(keep_nulls=False, empty_as_null=False).unique(maintain_order=True),
        )
        .sort(
            pl.col("n_analysed") + pl.col("n_waiting"), pl.col("severity").cast(pl.Enum(SEVERITY_ORDER)),
            pl.col("n_findings"), *QUESTION, descending=[True, False, True, False, False],
        )
    )  # fmt: skip


def _add_results(findings: pl.DataFrame) -> pl.DataFrame:
    """Add the results that hang on each finding's field; in a table of long format on its quantity at visit 0, or at one named by its day."""
    effect = pl.col("field")
    for table, model in TABLES.items():
        if long := find_long_field(model):
            quantity = (
                pl.col("record_key")
                .str.extract(rf"^visit_number=(?:0|\d{{8}});{long.quantity_from}=(\w+)(?:;\w+=\d+)?$")
                .fill_null("")
            )
            effect = pl.when(pl.col("table_name") == table).then(quantity).otherwise(effect)
    asked = findings.with_columns(effect_of=effect)
    pairs = asked.select("table_name", "effect_of").unique(maintain_order=True)
    results = [_list_results(table, name) for table, name in pairs.iter_rows()]
    known = pairs.with_columns(results=pl.Series(results, dtype=pl.List(pl.String)))
    return asked.join(known, on=["table_name", "effect_of"], how="left", nulls_equal=True, maintain_order="left")


def _list_results(table: str, name: str | None) -> list[str]:
    if name == "":  # a later value
        return []
    return [result.result_id for result in list_field_effects(table, name)]
