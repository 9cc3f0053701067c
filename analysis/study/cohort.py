"""From all patients of the registry to the patients of one study, counting every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from analysis.study.spec import Endpoint, StudySpec
from etl.errors import AnalysisError
from schemas.rules import eligibility
from schemas.rules.rule import CRITERIA

ELSEWHERE = "analysed_elsewhere"
INCOMPLETE = eligibility.e4_complete_data.__name__
MONTH_DATES = "month_date_number"
PATIENT_ORDER = (
    "first_line_start_date",
    "age_at_start_years",
    "sex",
    "alt_u_l",
    "ast_u_l",
    "bilirubin_umol_l",
    "albumin_g_l",
    "afp_ng_ml",
    "tumour_size_from_number_or_text_cm",
    "tumour_number",
    "metastasis_site_number_from_total_or_organs",
    "os_days",
    "hospital",
    "source_row",
)
"""What the patients of every study are ordered by: a matching depends on it, so none of these may be absent."""


@dataclass(frozen=True)
class Cohort:
    """The patients of a study and how they were chosen.

    `frame`: one row per patient, ordered by start date, baseline values, hospital and source row, with the columns
    of the subject table; characteristics are Enums of the study's levels.
    `attrition`: one row per hospital and step: `hospital`, `step`, `criterion_id`, `label`, `n_before`, `n_removed`,
    `n_unknown` (those of the removed for whom some criterion could not be judged), `n_after`.
    """

    frame: pl.DataFrame
    attrition: pl.DataFrame


def select_cohort(subjects: pl.DataFrame, spec: StudySpec) -> Cohort:
    """Choose the study's patients from the mart `analysis_subject`.

    Criteria are applied in their order. A patient for whom one is unknown (null) is removed at the step of
    incomplete data, whichever criterion it was. A patient seen first in another hospital is the last step.
    A study without criteria takes everybody whose outcome, and arm where it compares two, is known.

    Raises `AnalysisError` for a column that the study names and the subjects lack, for a level or a group that the study
    does not know, and where no patient is left, listing what every criterion removed.
    """
    read = (
        *spec.list_columns(),
        *spec.list_further_columns(),
        *PATIENT_ORDER,
        *([MONTH_DATES] if spec.population.days_known_only else []),
    )
    if missing := [name for name in read if name not in subjects.columns]:
        raise AnalysisError(
            f"study {spec.study}: no column {', '.join(missing)} in the subject table",
            f"研究 {spec.study}：患者表中没有列 {'、'.join(missing)}",
        )
    chosen = subjects.with_columns(arm=pl.col(spec.arm_column).cast(pl.String)) if spec.arms else subjects
    if spec.population.hospitals:
        chosen = chosen.filter(pl.col("hospital").is_in(spec.population.hospitals))
    if spec.population.days_known_only:
        chosen = chosen.filter(_are_days_known(chosen))
    if spec.population.eligible_only:
        without = spec.population.without_criteria
        attrition, is_kept = _count_attrition(chosen, without), _compute_step(chosen, without).is_null()
    else:
        attrition, is_kept = _count_outcomes(chosen, spec), chosen.select(_has_outcome(spec).alias("kept"))["kept"]
    chosen = chosen.filter(is_kept)
    if chosen.is_empty():
        raise AnalysisError(*_explain_nobody(attrition, spec))
    _check_groups(chosen, spec)
    return Cohort(_order_patients(_type_levels(chosen, spec)), attrition)


def _are_days_known(subjects: pl.DataFrame) -> pl.Expr:
    """Return who has no date of which only the month is known; of a version that was loaded before that was noted nobody can tell."""
    unknown = subjects.filter(pl.col(MONTH_DATES).is_null())["hospital"].unique().sort().to_list()
    if unknown:
        raise AnalysisError(
            f"which dates are only months was not yet noted when {', '.join(unknown)} was loaded; ingest it again",
            f"{'、'.join(unknown)} 载入时尚未标记仅知年月的日期，请重新入库",
        )
    return pl.col(MONTH_DATES) == 0


def list_steps(without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Every step of the flow chart in order, but for the criteria not asked for: its id and what it asks for."""
    asked = (criterion for criterion in CRITERIA.values() if criterion.criterion_id not in without)
    ordered = sorted(asked, key=lambda criterion: criterion.order)
    return [(item.criterion_id, item.label_en) for item in ordered] + [(ELSEWHERE, "Not analysed at another hospital")]


def _compute_step(subjects: pl.DataFrame, without: Sequence[str]) -> pl.Series:
    """Position of the step that removes each patient; null for those who stay."""
    ids = [name for name, _ in list_steps(without)]
    has_unknown = pl.any_horizontal(pl.col(name).is_null() for name in ids[:-1])
    removes = {name: ~pl.col(name).fill_null(value=True) for name in ids[:-1]}
    removes[INCOMPLETE] = removes[INCOMPLETE] | has_unknown
    removes[ELSEWHERE] = pl.col("seen_elsewhere_first").fill_null(value=False)
    step = pl.coalesce(pl.when(removes[name]).then(pl.lit(i)) for i, name in enumerate(ids))
    return subjects.select(step.alias("step"))["step"]


