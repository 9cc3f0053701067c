"""Cox models of the characteristics, and the propensity model."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.numbers import prettify
from analysis.results import Results, make_slug
from analysis.spec import Endpoint, StudySpec
from analysis.tables.model import Cell, ReportTable, interval_cell, join_rows, number_cell, text

ORDER = 30


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the coefficients of the propensity score, and one regression table per endpoint."""
    if spec.matching:
        yield _build_propensity(results, spec)
    if spec.regression:
        for endpoint in spec.endpoints:
            yield _build_endpoint(results, spec, endpoint)


def _build_propensity(results: Results, spec: StudySpec) -> ReportTable:
    rows = []
    for row in results.select(analysis="propensity", statistic="coefficient").iter_rows(named=True):
        if row["variable"] == "intercept":
            label = "Intercept"
        else:
            item = spec.get_characteristic(row["variable"])
            label = prettify(f"{item.label}: {row['level']} vs {item.levels[0]}")
        rows.append([text(label), number_cell(results, row["result_id"], "coefficient")])
    assert spec.matching is not None
    scale = spec.matching.scale
    rows.append([text(f"SD of the {scale}"), number_cell(results, f"matching.all.{scale}.sd", "coefficient")])
    rows.append([text("Caliper"), number_cell(results, "matching.all.caliper.width", "coefficient")])
    rows.append([text("Pairs"), number_cell(results, "matching.matched.pairs.n", "count")])
    for arm in spec.arms:
        rows.append(
            [
                text(f"{arm.label} without a partner"),
                number_cell(results, f"matching.all.{arm.id}.unmatched.n", "count"),
            ]
        )
        left_out = results.select(analysis="matching", arm=arm.id, variable="unmatched").drop_nulls("level")
        for reason, result_id in left_out.select("level", "result_id").iter_rows():
            rows.append([text(f"\u2003{reason}"), number_cell(results, result_id, "count")])
    for kind, label in (("largest_covariate", "covariates of the score"), ("largest", "all characteristics")):
        largest = number_cell(results, f"balance.matched.{kind}.abs_smd", "difference")
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


def _build_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint) -> ReportTable:
    regression = spec.regression
    assert regression is not None
    where = f"matched.{make_slug(endpoint.id)}"
    reference = spec.get_arm(regression.reference_arm)
    other = next(arm for arm in spec.arms if arm != reference)
    rows: list[tuple[Cell, ...] | list[Cell]] = [
        _describe_term(results, where, "arm", other.id, f"{other.label} vs {reference.label}", is_first=True)
    ]
    for item in spec.characteristics:
        first, *levels = item.order_levels()
        if len(levels) > 1:
            p = number_cell(results, f"cox_univariable.{where}.{item.id}.p", "p")
            rows.append([text(prettify(f"{item.label} (vs {first})")), text(""), p, text(""), text("")])
        for level in levels:
            label = f"\u2003{level}" if len(levels) > 1 else f"{item.label}: {level} vs {first}"
            rows.append(_describe_term(results, where, item.id, level, prettify(label), is_first=len(levels) == 1))
    notes = (
        "Univariable p: one likelihood-ratio test per characteristic. Multivariable p: Wald.",
        f"A characteristic with univariable p < {regression.p_enter:g} enters the multivariable model; treatment always does.",
    )
    header = ("", "Univariable HR (95 % CI)", "p", "Multivariable HR (95 % CI)", "p")
    name = f"regression_{make_slug(endpoint.id)}"
    title = f"Cox models of {endpoint.label.lower()}, matched cohort"
    return ReportTable(name, "regression", title, f"{endpoint.id}的Cox模型（匹配队列）", header, join_rows(rows), notes)


def _describe_term(results: Results, where: str, name: str, level: str, label: str, *, is_first: bool) -> list[Cell]:
    term = f"{where}.{name}.{make_slug(level)}"
    p = number_cell(results, f"cox_univariable.{where}.{name}.p", "p") if is_first else text("")
    return [
        text(label),
        interval_cell(results, f"cox_univariable.{term}", "ratio", "hr"),
        p,
        interval_cell(results, f"cox_multivariable.{term}", "ratio", "hr"),
        number_cell(results, f"cox_multivariable.{term}.p", "p"),
    ]
