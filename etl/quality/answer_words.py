"""The words of a query workbook: its columns, the answers that can be chosen, and what people write in their place."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.pages.text import Text
from schemas.codes import Severity
from schemas.contract_checks import CELL_KINDS, SET_ASIDE_RULES

ANSWERS_FOLDER = "answers"
CORRECTED, CONFIRMED, NOT_AVAILABLE, COMMENT = "corrected", "confirmed", "not_available", "comment"
ANSWERS: Mapping[str, Text] = {
    CORRECTED: Text("corrected in source", "已在源数据中更正"),
    CONFIRMED: Text("confirmed correct", "核实无误"),
    NOT_AVAILABLE: Text("not available", "无法获得"),
    COMMENT: Text("comment", "见备注"),
}
EFFECTS: Mapping[str, Text] = {
    CORRECTED: Text(
        "the question rests until a delivery brings another value. No value is taken from this file: do not type the right one here, send it "
        "with your data.",
        "该质疑暂停，直至新的数据带来不同的值。登记库不从本文件采集数值：请勿在此填写正确值，应随数据提交。",
    ),
    CONFIRMED: Text(
        "value and unit are right as you sent them. A value that was set aside counts from then on, while it stays the same. Where this answer "
        "is not in the list, the value cannot be a patient's or cannot be read: correct it in your source.",
        "所交数值和单位均正确。原被隔离的数值自此予以采用，只要不变就一直有效。若列表中没有此项，说明该值不可能是患者的数值或无法识别，请在源数据中更正。",
    ),
    NOT_AVAILABLE: Text(
        "nobody can find it out any more. The question is not asked again while nothing changes.",
        "已无法查到。只要数据不变，不再询问。",
    ),
    COMMENT: Text(
        "you wrote in “Comment” what is to be said; the coordinating centre reads it. The question is not asked again while the value stays the same.",
        "已在“备注”列说明，由协调中心阅读。只要该值不变，不再询问。",
    ),
}
"""What each answer does, as the workbook says it."""
NUMBER = Text("No.", "序号")
QUERY_ID = Text("Query id", "质疑编号")
KIND = Text("Kind", "类别")
STATUS = Text("Status", "状态")
DELIVERY = Text("Delivery", "数据批次")
FILE = Text("File", "文件")
SHEET = Text("Sheet", "工作表")
ROW_NUMBER = Text("Row", "行号")
COLUMN = Text("Column", "列名")
VALUE = Text("Value", "原值")
QUESTION_ZH = Text("What is asked (Chinese)", "质疑内容")
QUESTION = Text("What is asked", "质疑内容（英文）")
FIELD = Text("Registry field", "登记库字段")
CHECK = Text("Check code", "核对码")
LOCATED_MARK = "NAMES PATIENTS, NEVER SEND BACK / 含患者身份信息，请勿发回"
"""Stands on each sheet of a copy with the hospital's own patient numbers, and tells it from a workbook that is answered."""
ANSWER = Text("Answer", "答复")
REMARK = Text("Comment", "备注")
ANSWERED_BY = Text("Answered by", "答复人")

_SAID_INSTEAD = frozenset({
    "核实", "已核实", "已核对", "核对无误", "已核对无误", "已核实无误", "无误", "属实", "情况属实", "确认", "已确认", "确认无误", "正确", "对", "对的", "是", "是的",
    "没错", "没问题", "已更正", "更正", "已改", "已修改", "已改正", "已纠正", "错", "错误", "有误", "不对", "否", "查不到", "无法核实", "未查到", "同上", "√", "✓",
    "✔", "☑", "×", "✗", "✕", "y", "n", "yes", "no", "ok", "okay", "correct", "confirmed", "confirm", "right", "true", "wrong", "false", "corrected",
    "checked", "done", "fixed", "unknown", "n/a", "ditto",
})  # fmt: skip
"""What is written by hand in place of a choice. None is taken for one: 已核实 may mean that the value is right, or that it was changed."""


def read_answer(text: str) -> str | None:
    """Return the answer that a text is, in either language or both; None where it is none of the choices."""
    written = " ".join(text.split()).casefold()
    for code, label in ANSWERS.items():
        if written in (label.en, label.zh, f"{label.zh} {label.en}"):
            return code
    return None


def is_like_answer(text: str) -> bool:
    """Return whether a text is a choice, or a word that people write in place of one."""
    return read_answer(text) is not None or text.strip().strip("。.!！ ").casefold() in _SAID_INSTEAD


def list_choices(*, can_be_confirmed: bool) -> list[str]:
    """Return the answers among which a query's cell lets choose: what cannot count as it stands is not offered to be confirmed."""
    return [code for code in ANSWERS if can_be_confirmed or code != CONFIRMED]


def is_set_aside() -> pl.Expr:
    """Return of findings whether a single cell was set aside."""
    is_cell = pl.col("rule_id").str.contains(rf"\.({'|'.join(CELL_KINDS)})$")
    return is_cell | pl.col("rule_id").is_in(SET_ASIDE_RULES)


def can_be_confirmed() -> pl.Expr:
    """Return of findings whether "confirmed correct" is an answer to them.

    Not of a record that was set aside, nor of a cell that was and cannot count as it stands: one that cannot be read, or lies beyond
    what is physically possible. There the source must be corrected, or the registry's mapping.
    """
    is_record = pl.col("severity") == Severity.REJECT.value
    return ~is_record & (~is_set_aside() | pl.col("reading").is_not_null())
