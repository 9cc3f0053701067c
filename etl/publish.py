"""From the warehouse to the quality pages of one hospital or of all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from etl.errors import StructureError, UsageError
from etl.onboarding.mapping_page import write_mapping_page
from etl.pages.text import Text
from etl.quality.answers import keep_workbook, replace_workbook
from etl.quality.comparison import describe_incomplete_where_first
from etl.quality.report import write_quality_pages
from etl.settings import Settings, find_site, list_hospitals
from etl.store.warehouse import read_frames
from etl.suggestions import suggest_command
from schemas.contract import read_contract
from schemas.tables import TABLES

ABOUT_INGESTS = ("rule_outcomes", "row_accounts", "quarantine", "confirmed", "notices")


def tell_incomplete_where_first(settings: Settings) -> Text | None:
    """Return what the coordinating centre is told of patients of two hospitals who are left out for want of the first one's data; None where none is."""
    n = read_frames(settings.warehouse_path, ["marts.incomplete_where_first"])["incomplete_where_first"].height
    return describe_incomplete_where_first(n) if n else None


def write_quality(settings: Settings, hospital: str | None = None) -> list[Path]:
    """Write the pages and query workbooks and return their paths; with `hospital` only that hospital's.

    Raises:
        UsageError: no such hospital, or nothing loaded yet.
    """
    if hospital:
        find_site(settings, hospital)
    relations = [
        "ingests", "answers", "marts.finding", "marts.attrition", "marts.record_count", "marts.unfilled_column", "marts.incomplete_where_first",
        "core.completeness", "core.eligibility", "core.subject",
        *(f"core.{name}" for name in TABLES), *(f"versions.{name}" for name in ABOUT_INGESTS),
    ]  # fmt: skip
    # Pages tell nothing of where a record stood; a large hospital's places would fill the memory.
    needed = {f"core.{name}": ["hospital", "patient_id", *read_contract(table)] for name, table in TABLES.items()}
    frames = read_frames(settings.warehouse_path, relations, needed)
    frames["findings"] = frames.pop("finding")
    frames["record_counts"] = frames.pop("record_count")
    names = {
        row["hospital"]: Text(row["name_en"], row["name_zh"])
        for row in frames["ingests"].filter("is_current").sort("hospital").iter_rows(named=True)
    }
    if hospital and hospital not in names:
        first = suggest_command("ingest", hospital)
        raise UsageError(
            f"Nothing of {hospital} has been loaded yet. First: {first}",
            f"尚未载入 {hospital} 的数据。请先运行：{first}",
        )
    chosen = {hospital: names[hospital]} if hospital else names
    for name in chosen:
        keep_workbook(settings, name)
    paths = write_quality_pages(
        frames,
        settings.reports_dir,
        chosen,
        language=settings.language,
        replace_workbook=partial(replace_workbook, settings),
    )
    is_synthetic = bool(frames["ingests"].filter("is_current")["is_synthetic"].any())
    return [*paths, *_write_mapping_pages(settings, chosen, is_synthetic=is_synthetic)]


def _write_mapping_pages(settings: Settings, hospitals: Mapping[str, Text], *, is_synthetic: bool) -> list[Path]:
    """Write the page of each hospital's mapping; one that is gone or being changed has none."""
    paths = []
    for hospital in sorted(set(hospitals) & set(list_hospitals(settings))):
        path = settings.reports_dir / "quality" / hospital / "mapping.html"
        try:
            paths.append(
                write_mapping_page(
                    find_site(settings, hospital), path, is_synthetic=is_synthetic, language=settings.language
                )
            )
        except StructureError:
            path.unlink(missing_ok=True)
    return paths
