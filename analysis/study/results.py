"""The one long results table: one statistic a row, every printed number a lookup in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import polars as pl

from analysis.study.cohort_names import COHORT_NAMES
from analysis.study.numbers import NOT_SHOWN, NOT_SHOWN_SIGN, format_number
from analysis.study.study_time import Time
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
    Column(
        "cohort",
        pl.String,
        "all (everybody analysed), matched (the matched patients) or weighted (everybody, weighted)",
    ),
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
    "flow_by_arm": "the same steps in each arm; `level`: patients in none of the arms",
    "post_baseline": "patients for whom a criterion, characteristic or arm hangs on what happened after the start; `level`: changed, undated, or the later dates through which alone",
    "table1": "baseline characteristics by arm, and their tests",
    "balance": "standardised mean differences and KS statistics before (`all`) and after matching (`matched`)",
    "propensity": "coefficients of the propensity score, and its distribution by arm",
    "matching": "pairs, caliper, and who was left out for which reason",
    "kaplan_meier": "patients, events, medians, rates, and at the ticks of a figure the numbers at risk, with events and censorings before",
    "logrank": "log-rank tests and the events expected under no difference",
    "cox_treatment": "hazard ratio of the treated arm against the control",
    "cox_alternative": "the same hazard ratio with pairs ignored, stratified by pair or hospital, with Breslow ties",
    "logrank_alternative": "the log-rank test stratified by pair or hospital",
    "restricted_mean": "restricted mean times up to the last landmark or as far as both arms are followed (`horizon`), and their difference (treated minus control)",
    "cox_univariable": "Cox models of one characteristic each",
    "cox_full": "Cox model of treatment and every characteristic",
    "cox_multivariable": "Cox model of the characteristics that entered",
    "cox_multivariable_naive": "the same model in the matched patients with pairs ignored",
    "pairwise": "hazard ratio of every two of three and more arms, each with a score of its own",
    "time_varying": "Cox model with what changes, or begins, during follow-up; `variable` is its id in the specification",
    "weighting": "largest weight and effective sample sizes of a weighted cohort",
    "interaction": "test of arm x characteristic of the subgroup analysis",
    "response": "tumour response, ORR and DCR by arm, their difference and tests",
    "response_alternative": "ORR and DCR under another reading of the responses; `subgroup` is its id in the specification",
    "evidence": "what responses and progressions rest on, by arm and by hospital, and how old baseline images are",
    "adverse_events": "patients by the worst grade of every adverse event, and tests",
    "adverse_event_rate": "patients with an adverse event per 100 patient-months of treatment, and the patient-months (`exposure`)",
    "follow_up": "median follow-up",
    "treatment": "months on treatment",
    "therapy": "years in which therapy began and drugs of the first line, by arm, and tests",
    "sensitivity": "the comparison again with one thing changed; `variable` is the analysis' id in the specification",
}
STATISTICS = {
    "n": "count",
    "pct": "per cent",
    "p": "two-sided p-value",
    "p_proportional": "p-value of the test whether one hazard ratio describes the whole course",
    "p_holm": "p-value corrected for the number of pairs (Holm)",
    "p_score": "p-value of the robust score test of a weighted comparison",
    "chi_square": "test statistic",
    "estimate": "estimate",
    "se": "standard error",
    "ci_low": "lower confidence limit (of 1 - alpha, 95 % unless the specification says otherwise)",
    "ci_high": "upper confidence limit",
    "hr": "hazard ratio",
    "rate": "patients per 100 patient-months",
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


HIDDEN = "is_hidden"
"""Column of a results table that `disclosure.py` has gone through: whether a number is there that may not be shown."""


def name_origin(*, is_synthetic: bool) -> str:
    """What `data_origin` says in every table that the analysis writes."""
    return "synthetic" if is_synthetic else "registered"


def mark_origin(frame: pl.DataFrame, *, is_synthetic: bool) -> pl.DataFrame:
    """Say in every row whether the patients behind it are invented."""
    return frame.with_columns(pl.lit(name_origin(is_synthetic=is_synthetic)).alias("data_origin"))


@cache  # of some hundred labels that are asked for fifty thousand times
def make_slug(text: str) -> str:
    """Return a text as a part of a result id: lower case, signs spelled, the rest joined by underscores."""
    spelled = text.lower().replace("<=", "le").replace(">=", "ge").replace(">", "gt").replace("<", "lt")
    return re.sub(r"[^a-z0-9]+", "_", spelled).strip("_")


DIFFERENCES = ("smd", "abs_smd", "ks")
NO_DIFFERENCE = 1e-12
"""A standardised difference below is rounding (weights that balance exactly), and another on each machine."""


def round_value(value: float | None, statistic: str = "") -> float | None:
    """Return the value to the digits that are kept; none where it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    if statistic in DIFFERENCES and abs(value) < NO_DIFFERENCE:
        return 0.0
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


