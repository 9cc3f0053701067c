"""What the pages list of one hospital: frames in, rows with their words in both languages out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from etl.pages import labels as texts
from etl.pages.charts import Bar
from etl.pages.text import Text, format_percent
from etl.quality import changes, distributions, measures
from etl.quality.answer_words import CORRECTED
from etl.quality.priorities import rank_questions
from etl.quality.status import ANSWERED, ASKED
from schemas.codes import Severity
from schemas.field_effects import Result

Frames = Mapping[str, pl.DataFrame]
Rows = list[dict[str, Any]]


def list_severities(status: pl.DataFrame) -> Rows:
    """List each severity with its numbers by status; `n_open` is what is found in the current version."""
    counts = {(r["severity"], r["status"]): r["n"] for r in measures.derive_status_counts(status).to_dicts()}
    rows = []
    for severity in Severity:
        by_status = {name: counts.get((severity.value, name), 0) for name in texts.STATUSES}
        rows.append(
            {
                "severity": severity.value,
                "label": texts.SEVERITIES[severity],
                "meaning": texts.SEVERITY_MEANINGS[severity],
                "n_open": sum(by_status[name] for name in ASKED),
                "statuses": by_status,
            }
        )
    return rows


def list_unfilled(own: Frames) -> Rows:
    """List the columns that the registry made only after the current version was loaded, by table."""
    columns = own["unfilled_column"].sort("table_name", "column_name")
    grouped = columns.group_by("table_name", maintain_order=True).agg("column_name")
    return [
        {"table_name": table.removeprefix("versions."), "columns": ", ".join(names)}
        for table, names in grouped.iter_rows()
    ]


def list_priorities(own: Frames) -> Rows:
    """List the open questions on which results hang, the greatest effect first, each with the results in words."""
    return [
        {
            **row,
            "label": texts.SEVERITIES[row["severity"]],
            "message": Text(row["message_en"], row["message_zh"]),
            "results": _name_results(row["results"]),
        }
        for row in rank_questions(own).to_dicts()
    ]


def _name_results(ids: list[str]) -> list[Text]:
    if len(ids) == len(Result):
        return [Text("all results", "全部结果")]
    return [Text(result.en, result.zh) for result in Result if result.result_id in ids]


def list_count_changes(own: Frames) -> Rows:
    """List what the ingest before and the current one read and loaded, with their difference."""
    return [
        {
            **row,
            "label": texts.COUNTS.get(row["measure"]) or texts.label_table(row["measure"]),
            "n_more": row["now"] - row["before"],
        }
        for row in changes.compare_counts(own).to_dicts()
    ]


def list_question_changes(own: Frames) -> Rows:
    """List the questions whose findings came or went since the ingest before, the greatest change first."""
    return [
        {**row, "label": texts.SEVERITIES[row["severity"]], "message": Text(row["message_en"], row["message_zh"])}
        for row in changes.compare_questions(own).to_dicts()
        if row["n_gone"] or row["n_appeared"]
    ]


def list_distributions(own: Frames, hospital: str) -> Rows:
    """List the compared fields with their levels: the hospital's patients and share, and the others' share where one is fixed (`others.py`)."""
    counted = distributions.count_levels(own["subject"], hospital, with_empty=True)
    fixed = own["others_share"].select("field", label_en="level", percent_others="percent")
    levels = counted.join(fixed, on=["field", "label_en"], how="left", maintain_order="left")
    levels = levels.filter((pl.col("n") > 0) | pl.col("percent_others").is_not_null())
    fields = []
    for (name,), rows in levels.group_by("field", maintain_order=True):
        n = rows["n"].sum()
        fields.append(
            {
                "label": distributions.label_subject_field(str(name)),
                "n": n,
                "levels": [
                    {**row, "label": Text(row["label_en"], row["label_zh"]), "share": row["n"] / n if n else 0.0}
                    for row in rows.to_dicts()
                ],
            }
        )
    return fields


def list_accounts(ingests: pl.DataFrame) -> Rows:
    """List the three accounts of the current ingest with their parts."""
    accounts = measures.derive_accounts(ingests.filter("is_current"))
    return [
        {
            "label": texts.ACCOUNTS[account],
            "n_total": parts["n_total"][0],
            "is_balanced": parts["is_balanced"][0],
            "parts": [(texts.PARTS[part], n) for part, n in parts.select("part", "n").iter_rows()],
        }
        for account in texts.ACCOUNTS
        for parts in [accounts.filter(pl.col("account") == account)]
    ]


def list_row_accounts(own: Frames) -> Rows:
    """List, per file and sheet of the current delivery, how many rows were used or ignored by which rule."""
    rows = measures.filter_current(own["row_accounts"], own["ingests"]).sort("source_file", "source_sheet", "rule")
    return [{**row, "label": texts.label_ignore_rule(row["rule"])} for row in rows.iter_rows(named=True)]


def list_quarantine(own: Frames) -> Rows:
    """List by table how many records, and how many single cells, were set aside."""
    rows = measures.filter_current(own["quarantine"], own["ingests"])
    rejecting = own["findings"].filter(pl.col("severity") == Severity.REJECT.value)["rule_id"].unique()
    is_record = pl.col("rule_id").is_in(rejecting.to_list())
    record = pl.struct("source_file", "source_sheet", "source_row", "record_key")
    counts = rows.group_by("table_name").agg(n_records=record.filter(is_record).n_unique(), n_cells=(~is_record).sum())
    return [{**row, "label": texts.label_table(row["table_name"])} for row in counts.sort("table_name").to_dicts()]


def list_confirmed(own: Frames) -> Rows:
    """List the values of the current version that count since the hospital confirmed them, with who confirmed them and when."""
    rows = measures.filter_current(own["confirmed"], own["ingests"]).sort(
        "source_file", "source_sheet", "source_row", "source_column"
    )
    return [{**row, "label": texts.label_field(row["table_name"], row["field"])} for row in rows.to_dicts()]


def list_notices(own: Frames) -> list[Text]:
    """List what is strange about the current version beside the delivery before."""
    notices = measures.filter_current(own["notices"], own["ingests"])
    return [Text(en, zh) for en, zh in notices.select("message_en", "message_zh").iter_rows()]


def count_uncorrected(status: pl.DataFrame) -> int:
    """Count the values that the hospital said to have corrected in its source, and that are still what they were."""
    return status.filter(pl.col("status") == ANSWERED, pl.col("answer") == CORRECTED).height


def list_broken_rules(own: Frames) -> Rows:
    """List the rules that could not be run: the registry's fault, never taken as passed."""
    return (
        measures.filter_current(own["rule_outcomes"], own["ingests"])
        .filter(pl.col("n_error") > 0)
        .select("rule_id", "table_name", "n_error")
        .sort("rule_id")
        .to_dicts()
    )


