"""What the terminal shows: summaries that fit one screen, progress on long steps, errors in the chosen language."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.text import Text as Line

from etl.errors import RegistryError
from etl.ingest import IngestSummary, Progress
from etl.mapping.accounts import USED
from etl.mapping.delivery_day import ORIGINS
from etl.onboarding.decisions import CODE, COLUMN
from etl.onboarding.propose_hospital import NewHospital
from etl.onboarding.proposing.words import IDENTIFIER, NATIONAL_ID, PATIENT_NUMBER
from etl.pages.labels import SEVERITIES, label_ignore_rule
from etl.pages.synthetic_marks import IN_TERMINALS
from etl.pages.text import Text
from etl.settings import Language
from etl.suggestions import escape_hidden, suggest_command
from schemas.codes import Severity

WORDS = {
    "en": {
        "loaded": "loaded as ingest {ingest_id}", "checked": "checked, not loaded",
        "rows": "Rows    ", "records": "Records ", "cells": "Cells   ", "patients": "Patients", "findings": "Findings",
        "day": "Day     ", "used": "used", "ignored": "ignored", "loaded_part": "loaded", "quarantined": "quarantined", "mapped": "mapped",
        "identifiers": "identifiers", "answers": "Answers ",
        "taken": "{n:,} taken: confirmed and unavailable values are not asked about again",
        "hidden": "Left out, since hidden (the name begins with a dot):",
    },
    "zh": {
        "loaded": "已载入，编号 {ingest_id}", "checked": "仅校验，未载入",
        "rows": "行    ", "records": "记录  ", "cells": "单元格", "patients": "患者  ", "findings": "问题  ",
        "day": "日期  ", "used": "已使用", "ignored": "忽略", "loaded_part": "已载入", "quarantined": "隔离", "mapped": "已对应到字段",
        "identifiers": "身份信息", "answers": "答复  ", "taken": "已采用 {n:,} 条：已核实或无法获得的数值不再质疑",
        "hidden": "未读取，因文件名以点开头而隐藏：",
    },
}  # fmt: skip

PROPOSAL_WORDS = {
    "en": {
        "title": "{hospital}: {delivery} - a mapping is proposed",
        "sheets": "Sheets    {n} with records, {ignored} without",
        "columns": "Columns   {n} = {sure} sure + {open} to decide",
        "codes": "Codes     {n} = {sure} sure + {open} to decide",
        "hidden": "Never stored or shown: {names}",
        "next": "Next: fill in {worksheet}, put the delivery into extracts/{hospital}/, then: {command}",
    },
    "zh": {
        "title": "{hospital}：{delivery} - 已生成对应建议",
        "sheets": "工作表  有记录 {n} 个，无记录 {ignored} 个",
        "columns": "列      {n} = 确定 {sure} + 待决定 {open}",
        "codes": "编码    {n} = 确定 {sure} + 待决定 {open}",
        "hidden": "不存储、不显示：{names}",
        "next": "下一步：填写 {worksheet}，将数据放入 extracts/{hospital}/，然后运行 {command}",
    },
}  # fmt: skip
SHOWN_WEAKNESSES = 12
WORTH_A_REASON = 0.1
"""Above this share of records set aside the terminal says why."""


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Drop what is still to be said: the reader went away (`| head`), the work goes on."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class Terminal:
    """Writes to the terminal in the chosen language; colours only where the output is a terminal."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._out = _Output(highlight=False, soft_wrap=True)
        self._err = _Output(stderr=True, highlight=False, soft_wrap=True)

    def write(self, text: str, style: str | None = None) -> None:
        """Print a text as it is; what a terminal would obey is written out."""
        self._out.print(escape_hidden(text, keep="\n"), markup=False, style=style)

    def text(self, en: str, zh: str) -> str:
        """Return a short text in the chosen language, both with a slash between."""
        return {"en": en, "zh": zh, "both": f"{en} / {zh}" if en != zh else en}[self.language]

    def say(self, en: str, zh: str) -> None:
        """Print one line."""
        self.write(self.text(en, zh))

    def show_error(self, error: RegistryError) -> None:
        """Print an error's message, each language on lines of its own."""
        shown = {"en": [error.en], "zh": [error.zh], "both": list(dict.fromkeys([error.en, error.zh]))}[self.language]
        label = self.text("Error", "错误")
        for i, message in enumerate(shown):
            line = escape_hidden(f"{label}: {message}" if i == 0 else message, keep="\n")
            self._err.print(line, markup=False, style="bold red" if i == 0 else None)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Show the running step beside a spinner; on a pipe print nothing."""
        with self._err.status(Line(escape_hidden(what))) as status:
            yield lambda en, zh: status.update(Line(escape_hidden(f"{what}: {self.text(en, zh)} ...")))

    def show_page(self, path: Path) -> None:
        """Print where to read on."""
        self.write(f"  {self.text('Page', '报告')}: {path}")

    def show_ingest(self, summary: IngestSummary) -> None:
        """Print an ingest's summary: what came in, where it went, what was found."""
        if summary.status == "nothing new":
            name = self.text(summary.name_en, summary.name_zh)
            self.write(f"{name}: {self.text('nothing new, the current version stays', '没有新内容，当前版本不变')}")
            for language in ("en", "zh") if self.language == "both" else (self.language,):
                for line in [*_describe_answers(summary, language), *_describe_hidden(summary, language)]:
                    self.write(f"  {line}")
            return
        for language in ("en", "zh") if self.language == "both" else (self.language,):
            title, *lines = describe_ingest(summary, language)
            self.write(title, "bold")
            if summary.is_synthetic:
                self.write(f"  {getattr(IN_TERMINALS, language)}", "yellow")
            for line in lines:
                self.write(f"  {line}")

    def show_new_hospital(self, proposed: NewHospital) -> None:
        """Print what was found in an unknown delivery and what to do next."""
        for language in ("en", "zh") if self.language == "both" else (self.language,):
            title, *lines = describe_proposal(proposed, language)
            self.write(title, "bold")
            for line in lines:
                self.write(f"  {line}")

    def show_weaknesses(self, weaknesses: Sequence[Text]) -> None:
        """Print what is weak about a mapping that was just taken from its worksheet."""
        if not weaknesses:
            return
        n = len(weaknesses)
        self.say(f"The mapping is taken. {n} weak point(s):", f"对应表已采用，薄弱之处 {n} 项：")
        for weak in weaknesses[:SHOWN_WEAKNESSES]:
            self.write(f"  - {self.text(weak.en, weak.zh)}")
        if n > SHOWN_WEAKNESSES:
            self.say(f"  ... and {n - SHOWN_WEAKNESSES} more", f"  …… 另有 {n - SHOWN_WEAKNESSES} 项")