@dataclass(frozen=True, kw_only=True)
class Key:
    """What numbers are about: their columns in the results table, none where one does not apply.

    Builders and readers say it in the same words, and a number is a key and one of its statistics. `time` holds for what
    belongs to one time after the start. An analysis or cohort that is not declared is an `InternalError`.
    """

    analysis: str
    cohort: str | None = None
    endpoint: str | None = None
    hospital: str | None = None
    subgroup: str | None = None
    arm: str | None = None
    variable: str | None = None
    level: str | None = None
    time: Time | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing could ever be found under."""
        for name, declared in ((self.analysis, ANALYSES), (self.cohort, COHORT_NAMES)):
            if name is not None and name not in declared:
                raise InternalError(f"undeclared: {name}", f"未声明：{name}")

    def of(self, **columns: Any) -> Key:
        """The same key but for these columns: `median.of(arm="len")`."""
        return replace(self, **columns)

    @property
    def columns(self) -> dict[str, str | None]:
        """The columns of text, in the order in which an id joins them."""
        return {name: getattr(self, name) for name in ID_COLUMNS}

    def result_id(self, statistic: str) -> str:
        """The name of one of its statistics, composed here alone; `InternalError` where there is no such statistic."""
        if statistic not in STATISTICS:
            raise InternalError(f"undeclared: {statistic}", f"未声明：{statistic}")
        parts = [make_slug(text) for text in self.columns.values() if text is not None]
        return ".".join([*parts, *([] if self.time is None else [str(self.time)]), statistic])


ID_COLUMNS = tuple(field.name for field in fields(Key) if field.name != "time")


def read_analysis(result_id: str) -> str:
    """The analysis that made a result, read from its name where there is no row to ask."""
    return result_id.partition(".")[0]


def _tell_hidden(frame: pl.DataFrame) -> pl.DataFrame:
    """Say as the method of a hidden number that it is; a table in which none may be hidden stays as it is."""
    if HIDDEN not in frame.columns:
        return frame
    told = pl.concat_str(pl.lit(NOT_SHOWN), "method", separator="; ", ignore_nulls=True)
    return frame.with_columns(pl.when(HIDDEN).then(told).otherwise("method").alias("method")).drop(HIDDEN)


def print_result(row: Mapping[str, Any], kind: str) -> str:
    """The number of a row as it is printed: what cannot be estimated, and what may not be shown, by their signs."""
    return NOT_SHOWN_SIGN if row.get(HIDDEN) else format_number(row["value"], kind)


@dataclass(frozen=True)
class Results:
    """A finished results table; `frame` has the columns of `COLUMNS`, and `HIDDEN` where what would tell of few patients is hidden."""

    frame: pl.DataFrame

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return {row["result_id"]: row for row in self.frame.iter_rows(named=True)}

    def __contains__(self, result_id: str) -> bool:
        return result_id in self._rows

    def named(self, result_id: str) -> dict[str, Any]:
        """The whole row of a result by its name, as a person types it; `InternalError` where there is none."""
        if result_id not in self._rows:
            raise InternalError(f"there is no result {result_id}", f"没有结果 {result_id}")
        return self._rows[result_id]

    def has(self, key: Key, statistic: str) -> bool:
        """Whether the analysis was made, so that there is a row, be it of a value that could not be estimated."""
        return key.result_id(statistic) in self

    def row(self, key: Key, statistic: str) -> dict[str, Any]:
        """The whole row of a result; `InternalError` where there is none."""
        return self.named(key.result_id(statistic))

    def value(self, key: Key, statistic: str) -> float | None:
        """The value of a result; none where it could not be estimated, `InternalError` where there is no such result."""
        return self.row(key, statistic)["value"]

    def print(self, key: Key, statistic: str, kind: str) -> str:
        """A result as it is printed; `kind` as of `format_number`."""
        return print_result(self.row(key, statistic), kind)

    @property
    def is_protected(self) -> bool:
        """Whether what would tell of few patients was hidden, so that a number that is not there may be one of them."""
        return HIDDEN in self.frame.columns

    def is_hidden(self, key: Key, statistic: str) -> bool:
        """Whether a result may not be shown, since it would tell of few patients."""
        return bool(self.row(key, statistic).get(HIDDEN))

    def find(self, key: Key, statistic: str) -> float | None:
        """The value of a result that not every study has; none where there is no such result either."""
        return self.value(key, statistic) if self.has(key, statistic) else None

    def select(self, **columns: str | None) -> pl.DataFrame:
        """The rows whose columns have these values (none: are empty), in order."""
        return self.frame.filter(*(pl.col(name).eq_missing(pl.lit(text)) for name, text in columns.items()))

    def save(self, folder: Path, *, is_synthetic: bool) -> None:
        """Write `results.parquet` and `results.csv`, the same bytes for the same results; each row says its origin."""
        marked = mark_origin(_tell_hidden(self.frame), is_synthetic=is_synthetic)
        marked.write_parquet(folder / "results.parquet", statistics=False)
        marked.write_csv(folder / "results.csv", line_terminator="\n")


class ResultsBuilder:
    """Collects the results of a study row by row."""

    def __init__(self, study: str) -> None:
        self._study = study
        self._rows: dict[str, dict[str, Any]] = {}

    def add(
        self,
        key: Key,
        statistic: str,
        value: float | None,
        *,
        unit: str | None = None,
        n: int | None = None,
        n_event: int | None = None,
        method: str | None = None,
    ) -> None:
        """Add one number; the further columns are those of `COLUMNS`. Two numbers of one name are a fault of ours."""
        result_id = key.result_id(statistic)
        if result_id in self._rows:
            raise InternalError(f"two results are called {result_id}", f"两个结果同名：{result_id}")
        self._rows[result_id] = key.columns | {
            "study": self._study,
            "result_id": result_id,
            "statistic": statistic,
            "time_months": None if key.time is None else round_value(key.time.months),
            "value": round_value(value, statistic),
            "unit": unit,
            "n": n,
            "n_event": n_event,
            "method": method,
        }

    def add_all(self, key: Key, values: Mapping[str, float | None], *, unit: str | None = None, **basis: Any) -> None:
        """Add several statistics of one key; `unit` holds for all but p, which has none."""
        for statistic, value in values.items():
            self.add(
                key, statistic, value, unit=None if statistic.startswith("p_") or statistic == "p" else unit, **basis
            )

    def get_value(self, key: Key, statistic: str) -> float | None:
        """A number that was added before; none where it could not be estimated."""
        return self._rows[key.result_id(statistic)]["value"]

    def build(self, references: Mapping[str, str]) -> Results:
        """Return the table in the order in which results were added, with what was printed beside them."""
        schema = {column.name: column.dtype for column in COLUMNS}
        rows = [row | {"reference": references.get(name)} for name, row in self._rows.items()]
        return Results(pl.DataFrame(rows, schema=schema))
