"""Writes `docs/questions.md`: questions of the synthetic example as a hospital reads them, in the words of its query workbook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from etl.pages.synthetic_marks import IN_WORKBOOKS
from etl.pages.text import Text
from etl.quality.answer_words import (
    ANSWER,
    ANSWERS,
    CONFIRMED,
    EFFECTS,
    QUERY_ID,
    QUESTION,
    QUESTION_ZH,
    STATUS,
    can_be_confirmed,
    is_set_aside,
    list_choices,
)
from etl.quality.measures import sort_findings
from etl.quality.queries import fill_cells, show_both
from etl.quality.status import NEW
from schemas.codes import Severity
from schemas.contract_checks import CONTRACT_CHECKS
from schemas.markdown import render_table
from schemas.rule_catalogue import list_sections
from schemas.rules import RULES

SECTIONS = (
    "identity", "chronology", "liver_and_stage", "tumour_burden", "veins", "laboratory", "arm", "therapy_lines", "course", "local_treatment",
    "imaging", "tumour_assessment", "response_evidence", "recorded_progression", "adverse_events",
)  # fmt: skip
"""Sections of the rule catalogue, of each of which one question is shown."""
KINDS = {
    "study.<requirement>.unknown": Text("Missing data", "缺失数据"),
    "<table>.<field>.unit_slip": Text("A unit that slipped", "单位误用"),
    "<table>.<field>.code": Text("An unknown code", "未知编码"),
    "<table>.<field>.after_delivery": Text("A date after the delivery", "晚于提交日的日期"),
    "<table>.key.duplicate": Text("A record that came twice", "重复记录"),
}
"""Kinds of rules made from the contract, of each of which one question is shown."""
_WHAT_CONFIRMING_DOES = {
    "record": Text(
        "The whole record was set aside and cannot be confirmed: correct it in the source. It is asked about again where the next delivery still "
        "holds it.",
        "整条记录已隔离，不能核实确认，请在源数据中更正；若下次提交仍含该记录，将再次询问。",
    ),
    "cell": Text(
        "The value was set aside. If you confirm it, it counts from then on.", "该值已隔离；经贵院核实无误后即予采用。"
    ),
    "unreadable": Text(
        "The value was set aside and cannot count as it stands, so that it cannot be confirmed: correct it in the source.",
        "该值已隔离，且无法按原样采用，故不能核实确认，请在源数据中更正。",
    ),
    "kept": Text(
        "Confirming changes no value; the question is not asked again while the value stays the same.",
        "核实无误不改变任何数值；只要该值不变，不再询问。",
    ),
}
_LEFT_OUT = (QUERY_ID, STATUS, QUESTION_ZH, QUESTION)
"""What the page shows elsewhere or not at all: a query's id hangs on the pseudonym key, and all questions are new."""
_INTRODUCTION = f"""# Twenty questions as a hospital reads them 医院看到的二十个问题

**{IN_WORKBOOKS}**

本页由代码根据合成示例研究生成（`make docs`；`etl/quality/question_page.py`），请勿手工修改。所有患者均为虚构，所有错误均为有意植入；文件、工作表、行号和列名即虚构文件中的位置，
问题的措辞与医院收到的质疑工作簿（queries.xlsx）完全相同。工作簿中另有质疑编号和状态两列，此处从略。

This page is generated from the synthetic example study (`make docs`; `etl/quality/question_page.py`); do not edit it. Every patient is invented and every fault was planted. File, sheet, row and
column are those of the invented files, and the questions are worded by the code of the query workbook (queries.xlsx). Two of its columns are left out here: the query's id and its status.

**How they were chosen.** By a rule: one question for each of fifteen sections of the [rule catalogue](rule-catalogue.md), then one for each of five kinds of rules that are made from the contract. The three hospitals
come by turns; of a hospital it is the first rule of the section, and the rule's first question as in the workbook. How to answer, and what becomes of a question: [queries](queries.md)."""


def write_question_page(findings: pl.DataFrame, path: Path) -> None:
    """Write the page as Markdown from the findings of the example's current versions."""
    path.write_text(render_question_page(findings), encoding="utf-8")


