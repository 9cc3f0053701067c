"""Whether everything is what the registry recorded of it: trail, tables, views, deliveries, reports. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass

from etl.pages.text import Text
from etl.settings import Settings
from etl.store.owed import list_owed
from etl.store.seen import find_change, find_seen, tell_older_copy
from etl.store.shape import PAGE, declare_tables
from etl.store.trail import read_trail
from etl.store.warehouse import open_for_reading
from etl.verify_files import Seen, check_analyses, check_deliveries, check_frozen_sets, check_pages
from etl.verify_tables import check_derived, check_tables, check_trail


@dataclass(frozen=True)
class Verdict:
    """What a verification came to: what differs, what is only worth knowing, and what was looked at."""

    differences: list[Text]
    notes: list[Text]
    checked: Text


def verify(settings: Settings) -> Verdict:
    """Hold a workspace against its own records.

    Raises:
        UsageError: nothing is loaded yet.
        DamagedError: bytes of the database cannot be read.
    """
    path = settings.warehouse_path
    seen_change = find_seen(path)
    with open_for_reading(path) as warehouse:
        trail = read_trail(warehouse)
        ingests = warehouse.query("select * from ingests order by ingest_id")
        n_pages = warehouse.query(f"select * from {PAGE}").height  # noqa: S608 (a name of ours)
        older = tell_older_copy(path, find_change(warehouse), seen_change)
        of_tables = [
            *check_trail(trail),
            *check_tables(warehouse, trail),
            *check_derived(warehouse),
            *([older] if older else []),
        ]
        owed = list_owed(warehouse)
        pages = [_tell_owed()] if owed else [*check_pages(warehouse, settings)]
        of_studies = [*check_analyses(warehouse, settings), *check_frozen_sets(warehouse, settings)]
        files = [*check_deliveries(ingests, settings), *pages, *of_studies]
    n_records = sum(int(n) for parts in trail.stated.values() for n, _ in parts.values())
    checked = Text(
        f"{trail.n_events} events of the trail, {n_records:,} records in {len(declare_tables()) - 1} tables, {ingests.height} deliveries, {n_pages} pages and workbooks",
        f"{trail.n_events} 条操作记录、{len(declare_tables()) - 1} 张表的 {n_records:,} 条数据、{ingests.height} 次提交、{n_pages} 份报告和工作簿",
    )
    differences = [*of_tables, *(one.text for one in files if one.differs)]
    return Verdict(differences, [one.text for one in files if not one.differs], checked)


def _tell_owed() -> Seen:
    return Seen(
        Text(
            "Pages and query workbooks are owed for a change, so they were not looked at; the next command that writes makes them.",
            "有更改尚未生成报告和质疑工作簿，因此未核对；下一条写入命令会补做。",
        ),
        differs=False,
    )
