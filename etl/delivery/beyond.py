"""What a file is told that is beyond a limit of `etl/limits.py`, or that its reader could not read: what, where, and what to do."""

from __future__ import annotations

import polars as pl

from etl.errors import DeliveryError
from etl.limits import CELL_CHARACTERS, COLUMNS, READER_BYTES, READER_SECONDS, Limit
from etl.pages.text import Text

SMALLER_FILES = Text(
    "Export it in parts, by table or by year, and send what is needed", "请按表或按年份分批导出，并仅提交所需内容"
)
FEWER_COLUMNS = Text("Export the columns that are needed, or each visit as a row", "请仅导出所需的列，或每次随访一行")
_SHORTER_CELL = Text(
    "Most often a quotation mark does not close, or a whole document stands in the cell: export it again, or take the text out",
    "多为引号未闭合，或单元格中是整份文档：请重新导出，或删去该文本",
)
_DAMAGED = {
    "workbook": Text(
        "the workbook cannot be read: it is damaged, cut off, or claims an impossible size. Copy it again from where it was made; "
        "where that does not help, export it again from the system",
        "无法读取该工作簿：文件损坏、不完整或尺寸异常。请从原处重新复制；若仍无法读取，请从系统中重新导出",
    ),
    "page": Text(
        "the file is damaged or cut off, or another kind of XML; export it again",
        "文件损坏、不完整或为其他类型的 XML，请重新导出",
    ),
}
_FAULTS = {
    "encoding": Text("the encoding of the page is unknown; export it again as UTF-8 or GB18030", "网页编码未知，请以 UTF-8 或 GB18030 重新导出"),
    "no table": Text(
        "this is a web page without a table, such as that of a login that has expired or a frame; export the data again",
        "这是没有表格的网页（例如登录已过期的页面或框架页），请重新导出数据",
    ),
    "too large": Text("a table of the page claims an impossible size; export it again", "表格声称的尺寸异常，请重新导出"),
    "memory": Text(
        f"the file needs more than {READER_BYTES.show().en} of memory to be read: it is larger than it seems, or damaged. {SMALLER_FILES.en}",
        f"读取该文件需要超过 {READER_BYTES.show().zh} 内存：文件过大或已损坏。{SMALLER_FILES.zh}",
    ),
    "time": Text(
        f"the file was not read within {READER_SECONDS.show().en}: it is larger than it seems, or damaged. {SMALLER_FILES.en}",
        f"未能在 {READER_SECONDS.show().zh}内读完该文件：文件过大或已损坏。{SMALLER_FILES.zh}",
    ),
}  # fmt: skip


def refuse_beyond(place: str, limit: Limit, found: int, way: Text, row: int | None = None) -> DeliveryError:
    """Return the refusal of a file, or of a row of it, that has more than a limit; `way` says what to do, without its full stop."""
    has, most = limit.show(found), limit.show()
    at = Text("", "") if row is None else Text(f", row {row}", f" 第 {row} 行")
    return DeliveryError(
        f"{place}{at.en}: {has.en}, more than the limit of {most.en}. {way.en}.",
        f"{place}{at.zh}：{has.zh}，超过上限 {most.zh}。{way.zh}。",
    )


def refuse_unread(name: str, reason: str, kind: str) -> DeliveryError:
    """Return the refusal of a file that its reader could not read; `kind` is `workbook`, `page`, or the suffix of a file of statistics."""
    fault = _FAULTS.get(reason) or _DAMAGED.get(kind) or _describe_damaged(kind)
    return DeliveryError(f"{name}: {fault.en}.", f"{name}：{fault.zh}。")


def _describe_damaged(suffix: str) -> Text:
    return Text(
        f"the file cannot be read as {suffix}: it is damaged, of another kind, or in an unknown encoding. Save it again "
        "in SPSS, Stata or SAS, or as .xlsx",
        f"无法按 {suffix} 读取该文件：文件损坏、类型不符或编码未知。请在 SPSS、Stata 或 SAS 中重新保存，或另存为 .xlsx",
    )


def check_cells(frame: pl.DataFrame, place: str, first: int) -> None:
    """Refuse a sheet with too many columns or too long a cell; `frame` has texts alone, its first row is row `first`.

    Raises:
        DeliveryError: so it is.
    """
    if frame.width > COLUMNS.most:
        raise refuse_beyond(place, COLUMNS, frame.width, FEWER_COLUMNS)
    if frame.is_empty():
        return
    # A text has at most as many characters as bytes, which are known without reading it.
    longest = frame.select(pl.all().str.len_bytes().max()).row(0)
    for column, most in zip(frame, longest, strict=True):
        if (most or 0) > CELL_CHARACTERS.most:
            lengths = column.str.len_chars()
            row = lengths.arg_max()
            if row is not None and lengths[row] > CELL_CHARACTERS.most:
                raise refuse_beyond(place, CELL_CHARACTERS, lengths[row], _SHORTER_CELL, row + first)