def describe_proposal(proposed: NewHospital, language: str) -> list[str]:
    """Return what was found in an unknown delivery as lines in one language: title, sheets, columns, codes, identifiers, next step."""
    words = PROPOSAL_WORDS[language]
    columns = [d for d in proposed.decisions if d.kind == COLUMN]
    codes = [d for d in proposed.decisions if d.kind == CODE]
    sources = [s for s in proposed.draft.sources if not s.reason]
    hidden = sorted({d.item for d in columns if d.proposed in (PATIENT_NUMBER, NATIONAL_ID, IDENTIFIER)})
    return [
        words["title"].format(hospital=proposed.draft.hospital, delivery=proposed.draft.delivery),
        words["sheets"].format(n=len(sources), ignored=len(proposed.draft.sources) - len(sources)),
        words["columns"].format(
            n=len(columns), sure=sum(bool(d.decided) for d in columns), open=sum(not d.decided for d in columns)
        ),
        words["codes"].format(
            n=len(codes), sure=sum(bool(d.decided) for d in codes), open=sum(not d.decided for d in codes)
        ),
        words["hidden"].format(names=", ".join(hidden) or "-"),
        words["next"].format(
            worksheet=proposed.worksheet,
            hospital=proposed.draft.hospital,
            command=suggest_command("ingest", proposed.draft.hospital),
        ),
    ]


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
        if label == "rows":
            lines.append(f"    {words['ignored']}: {_list_ignored(summary.row_accounts, language)}")
    labels = {severity.value: getattr(SEVERITIES[severity], language) for severity in Severity}
    parts = ", ".join(f"{label} {found.get(severity, 0):,}" for severity, label in labels.items())
    lines += [f"{words['patients']} {a['patients']:,}", f"{words['findings']} {parts}"]
    if a["records_quarantined"] > WORTH_A_REASON * a["records_made"]:
        lines += [
            f"    {words['quarantined']} {n:,}: {zh if language == 'zh' else en}" for n, en, zh in summary.reasons
        ]
    return lines + _describe_answers(summary, language) + _describe_hidden(summary, language)


def _describe_answers(summary: IngestSummary, language: str) -> list[str]:
    words = WORDS[language]
    return [f"{words['answers']} {words['taken'].format(n=summary.answers)}"] if summary.answers else []


def _describe_hidden(summary: IngestSummary, language: str) -> list[str]:
    return [f"{WORDS[language]['hidden']} {', '.join(summary.hidden)}"] if summary.hidden else []


def _list_ignored(accounts: pl.DataFrame | None, language: str) -> str:
    if accounts is None:
        return ""
    by_rule = accounts.filter(pl.col("rule") != USED).group_by("rule").agg(pl.col("n_rows").sum())
    ordered = by_rule.sort("n_rows", "rule", descending=[True, False])
    return ", ".join(f"{getattr(label_ignore_rule(rule), language)} {n:,}" for rule, n in ordered.iter_rows())
