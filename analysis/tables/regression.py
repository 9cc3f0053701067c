"""Cox models of the characteristics, and the propensity model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analysis.steps.match import KISH
from analysis.steps.regression import FULL, SELECTED, find_reference_arm
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, WEIGHTED, name_cohort
from analysis.study.keys import make_hazard_ratio_key
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec
from analysis.tables.model import Cell, ReportTable, interval_cell, join_rows, number_cell, print_row, text

ORDER = 30


class Model(NamedTuple):
    """A model of several characteristics: the name of its table, its title, and how its terms were chosen."""

    name: str
    title: str
    title_zh: str
    note: str


MODELS = {
    FULL: Model(
        "regression",
        "Cox model of treatment and every characteristic",
        "含治疗及全部特征的Cox模型",
        "The terms are those of the specification: no p-value chose them; a model of selected terms stands apart.",
    ),
    SELECTED: Model(
        "regression_selected",
        "Cox model of characteristics selected by p",
        "按p值筛选变量的Cox模型",
        "A characteristic with p < {p} alone enters; treatment always does. Limits after such a choice are too narrow.",
    ),
}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the coefficients of the propensity score, and one regression table per endpoint."""
    if spec.matching:
        yield _build_propensity(results, spec)
    if spec.weighting:
        yield _build_weighting(results, spec)
    if spec.regression:
        for endpoint in spec.endpoints:
            yield _build_endpoint(results, spec, endpoint, FULL)
        for endpoint in spec.endpoints:
            yield _build_endpoint(results, spec, endpoint, SELECTED)


def _build_propensity(results: Results, spec: StudySpec) -> ReportTable:
    rows = _list_coefficients(results, spec, ALL)
    assert spec.matching is not None
    scale, whole = spec.matching.scale, Key(analysis="matching", cohort=ALL)
    rows.append([text(f"SD of the {scale}"), number_cell(results, whole.of(variable=scale), "sd", "coefficient")])
    rows.append([text("Caliper"), number_cell(results, whole.of(variable="caliper"), "width", "coefficient")])
    pairs = Key(analysis="matching", cohort=MATCHED, variable="pairs")
    rows.append([text("Pairs" if spec.matching.ratio == 1 else "Sets"), number_cell(results, pairs, "n", "count")])
    for arm in spec.arms:
        unmatched = whole.of(arm=arm.id, variable="unmatched")
        rows.append([text(f"{arm.label} without a partner"), number_cell(results, unmatched, "n", "count")])
        left_out = results.select(analysis="matching", arm=arm.id, variable="unmatched").drop_nulls("level")
        rows += [
            [text(f"\u2003{row['level']}"), text(print_row(row, "count"))] for row in left_out.iter_rows(named=True)
        ]
    for variable, label in (("largest covariate", "covariates of the score"), ("largest", "all characteristics")):
        key = Key(analysis="balance", cohort=MATCHED, variable=variable)
        largest = number_cell(results, key, "abs_smd", "difference")
        rows.append([text(f"Largest absolute SMD after matching, {label}"), largest])
    notes = (f"Logistic regression of {spec.treated.label}, without penalty.",)
    return ReportTable(
        "propensity",
        "matching",
        "Propensity score",
        "倾向评分模型",
        ("", "Log odds, distance or count"),
        join_rows(rows),
        notes,
    )


def _list_coefficients(results: Results, spec: StudySpec, cohort: str) -> list[list[Cell]]:
    """The coefficients of the score by which a cohort was made; that of the matching is fitted in the whole cohort."""
    rows = []
    for row in results.select(analysis="propensity", cohort=cohort, statistic="coefficient").iter_rows(named=True):
        if row["variable"] == "intercept":
            label = "Intercept"
        else:
            item = spec.get_characteristic(row["variable"])
            label = (
                f"{item.label}: {row['level']} vs {item.list_levels()[0]}"
                if not item.is_number
                else _name_quantity(item, row["level"])
            )
        rows.append([text(prettify(label)), text(print_row(row, "coefficient"))])
    return rows


def _name_quantity(item: Characteristic, part: str | None) -> str:
    """A quantity with the units its coefficient is for, or the part of its spline."""
    return f"{item.label}, {part}"


