"""From all patients of the registry to the patients of one study, counting every step."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analysis.study.bounds import is_bound, settle
from analysis.study.characteristic import NO, YES, Characteristic
from analysis.study.conditions import FEWEST_TO_NAME, meet_all
from analysis.study.endpoint_times import compute_days, compute_is_timed
from analysis.study.flow_steps import count_attrition, find_removing, make_steps
from analysis.study.population import Arm
from analysis.study.spec import CENSORED_AT, UNKNOWN, StudySpec
from etl.errors import AnalysisError
from etl.pages.text import Text
from etl.suggestions import did_you_mean

MONTH_DATES = "month_date_number"
ARM_ID = "arm_id"
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
    of the subject table, and `arm`, the id of the arm; characteristics are Enums of the study's levels, or numbers.
    `attrition`: one row per hospital and step: `hospital`, `step`, `criterion_id`, `label`, `n_before`, `n_removed`,
    `n_unknown` (those of the removed for whom some criterion could not be judged), `n_after`. `attrition_by_arm`: the same with `arm_id`
    in the place of the hospital, null for those in none of the arms; none of a study without arms.
    """

    frame: pl.DataFrame
    attrition: pl.DataFrame
    attrition_by_arm: pl.DataFrame | None


def select_cohort(subjects: pl.DataFrame, spec: StudySpec) -> Cohort:
    """Choose the study's patients from the mart `analysis_subject`.

    Criteria are applied in their order. A patient for whom one is unknown (null) is removed at the step of
    incomplete data, whichever criterion it was. A patient seen first in another hospital is the last of the protocol; behind it stand the study's
    filters and its landmark.
    A study without criteria takes everybody whose outcome, and arm where it compares two, is known.

    Raises `AnalysisError` for a column that the study names and the subjects lack, for a level or a group that the study
    does not know, and where no patient is left, listing what every criterion removed.
    """
    _check_columns(subjects, spec)
    _check_kinds(subjects, spec)
    chosen = subjects
    if spec.population.hospitals:
        _check_hospitals(chosen, spec)
        chosen = chosen.filter(pl.col("hospital").is_in(spec.population.hospitals))
    if spec.population.days_known_only:
        chosen = chosen.filter(_are_days_known(chosen))
    if not spec.population.eligible_only:  # before they are removed for having no time
        _check_not_happened(chosen, spec)
    steps = make_steps(chosen, spec)
    attrition = count_attrition(chosen, steps, "hospital")
    stays = find_removing(chosen, steps).is_null()
    if not stays.any():
        raise AnalysisError(*_explain_nobody(attrition, spec))
    everybody, chosen = chosen, chosen.filter(stays)
    if not spec.arms:
        _check_not_happened(chosen, spec)
        return Cohort(_order_patients(_type_levels(chosen, spec)), attrition, None)
    arms = chosen.select(name_arms(chosen, spec).alias("arm"))["arm"]
    _check_arms(chosen.filter(arms.is_null()), chosen.height, spec)
    _check_not_happened(chosen, spec)
    by_arm = count_attrition(everybody.with_columns(name_arms(everybody, spec).alias(ARM_ID)), steps, ARM_ID)
    return Cohort(_order_patients(_type_levels(chosen.with_columns(arms), spec)), attrition, by_arm)


def _check_columns(subjects: pl.DataFrame, spec: StudySpec) -> None:
    """Refuse a column that the study names, or needs, and the subjects lack."""
    of_months = [MONTH_DATES] if spec.population.days_known_only else []
    named = spec.name_columns()
    others = [*spec.list_columns(), *spec.list_further_columns(), *PATIENT_ORDER, *of_months]
    read = {name: named.get(name, "") for name in others}
    missing = {name: place for name, place in read.items() if name not in subjects.columns}
    if missing:
        lines = [(f"{place}: " if place else "") + f"no column '{name}'" for name, place in missing.items()]
        nears = [did_you_mean(name, subjects.columns) for name in missing]
        raise AnalysisError(
            f"study {spec.study}: "
            + "; ".join(line + near.en for line, near in zip(lines, nears, strict=True))
            + " Columns: docs/data-dictionary.md",
            f"研究 {spec.study}：患者表中没有列 {'、'.join(missing)}。{''.join(near.zh for near in nears)}各列见 docs/data-dictionary.md",
        )


def _check_kinds(subjects: pl.DataFrame, spec: StudySpec) -> None:
    """Refuse a column of an endpoint that holds something else than days or yes and no."""
    for item in spec.endpoints:
        columns = {
            "time_column": item.time_column,
            "not_happened": item.censoring_column,
            "event_column": item.event_column,
        }
        for key, name in columns.items():
            is_event = key == "event_column"
            wanted, wanted_zh = ("yes and no", "是/否") if is_event else ("days", "天数")
            if name and not (subjects.schema[name] == pl.Boolean if is_event else subjects.schema[name].is_numeric()):
                raise AnalysisError(
                    f"endpoints.{item.id}.{key}: column '{name}' does not hold {wanted}; choose another one (docs/data-dictionary.md)",
                    f"endpoints.{item.id}.{key}：“{name}”列不是{wanted_zh}，请选择其他列（docs/data-dictionary.md）",
                )


