"""The one long results table: one statistic a row, every printed number a lookup in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from analysis.spec import DAYS_PER_MONTH, StudySpec
from etl.errors import InternalError

SIGNIFICANT_DIGITS = 10  # beyond these, results of the same computation differ between machines


@dataclass(frozen=True)
class Column:
    """One column of the results table and what it says."""

    name: str
    dtype: type[pl.DataType]
    meaning: str


COLUMNS = (
    Column("study", pl.String, "Study, named after the folder of its specification"),
    Column("result_id", pl.String, "Name of the number, unique within the study: its non-empty keys joined by dots"),
    Column("analysis", pl.String, "Analysis that made it: table1, kaplan_meier, cox_univariable, ..."),
    Column("cohort", pl.String, "all (everybody analysed) or matched (the matched patients)"),
    Column("endpoint", pl.String, "Time-to-event endpoint"),
    Column("arm", pl.String, "Arm it belongs to; empty for both together and for comparisons"),
    Column("hospital", pl.String, "Hospital it belongs to; empty for all"),
    Column("subgroup", pl.String, "Subgroup it is restricted to"),
    Column("variable", pl.String, "Characteristic, covariate, criterion, quantity, or model or sensitivity analysis"),
    Column("level", pl.String, "Level of the variable; in a model, the level compared with the reference"),
    Column("statistic", pl.String, "What the value is: n, pct, estimate, se, ci_low, ci_high, hr, p, ..."),
    Column("time_months", pl.Float64, "Time since the start of systemic therapy at which it holds (months)"),
    Column("value", pl.Float64, "The number; empty where it cannot be estimated"),
    Column("unit", pl.String, "Unit of the value; percentages run from 0 to 100"),
    Column("n", pl.Int64, "Patients it rests on"),
    Column("n_event", pl.Int64, "Events it rests on"),
    Column("method", pl.String, "How it was computed"),
    Column("reference", pl.String, "What the study printed in its place, as printed"),
    Column("data_origin", pl.String, "synthetic where the patients are invented, else registered"),
)
ANALYSES = {
    "flow": "patients before and after every step of the flow chart, and those analysed",
    "table1": "baseline characteristics by arm, and their tests",
    "balance": "standardised mean differences and KS statistics before (`all`) and after matching (`matched`)",
    "propensity": "coefficients of the propensity score, and its distribution by arm",
    "matching": "pairs, caliper, and who was left out for which reason",
    "kaplan_meier": "patients, events, medians, rates and numbers at risk",
    "logrank": "log-rank tests and the events expected under no difference",
    "cox_treatment": "hazard ratio of the treated arm against the control",
    "proportional_hazards": "test whether one hazard ratio describes the whole course",
    "cox_alternative": "the same hazard ratio stratified by pair or hospital, clustered by pair, with Breslow ties",
    "logrank_alternative": "the log-rank test stratified by pair or hospital",
    "restricted_mean": "restricted mean times up to the last landmark, and their difference (treated minus control)",
    "cox_univariable": "Cox models of one characteristic each",
    "cox_multivariable": "Cox model of the characteristics that entered",
    "interaction": "test of arm x characteristic of the subgroup analysis",
    "response": "tumour response, ORR and DCR by arm, their difference and tests",
    "adverse_events": "patients by the worst grade of every adverse event, and tests",
    "follow_up": "median follow-up",
    "treatment": "months on treatment",
    "sensitivity": "the comparison again with one thing changed; `variable` is the analysis' id in the specification",
}
STATISTICS = {
    "n": "count",
    "pct": "per cent",
    "p": "two-sided p-value",
    "chi_square": "test statistic",
    "estimate": "estimate",
    "se": "standard error",
    "ci_low": "lower 95 % limit",
    "ci_high": "upper 95 % limit",
    "hr": "hazard ratio",
    "difference": "difference of two estimates, treated minus control",
    "smd": "standardised mean difference, treated minus control",
    "abs_smd": "its largest absolute value",
    "ks": "Kolmogorov-Smirnov statistic",
    "coefficient": "coefficient, log odds",
    "expected": "events expected under no difference",
    "width": "width of the caliper",
    "mean": "mean",
    "sd": "standard deviation",
    "min": "smallest value",
    "max": "largest value",
    "median": "median",
    "q1": "first quartile",
    "q3": "third quartile",
    "n_before": "patients before a step",
    "n_removed": "patients a step removed",
    "n_unknown": "of these, those of whom some criterion is unknown",
    "n_after": "patients after a step",
}
ID_COLUMNS = ("analysis", "cohort", "endpoint", "hospital", "subgroup", "arm", "variable", "level")


def mark_origin(frame: pl.DataFrame, *, is_synthetic: bool) -> pl.DataFrame:
    """Say in every row whether the patients behind it are invented."""
    return frame.with_columns(pl.lit("synthetic" if is_synthetic else "registered").alias("data_origin"))


def make_slug(text: str) -> str:
    """Return a text as a part of a result id: lower case, signs spelled, the rest joined by underscores."""
    spelled = text.lower().replace("<=", "le").replace(">=", "ge").replace(">", "gt").replace("<", "lt")
    return re.sub(r"[^a-z0-9]+", "_", spelled).strip("_")


def round_value(value: float | None) -> float | None:
    """Return the value to the digits that are kept; none where it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


