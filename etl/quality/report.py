"""The data-quality pages: one per hospital, about that hospital alone, and the coordinator's page over all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from etl.pages.charts import Bar
from etl.pages.page import Language, render_page, write_page
from etl.pages.text import Text, format_percent
from etl.quality import measures, texts
from etl.quality.embed import embed_findings
from etl.quality.expectations import run_expectations
from etl.quality.queries import filter_queries, write_query_workbook
from schemas.codes import Severity

Frames = Mapping[str, pl.DataFrame]

TEMPLATES = Path(__file__).parent / "templates"
HOSPITAL_TOC = [
    ("todo", Text("What to do", "需要做什么")),
    ("accounts", Text("What came in, where it went", "数据去向")),
    ("findings", Text("Findings", "问题清单")),
    ("completeness", Text("Completeness", "完整性")),
    ("eligibility", Text("Eligibility", "入组情况")),
    ("batch", Text("Checks of the whole batch", "整批检查")),
    ("history", Text("Deliveries so far", "历次数据")),
]
INDEX_TOC = [
    ("overview", Text("Overview", "概览")),
    ("accounts", Text("Accounts", "数据去向")),
    ("findings", Text("Findings", "问题")),
    ("completeness", Text("Completeness", "完整性")),
    ("eligibility", Text("Eligibility", "入组情况")),
    ("batch", Text("Checks of the whole batch", "整批检查")),
    ("deliveries", Text("Deliveries", "历次数据")),
]


def write_quality_pages(
    frames: Frames,
    reports_dir: Path,
    hospitals: Mapping[str, Text],
    *,
    expectations: pl.DataFrame | None = None,
    language: Language = "both",
) -> list[Path]:
    """Write page and query workbook of each hospital with a current ingest, and the page over all; returns the paths.

    `frames` are the warehouse's: the ten tables, ingests, findings (of all ingests), rule_outcomes, row_accounts,
    quarantine, eligibility, attrition, completeness. `hospitals` gives the names by id. The page over all is written
    where `hospitals` names every hospital that has data. `expectations` are those of `run_expectations`; without them
    they are run now.
    """
    if expectations is None:
        expectations = run_expectations(frames)
    frames = {**frames, "expectations": expectations}
    frames["status"] = measures.derive_finding_status(frames["findings"], frames["ingests"])
    frames["measured"] = measures.derive_completeness(frames)
    loaded = frames["ingests"].filter("is_current")["hospital"].to_list()
    folder = reports_dir / "quality"
    paths: list[Path] = []
    for hospital in sorted(set(hospitals) & set(loaded)):
        paths += _write_hospital(frames, folder / hospital, hospital, hospitals[hospital], language)
    if set(loaded) <= set(hospitals):
        html = render_page(TEMPLATES / "index.html", describe_all(frames, hospitals), language=language)
        paths.append(write_page(folder / "index.html", html))
    return paths


def _write_hospital(frames: Frames, folder: Path, hospital: str, name: Text, language: Language) -> list[Path]:
    context = describe_hospital(frames, hospital, name)
    script = (TEMPLATES / "findings.js").read_text(encoding="utf-8")
    html = render_page(TEMPLATES / "hospital.html", context, scripts=[script], language=language)
    queries = context["status"]
    workbook = write_query_workbook(queries, folder / "queries.xlsx", name, is_synthetic=context["is_synthetic"])
    return [write_page(folder / "index.html", html), workbook]


def describe_hospital(frames: Frames, hospital: str, name: Text) -> dict[str, Any]:
    """Return what the page of one hospital shows; nothing in it comes from another hospital's records."""
    own = measures.filter_hospital(frames, hospital)
    ingest = own["ingests"].filter("is_current").row(0, named=True)
    data, n_shown = embed_findings(own["status"])
    n_open = own["status"].filter(pl.col("status") != "resolved").height
    return {
        "title": Text(f"Data quality: {name.en}", f"数据质量：{name.zh}"),
        "subtitle": _describe_delivery(ingest),
        "is_synthetic": ingest["is_synthetic"],
        "toc": HOSPITAL_TOC,
        "ingest": ingest,
        "status": own["status"],
        "n_open": n_open,
        "n_shown": n_shown,
        "n_queries": filter_queries(own["status"]).height,
        "findings_json": data,
        "severity_rows": list_severities(own["status"]),
        "rules": _list_rules(own["status"]),
        "accounts": list_accounts(own["ingests"]),
        "row_accounts": _list_row_accounts(own),
        "quarantine": _list_quarantine(own),
        "broken_rules": list_broken_rules(own),
        "completeness": _list_completeness(own["measured"]),
        "completeness_bars": _draw_completeness(own["measured"]),
        "eligibility": list_eligibility(own),
        "batch": list_expectations(own["expectations"]),
        "history": _list_history(own),
        "open_by_ingest": _count_by_ingest(own),
    }


