"""What an ingest tells at its end, on one screen: what came in, where it went, what was found."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from etl.console import Terminal
from etl.ingest_result import IngestSummary
from etl.mapping.accounts import USED_HIDDEN, USED_STRUCK, is_used
from etl.mapping.delivery_day import ORIGINS
from etl.pages.labels import SEVERITIES, label_ignore_rule
from etl.pages.synthetic_marks import IN_TERMINALS
from etl.suggestions import suggest_command
from schemas.codes import Severity
from schemas.contract import read_grain
from schemas.tables import TABLES

WORDS = {
    "en": {
        "loaded": "loaded as ingest {ingest_id}", "checked": "checked, not loaded",
        "rows": "Rows    ", "records": "Records ", "cells": "Cells   ", "patients": "Patients", "findings": "Findings",
        "day": "Day     ", "used": "used", "ignored": "ignored", "loaded_part": "loaded", "quarantined": "quarantined", "mapped": "mapped",
        "identifiers": "identifiers", "answers": "Answers ",
        "taken": "{n:,} taken: confirmed and unavailable values are not asked about again",
        "empty": "Nothing in this delivery for",
        "hidden_rows": "used although hidden in the workbook, by a filter or by hand: {n:,}; take out of the delivery what is not meant to be sent",
        "struck_rows": "used although cells of them are struck through: {n:,}; what does not hold any more must be taken out of the cells",
        "hidden": "Left out, since hidden (the name begins with a dot):",
        "strange": "Look at this:",
        "carried": "an addition to ingest {base}: {n:,} of these records were carried over, {replaced:,} were replaced or taken away",
        "confirmed": "Confirmed {n:,}: outside the limits, and counted since the hospital confirmed them",
        "typed_values": "Comments that are a bare value {n:,}: no value is taken from a comment; it must come corrected with the data",
        "workspace": "Workspace: begun, and open to your account alone",
        "key": "Key of the pseudonyms: {file}. Keep a copy of it now, on paper or another disk, apart from every backup: without it no patient is found again, with it any is",
        "linkage_key": "Key of the hashes of persons: {file}. The same holds; another party may keep it (docs/security.md)",
        "no_linkage_key": "Not compared with other hospitals: no linkage key lies at {file}, so that no hashes of persons were made",
        "old_persons": "Persons are hashed by the pseudonym key, as before there was a linkage key: whoever has it finds national ids. Move them to a key of their own: {command}",
        "waiting": "Confirmed, and counted once their delivery is read again {n:,}: {command}",
    },
    "zh": {
        "loaded": "已载入，编号 {ingest_id}", "checked": "仅校验，未载入",
        "rows": "行    ", "records": "记录  ", "cells": "单元格", "patients": "患者  ", "findings": "问题  ",
        "day": "日期  ", "used": "已使用", "ignored": "忽略", "loaded_part": "已载入", "quarantined": "隔离", "mapped": "已对应到字段",
        "identifiers": "身份信息", "answers": "答复  ", "taken": "已采用 {n:,} 条：已核实或无法获得的数值不再质疑",
        "empty": "本次提交中无内容的表：",
        "hidden_rows": "工作簿中被筛选或手动隐藏的行也已使用：{n:,}；如不应提交，请从数据中删除",
        "struck_rows": "含划去（删除线）单元格的行也已使用：{n:,}；不再有效的内容请从单元格中删除",
        "hidden": "未读取，因文件名以点开头而隐藏：",
        "strange": "请核对：",
        "carried": "并入第 {base} 次入库：其中 {n:,} 条记录沿用，{replaced:,} 条被替换或取消",
        "confirmed": "已核实 {n:,} 个：超出限值，经医院核实后予以采用",
        "typed_values": "备注中仅为数值 {n:,} 条：登记库不从备注采集数值，请在源数据中更正后提交",
        "workspace": "工作区已建立，仅您的账户可访问",
        "key": "匿名密钥：{file}。请立即另存一份（纸质或另一磁盘），并与所有备份分开保管：没有它无法再对应患者，持有它即可对应",
        "linkage_key": "个人散列的关联密钥：{file}。保管要求相同；可由另一方保管（docs/security.md）",
        "no_linkage_key": "未与其他医院比对：{file} 处没有关联密钥，因此未生成个人散列",
        "old_persons": "个人散列仍由匿名密钥生成（早期版本）：持有该密钥者可查出身份证号。改用单独的密钥请运行：{command}",
        "waiting": "已核实、待重新读取其数据后采用 {n:,} 个：{command}",
    },
}  # fmt: skip
WORTH_A_REASON = 0.1
"""Above this share of records set aside the terminal says why."""


def show_ingest(terminal: Terminal, summary: IngestSummary) -> None:
    """Print an ingest's summary: what came in, where it went, what was found."""
    if summary.status == "nothing new":
        name = terminal.text(summary.name_en, summary.name_zh)
        terminal.write(f"{name}: {terminal.text('nothing new, the current version stays', '没有新内容，当前版本不变')}")
        for language in ("en", "zh") if terminal.language == "both" else (terminal.language,):
            for line in [*_describe_answers(summary, language), *_describe_hidden(summary, language)]:
                terminal.write(f"  {line}")
        _show_warning(terminal, summary)
        return
    for language in ("en", "zh") if terminal.language == "both" else (terminal.language,):
        title, *lines = describe_ingest(summary, language)
        terminal.write(title, "bold")
        if summary.is_synthetic:
            terminal.write(f"  {getattr(IN_TERMINALS, language)}", "yellow")
        for line in lines:
            terminal.write(f"  {line}")
    _show_warning(terminal, summary)