@dataclass(frozen=True)
class Results:
    """A finished results table; `frame` has the columns of `COLUMNS`."""

    frame: pl.DataFrame

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return {row["result_id"]: row for row in self.frame.iter_rows(named=True)}

    def __contains__(self, result_id: str) -> bool:
        return result_id in self._rows

    def row(self, result_id: str) -> dict[str, Any]:
        """The whole row of a result; `InternalError` where there is none."""
        if result_id not in self._rows:
            raise InternalError(f"there is no result {result_id}", f"没有结果 {result_id}")
        return self._rows[result_id]

    def value(self, result_id: str) -> float | None:
        """The value of a result; none where it could not be estimated, `InternalError` where there is no such result."""
        return self.row(result_id)["value"]

    def select(self, **keys: str) -> pl.DataFrame:
        """The rows whose columns have these values, in order."""
        return self.frame.filter(*(pl.col(name) == value for name, value in keys.items()))

    def save(self, folder: Path, *, is_synthetic: bool) -> None:
        """Write `results.parquet` and `results.csv`, the same bytes for the same results; each row says its origin."""
        marked = mark_origin(self.frame, is_synthetic=is_synthetic)
        marked.write_parquet(folder / "results.parquet", statistics=False)
        marked.write_csv(folder / "results.csv", line_terminator="\n")


class ResultsBuilder:
    """Collects results row by row and names them."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, analysis: str, statistic: str, value: float | None, *, time: float | None = None, **keys: Any) -> str:
        """Add one number and return its result id.

        `time` is in the study's time unit. `keys` are further columns: cohort, endpoint, arm, hospital, subgroup,
        variable, level, unit, n, n_event, method. Two numbers with the same keys are a fault of ours, and so is an
        analysis or a statistic that `ANALYSES` or `STATISTICS` does not declare.
        """
        if analysis not in ANALYSES or statistic not in STATISTICS:
            raise InternalError(f"undeclared: {analysis}, {statistic}", f"未声明：{analysis}、{statistic}")
        given = {"analysis": analysis, **keys}
        parts = [make_slug(given[name]) for name in ID_COLUMNS if given.get(name) is not None]
        parts += [] if time is None else [f"{time:g}{self._spec.time_unit[0]}"]
        result_id = ".".join([*parts, statistic])
        if result_id in self._rows:
            raise InternalError(f"two results are called {result_id}", f"两个结果同名：{result_id}")
        self._rows[result_id] = given | {
            "study": self._spec.study,
            "result_id": result_id,
            "statistic": statistic,
            "value": round_value(value),
            "time_months": None if time is None else round_value(time * self._spec.days_per_unit / DAYS_PER_MONTH),
        }
        return result_id

    def add_all(
        self, analysis: str, values: Mapping[str, float | None], *, unit: str | None = None, **keys: Any
    ) -> None:
        """Add several statistics of one estimate; `unit` holds for all but p, which has none."""
        for statistic, value in values.items():
            self.add(analysis, statistic, value, unit=None if statistic == "p" else unit, **keys)

    def build(self, references: Mapping[str, str]) -> Results:
        """Return the table in the order in which results were added, with what was printed beside them."""
        schema = {column.name: column.dtype for column in COLUMNS}
        rows = [row | {"reference": references.get(name)} for name, row in self._rows.items()]
        if unknown := {key for row in rows for key in row} - set(schema):
            raise InternalError(f"results have no column {', '.join(sorted(unknown))}")
        return Results(pl.DataFrame(rows, schema=schema))