def describe_all(frames: Frames, hospitals: Mapping[str, Text]) -> dict[str, Any]:
    """Return what the coordinator's page shows: the hospitals side by side."""
    loaded = set(frames["ingests"].filter("is_current")["hospital"])
    shown = {hospital: hospitals[hospital] for hospital in sorted(loaded)}
    by_hospital = {hospital: measures.filter_hospital(frames, hospital) for hospital in shown}
    return {
        "title": Text("Data quality: all hospitals", "数据质量：全部医院"),
        "subtitle": Text("For the coordinating centre only", "仅供协调中心使用，请勿转发给医院"),
        "is_synthetic": bool(frames["ingests"].filter("is_current")["is_synthetic"].any()),
        "toc": INDEX_TOC,
        "hospitals": shown,
        "absent": [hospitals[hospital] for hospital in sorted(set(hospitals) - loaded)],
        "current": {h: own["ingests"].filter("is_current").row(0, named=True) for h, own in by_hospital.items()},
        "n_shared": measures.count_shared_patients(frames["patient"]),
        "n_eligible": {h: _count_eligible(own["attrition"]) for h, own in by_hospital.items()},
        "accounts": {h: list_accounts(own["ingests"]) for h, own in by_hospital.items()},
        "severities": {h: list_severities(own["status"]) for h, own in by_hospital.items()},
        "trend": {h: _count_by_ingest(own) for h, own in by_hospital.items()},
        "rules": _compare_rules(frames["status"], list(shown)),
        "completeness": _compare_completeness(frames["measured"], list(shown)),
        "attrition": _compare_attrition(frames["attrition"], list(shown)),
        "batch": {h: list_expectations(own["expectations"]) for h, own in by_hospital.items()},
        "broken_rules": {h: list_broken_rules(own) for h, own in by_hospital.items()},
        "history": [row for own in by_hospital.values() for row in _list_history(own)],
    }


def _describe_delivery(ingest: Mapping[str, Any]) -> Text:
    loaded_at = ingest["loaded_at"][:16].replace("T", " ")
    delivery = ingest["delivery"]
    return Text(f"Delivery {delivery}, read {loaded_at}", f"数据批次 {delivery}，读取于 {loaded_at}")


def list_severities(status: pl.DataFrame) -> list[dict[str, Any]]:
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
                "n_open": sum(by_status.values()) - by_status["resolved"],
                "statuses": by_status,
            }
        )
    return rows


def list_accounts(ingests: pl.DataFrame) -> list[dict[str, Any]]:
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


def _list_row_accounts(own: Frames) -> list[dict[str, Any]]:
    rows = measures.filter_current(own["row_accounts"], own["ingests"]).sort("source_file", "source_sheet", "rule")
    return [
        {**row, "label": texts.IGNORE_RULES.get(row["rule"], Text(row["rule"], row["rule"]))}
        for row in rows.iter_rows(named=True)
    ]