def list_rules(status: pl.DataFrame) -> Rows:
    """List the open findings by rule, gravest and most frequent first."""
    return [
        {**row, "label": texts.SEVERITIES[row["severity"]], "message": Text(row["message_en"], row["message_zh"])}
        for row in measures.derive_finding_counts(status).to_dicts()
    ]


def list_completeness(measured: pl.DataFrame) -> Rows:
    """List tables with their fields; a table without records is one line."""
    tables = []
    for (table,), fields in measured.group_by("table_name", maintain_order=True):
        rows = [
            {
                **row,
                "label": texts.label_field(str(table), row["field"]),
                "reason": Text(row["reason_en"], row["reason_zh"]),
            }
            for row in fields.iter_rows(named=True)
        ]
        tables.append(
            {
                "label": texts.label_table(str(table)),
                "fields": rows,
                "n_records": fields["n_records"].max(),
                "n_below": fields.filter(pl.col("is_met").not_()).height,
            }
        )
    return tables


def draw_completeness(measured: pl.DataFrame) -> list[Bar]:
    """Draw the fields below their threshold, the emptiest first."""
    below = measured.filter(pl.col("is_met").not_(), pl.col("rate").is_not_null()).sort("rate", "table_name", "field")
    return [
        Bar(
            texts.label_field(row["table_name"], row["field"]),
            row["rate"],
            f"{format_percent(row['rate'])} (≥ {format_percent(row['threshold'], 0)})",
            "query",
        )
        for row in below.head(12).iter_rows(named=True)
    ]


def list_eligibility(own: Frames) -> Rows:
    """List the steps in order: patients for whom each is met, not met, unknown, and how many remain after it.

    The step "analysed at another hospital" is not a hospital's own fact and is left to the coordinator's page.
    """
    counts = (
        own["eligibility"]
        .group_by("criterion_id")
        .agg(
            n_met=pl.col("is_met").sum(),
            n_not_met=(~pl.col("is_met")).sum(),
            n_unknown=pl.col("is_met").is_null().sum(),
        )
    )
    steps = own["attrition"].join(counts, on="criterion_id", how="inner").sort("step")
    return [{**row, "label": texts.label_criterion(row["criterion_id"])} for row in steps.to_dicts()]


def draw_eligibility(steps: Rows) -> list[Bar]:
    """Draw the patients who remain after each step of `list_eligibility`, from those loaded on."""
    if not steps:
        return []
    loaded = Bar(Text("Patients loaded", "载入患者"), steps[0]["n_before"], f"{steps[0]['n_before']:,}")
    return [
        loaded,
        *(
            Bar(
                step["label"],
                step["n_after"],
                f"{step['n_after']:,}" + (f" (−{step['n_removed']:,})" if step["n_removed"] else ""),
            )
            for step in steps
        ),
    ]


def count_eligible(attrition: pl.DataFrame) -> int | None:
    """Return the patients left after the last step; None where no step was counted."""
    return attrition.sort("step")["n_after"][-1] if attrition.height else None


def list_expectations(expectations: pl.DataFrame) -> dict[str, Any]:
    """List the checks of the batch in three groups: not met, failed themselves, met."""
    rows = [
        {
            **row,
            "table": texts.label_table(row["table_name"]),
            "label": texts.label_field(row["table_name"], row["field"])
            if row["field"]
            else texts.label_table(row["table_name"]),
            "kind": texts.EXPECTATIONS[row["expectation"]],
            "reason": Text(row["reason_en"], row["reason_zh"]),
        }
        for row in expectations.iter_rows(named=True)
    ]
    return {
        "failed": [row for row in rows if row["success"] is False],
        "errors": [row for row in rows if row["is_error"]],
        "met": [row for row in rows if row["success"]],
    }


def list_history(own: Frames) -> Rows:
    """List every ingest, the latest first, with the findings that asked for something then."""
    opened = {row["ingest_id"]: row["n"] for row in _count_findings_by_ingest(own).to_dicts()}
    ingests = own["ingests"].sort("ingest_id", descending=True)
    return [{**row, "n_findings": opened.get(row["ingest_id"], 0)} for row in ingests.to_dicts()]


def count_by_ingest(own: Frames) -> list[int]:
    """Count findings that ask for something, per ingest in order."""
    opened = {row["ingest_id"]: row["n"] for row in _count_findings_by_ingest(own).to_dicts()}
    return [opened.get(ingest, 0) for ingest in own["ingests"]["ingest_id"].sort()]


def _count_findings_by_ingest(own: Frames) -> pl.DataFrame:
    asked = own["findings"].filter(pl.col("severity") != Severity.NOTE.value)
    return asked.group_by("ingest_id").agg(n=pl.col("finding_id").n_unique())