def _show_warning(terminal: Terminal, summary: IngestSummary) -> None:
    if summary.warning:
        terminal.write(f"  {terminal.text(summary.warning.en, summary.warning.zh)}", "yellow")


def describe_ingest(summary: IngestSummary, language: str) -> list[str]:
    """Return an ingest's summary as lines in one language: title, the three accounts, patients, findings."""
    words = WORDS[language]
    a, found = summary.accounts or {}, summary.findings or {}
    name = summary.name_zh if language == "zh" else summary.name_en
    status = words[summary.status].format(ingest_id=summary.ingest_id)
    counts = [
        ("rows", "rows_read", [("rows_used", "used"), ("rows_ignored", "ignored")]),
        ("records", "records_made", [("records_loaded", "loaded_part"), ("records_quarantined", "quarantined")]),
        ("cells", "cells", [("cells_mapped", "mapped"), ("cells_identifier", "identifiers"), ("cells_ignored", "ignored"),
                            ("cells_quarantined", "quarantined")]),
    ]  # fmt: skip
    lines = [f"{name}: {summary.delivery} - {status}"]
    if summary.day:
        lines.append(f"{words['day']} {summary.day} ({getattr(ORIGINS[summary.day.origin], language)})")
    for label, total, parts in counts:
        sums = " + ".join(f"{a[key]:,} {words[part]}" for key, part in parts)
        lines.append(f"{words[label]} {a[total]:,} = {sums}")
        if label == "records" and summary.base_ingest_id is not None:
            lines.append(
                f"    {words['carried'].format(n=a['records_carried'], base=summary.base_ingest_id, replaced=a['records_replaced'])}"
            )
        if label == "rows":
            lines.append(f"    {words['ignored']}: {_list_ignored(summary.row_accounts, language)}")
            lines += _describe_marked_rows(summary.row_accounts, language)
    labels = {severity.value: getattr(SEVERITIES[severity], language) for severity in Severity}
    parts = ", ".join(f"{label} {found.get(severity, 0):,}" for severity, label in labels.items())
    lines += [f"{words['patients']} {a['patients']:,}", f"{words['findings']} {parts}"]
    if a["records_quarantined"] > WORTH_A_REASON * a["records_made"]:
        lines += [
            f"    {words['quarantined']} {n:,}: {zh if language == 'zh' else en}" for n, en, zh in summary.reasons
        ]
    if summary.empty:
        names = "、".join(read_grain(TABLES[name])[1] for name in summary.empty)
        lines.append(f"{words['empty']} {names if language == 'zh' else ', '.join(summary.empty)}")
    lines += [f"{words['strange']} {zh if language == 'zh' else en}" for en, zh in summary.notices]
    return [
        *lines,
        *_describe_answers(summary, language),
        *_describe_hidden(summary, language),
        *_describe_keys(summary, language),
    ]


def _describe_keys(summary: IngestSummary, language: str) -> list[str]:
    """Return what is told of the keys: where those of a new database lie, and who is not compared between hospitals for want of one."""
    keys, words, lines = summary.keys, WORDS[language], list[str]()
    if keys is None:
        return lines
    if keys.is_begun and summary.status == "loaded":
        lines += [words["workspace"], words["key"].format(file=keys.file)]
        lines += [words["linkage_key"].format(file=keys.linkage_file)] if keys.hashes_persons else []
    if not keys.hashes_persons:
        lines.append(words["no_linkage_key"].format(file=keys.linkage_file))
    elif keys.linkage_fingerprint is None:
        lines.append(words["old_persons"].format(command=suggest_command("rekey")))
    return lines


def _describe_answers(summary: IngestSummary, language: str) -> list[str]:
    words = WORDS[language]
    taken = [f"{words['answers']} {words['taken'].format(n=summary.answers)}"] if summary.answers else []
    command = suggest_command("ingest", summary.hospital, extract=Path("path/to/delivery"))
    counts = {name: getattr(summary, name) for name in ("confirmed", "typed_values", "waiting")}
    return taken + [words[name].format(n=n, command=command) for name, n in counts.items() if n]


def _describe_hidden(summary: IngestSummary, language: str) -> list[str]:
    return [f"{WORDS[language]['hidden']} {', '.join(summary.hidden)}"] if summary.hidden else []


def _describe_marked_rows(accounts: pl.DataFrame | None, language: str) -> list[str]:
    """Return what is told of rows that were used although a workbook hides them or strikes cells of them through."""
    marked = {"hidden_rows": USED_HIDDEN, "struck_rows": USED_STRUCK}
    counts = {
        name: 0 if accounts is None else int(accounts.filter(pl.col("rule") == rule)["n_rows"].sum())
        for name, rule in marked.items()
    }
    return [f"    {WORDS[language][name].format(n=n)}" for name, n in counts.items() if n]


def _list_ignored(accounts: pl.DataFrame | None, language: str) -> str:
    if accounts is None:
        return ""
    by_rule = accounts.filter(~is_used()).group_by("rule").agg(pl.col("n_rows").sum())
    ordered = by_rule.sort("n_rows", "rule", descending=[True, False])
    return ", ".join(f"{getattr(label_ignore_rule(rule), language)} {n:,}" for rule, n in ordered.iter_rows())
