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
from etl.store.seal import write_check_sql, write_hash_sql
from etl.store.shape import EVENT, ROW_CHECK, declare_tables
from etl.store.statements import WHOLE, find_part_column, read_states
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
        stated, held = trail.stated.get(table, {}), read_states(warehouse, table)
        differing = {part for part in {*stated, *held} if stated.get(part, [0, ""]) != [*held.get(part, (0, ""))]}
        differing = {part for part in differing if stated.get(part, [0])[0] or held.get(part, [0])[0]}
        for part in sorted({*differing, *_list_misfitting(warehouse, table)}, key=lambda name: (len(name), name)):
            then, now = stated.get(part, [0])[0], held.get(part, (0, ""))[0]
            yield _describe(table, part, then, now, _name_records(warehouse, table, part))


def _list_misfitting(warehouse: Warehouse, table: str) -> list[str]:
    """Return the parts of a table with records that do not fit the check beside them."""
    if (misfits := _write_misfits_sql(warehouse, table)) is None:
        return []
    column = find_part_column(table)
    part = f'"{column}"::varchar' if column else f"'{WHOLE}'"
    return warehouse.query(f"select distinct {part} as part from {table} where {misfits}")["part"].to_list()  # noqa: S608 (names are ours)


def _write_misfits_sql(warehouse: Warehouse, table: str) -> str | None:
    """Return the condition of a record that does not fit its check; None where a table has none."""
    columns = warehouse.list_columns(table)
    check = write_check_sql(write_hash_sql(columns))
    return f"({ROW_CHECK} is null or {ROW_CHECK} <> {check})" if ROW_CHECK in columns else None


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
    if (misfits := _write_misfits_sql(warehouse, table)) is None:
        return []
    column = find_part_column(table)
    own = f'"{column}"::varchar' if column else f"'{WHOLE}'"
    places = [name for name in _PLACE if name in warehouse.list_columns(table)]
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
        if name in _PLACE and value is not None and (name != "patient_id" or _PSEUDONYM.fullmatch(str(value)))
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