def render_question_page(findings: pl.DataFrame) -> str:
    """Return the page's text; `findings` has the columns of `marts.finding`, and any order."""
    questions = choose_questions(findings).iter_rows(named=True)
    parts = [_INTRODUCTION, _render_answers()]
    parts += [_render_question(number, question) for number, question in enumerate(questions, start=1)]
    return "\n\n".join(parts) + "\n"


def choose_questions(findings: pl.DataFrame) -> pl.DataFrame:
    """Return one finding for each of `SECTIONS` and `KINDS`, in their order, with the titles and what can be answered.

    The hospitals come by turns, in the order of their ids; where one was asked nothing of a section, the next one is taken.
    """
    asked = sort_findings(findings.filter(pl.col("severity") != Severity.NOTE.value)).with_columns(
        status=pl.lit(NEW), is_offered=can_be_confirmed(), is_set_aside=is_set_aside()
    )
    hospitals = asked["hospital"].unique().sort().to_list()
    chosen = []
    for number, (title, ranks) in enumerate(_list_wanted(asked)):
        own = asked.with_columns(rank=pl.col("rule_id").replace_strict(ranks, default=None, return_dtype=pl.Int64))
        turn = {name: (place - number) % len(hospitals) for place, name in enumerate(hospitals)}
        first = (
            own.filter(pl.col("rank").is_not_null())
            .with_columns(turn=pl.col("hospital").replace_strict(turn, return_dtype=pl.Int64))
            .sort("turn", "rank", maintain_order=True)
            .head(1)
        )
        chosen.append(first.with_columns(title=pl.lit(f"{title.en} {title.zh}")))
    return pl.concat(chosen)


def _list_wanted(asked: pl.DataFrame) -> list[tuple[Text, dict[str, int]]]:
    """List each section and kind with its rules and their order; the contract's rules of one kind come as in the files."""
    sections = {section.name: section for section in list_sections()}
    wanted = [
        (Text(s.en, s.zh), {rule.rule_id: rank for rank, rule in enumerate(s.rules)})
        for s in (sections[name] for name in SECTIONS)
    ]
    ids = asked["rule_id"].unique().to_list()
    wanted += [(title, {i: 0 for i in ids if _is_of_kind(i, kind)}) for kind, title in KINDS.items()]
    return wanted


def _is_of_kind(rule_id: str, kind: str) -> bool:
    return re.fullmatch(re.sub(r"<\w+>", r"\\w+", re.escape(kind)), rule_id) is not None


def _render_answers() -> str:
    rows = [(show_both(ANSWERS[code]), f"{EFFECTS[code].zh}<br>{EFFECTS[code].en}") for code in ANSWERS]
    table = render_table((show_both(ANSWER), "有何作用 what it does"), rows)
    return f"## The answers 答复\n\n{table}"


def _render_question(number: int, question: Mapping[str, Any]) -> str:
    cells = {label: _show(content) for label, content in fill_cells(question).items() if label not in _LEFT_OUT}
    offered = [show_both(ANSWERS[code]) for code in list_choices(can_be_confirmed=question["is_offered"])]
    confirming = _WHAT_CONFIRMING_DOES[_find_situation(question)]
    return "\n".join([
        f"## {number}. {question['title']}",
        "",
        f"> {question['message_zh']}<br>{question['message_en']}",
        "",
        render_table([show_both(label) for label in cells], [list(cells.values())]),
        "",
        f"- **为何询问 Why it is asked:** {_explain(question['rule_id'])}",
        f"- **可选答复 Answers offered:** {'; '.join(offered)}",
        f"- **“{ANSWERS[CONFIRMED].zh}”在此 “{ANSWERS[CONFIRMED].en}” here:** {confirming.zh}<br>{confirming.en}",
        f"- **规则 Rule:** `{question['rule_id']}`",
    ])  # fmt: skip


def _show(content: str | int | None) -> str:
    return "" if content is None else str(content)


def _find_situation(question: Mapping[str, Any]) -> str:
    """Say what became of what is asked about, on which it hangs what confirming does."""
    if question["severity"] == Severity.REJECT.value:
        return "record"
    if question["is_set_aside"]:
        return "cell" if question["is_offered"] else "unreadable"
    return "kept"


def _explain(rule_id: str) -> str:
    rule = RULES.get(rule_id) or next(check for check in CONTRACT_CHECKS if _is_of_kind(rule_id, check.rule_id))
    return f"{rule.why_zh}<br>{rule.why}"
