"""The data-quality pages: one per hospital, about that hospital alone, and the coordinator's page over all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from etl.mapping.delivery_day import find_today
from etl.pages import labels as texts
from etl.pages.disclosure import FEWEST_HOSPITALS, FEWEST_PATIENTS
from etl.pages.page import Language, render_page, write_page
from etl.pages.spreadsheet import Replace
from etl.pages.text import Text
from etl.quality import comparison, listing, measures, thresholds
from etl.quality.answer_words import ANSWERS
from etl.quality.embed import embed_findings
from etl.quality.evidence import compare_evidence, list_evidence
from etl.quality.expectations import run_expectations
from etl.quality.origins import find_origins
from etl.quality.permissions import list_permissions
from etl.quality.queries import MOST_QUERIES, REST, filter_queries, write_query_workbook
from etl.quality.readiness import judge_readiness
from etl.quality.status import RESOLVED, derive_query_status
from etl.whole_files import put_in_place
from schemas.package_data import find_data

Frames = Mapping[str, pl.DataFrame]

PAGE_BYTES = 599_000
"""Most that a hospital's page may weigh: it is sent by mail. A little is left for digits."""
TEMPLATES = "etl.quality.templates"
HOSPITAL_TOC = [
    ("todo", Text("What to do", "需要做什么")),
    ("priorities", Text("What to fix first", "优先处理")),
    ("changes", Text("Since the last delivery", "与上次相比")),
    ("accounts", Text("What came in, where it went", "数据去向")),
    ("findings", Text("Findings", "问题清单")),
    ("completeness", Text("Completeness", "完整性")),
    ("distributions", Text("Beside the other hospitals", "与其他医院对比")),
    ("eligibility", Text("Eligibility", "入组情况")),
    ("evidence", Text("What responses rest on", "疗效判定依据")),
    ("batch", Text("Checks of the whole delivery", "整批检查")),
    ("history", Text("Deliveries so far", "历次数据")),
]
INDEX_TOC = [
    ("overview", Text("Overview", "概览")),
    ("readiness", Text("Ready for analysis?", "可否分析")),
    ("accounts", Text("Accounts", "数据去向")),
    ("findings", Text("Findings", "问题")),
    ("suspicious", Text("Bad rule or bad mapping?", "规则或对应是否有误")),
    ("answers", Text("Answers", "答复")),
    ("completeness", Text("Completeness", "完整性")),
    ("eligibility", Text("Eligibility", "入组情况")),
    ("evidence", Text("What progressions rest on", "进展判定依据")),
    ("drift", Text("Differences between hospitals", "医院间差异")),
    ("batch", Text("Checks of the whole delivery", "整批检查")),
    ("deliveries", Text("Deliveries", "历次数据")),
]


def write_quality_pages(
    frames: Frames,
    reports_dir: Path,
    hospitals: Mapping[str, Text],
    *,
    expectations: pl.DataFrame | None = None,
    language: Language = "both",
    replace_workbook: Replace = put_in_place,
) -> list[Path]:
    """Write page and query workbook of each hospital with a current ingest, and the page over all; returns the paths.

    `frames` are the warehouse's: the record tables, subject, ingests, record_counts, findings (of all ingests), rule_outcomes, row_accounts,
    quarantine, confirmed, notices, eligibility, attrition, completeness, answers, unfilled_column, incomplete_where_first, others_share, permission,
    and `brought` (`read_brought`). `hospitals` gives the names by id. The page over all is written
    where `hospitals` names every hospital that has data. `replace_workbook` puts a new query workbook in place of the old one. `expectations`
    are those of `run_expectations`; without them
    they are run now.
    """
    if expectations is None:
        expectations = run_expectations(frames)
    frames = {**frames, "expectations": expectations}
    frames["status"] = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    frames["measured"] = measures.derive_completeness(frames)
    loaded = frames["ingests"].filter("is_current")["hospital"].to_list()
    folder = reports_dir / "quality"
    paths: list[Path] = []
    for hospital in sorted(set(hospitals) & set(loaded)):
        paths += _write_hospital(frames, folder / hospital, hospital, hospitals[hospital], language, replace_workbook)
    if set(loaded) <= set(hospitals):
        html = render_page(find_data(TEMPLATES, "index.html"), describe_all(frames, hospitals), language=language)
        paths.append(write_page(folder / "index.html", html))
    return paths


def _write_hospital(
    frames: Frames, folder: Path, hospital: str, name: Text, language: Language, replace: Replace
) -> list[Path]:
    context = describe_hospital(frames, hospital, name)
    script = find_data(TEMPLATES, "findings.js").read_text(encoding="utf-8")
    render = partial(render_page, find_data(TEMPLATES, "hospital.html"), scripts=[script], language=language)
    bytes_besides = len(render({**context, "findings_json": "", "n_shown": 0}).encode())
    data, n_shown = embed_findings(context["status"], max(PAGE_BYTES - bytes_besides, 0))
    html = render({**context, "findings_json": data, "n_shown": n_shown})
    queries = find_origins(filter_queries(context["status"]), frames["ingests"], frames["brought"])
    workbook = write_query_workbook(
        queries, folder / "queries.xlsx", name, is_synthetic=context["is_synthetic"], replace=replace
    )
    return [write_page(folder / "index.html", html), workbook]


