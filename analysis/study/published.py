"""What the study printed, by the name of the result it belongs to: the files of `studies/<study>/published/`."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.keys import make_hazard_ratio_key, make_naive_key
from analysis.study.results import Key
from analysis.study.spec import StudySpec
from etl.errors import UsageError

Reader = Callable[[list[dict[str, str]], StudySpec], Iterator[tuple[str, str]]]
COHORTS = {"all": ALL, "psm": MATCHED}  # as the printed files call them
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def read_published(spec: StudySpec) -> dict[str, str]:
    """Return the printed text of every figure that has a place in the results; none where nothing was published.

    The printed text stays a text: slips such as `12.3.0` are shown, not mended.
    """
    folder = spec.folder / "published"
    readers = {
        "table1": _read_table1,
        "survival": _read_survival,
        "table2": _read_table2,
        "table3": _read_table3,
        "claims": _read_claims,
    }
    printed: dict[str, str] = {}
    for name, reader in readers.items():
        path = folder / f"{name}.csv"
        for result_id, text in _read_file(path, reader, spec) if path.exists() else ():
            if text:
                printed.setdefault(result_id, text)
    return printed


def _read_file(path: Path, reader: Reader, spec: StudySpec) -> list[tuple[str, str]]:
    """What one file prints; `UsageError` where it has a column, cohort or arm that the study does not."""
    try:
        return list(reader(_read_rows(path), spec))
    except (KeyError, ValueError, RuntimeError) as error:  # the last: an arm that is asked for and not there
        raise UsageError(
            f"'{path}' does not fit the study {spec.study}: it lacks a column, or names an arm, cohort or characteristic that the study does not have "
            f"({type(error).__name__}). Correct it, or take it out of the folder.",
            f"“{path}”与研究 {spec.study} 不符：缺少某列，或含有研究中没有的分组、队列或特征（{type(error).__name__}）。请更正，或将其移出文件夹。",
        ) from None


def list_without_result(spec: StudySpec) -> list[tuple[str, str, str]]:
    """The printed statements that no result stands beside: statement, what was printed, and why."""
    path = spec.folder / "published" / "claims.csv"
    rows = {row["id"]: row for row in _read_rows(path)} if path.exists() else {}
    reasons = spec.published_without_result
    return [(row["claim"], row["value"], reasons[name]) for name, row in rows.items() if name in reasons]


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read_table1(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    ids = {item.label: item.id for item in spec.characteristics}
    for row in rows:
        for printed, cohort in COHORTS.items():
            key = Key(analysis="table1", cohort=cohort, variable=ids[row["characteristic"]])
            yield key.result_id("p"), row[f"p_{printed}"]
            for arm in spec.arms:
                of_arm = key.of(arm=arm.id, level=row["level"])
                for statistic in ("n", "pct"):
                    yield of_arm.result_id(statistic), row[f"{arm.id}_{printed}_{statistic}"]


def _read_survival(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        cohort, endpoint, subgroup = COHORTS[row["cohort"]], row["endpoint"], row["subgroup"] or None
        arm = next((item.id for item in spec.arms if item.label == row["arm"]), None)
        curve = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint, subgroup=subgroup, arm=arm)
        logrank = curve.of(analysis="logrank")
        if row["quantity"] == "median":
            for column in ("estimate", "se", "ci_low", "ci_high"):
                yield curve.of(variable="median_spss").result_id(column), row[column]
            yield curve.of(variable="median").result_id("estimate"), row["estimate"]
        elif row["quantity"] == "rate_pct":
            rate = curve.of(variable="survival", time=spec.at_month(float(row["time_months"])))
            yield rate.result_id("estimate"), row["estimate"]
        elif row["quantity"] == "logrank_p":
            yield logrank.result_id("p"), row["p"]
        else:
            own = make_hazard_ratio_key(spec, cohort, endpoint, subgroup)
            model = make_naive_key(spec, endpoint, subgroup) if cohort == MATCHED else own
            yield model.result_id("hr"), row["estimate"]
            yield model.result_id("ci_low"), row["ci_low"]
            yield model.result_id("ci_high"), row["ci_high"]
            yield logrank.result_id("p"), row["p"]


def _read_table2(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        variable, _, level = spec.published_contrasts[f"{row['variable']}: {row['contrast']}"].partition(".")
        model = Key(analysis="cox_multivariable_naive", cohort=MATCHED, endpoint=row["endpoint"])
        for column in ("hr", "ci_low", "ci_high", "p"):
            yield model.of(variable=variable, level=level).result_id(column), row[column]


def _read_table3(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        time = spec.at_month(float(row["evaluation_month"]))
        key = Key(analysis="response", cohort=MATCHED, variable="response", time=time)
        yield key.result_id("p"), row["p"]
        for arm in spec.arms:
            of_arm = key.of(arm=arm.id, level=row["response"])
            for statistic in ("n", "pct"):
                yield of_arm.result_id(statistic), row[f"{arm.id}_psm_{statistic}"]


def _read_claims(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        result_ids = spec.published_claims.get(row["id"], [])
        texts = [row["value"]] if row["value"].startswith("<") else NUMBER.findall(row["value"])
        yield from zip(result_ids, texts, strict=False)