def _build_weighting(results: Results, spec: StudySpec) -> ReportTable:
    rows = _list_coefficients(results, spec, WEIGHTED)
    key = Key(analysis="weighting", cohort=WEIGHTED)
    rows.append([text("Largest weight"), number_cell(results, key.of(variable="weight"), "max", "ratio")])
    for arm in spec.arms:
        size = number_cell(results, key.of(arm=arm.id, variable="effective sample size"), "estimate", "time")
        rows.append([text(f"Effective sample size, {arm.label}"), size])
    largest = number_cell(
        results, Key(analysis="balance", cohort=WEIGHTED, variable="largest covariate"), "abs_smd", "difference"
    )
    rows.append([text("Largest absolute SMD after weighting, covariates of the score"), largest])
    method = results.row(key.of(variable="patients"), "n")["method"]
    notes = (f"{method[0].upper()}{method[1:]}.", f"Effective sample size: {KISH}.")
    header = ("", "Log odds, weight or patients")
    return ReportTable("weighting", "matching", "Weights", "加权", header, join_rows(rows), notes)


def _build_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint, analysis: str) -> ReportTable:
    """Every term alone, and in the full or the selected model."""
    regression = spec.regression
    assert regression is not None
    cohort = spec.main_cohort
    model = Key(analysis="cox_univariable", cohort=cohort, endpoint=endpoint.id)
    reference = find_reference_arm(spec, analysis)
    other = spec.get_other_arm(reference.id)
    treatment = model.of(variable="arm", level=other.id)
    label = f"{other.label} vs {reference.label}"
    rows = [_describe_term(results, treatment, label, analysis, has_p=True)]
    if reference is spec.control:
        alone = make_hazard_ratio_key(spec, cohort, endpoint.id)
        rows[0][1:3] = [interval_cell(results, alone, "ratio", "hr"), number_cell(results, alone, "p", "p")]
    for item in spec.characteristics:
        rows += _describe_characteristic(results, model, item, analysis)
    kind = MODELS[analysis]
    title = f"{kind.title}, {endpoint.label.lower()}, {name_cohort(cohort)}"
    return ReportTable(
        f"{kind.name}_{make_slug(endpoint.id)}",
        "regression",
        title,
        f"{endpoint.id}的{kind.title_zh}（{COHORT_NAMES[cohort].zh}）",
        ("", f"Alone: HR ({spec.limits})", "p", f"Together: HR ({spec.limits})", "p"),
        join_rows(rows),
        (_describe_tests(spec), kind.note.format(p=f"{regression.p_enter:g}"), *_say_direction(spec, analysis)),
        is_folded=analysis == SELECTED,
    )


def _say_direction(spec: StudySpec, analysis: str) -> list[str]:
    """A word where the arms stand the other way round than everywhere else."""
    reference = find_reference_arm(spec, analysis)
    if reference.id == spec.control.id:
        return []
    other = spec.get_other_arm(reference.id)
    return [
        f"The arms stand here as the study printed them, {other.label} against {reference.label}: the reverse of all other tables."
    ]


def _describe_characteristic(results: Results, model: Key, item: Characteristic, analysis: str) -> list[list[Cell]]:
    """The rows of a characteristic: a quantity, two levels, or a heading with the joint tests and a row for each further level."""
    if item.is_number:
        level = None if item.knots else item.unit_step
        label = f"{item.label}, spline" if item.knots else _name_quantity(item, level)
        return [_describe_term(results, model.of(variable=item.id, level=level), label, analysis, has_p=True)]
    first, *levels = item.order_levels()
    rows: list[list[Cell]] = []
    if len(levels) > 1:
        whole = model.of(variable=item.id)
        p, joint = (number_cell(results, key, "p", "p") for key in (whole, whole.of(analysis=analysis)))
        rows.append([text(prettify(f"{item.label} (vs {first})")), text(""), p, text(""), joint])
    for level in levels:
        label = f"\u2003{level}" if len(levels) > 1 else f"{item.label}: {level} vs {first}"
        term = model.of(variable=item.id, level=level)
        rows.append(_describe_term(results, term, prettify(label), analysis, has_p=len(levels) == 1))
    return rows


def _describe_tests(spec: StudySpec) -> str:
    errors = {True: " Errors are robust.", False: ""}[spec.is_weighted(spec.main_cohort)]
    if spec.main_cohort == MATCHED:
        errors = " Limits and Wald tests have errors robust by matched set."
    screening = "Wald test" if spec.is_weighted(spec.main_cohort) else "likelihood-ratio test"
    return f"Alone: p of one {screening} per characteristic, of treatment as in the comparison of the arms. Together: Wald's p, of all levels of a characteristic in its own row.{errors}"


def _describe_term(results: Results, alone: Key, label: str, analysis: str, *, has_p: bool) -> list[Cell]:
    """One level of a covariate: alone, with the p of the whole covariate where asked for, and with the others."""
    together = alone.of(analysis=analysis)
    return [
        text(label),
        interval_cell(results, alone, "ratio", "hr"),
        number_cell(results, alone.of(level=None), "p", "p") if has_p else text(""),
        interval_cell(results, together, "ratio", "hr"),
        number_cell(results, together, "p", "p"),
    ]
