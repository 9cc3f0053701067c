"""What the study printed, by the name of the result it belongs to: the files of `studies/<study>/published/`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from analysis.results import make_slug
from analysis.spec import StudySpec

COHORTS = {"all": "all", "psm": "matched"}
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
        for result_id, text in reader(_read_rows(path), spec) if path.exists() else ():
            if text:
                printed.setdefault(result_id, text)
    return printed


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
        name, level = ids[row["characteristic"]], make_slug(row["level"])
        for printed, cohort in COHORTS.items():
            yield f"table1.{cohort}.{name}.p", row[f"p_{printed}"]
            for arm in spec.arms:
                for statistic in ("n", "pct"):
                    text = row[f"{arm.id}_{printed}_{statistic}"]
                    yield f"table1.{cohort}.{arm.id}.{name}.{level}.{statistic}", text


def _read_survival(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        cohort, endpoint = COHORTS[row["cohort"]], make_slug(row["endpoint"])
        arm = next((item.id for item in spec.arms if item.label == row["arm"]), None)
        where = ".".join(filter(None, (cohort, endpoint, make_slug(row["subgroup"]), arm)))
        if row["quantity"] == "median":
            for column in ("estimate", "se", "ci_low", "ci_high"):
                yield f"kaplan_meier.{where}.median_spss.{column}", row[column]
            yield f"kaplan_meier.{where}.median.estimate", row["estimate"]
        elif row["quantity"] == "rate_pct":
            yield f"kaplan_meier.{where}.survival.{row['time_months']}m.estimate", row["estimate"]
        elif row["quantity"] == "logrank_p":
            yield f"logrank.{where}.p", row["p"]
        else:
            model = f"cox_treatment.{where}.arm.{make_slug(spec.treated.id)}"
            yield f"{model}.hr", row["estimate"]
            yield f"{model}.ci_low", row["ci_low"]
            yield f"{model}.ci_high", row["ci_high"]
            yield f"logrank.{where}.p", row["p"]


def _read_table2(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        term = spec.published_contrasts[f"{row['variable']}: {row['contrast']}"]
        for column in ("hr", "ci_low", "ci_high", "p"):
            yield f"cox_multivariable.matched.{make_slug(row['endpoint'])}.{term}.{column}", row[column]


def _read_table3(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        month = row["evaluation_month"]
        yield f"response.matched.response.{month}m.p", row["p"]
        for arm in spec.arms:
            where = f"response.matched.{arm.id}.response.{make_slug(row['response'])}.{month}m"
            yield f"{where}.n", row[f"{arm.id}_psm_n"]
            yield f"{where}.pct", row[f"{arm.id}_psm_pct"]


def _read_claims(rows: list[dict[str, str]], spec: StudySpec) -> Iterator[tuple[str, str]]:
    for row in rows:
        result_ids = spec.published_claims.get(row["id"], [])
        texts = [row["value"]] if row["value"].startswith("<") else NUMBER.findall(row["value"])
        yield from zip(result_ids, texts, strict=False)
