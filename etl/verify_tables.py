"""Holds the tables and views of a database against what its trail states of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from etl.errors import InternalError
from etl.judging.between_hospitals import find_shared_patients
from etl.pages.text import Text
from etl.show_trail import tell_broken
from etl.store.database import Warehouse
from etl.store.seal import write_misfit_sql
from etl.store.shape import EVENT, declare_tables
from etl.store.statements import WHOLE, find_part_column, read_parts
from etl.store.trail import Trail

_PLACE = {
    "patient_id": Text("patient", "患者"),
    "table_name": Text("table", "表"),
    "field": Text("field", "字段"),
    "rule_id": Text("rule", "规则"),
    "answer_id": Text("answer", "答复"),
    "source_file": Text("file", "文件"),
    "source_sheet": Text("sheet", "工作表"),
    "source_row": Text("row", "行"),
}
"""By what a record is named: its pseudonym and where it stood, never a value."""
_SHOWN_RECORDS = 5
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def check_trail(trail: Trail) -> Iterator[Text]:
    """Yield what is wrong with the trail itself, and what it found changed as it went on."""
    if trail.broken:
        yield tell_broken(trail.broken)
    for number, at, table in trail.found:
        yield Text(
            f"{table}: another program had changed it before event {number} ({at[:16].replace('T', ' ')} UTC).",
            f"{table}：在第 {number} 条记录（{at[:16].replace('T', ' ')} UTC）之前被其他程序更改。",
        )


def check_tables(warehouse: Warehouse, trail: Trail) -> Iterator[Text]:
    """Yield each table, ingest or hospital of which the records are not those that were stated, with the records that can be named."""
    for table in declare_tables():
        if table == EVENT:
            continue
        stated = trail.stated.get(table, {})
        held = {part.name: part for part in read_parts(warehouse, table)}
        for name in sorted({*stated, *held}, key=lambda name: (len(name), name)):
            (then, digest), part = stated.get(name, (0, "")), held.get(name)
            now = part.statement[0] if part else 0
            is_same = (now, then) == (0, 0) if part is None else part.statement == (then, digest) and not part.n_misfits
            if not is_same:
                yield _describe(table, name, then, now, _name_records(warehouse, table, name))


def _describe(table: str, part: str, then: int, now: int, records: list[Text]) -> Text:
    column = find_part_column(table)
    about = {"ingest_id": Text(f", ingest {part}", f"，版本 {part}"), "hospital": Text(f", {part}", f"，{part}")}
    of = about[column] if column else Text("", "")
    counts = (
        Text(f"{now} records instead of {then}", f"现有 {now} 条记录，应为 {then} 条")
        if now != then
        else Text("values were changed", "有数值被更改")
    )
    named = Text("; ".join(each.en for each in records), "；".join(each.zh for each in records))
    return Text(
        f"{table}{of.en}: {counts.en}{f' ({named.en})' if records else ''}.",
        f"{table}{of.zh}：{counts.zh}{f'（{named.zh}）' if records else ''}。",
    )


def _name_records(warehouse: Warehouse, table: str, part: str) -> list[Text]:
    """Return the records that do not fit what stands beside them, as far as a few can be named."""
    columns, column = warehouse.list_columns(table), find_part_column(table)
    misfits = write_misfit_sql(columns)
    own = f'"{column}"::varchar' if column else f"'{WHOLE}'"
    places = [name for name in _PLACE if name in columns]
    told = ", ".join(places) or "1 as one"
    rows = warehouse.query(
        f"select {told} from {table} where {own} is not distinct from ? and {misfits} limit {_SHOWN_RECORDS + 1}",  # noqa: S608 (names are ours)
        [part],
    ).rows(named=True)
    named = [_name_record(row) for row in rows[:_SHOWN_RECORDS]]
    return [*named, *([Text("...", "……")] if len(rows) > _SHOWN_RECORDS else [])]


def _name_record(row: dict[str, Any]) -> Text:
    told = {
        name: value
        for name, value in row.items()
        if name in _PLACE and value not in (None, "") and (name != "patient_id" or _PSEUDONYM.fullmatch(str(value)))
    }
    return Text(
        ", ".join(f"{_PLACE[name].en} {value}" for name, value in told.items()),
        "，".join(f"{_PLACE[name].zh} {value}" for name, value in told.items()),
    )


def check_derived(warehouse: Warehouse) -> Iterator[Text]:
    """Yield what does not follow from the records as it should: accounts, views of the current versions, marts, findings between hospitals."""
    try:
        warehouse.run_checks()
    except InternalError as error:
        yield Text(error.en, error.zh)
    for view in warehouse.list_foreign_views():
        yield Text(
            f"{view}: the view is not the one that the registry makes, so what it gives is not what the records say.",
            f"{view}：该视图与本系统所建的不同，其结果不能反映记录。",
        )
    made = find_shared_patients(
        warehouse.query("select * from marts.person_in_two_hospitals"), warehouse.query("select * from core.patient")
    )
    kept = warehouse.query("select * from cross_findings").select(made.columns)
    if sorted(map(repr, made.rows())) != sorted(map(repr, kept.rows())):
        yield Text(
            "cross_findings: they are not what follows from the current versions.",
            "cross_findings：与当前版本应得的结果不符。",
        )