def _list_quarantine(own: Frames) -> list[dict[str, Any]]:
    """List by table how many records, and how many single cells, were set aside."""
    rows = measures.filter_current(own["quarantine"], own["ingests"])
    counts = rows.group_by("table_name").agg(
        n_records=pl.struct("source_file", "source_sheet", "source_row", "record_key")
        .filter(pl.col("field").is_null())
        .n_unique(),
        n_cells=pl.col("field").count(),
    )
    return [{**row, "label": texts.label_table(row["table_name"])} for row in counts.sort("table_name").to_dicts()]


def list_broken_rules(own: Frames) -> list[dict[str, Any]]:
    """List the rules that could not be run: the registry's fault, never taken as passed."""
    return (
        measures.filter_current(own["rule_outcomes"], own["ingests"])
        .filter(pl.col("n_error") > 0)
        .select("rule_id", "table_name", "n_error")
        .sort("rule_id")
        .to_dicts()
    )


def _list_rules(status: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {**row, "label": texts.SEVERITIES[row["severity"]], "message": Text(row["message_en"], row["message_zh"])}
        for row in measures.derive_finding_counts(status).to_dicts()
    ]


def _list_completeness(measured: pl.DataFrame) -> list[dict[str, Any]]:
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


def _draw_completeness(measured: pl.DataFrame) -> list[Bar]:
    """Draw the fields below their threshold, the emptiest first."""
    below = measured.filter(pl.col("is_met").not_(), pl.col("rate").is_not_null()).sort("rate", "table_name", "field")
    return [
        Bar(
            texts.label_field(row["table_name"], row["field"]),
            row["rate"],
            f"{format_percent(row['rate'])} (≥ {row['threshold']:.0%})",
            "query",
        )
        for row in below.head(12).iter_rows(named=True)
    ]


def list_eligibility(own: Frames) -> list[dict[str, Any]]:
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


def _count_eligible(attrition: pl.DataFrame) -> int | None:
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


def _list_history(own: Frames) -> list[dict[str, Any]]:
    opened = {row["ingest_id"]: row["n"] for row in _count_findings_by_ingest(own).to_dicts()}
    ingests = own["ingests"].sort("ingest_id", descending=True)
    return [{**row, "n_findings": opened.get(row["ingest_id"], 0)} for row in ingests.to_dicts()]


def _count_by_ingest(own: Frames) -> list[int]:
    """Count findings that ask for something, per ingest in order."""
    opened = {row["ingest_id"]: row["n"] for row in _count_findings_by_ingest(own).to_dicts()}
    return [opened.get(ingest, 0) for ingest in own["ingests"]["ingest_id"].sort()]


def _count_findings_by_ingest(own: Frames) -> pl.DataFrame:
    asked = own["findings"].filter(pl.col("severity") != Severity.NOTE.value)
    return asked.group_by("ingest_id").agg(n=pl.col("finding_id").n_unique())


def _compare_rules(status: pl.DataFrame, hospitals: list[str]) -> list[dict[str, Any]]:
    """List every rule with findings and its number in each hospital, gravest and most frequent first."""
    counts = measures.derive_finding_counts(status)
    rules: dict[str, dict[str, Any]] = {}
    for row in counts.to_dicts():
        rule = rules.setdefault(
            row["rule_id"],
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
    return sorted(rules.values(), key=lambda r: (order[r["severity"]], -sum(r["counts"].values()), r["rule_id"]))


def _compare_completeness(measured: pl.DataFrame, hospitals: list[str]) -> list[dict[str, Any]]:
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


def _compare_attrition(attrition: pl.DataFrame, hospitals: list[str]) -> list[dict[str, Any]]:
    """List the steps in order with the patients each removed and left, per hospital and together."""
    steps: dict[int, dict[str, Any]] = {}
    for row in attrition.sort("step", "hospital").iter_rows(named=True):
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
