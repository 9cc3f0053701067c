"""From the warehouse to the quality pages of one hospital or of all."""

from __future__ import annotations

from pathlib import Path

from etl.answers import keep_workbook
from etl.errors import UsageError
from etl.pages.text import Text
from etl.quality.report import write_quality_pages
from etl.settings import Settings, find_site
from etl.warehouse import read_frames
from schemas.tables import TABLES

ABOUT_INGESTS = ("rule_outcomes", "row_accounts", "quarantine")


def write_quality(settings: Settings, hospital: str | None = None) -> list[Path]:
    """Write the pages and query workbooks and return their paths; with `hospital` only that hospital's.

    Raises:
        UsageError: no such hospital, or nothing loaded yet.
    """
    if hospital:
        find_site(settings, hospital)
    relations = [
        "ingests", "answers", "marts.finding", "marts.attrition", "marts.record_count", "core.completeness", "core.eligibility", "core.subject",
        *(f"core.{name}" for name in TABLES), *(f"versions.{name}" for name in ABOUT_INGESTS),
    ]  # fmt: skip
    frames = read_frames(settings.warehouse_path, relations)
    frames["findings"] = frames.pop("finding")
    frames["record_counts"] = frames.pop("record_count")
    names = {
        row["hospital"]: Text(row["name_en"], row["name_zh"])
        for row in frames["ingests"].filter("is_current").sort("hospital").iter_rows(named=True)
    }
    if hospital and hospital not in names:
        raise UsageError(
            f"Nothing of {hospital} has been loaded yet. First: make ingest HOSPITAL={hospital}",
            f"尚未载入 {hospital} 的数据。请先运行：make ingest HOSPITAL={hospital}",
        )
    chosen = {hospital: names[hospital]} if hospital else names
    for name in chosen:
        keep_workbook(settings, name)
    return write_quality_pages(frames, settings.reports_dir, chosen, language=settings.language)
