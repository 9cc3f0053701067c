"""The words of a query workbook: its columns, the answers that can be chosen, and what people write in their place."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.pages.text import Text
from schemas.codes import Severity
from schemas.contract_checks import CELL_KINDS

ANSWERS_FOLDER = "answers"
CORRECTED, CONFIRMED, NOT_AVAILABLE, COMMENT = "corrected", "confirmed", "not_available", "comment"
ANSWERS: Mapping[str, Text] = {
    CORRECTED: Text("corrected in source", "已在源数据中更正"),
    CONFIRMED: Text("confirmed correct", "核实无误"),
    NOT_AVAILABLE: Text("not available", "无法获得"),
    COMMENT: Text("comment", "见备注"),
}
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


def can_be_confirmed() -> pl.Expr:
    """Return of findings whether "confirmed correct" is an answer to them.

    Not of a record that was set aside, nor of a cell that was and cannot count as it stands: one that cannot be read, or lies beyond
    what is physically possible. There the source must be corrected, or the registry's mapping.
    """
    is_set_aside = pl.col("rule_id").str.contains(rf"\.({'|'.join(CELL_KINDS)})$|^cell\.stray$")
    is_record = pl.col("severity") == Severity.REJECT.value
    return ~is_record & (~is_set_aside | pl.col("reading").is_not_null())