def _count_attrition(subjects: pl.DataFrame, without: Sequence[str]) -> pl.DataFrame:
    asked = [name for name, _ in list_steps(without)[:-1]]
    steps = subjects.select(
        "hospital", pl.any_horizontal(pl.col(name).is_null() for name in asked).alias("is_unknown")
    ).with_columns(_compute_step(subjects, without))
    rows = []
    for hospital in sorted(subjects["hospital"].unique().to_list()):
        here = steps.filter(pl.col("hospital") == hospital)
        n_before = here.height
        for index, (criterion_id, label) in enumerate(list_steps(without)):
            removed = here.filter(pl.col("step") == index)
            n_unknown = int(removed["is_unknown"].sum()) if criterion_id == INCOMPLETE else 0
            n_after = n_before - removed.height
            rows.append((hospital, index + 1, criterion_id, label, n_before, removed.height, n_unknown, n_after))
            n_before = n_after
    return pl.DataFrame(rows, schema=_ATTRITION_SCHEMA, orient="row")


def compute_is_timed(endpoint: Endpoint) -> pl.Expr:
    """Return True where the endpoint has a time and says whether it was reached; never null. A time of 0 days is one (protocol)."""
    is_known = (pl.col(endpoint.time_column) >= 0) & pl.col(endpoint.event_column).is_not_null()
    return is_known.fill_null(value=False)


def _has_outcome(spec: StudySpec) -> pl.Expr:
    is_grouped = [pl.col("arm").is_in([arm.code for arm in spec.arms]).fill_null(value=False)] if spec.arms else []
    return pl.all_horizontal(*(compute_is_timed(item) for item in spec.endpoints), *is_grouped)


def _count_outcomes(subjects: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    """The one step of a study without criteria: who has no outcome cannot be analysed."""
    counts = subjects.group_by("hospital").agg(pl.len(), _has_outcome(spec).sum().cast(pl.Int64).alias("n_after"))
    rows = [
        (
            hospital,
            1,
            "outcome_recorded",
            "Outcome and what is compared recorded" if spec.arms else "Time and outcome of every endpoint recorded",
            n,
            n - n_after,
            n - n_after,
            n_after,
        )
        for hospital, n, n_after in counts.sort("hospital").iter_rows()
    ]
    return pl.DataFrame(rows, schema=_ATTRITION_SCHEMA, orient="row")


_ATTRITION_SCHEMA = {
    "hospital": pl.String,
    "step": pl.Int64,
    "criterion_id": pl.String,
    "label": pl.String,
    "n_before": pl.Int64,
    "n_removed": pl.Int64,
    "n_unknown": pl.Int64,
    "n_after": pl.Int64,
}


def _explain_nobody(attrition: pl.DataFrame, spec: StudySpec) -> tuple[str, str]:
    totals = attrition.group_by("step", "criterion_id", maintain_order=True).agg(pl.col("n_removed", "n_unknown").sum())
    removed = [
        f"{name}: {n}" + (f" ({unknown} unknown)" if unknown else "")
        for _, name, n, unknown in totals.sort("step").iter_rows()
        if n
    ]
    listed = "; ".join(removed) or "there was no patient to begin with"
    return (
        f"study {spec.study}: no patient is left to analyse. Removed by criterion: {listed}",
        f"研究 {spec.study}：没有可分析的患者。各标准剔除人数：{listed}",
    )


def _check_groups(chosen: pl.DataFrame, spec: StudySpec) -> None:
    """Everybody analysed is in one of the arms: whoever is not in the treated one would be counted as a control."""
    if not spec.arms:
        return
    counts = chosen.group_by("arm").len().sort(pl.col("len"), pl.col("arm"), descending=[True, False])
    others = counts.filter(~pl.col("arm").is_in([arm.code for arm in spec.arms]).fill_null(value=False))
    if others.height:
        n, column = others["len"].sum(), spec.arm_column
        named, named_zh = (
            ", ".join(f"{missing if code is None else code} {n_code}" for code, n_code in others.iter_rows())
            for missing in ("no value", "无取值")
        )
        raise AnalysisError(
            f"study {spec.study}: {n} of {chosen.height} patients to analyse have a value in '{column}' that is none of the arms: {named}. "
            "Declare an arm for them, or leave them out by a criterion.",
            f"研究 {spec.study}：待分析的 {chosen.height} 名患者中，有 {n} 名在“{column}”列的取值不属于任何一组：{named_zh}。"
            "请为其声明分组，或通过标准将其排除。",
        )


def _type_levels(chosen: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    """Characteristics as Enums; a level outside the specification would silently vanish from every table."""
    for item in spec.characteristics:
        unknown = chosen.filter(pl.col(item.column).is_null() | ~pl.col(item.column).is_in(item.levels)).height
        if unknown:
            raise AnalysisError(
                f"{item.label}: {unknown} patients have no level, or none that the study declares",
                f"{item.label}：{unknown} 名患者没有取值，或取值不在研究方案中",
            )
    return chosen.with_columns(pl.col(item.column).cast(pl.Enum(item.levels)) for item in spec.characteristics)


def _order_patients(chosen: pl.DataFrame) -> pl.DataFrame:
    return chosen.sort(PATIENT_ORDER, nulls_last=True, maintain_order=True)
