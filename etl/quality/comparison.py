"""What the coordinator's page lists: the same number of every hospital, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from etl.pages import labels as texts
from etl.pages.text import Text
from etl.quality import distributions, measures, thresholds
from etl.quality.status import ANSWERED

Rows = list[dict[str, Any]]


def compare_rules(status: pl.DataFrame, hospitals: list[str]) -> Rows:
    """List every rule's questions and their number in each hospital, gravest and most frequent first."""
    counts = measures.derive_finding_counts(status)
    rules: dict[tuple[str, str], dict[str, Any]] = {}
    for row in counts.to_dicts():
        rule = rules.setdefault(
            (row["rule_id"], row["message_en"]),
            {
                "rule_id": row["rule_id"],
                "severity": row["severity"],
                "label": texts.SEVERITIES[row["severity"]],
                "message": Text(row["message_en"], row["message_zh"]),
                "counts": dict.fromkeys(hospitals, 0),
            },
        )
        rule["counts"][row["hospital"]] = row["n_findings"]
    order = {severity: place for place, severity in enumerate(measures.SEVERITY_ORDER)}
    return sorted(
        rules.values(),
        key=lambda r: (order[r["severity"]], -sum(r["counts"].values()), r["rule_id"], r["message"].en),
    )


def compare_completeness(measured: pl.DataFrame, hospitals: list[str]) -> Rows:
    """List every field that must be filled with its rate in each hospital, in the contracts' order."""
    asked = measured.filter(pl.col("threshold").is_not_null())
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in asked.iter_rows(named=True):
        table, name = row["table_name"], row["field"]
        line = rows.setdefault(
            (table, name),
            {
                "table": texts.label_table(table),
                "label": texts.label_field(table, name),
                "threshold": row["threshold"],
                "reason": Text(row["reason_en"], row["reason_zh"]),
                "hospitals": dict.fromkeys(hospitals),
            },
        )
        line["hospitals"][row["hospital"]] = row
    return list(rows.values())


def compare_attrition(attrition: pl.DataFrame, hospitals: list[str]) -> Rows:
    """List the steps in order with the patients each removed and left, per hospital and together."""
    steps: dict[int, dict[str, Any]] = {}
    shown = attrition.filter(pl.col("hospital").is_in(hospitals)).sort("step", "hospital")
    for row in shown.iter_rows(named=True):
        step = steps.setdefault(
            row["step"],
            {
                "label": texts.label_criterion(row["criterion_id"]),
                "hospitals": dict.fromkeys(hospitals),
                "total": [0, 0, 0],
            },
        )
        step["hospitals"][row["hospital"]] = row
        step["total"] = [
            n + row[name] for n, name in zip(step["total"], ("n_before", "n_removed", "n_after"), strict=True)
        ]
    return list(steps.values())


def find_suspicious_rules(outcomes: pl.DataFrame, hospitals: list[str]) -> dict[str, Rows]:
    """Return the rules that fail `everywhere` (a bad rule?) and those that fail in `one_place` only (a bad mapping?).

    `outcomes`: hospital, rule_id, n_pass, n_fail of the current ingests. A hospital counts with a rule from `RULE_MIN_RECORDS`
    judged records on; a rule is compared where at least two hospitals do. The limits and their reasons: `thresholds`.
    """
    judged = (
        outcomes.group_by("rule_id", "hospital")
        .agg(n=(pl.col("n_pass") + pl.col("n_fail")).sum(), n_fail=pl.col("n_fail").sum())
        .filter(pl.col("hospital").is_in(hospitals), pl.col("n") >= thresholds.RULE_MIN_RECORDS)
        .with_columns(rate=pl.col("n_fail") / pl.col("n"))
        .sort("rule_id", "hospital")
    )
    found: dict[str, Rows] = {"everywhere": [], "one_place": []}
    for (rule_id,), rows in judged.group_by("rule_id", maintain_order=True):
        if rows.height < 2:
            continue
        rates = sorted(rows["rate"], reverse=True)
        line = {
            "rule_id": rule_id,
            "rates": dict.fromkeys(hospitals) | dict(rows.select("hospital", "rate").iter_rows()),
        }
        if rates[-1] >= thresholds.EVERYWHERE.value:
            found["everywhere"].append(line)
        elif rates[0] >= thresholds.ONE_PLACE.value and rates[1] <= thresholds.ELSEWHERE_RATE:
            found["one_place"].append(line)
    return found


def compare_drift(subject: pl.DataFrame, hospitals: list[str]) -> Rows:
    """List every compared field with each hospital's distance from the others, the greatest first."""
    lines: dict[str, dict[str, Any]] = {}
    for hospital in hospitals:
        for row in distributions.measure_drift(distributions.count_levels(subject, hospital)).iter_rows(named=True):
            label = distributions.label_subject_field(row["field"])
            line = lines.setdefault(row["field"], {"label": label, "hospitals": dict.fromkeys(hospitals)})
            line["hospitals"][hospital] = row
    return sorted(lines.values(), key=lambda line: -max(row["distance"] for row in line["hospitals"].values() if row))


def count_shared_by_pair(patient: pl.DataFrame, hospitals: list[str]) -> Rows:
    """List the pairs of hospitals that share patients, with their number, the largest first."""
    persons = patient.drop_nulls("person_id").select("person_id", "hospital").unique()
    pairs = persons.join(persons, on="person_id", suffix="_other").filter(pl.col("hospital") < pl.col("hospital_other"))
    counts = (
        pairs.group_by("hospital", "hospital_other")
        .agg(n=pl.len())
        .sort("n", "hospital", "hospital_other", descending=[True, False, False])
    )
    return [row for row in counts.to_dicts() if {row["hospital"], row["hospital_other"]} <= set(hospitals)]


def list_answers(status: pl.DataFrame, hospitals: list[str]) -> Rows:
    """List what the hospitals answered, the latest first: the last answer of each question, and whether it still stands."""
    answered = status.filter(pl.col("answer").is_not_null(), pl.col("hospital").is_in(hospitals))
    return [
        {**row, "message": Text(row["message_en"], row["message_zh"]), "stands": row["status"] == ANSWERED}
        for row in answered.sort("taken_at", "hospital", "finding_id", descending=[True, False, False]).to_dicts()
    ]


def count_incomplete_where_first(records: pl.DataFrame, hospitals: Sequence[str]) -> list[tuple[str, int]]:
    """Return the hospitals, in order, in which patients of several hospitals are left out for incomplete data alone, and how many."""
    counted = dict(records.group_by("hospital").len().iter_rows())
    return [(hospital, counted[hospital]) for hospital in hospitals if hospital in counted]


def describe_incomplete_where_first(n: int) -> Text:
    """Return what the coordinating centre is told of `n` patients of two hospitals: only it can have the first one's record completed."""
    return Text(
        f"{n} known in more than one hospital left out for incomplete data alone (E4) in the hospital where therapy started first. They stay out, whatever another "
        "hospital knows: have the record of the first one completed.",
        f"有 {n} 名在多家医院就诊的患者，仅因最先开始治疗的医院资料不完整（E4）而被排除。无论其他医院资料如何均不纳入：请协调该院补全资料。",
    )