def describe_hospital(frames: Frames, hospital: str, name: Text) -> dict[str, Any]:
    """Return what the page of one hospital shows.

    It counts this hospital alone. The only thing that comes from other hospitals' records are the shares in `distributions`, which were fixed
    before (`others.py`); so the page says the same whatever another hospital delivers, and whether or not it has the same patient.
    """
    own = measures.keep_own(measures.filter_hospital(frames, hospital))
    ingest = own["ingests"].filter("is_current").row(0, named=True)
    steps = listing.list_eligibility(own)
    n_listed = own["status"].filter(pl.col("status") != RESOLVED).height
    return {
        "title": Text(f"Data quality: {name.en}", f"数据质量：{name.zh}"),
        "subtitle": _describe_delivery(ingest),
        "is_synthetic": ingest["is_synthetic"],
        "toc": HOSPITAL_TOC,
        "ingest": ingest,
        "status": own["status"],
        "n_listed": n_listed,
        "unfilled": listing.list_unfilled(own),
        "n_queries": filter_queries(own["status"]).height,
        "most_queries": MOST_QUERIES,
        "rest": REST,
        "severity_rows": listing.list_severities(own["status"]),
        "rules": listing.list_rules(own["status"]),
        "priorities": listing.list_priorities(own),
        "count_changes": listing.list_count_changes(own),
        "question_changes": listing.list_question_changes(own),
        "distributions": listing.list_distributions(own, hospital),
        "has_others": own["others_share"].height > 0,
        "fewest_hospitals": FEWEST_HOSPITALS,
        "fewest_patients": FEWEST_PATIENTS,
        "accounts": listing.list_accounts(own["ingests"]),
        "row_accounts": listing.list_row_accounts(own),
        "quarantine": listing.list_quarantine(own),
        "confirmed": listing.list_confirmed(own),
        "notices": listing.list_notices(own),
        "n_uncorrected": listing.count_uncorrected(own["status"]),
        "broken_rules": listing.list_broken_rules(own),
        "completeness": listing.list_completeness(own["measured"]),
        "completeness_bars": listing.draw_completeness(own["measured"]),
        "eligibility": steps,
        "eligibility_bars": listing.draw_eligibility(steps),
        "evidence": list_evidence(own["subject"]),
        "batch": listing.list_expectations(own["expectations"]),
        "history": listing.list_history(own),
        "open_by_ingest": listing.count_by_ingest(own),
    }


def describe_all(frames: Frames, hospitals: Mapping[str, Text]) -> dict[str, Any]:
    """Return what the coordinator's page shows: the hospitals side by side."""
    loaded = set(frames["ingests"].filter("is_current")["hospital"])
    shown = {hospital: hospitals[hospital] for hospital in sorted(loaded)}
    by_hospital = {hospital: measures.filter_hospital(frames, hospital) for hospital in shown}
    return {
        "permissions": list_permissions(frames["permission"], list(shown), find_today()),
        "title": Text("Data quality: all hospitals", "数据质量：全部医院"),
        "subtitle": Text("For the coordinating centre only", "仅供协调中心使用，请勿转发给医院"),
        "is_synthetic": bool(frames["ingests"].filter("is_current")["is_synthetic"].any()),
        "toc": INDEX_TOC,
        "hospitals": shown,
        "absent": [hospitals[hospital] for hospital in sorted(set(hospitals) - loaded)],
        "current": {h: own["ingests"].filter("is_current").row(0, named=True) for h, own in by_hospital.items()},
        "n_uncompared": {h: own["patient"]["person_id"].null_count() for h, own in by_hospital.items()},
        "n_shared": measures.count_shared_patients(frames["patient"]),
        "shared_pairs": comparison.count_shared_by_pair(frames["patient"], list(shown)),
        "incomplete_where_first": comparison.count_incomplete_where_first(
            frames["incomplete_where_first"], list(shown)
        ),
        "readiness": {h: judge_readiness(own) for h, own in by_hospital.items()},
        "suspicious": comparison.find_suspicious_rules(
            measures.filter_current(frames["rule_outcomes"], frames["ingests"]), list(shown)
        ),
        "answer_labels": ANSWERS,
        "statuses": texts.STATUSES,
        "answers": comparison.list_answers(frames["status"], list(shown)),
        "drift": comparison.compare_drift(frames["subject"], list(shown)),
        "thresholds": thresholds,
        "unfilled": {h: listing.list_unfilled(own) for h, own in by_hospital.items()},
        "n_eligible": {h: listing.count_eligible(own["attrition"]) for h, own in by_hospital.items()},
        "accounts": {h: listing.list_accounts(own["ingests"]) for h, own in by_hospital.items()},
        "severities": {h: listing.list_severities(own["status"]) for h, own in by_hospital.items()},
        "trend": {h: listing.count_by_ingest(own) for h, own in by_hospital.items()},
        "rules": comparison.compare_rules(frames["status"], list(shown)),
        "completeness": comparison.compare_completeness(frames["measured"], list(shown)),
        "attrition": comparison.compare_attrition(frames["attrition"], list(shown)),
        "evidence": compare_evidence(frames["subject"], list(shown)),
        "batch": {h: listing.list_expectations(own["expectations"]) for h, own in by_hospital.items()},
        "broken_rules": {h: listing.list_broken_rules(own) for h, own in by_hospital.items()},
        "history": [row for own in by_hospital.values() for row in listing.list_history(own)],
    }


def _describe_delivery(ingest: Mapping[str, Any]) -> Text:
    loaded_at = ingest["loaded_at"][:16].replace("T", " ")
    delivery, day = ingest["delivery"], ingest["extract_day"]  # versions of older registries have no such day
    told = Text(f", data of {day}", f"，数据截至 {day}") if day else Text("", "")
    return Text(
        f"Delivery {delivery}{told.en}, read {loaded_at} UTC", f"数据批次 {delivery}{told.zh}，读取于 {loaded_at} UTC"
    )