def _check_hospitals(subjects: pl.DataFrame, spec: StudySpec) -> None:
    """Refuse a hospital that is not loaded: the study would be one of fewer hospitals than it says."""
    loaded = set(subjects["hospital"])
    if absent := [name for name in spec.population.hospitals if name not in loaded]:
        listed, listed_zh = ", ".join(sorted(loaded)) or "none", "、".join(sorted(loaded)) or "无"
        raise AnalysisError(
            f"population.hospitals: {', '.join(absent)} is not loaded. Loaded: {listed}. Ingest it, or leave it out.",
            f"population.hospitals：{'、'.join(absent)} 尚未载入。已载入：{listed_zh}。请先入库，或将其去掉。",
        )


def _are_days_known(subjects: pl.DataFrame) -> pl.Expr:
    """Return who has no date of which only the month is known; of a version that was loaded before that was noted nobody can tell."""
    unknown = subjects.filter(pl.col(MONTH_DATES).is_null())["hospital"].unique().sort().to_list()
    if unknown:
        raise AnalysisError(
            f"which dates are only months was not yet noted when {', '.join(unknown)} was loaded; ingest it again",
            f"{'、'.join(unknown)} 载入时尚未标记仅知年月的日期，请重新入库",
        )
    return pl.col(MONTH_DATES) == 0


def name_arms(subjects: pl.DataFrame, spec: StudySpec) -> pl.Expr:
    """The id of the arm each patient is in; null for who is in none, or in more than one."""
    is_in = {arm.id: _is_in_arm(subjects, spec, arm).fill_null(value=False) for arm in spec.arms}
    is_in_one = pl.sum_horizontal(is_in.values()) == 1
    return pl.coalesce(pl.when(is_in_one & inside).then(pl.lit(name)) for name, inside in is_in.items())


def _is_in_arm(subjects: pl.DataFrame, spec: StudySpec, arm: Arm) -> pl.Expr:
    if arm.where:
        return meet_all(subjects, arm.where, f"arms.{arm.id}")
    return pl.col(spec.arm_column).cast(pl.String) == arm.code


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


def _check_arms(others: pl.DataFrame, n_chosen: int, spec: StudySpec) -> None:
    """Everybody analysed is in one of the arms: whoever is not in the treated one would be counted as a control."""
    if others.is_empty():
        return
    n = others.height
    if any(arm.where for arm in spec.arms):
        several = others.select(
            pl.sum_horizontal(_is_in_arm(others, spec, arm).fill_null(value=False) for arm in spec.arms) > 1
        )
        n_several = int(several.to_series().sum())
        found, found_zh = (
            f"in none: {n - n_several}, in several: {n_several}",
            f"不属于任何组 {n - n_several}，属于多组 {n_several}",
        )
    else:
        counts = (
            others[spec.arm_column]
            .cast(pl.String)
            .value_counts(name="n")
            .sort("n", spec.arm_column, descending=[True, False])
        )
        found, found_zh = (
            ", ".join(f"{missing if code is None else code} {n_code}" for code, n_code in counts.iter_rows())
            for missing in ("no value", "无取值")
        )
        column = spec.arm_column
        found, found_zh = (
            f"a value in '{column}' that is none of the arms: {found}",
            f"“{column}”列的取值不属于任何一组：{found_zh}",
        )
    raise AnalysisError(
        f"study {spec.study}: {n} of {n_chosen} patients to analyse are not in exactly one of the arms; {found}. "
        "Declare an arm for them, or leave them out by a criterion or a filter (population.filters).",
        f"研究 {spec.study}：待分析的 {n_chosen} 名患者中，有 {n} 名不恰好属于一组；{found_zh}。"
        "请为其声明分组，或通过标准或筛选条件（population.filters）将其排除。",
    )


def _check_not_happened(candidates: pl.DataFrame, spec: StudySpec) -> None:
    """Refuse an endpoint with columns that are empty where nothing happened, until it says so: who is on record without the event, or nobody is."""
    for item in spec.endpoints:
        days, event = pl.col(item.time_column), pl.col(item.event_column or item.time_column)
        if item.censoring_column:
            n_odd = candidates.filter(days.is_not_null() & ~event).height if item.event_column else 0
            if n_odd:
                raise AnalysisError(
                    f"endpoints.{item.id}: {n_odd} patients have a day in '{item.time_column}' while '{item.event_column}' says that it did not happen. "
                    "Leave event_column out to count every day as the event, or choose columns that agree.",
                    f"endpoints.{item.id}：{n_odd} 名患者在“{item.time_column}”列有日期，而“{item.event_column}”列为未发生。"
                    "省略 event_column 则凡有日期者均计为事件；否则请选择一致的列。",
                )
            continue
        n_without = candidates.filter(days.is_null() & ~event).height
        known = candidates.filter(compute_is_timed(item))[item.event_column]
        n_empty = candidates.height - len(known) if len(known) and known.all() else n_without
        if n_empty and not item.not_happened:
            raise AnalysisError(
                f"endpoints.{item.id}: '{item.time_column}' or '{item.event_column}' is empty for {n_empty} of {candidates.height} patients, where it may not have "
                f'happened. Say what empty means: not_happened = "{CENSORED_AT}<column of days>", or not_happened = "{UNKNOWN}".',
                f"endpoints.{item.id}：{candidates.height} 名患者中有 {n_empty} 名的“{item.time_column}”或“{item.event_column}”为空，可能并未发生。"
                f'请说明为空的含义：not_happened = "{CENSORED_AT}<天数列>"，或 not_happened = "{UNKNOWN}"。',
            )


