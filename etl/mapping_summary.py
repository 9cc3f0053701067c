"""What is told at the end about a mapping: one that is proposed for an unknown delivery, and what is weak about one that was taken."""

from __future__ import annotations

from collections.abc import Sequence

from etl.console import Terminal
from etl.onboarding.decisions import CODE, COLUMN
from etl.onboarding.propose_hospital import NewHospital
from etl.onboarding.proposing.words import IDENTIFIER, NATIONAL_ID, PATIENT_NUMBER
from etl.onboarding.worksheet.form import PERMISSION_SHEET, WORKSHEET
from etl.pages.text import Text
from etl.suggestions import suggest_command

WORDS = {
    "en": {
        "title": "{hospital}: {delivery} - a mapping is proposed",
        "sheets": "Sheets    {n} with records, {ignored} without",
        "columns": "Columns   {n} = {sure} sure + {open} to decide",
        "codes": "Codes     {n} = {sure} sure + {open} to decide",
        "hidden": "Never stored or shown: {names}",
        "permission": "Permission to use the data: to be stated on the sheet '{sheet}'; until then a delivery is checked (CHECK) and not loaded",
        "next": "Next: fill in {worksheet}, put the delivery into extracts/{hospital}/, then: {command}",
    },
    "zh": {
        "title": "{hospital}：{delivery} - 已生成对应建议",
        "sheets": "工作表  有记录 {n} 个，无记录 {ignored} 个",
        "columns": "列      {n} = 确定 {sure} + 待决定 {open}",
        "codes": "编码    {n} = 确定 {sure} + 待决定 {open}",
        "hidden": "不存储、不显示：{names}",
        "permission": "数据使用许可：请在“{sheet}”表填写；填写之前只能校验（CHECK），不会载入",
        "next": "下一步：填写 {worksheet}，将数据放入 extracts/{hospital}/，然后运行 {command}",
    },
}  # fmt: skip
SHOWN_WEAKNESSES = 12


def show_proposal(terminal: Terminal, proposed: NewHospital) -> None:
    """Print what was found in an unknown delivery and what to do next."""
    for language in ("en", "zh") if terminal.language == "both" else (terminal.language,):
        title, *lines = describe_proposal(proposed, language)
        terminal.write(title, "bold")
        for line in lines:
            terminal.write(f"  {line}")


def show_weaknesses(terminal: Terminal, weaknesses: Sequence[Text]) -> None:
    """Print what is weak about a mapping that was just taken from its worksheet."""
    if not weaknesses:
        return
    n = len(weaknesses)
    terminal.say(f"The mapping is taken. {n} weak point(s):", f"对应表已采用，薄弱之处 {n} 项：")
    for weak in weaknesses[:SHOWN_WEAKNESSES]:
        terminal.write(f"  - {terminal.text(weak.en, weak.zh)}")
    if n > SHOWN_WEAKNESSES:
        terminal.say(f"  ... and {n - SHOWN_WEAKNESSES} more", f"  …… 另有 {n - SHOWN_WEAKNESSES} 项")


def describe_proposal(proposed: NewHospital, language: str) -> list[str]:
    """Return what was found in an unknown delivery as lines in one language: title, sheets, columns, codes, identifiers, next step."""
    words = WORDS[language]
    columns = [d for d in proposed.decisions if d.kind == COLUMN]
    codes = [d for d in proposed.decisions if d.kind == CODE]
    sources = [s for s in proposed.draft.sources if not s.reason]
    hidden = sorted({d.item for d in columns if d.proposed in (PATIENT_NUMBER, NATIONAL_ID, IDENTIFIER)})
    is_asked = proposed.worksheet.name == WORKSHEET and not proposed.draft.is_synthetic
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
        *([words["permission"].format(sheet=PERMISSION_SHEET)] if is_asked else []),
        words["next"].format(
            worksheet=proposed.worksheet,
            hospital=proposed.draft.hospital,
            command=suggest_command("ingest", proposed.draft.hospital),
        ),
    ]
