"""From the warehouse to the quality pages of one hospital or of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from etl.erased_files import finish_erasing
from etl.errors import StructureError, UsageError
from etl.onboarding.mapping_page import write_mapping_page
from etl.pages.text import Text
from etl.permission import keep_all_stated, read_permission
from etl.quality.answers import REST, WORKBOOK, keep_workbook, replace_workbook
from etl.quality.comparison import describe_incomplete_where_first
from etl.quality.origins import read_brought
from etl.quality.others import OTHERS_TABLE, fix_others, save_others
from etl.quality.report import write_quality_pages
from etl.settings import Settings, find_site, list_hospitals
from etl.store.lock import hold_lock
from etl.store.owed import read_owed, settle, tell_owed
from etl.store.shape import PERMISSION
from etl.store.warehouse import open_for_reading, read_frames
from etl.suggestions import suggest_command
from etl.whole_files import hash_file, sweep
from schemas.contract import read_contract
from schemas.tables import TABLES

ABOUT_INGESTS = ("rule_outcomes", "row_accounts", "quarantine", "confirmed", "notices")
RELATIONS = (
    "ingests", "answers", "marts.finding", "marts.attrition", "marts.record_count", "marts.unfilled_column", "marts.incomplete_where_first",
    OTHERS_TABLE,
    PERMISSION,
    "core.completeness", "core.eligibility", "core.subject",
    *(f"core.{name}" for name in TABLES), *(f"versions.{name}" for name in ABOUT_INGESTS),
)  # fmt: skip
WRITTEN = ("index.html", "mapping.html", WORKBOOK, REST)
Tell = Callable[[Text], None]
"""Called with a sentence that whoever runs the command should read."""


def tell_incomplete_where_first(settings: Settings) -> Text | None:
    """Return what the coordinating centre is told of patients of two hospitals who are left out for want of the first one's data; None where none is."""
    n = read_frames(settings.warehouse_path, ["marts.incomplete_where_first"])["incomplete_where_first"].height
    return describe_incomplete_where_first(n) if n else None


def write_quality(settings: Settings, hospital: str | None = None, *, tell: Tell = lambda _: None) -> list[Path]:
    """Write the pages and query workbooks and return their paths; with `hospital` only that hospital's.

    Where stopped commands still owe pages all are written, and `tell` is called with a sentence about it. One command writes pages at a
    time, of what the warehouse holds when its turn comes, so that no older page takes the place of a newer one.

    Raises:
        UsageError: no such hospital, or nothing loaded yet.
    """
    if hospital:
        find_site(settings, hospital)
    read_owed(settings.warehouse_path, must_exist=True)  # before a lock makes a folder where nothing is loaded
    finish_erasing(settings, tell)
    with hold_lock(settings.reports_dir / "quality"):
        if hospital is None:
            _fix_others(settings)
            keep_all_stated(settings)
        return _write_pages(settings, hospital, tell)


def _fix_others(settings: Settings) -> None:
    """Fix what hospitals see of each other, which only the coordinating centre's own command does."""
    frames = read_frames(settings.warehouse_path, ["core.subject", OTHERS_TABLE])
    agreements = {name: _read_agreement(settings, name) for name in frames["subject"]["hospital"].unique()}
    before = frames["others_share"].sort("hospital", "field", "level")
    fixed = fix_others(frames["subject"], before, agreements).sort("hospital", "field", "level")
    if not fixed.equals(before):
        save_others(settings.warehouse_path, fixed)


def _read_agreement(settings: Settings, hospital: str) -> str:
    """The agreement by which a hospital's figures may be shown; none of one whose mapping is gone or being changed."""
    permission = read_permission(settings, hospital)
    return permission.comparison if permission else ""


def pay_owed(settings: Settings, *, tell: Tell = lambda _: None) -> list[Path]:
    """Write all pages where they are owed, and the file of the database anew, by this command or by one that was stopped; return the pages' paths.

    Of several commands at once the first pays for those that have loaded by then, and the others find nothing owed.
    """
    finish_erasing(settings, tell)
    if not read_owed(settings.warehouse_path):
        return []
    with hold_lock(settings.reports_dir / "quality"):
        return _write_pages(settings, None, tell) if read_owed(settings.warehouse_path) else []


def _write_pages(settings: Settings, hospital: str | None, tell: Tell) -> list[Path]:
    """Write under the lock what is asked for, or all where anything is owed, and clear the debt."""
    owed = read_owed(settings.warehouse_path)  # before the records, so that what is cleared is surely written
    if told := tell_owed(owed):
        tell(Text(f"{told.en} They are written now.", f"{told.zh}现予补做。"))
    sweep(settings.reports_dir)
    # Pages tell nothing of where a record stood; a large hospital's places would fill the memory.
    needed = {f"core.{name}": ["hospital", "patient_id", *read_contract(table)] for name, table in TABLES.items()}
    frames = read_frames(settings.warehouse_path, RELATIONS, needed)
    frames["findings"] = frames.pop("finding")
    frames["record_counts"] = frames.pop("record_count")
    with open_for_reading(settings.warehouse_path) as warehouse:
        frames["brought"] = read_brought(warehouse)
    asked = _choose(frames["ingests"], hospital)
    chosen = _choose(frames["ingests"], None) if owed else asked
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
    paths += _write_mapping_pages(settings, chosen, is_synthetic=is_synthetic)
    folders = ["quality", *(f"quality/{name}" for name in chosen)]
    settle(settings.warehouse_path, owed, _hash_pages(settings.reports_dir, folders), folders)
    return paths


def _hash_pages(reports_dir: Path, folders: Iterable[str]) -> dict[str, str]:
    """Return the hashes of the pages and workbooks that lie in folders, by their paths below that of the reports."""
    found = (reports_dir / folder / name for folder in folders for name in WRITTEN)
    return {path.relative_to(reports_dir).as_posix(): hash_file(path) for path in found if path.is_file()}


def _choose(ingests: pl.DataFrame, hospital: str | None) -> dict[str, Text]:
    """Return the names of the hospitals whose pages are written: of the one that is named, else of all that have data."""
    names = {
        row["hospital"]: Text(row["name_en"], row["name_zh"])
        for row in ingests.filter("is_current").sort("hospital").iter_rows(named=True)
    }
    if hospital and hospital not in names:
        first = suggest_command("ingest", hospital)
        raise UsageError(
            f"Nothing of {hospital} has been loaded yet. First: {first}",
            f"尚未载入 {hospital} 的数据。请先运行：{first}",
        )
    return {hospital: names[hospital]} if hospital else names


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