def _type_levels(chosen: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    """Characteristics as Enums or numbers; a level outside the specification would silently vanish from every table."""
    typed = chosen.with_columns(type_values(chosen, item, spec).alias(item.values) for item in spec.characteristics)
    for item in spec.characteristics:
        unknown = typed[item.values].is_null()
        given = chosen[item.column].filter(unknown).drop_nulls()
        n_open = int(chosen.filter(unknown).select(is_bound(chosen, item.column).alias("open"))["open"].sum())
        if item.levels and len(given):
            raise AnalysisError(*_explain_undeclared(item, given))
        if unknown.any() and item.missing == "refuse":
            raise AnalysisError(*_explain_unknown(item, int(unknown.sum()), n_open))
    return typed


def _explain_undeclared(item: Characteristic, given: pl.Series) -> tuple[str, str]:
    """Values that are none of the declared levels; those that few patients share are counted and not named."""
    counts = given.cast(pl.String).value_counts(name="n").sort("n", given.name, descending=[True, False])
    common = counts.filter(pl.col("n") >= FEWEST_TO_NAME)[given.name].to_list()
    near = did_you_mean(common[0], item.levels) if common else Text("", "")
    named = ", ".join(common) or "values that few patients share"
    named_zh = "、".join(common) or "仅少数患者的取值"
    return (
        f"characteristics.{item.id}: {len(given)} patients have a value in '{item.column}' that is none of the levels: {named}.{near.en} Declare it, or correct the level.",
        f"characteristics.{item.id}：{len(given)} 名患者在“{item.column}”列的取值不在 levels 中：{named_zh}。{near.zh}请将其声明为分类，或更正分类名称。",
    )


def _explain_unknown(item: Characteristic, n_unknown: int, n_open: int) -> tuple[str, str]:
    """Patients of whom a characteristic is not known, and what a specification can say of them."""
    way = (
        'at_bound = "value", or cuts that no bound leaves open'
        if item.is_number and n_open
        else 'missing = "level", or leave them out by a filter'
    )
    of_bounds, of_bounds_zh = (
        (f", {n_open} of them since only a bound is known (as >1210)", f"，其中 {n_open} 名仅知界限（如 >1210）")
        if n_open
        else ("", "")
    )
    return (
        f"characteristics.{item.id}: {item.label} is not known of {n_unknown} patients{of_bounds}. Say {way}.",
        f"characteristics.{item.id}：{n_unknown} 名患者的 {item.label} 未知{of_bounds_zh}。请写 {way}。",
    )


def type_values(chosen: pl.DataFrame, item: Characteristic, spec: StudySpec) -> pl.Expr:
    """The values of a characteristic; null where there is none, or one that is not declared."""
    values, dtype = pl.col(item.column), chosen.schema[item.column]
    if item.is_by_day:
        is_there = (compute_days(chosen, item.column) <= spec.population.landmark_day).fill_null(value=False)
        return pl.when(is_there).then(pl.lit(YES)).otherwise(pl.lit(NO)).cast(pl.Enum([NO, YES]))
    if item.levels:
        texts = values.cast(pl.String)
        return pl.when(texts.is_in(item.levels)).then(texts).cast(pl.Enum(item.levels))
    if not dtype.is_numeric():
        raise AnalysisError(
            f"characteristics.{item.id}: column '{item.column}' does not hold numbers; give its levels",
            f"characteristics.{item.id}：“{item.column}”列不是数值，请给出 levels",
        )
    if not item.cuts:
        exact = values.cast(pl.Float64)
        return exact if item.at_bound == "value" else pl.when(~is_bound(chosen, item.column)).then(exact)
    quantity, levels = values.cast(pl.Float64), list(item.list_levels())
    passed = [
        settle(chosen, item.column, cut, quantity > cut if item.at_cut == "below" else quantity >= cut)
        for cut in item.cuts
    ]
    # A bound may settle one cut and leave another open; a level is known where all are.
    is_known = pl.all_horizontal(one.is_not_null() for one in passed)
    n_passed = pl.sum_horizontal(one.cast(pl.Int32) for one in passed)
    return pl.when(is_known).then(n_passed.replace_strict(dict(enumerate(levels)), return_dtype=pl.Enum(levels)))


def _order_patients(chosen: pl.DataFrame) -> pl.DataFrame:
    return chosen.sort(PATIENT_ORDER, nulls_last=True, maintain_order=True)
