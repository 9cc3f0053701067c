"""The trail as it is read at a terminal: one event a line, and whether all of them are what was written."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from etl.console import Terminal
from etl.errors import DiffersError, UsageError
from etl.pages.text import Text
from etl.settings import Settings
from etl.store.database import Warehouse
from etl.store.shape import EVENT
from etl.store.trail import read_trail
from etl.store.warehouse import open_for_reading
from etl.suggestions import did_you_mean

KINDS = {
    "database": Text("database made", "建立数据库"),
    "opening": Text("trail begun", "开始记录"),
    "upgrade": Text("database brought up to date", "更新数据库"),
    "ingest": Text("ingest", "载入"),
    "answers": Text("answers taken", "采用答复"),
    "revert": Text("revert", "恢复版本"),
    "withdrawal": Text("withdrawal of patients", "患者撤回"),
    "withdrawal_undone": Text("withdrawal taken back", "取消撤回登记"),
    "rewritten": Text("file of the database written anew", "重写数据库文件"),
    "permission": Text("permission", "许可"),
    "refused": Text("delivery refused", "拒收数据"),
    "pages": Text("pages written", "生成报告"),
    "comparison": Text("figures of other hospitals fixed", "确定其他医院的对比数字"),
    "analysis": Text("analysis", "分析"),
    "rekey": Text("pseudonyms made anew", "更换密钥"),
    "freeze": Text("data frozen", "冻结数据"),
    "export": Text("export", "导出"),
    "backup": Text("backup", "备份"),
    "encrypted": Text("pages encrypted for sending", "加密待发送的报告"),
    "restore": Text("restored", "由导出或备份重建"),
}
"""What events are called; one of another kind is shown under its own name."""
FACTS = {
    "rows_in": Text("in", "输入"),
    "rows_out": Text("out", "输出"),
    "n_refused": Text("set aside", "搁置"),
    "reason": Text("reason", "理由"),
    "input_hash": Text("input", "输入哈希"),
    "mapping_hash": Text("mapping", "映射"),
}
_NOT_SHOWN = ("tables", "before", "change", "manifest_hash", "content_hash")
_HASH_LETTERS = 8


def show_trail(
    settings: Settings, terminal: Terminal, *, hospital: str | None, kind: str | None, since: dt.date | None
) -> None:
    """Print the events that are asked for, the oldest first, and whether the whole trail holds.

    Raises:
        DiffersError: an event was edited, taken out, put in or moved.
        UsageError: no event is of such a hospital or kind.
    """
    asked = {"hospital": hospital, "kind": kind}
    chosen = {name: value for name, value in asked.items() if value is not None}
    where = " and ".join(["true", *(f"{name} = ?" for name in chosen), *(["happened_at >= ?"] if since else [])])
    values = [*chosen.values(), *([since.isoformat()] if since else [])]
    with open_for_reading(settings.warehouse_path) as warehouse:
        for name, value in chosen.items():
            _check_told(warehouse, name, value)
        trail = read_trail(warehouse)
        for frame in warehouse.stream(f"select * from {EVENT} where {where} order by number", values):  # noqa: S608
            for event in frame.iter_rows(named=True):
                terminal.write(_describe(terminal, event))
    if trail.broken:
        told = tell_broken(trail.broken)
        raise DiffersError(told.en, told.zh)
    terminal.say(
        f"The trail holds: {trail.n_events} events, each bound to the one before; head {trail.head}.",
        f"记录完整：共 {trail.n_events} 条，逐条相连；末条哈希 {trail.head}。",
    )


def _check_told(warehouse: Warehouse, name: str, value: str) -> None:
    told = warehouse.query(f"select distinct {name} from {EVENT} where {name} is not null order by all")[name].to_list()  # noqa: S608
    if value not in told:
        near, listed = did_you_mean(value, told), (", ".join(told), "、".join(told))
        raise UsageError(
            f"No event is of the {name} '{value}'.{near.en} There are: {listed[0]}.",
            f"没有“{value}”的记录。{near.zh}现有：{listed[1]}。",
        )


def tell_broken(numbers: list[int]) -> Text:
    """Return that events do not follow from those before them."""
    listed = ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")
    return Text(
        f"The trail does not hold: event {listed} is not what was written. It was edited, taken out, put in or moved by another program.",
        f"操作记录不完整：第 {listed} 条与写入时不符，被其他程序修改、删除、插入或移动。",
    )


def read_day(text: str) -> dt.date:
    """Return the day from which events are shown.

    Raises:
        UsageError: it is no day.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since is '{text}'; it must be a day such as 2026-11-30.",
            f"--since 为“{text}”；应为日期，如 2026-11-30。",
        ) from None


def _describe(terminal: Terminal, event: Mapping[str, Any]) -> str:
    """Return an event as one line: number, time, what, hospital, who, and what is known of it."""
    kind = KINDS.get(event["kind"], Text(event["kind"], event["kind"]))
    who = f"{event['account']}@{event['host']}"
    code = f"{event['code_version']} {(event['code_commit'] or '')[:_HASH_LETTERS]}".strip()
    facts = [
        f"{terminal.text(label.en, label.zh)} {_shorten(event[name])}"
        for name, label in FACTS.items()
        if event[name] is not None
    ]
    try:
        detail = json.loads(event["detail"])
        facts += [f"{name} {_shorten(value)}" for name, value in detail.items() if name not in _NOT_SHOWN]
    except (TypeError, ValueError, AttributeError):  # edited: its hash tells
        facts.append("?")
    about = f"  {event['hospital']}" if event["hospital"] else ""
    when = str(event["happened_at"])[:19].replace("T", " ")
    return f"{event['number']:>5}  {when} UTC  {terminal.text(kind.en, kind.zh)}{about}  [{who}, {code}]  {'; '.join(facts)}"


def _shorten(value: object) -> str:
    """Return a fact for a line: of a hash its beginning, of a list how many it has where that is shorter."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) if len(value) <= 5 else f"{len(value)}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    text = str(value)
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:_HASH_LETTERS] if is_hash else text
