"""What the coordinator's page lists: the same number of every hospital, side by side."""

from __future__ import annotations

from typing import Any

import polars as pl

from etl.pages.text import Text
from etl.quality import measures, texts

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
