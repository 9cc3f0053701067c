"""Cox models of the characteristics, and the propensity model."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.steps.match import KISH
from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, WEIGHTED, name_cohort
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec
from analysis.tables.model import Cell, ReportTable, interval_cell, join_rows, number_cell, print_row, text

ORDER = 30


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the coefficients of the propensity score, and one regression table per endpoint."""
    if spec.matching:
        yield _build_propensity(results, spec)
    if spec.weighting:
        yield _build_weighting(results, spec)
    if spec.regression:
        for endpoint in spec.endpoints:
            yield _build_endpoint(results, spec, endpoint)


def _build_propensity(results: Results, spec: StudySpec) -> ReportTable:
    rows = _list_coefficients(results, spec, ALL)
    assert spec.matching is not None
    scale, whole = spec.matching.scale, Key(analysis="matching", cohort=ALL)
    rows.append([text(f"SD of the {scale}"), number_cell(results, whole.of(variable=scale), "sd", "coefficient")])
    rows.append([text("Caliper"), number_cell(results, whole.of(variable="caliper"), "width", "coefficient")])
    pairs = Key(analysis="matching", cohort=MATCHED, variable="pairs")
    rows.append([text("Pairs"), number_cell(results, pairs, "n", "count")])
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


def _build_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint) -> ReportTable:
    regression = spec.regression
    assert regression is not None
    cohort = spec.main_cohort
    model = Key(analysis="cox_univariable", cohort=cohort, endpoint=endpoint.id)
    reference = spec.get_arm(regression.reference_arm)
    other = spec.get_other_arm(reference.id)
    rows: list[tuple[Cell, ...] | list[Cell]] = [
        _describe_term(
            results, model.of(variable="arm", level=other.id), f"{other.label} vs {reference.label}", has_p=True
        )
    ]
    for item in spec.characteristics:
        if item.is_number:
            level = None if item.knots else item.unit_step
            label = f"{item.label}, spline" if item.knots else _name_quantity(item, level)
            rows.append(_describe_term(results, model.of(variable=item.id, level=level), label, has_p=True))
            continue
        first, *levels = item.order_levels()
        if len(levels) > 1:
            whole = model.of(variable=item.id)
            p, joint = (number_cell(results, key, "p", "p") for key in (whole, whole.of(analysis="cox_multivariable")))
            rows.append([text(prettify(f"{item.label} (vs {first})")), text(""), p, text(""), joint])
        for level in levels:
            label = f"\u2003{level}" if len(levels) > 1 else f"{item.label}: {level} vs {first}"
            term = model.of(variable=item.id, level=level)
            rows.append(_describe_term(results, term, prettify(label), has_p=len(levels) == 1))
    notes = (
        _describe_tests(spec),
        f"A characteristic with univariable p < {regression.p_enter:g} enters the multivariable model; treatment always does.",
    )
    header = ("", f"Univariable HR ({spec.limits})", "p", f"Multivariable HR ({spec.limits})", "p")
    name = f"regression_{make_slug(endpoint.id)}"
    title = f"Cox models of {endpoint.label.lower()}, {name_cohort(cohort)}"
    zh = f"{endpoint.id}的Cox模型（{COHORT_NAMES[cohort].zh}）"
    return ReportTable(name, "regression", title, zh, header, join_rows(rows), notes)


def _describe_tests(spec: StudySpec) -> str:
    errors = {True: " Errors are robust.", False: ""}[spec.is_weighted(spec.main_cohort)]
    if spec.main_cohort == MATCHED:
        errors = " Limits and Wald tests have errors robust by matched set."
    screening = "Wald test" if spec.is_weighted(spec.main_cohort) else "likelihood-ratio test"
    return f"Univariable p: one {screening} per characteristic. Multivariable p: Wald, of all levels together in the row of a characteristic.{errors}"


def _describe_term(results: Results, alone: Key, label: str, *, has_p: bool) -> list[Cell]:
    """One level of a covariate: alone, with the p of the whole covariate where asked for, and with the others."""
    together = alone.of(analysis="cox_multivariable")
    return [
        text(label),
        interval_cell(results, alone, "ratio", "hr"),
        number_cell(results, alone.of(level=None), "p", "p") if has_p else text(""),
        interval_cell(results, together, "ratio", "hr"),
        number_cell(results, together, "p", "p"),
    ]
