"""The query workbook: what a hospital is asked, in its own column names and row numbers, with a place to answer.

Everything from a delivery is written as text: a cell that looks like a formula, a link or a number stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from etl.kept_files import keep_file
from etl.pages.labels import SEVERITIES, STATUSES, label_field
from etl.pages.spreadsheet import CELL_LIMIT, Replace, fit_height, open_workbook
from etl.pages.synthetic_marks import IN_WORKBOOKS
from etl.pages.text import Text
from etl.quality.answer_words import (
    ANSWER,
    ANSWERED_BY,
    ANSWERS,
    CHECK,
    COLUMN,
    COMMENT,
    CONFIRMED,
    CORRECTED,
    DELIVERY,
    EFFECTS,
    FIELD,
    FILE,
    KIND,
    NOT_AVAILABLE,
    NUMBER,
    QUERY_ID,
    QUESTION,
    QUESTION_ZH,
    REMARK,
    ROW_NUMBER,
    SHEET,
    STATUS,
    VALUE,
    can_be_confirmed,
    list_choices,
)
from etl.quality.answers import REST, is_as_written, name_delivery, replace_written
from etl.quality.measures import sort_findings
from etl.quality.origins import ORIGIN
from etl.quality.row_checks import compute_check
from etl.quality.status import ASKED
from etl.whole_files import name_scratch, put_in_place
from schemas.codes import Severity

COLUMNS: tuple[tuple[Text, int], ...] = (
    (NUMBER, 7),
    (QUERY_ID, 19),
    (KIND, 15),
    (STATUS, 14),
    (DELIVERY, 28),
    (FILE, 24),
    (SHEET, 16),
    (ROW_NUMBER, 8),
    (COLUMN, 20),
    (VALUE, 20),
    (QUESTION_ZH, 48),
    (QUESTION, 48),
    (FIELD, 24),
    (CHECK, 16),
    (ANSWER, 26),
    (REMARK, 36),
)
ANSWER_COLUMN = len(COLUMNS) - 2
AUTHOR_ROW, HEADER_ROW = 2, 3
MOST_QUERIES = 2_000
"""More nobody answers one by one; they mostly come from one cause, which the first of them show."""
_MORE = Text(
    f"Only the first {MOST_QUERIES:,}, the gravest, are in this workbook; the others are listed in {REST} beside it.",
    f"本工作簿仅列出最重要的前 {MOST_QUERIES:,} 条；其余见同一文件夹中的 {REST}。",
)
EXPLANATION = (
    Text(
        "This workbook lists what the registry asks about the delivery named below. One row is one question.",
        "本工作簿列出登记库对下列数据的质疑，每行一个问题。",
    ),
    Text(
        "File, sheet, row and column are those of the file you sent: open it and go to that row.",
        "文件、工作表、行号和列名均与贵院所交文件一致：打开原文件，定位到该行即可。",
    ),
    Text(
        "rejected: the whole record was not loaded. Correct it in your source and send the complete data again.",
        "拒收：整条记录未载入。请在源数据中更正，并重新提交完整数据。",
    ),
    Text(
        "to be answered: the record was loaded; one value is missing, unreadable or unlikely. Please check it.",
        "需答复：记录已载入，但有一个值缺失、无法识别或不合理，请核对。",
    ),
    Text(
        "Choose an answer in the column “Answer”; write in “Comment” where more is to be said, and above it who answers.",
        "请在“答复”列选择，需要说明时填写“备注”列，并在其上方填写答复人。",
    ),
    Text(
        "Save this workbook here or in the folder “answers” beside your data; the next reading takes the answers.",
        "填好后直接保存本文件，或放入数据旁的“answers”文件夹；下次读取时即采用答复。",
    ),
    Text(
        "Whose row it is you find at home: registry locate this-workbook --delivery your-file writes a copy with your own patient numbers.",
        "如需知道某行是哪位患者，可在本院运行：registry locate 本工作簿 --delivery 所交文件，将生成含本院患者编号的副本。",
    ),
    Text(
        "Change nothing but answer and comment, and never write a name, ID-card or telephone number into this file.",
        "除答复和备注外请勿更改；切勿在本文件填写姓名、身份证号或电话号码。",
    ),
    *(
        Text(f"{ANSWERS[code].en}: {EFFECTS[code].en}", f"{ANSWERS[code].zh}：{EFFECTS[code].zh}")
        for code in (CONFIRMED, CORRECTED, NOT_AVAILABLE, COMMENT)
    ),
)


def filter_queries(findings: pl.DataFrame) -> pl.DataFrame:
    """Keep the findings that a hospital has to act on and has not answered, in the order of the workbook and of the page."""
    is_asked = pl.col("severity").is_in([Severity.REJECT.value, Severity.QUERY.value])
    return sort_findings(findings.filter(is_asked, pl.col("status").is_in(ASKED)))


def write_query_workbook(
    findings: pl.DataFrame, path: Path, hospital: Text, *, is_synthetic: bool, replace: Replace = put_in_place
) -> Path:
    """Write the query workbook of one hospital from `derive_query_status` with `find_origins`; returns the path.

    The file is replaced as a whole by `replace`, and is the same byte for byte while the findings are.
    """
    queries = filter_queries(findings)
    with open_workbook(path, "Data queries", replace) as book:
        formats = _make_formats(book)
        _write_explanation(book, formats, queries, hospital, is_synthetic=is_synthetic)
        _write_queries(book, formats, queries.head(MOST_QUERIES), is_synthetic=is_synthetic)
    _write_rest(queries.slice(MOST_QUERIES), path.with_name(REST), is_synthetic=is_synthetic)
    return path


def _write_rest(queries: pl.DataFrame, path: Path, *, is_synthetic: bool) -> None:
    """Write the queries that the workbook has no room for; without any there is no such file.

    Where a person wrote into the one before, a copy of it stays beside it.
    """
    if queries.is_empty():
        if path.exists() and not is_as_written(path):
            keep_file(path, path.parent)
        path.unlink(missing_ok=True)
        return
    checks = [_check(query) for query in queries.iter_rows(named=True)]
    texts = {
        QUERY_ID: "finding_id", KIND: "severity", FILE: "source_file", SHEET: "source_sheet", ROW_NUMBER: "source_row",
        COLUMN: "source_column", VALUE: "value", QUESTION_ZH: "message_zh", QUESTION: "message_en", CHECK: "check",
    }  # fmt: skip
    cells = queries.with_columns(pl.Series("check", checks, dtype=pl.String)).select(
        pl.col(name).cast(pl.String).alias(f"{label.zh} {label.en}") for label, name in texts.items()
    )
    # Spreadsheet programs take a text that begins so for a formula.
    is_formula = pl.all().str.contains(r"^[=+\-@\t\r]")
    safe = cells.select(pl.when(is_formula).then("'" + pl.all()).otherwise(pl.all()).name.keep())
    mark = f"{IN_WORKBOOKS}\n" if is_synthetic else ""
    content = "\ufeff" + mark + safe.write_csv()
    new = name_scratch(path)
    try:
        new.write_bytes(content.encode())
        replace_written(new, path, path.parent)
    finally:
        new.unlink(missing_ok=True)


def _make_formats(book: xlsxwriter.Workbook) -> dict[str, Any]:
    base = {"valign": "top", "font_size": 11}
    cell = {**base, "border": 1, "border_color": "#D8DEE4"}
    return {
        "title": book.add_format({**base, "bold": True, "font_size": 15}),
        "banner": book.add_format({**base, "bold": True, "bg_color": "#FFF6DD", "font_color": "#4D3300"}),
        "head": book.add_format({**cell, "bold": True, "bg_color": "#E6EEF4", "text_wrap": True}),
        "text": book.add_format({**cell, "num_format": "@"}),
        "wrap": book.add_format({**cell, "num_format": "@", "text_wrap": True}),
        "count": book.add_format({**cell, "num_format": "0", "align": "center"}),
        "answer": book.add_format({**cell, "num_format": "@", "text_wrap": True, "bg_color": "#FFFDF2"}),
        "plain": book.add_format({**base, "text_wrap": True}),
    }


def _write_explanation(
    book: xlsxwriter.Workbook, formats: dict[str, Any], queries: pl.DataFrame, hospital: Text, *, is_synthetic: bool
) -> None:
    sheet = book.add_worksheet("说明 Read me")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 1, 62)
    sheet.set_row(0, 24)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, f"Data queries: {hospital.en}", formats["title"])
    sheet.write_string(0, 1, f"数据质疑：{hospital.zh}", formats["title"])
    if is_synthetic:
        sheet.merge_range(1, 0, 1, 1, IN_WORKBOOKS, formats["banner"])
    deliveries = ", ".join(sorted(queries["delivery"].unique())) or "-"
    lines = [
        Text(f"Delivery: {deliveries}", f"数据批次：{deliveries}"),
        Text(f"Questions: {queries.height}", f"质疑数：{queries.height}"),
        *([_MORE] if queries.height > MOST_QUERIES else []),
        *EXPLANATION,
    ]
    for row, line in enumerate(lines, start=3):
        sheet.set_row(row, fit_height((line.en, 62), (line.zh, 62)))
        sheet.write_string(row, 0, line.en, formats["plain"])
        sheet.write_string(row, 1, line.zh, formats["plain"])
    for row, answer in enumerate(ANSWERS.values(), start=4 + len(lines)):
        sheet.write_string(row, 0, answer.en, formats["text"])
        sheet.write_string(row, 1, answer.zh, formats["text"])


def _write_queries(
    book: xlsxwriter.Workbook, formats: dict[str, Any], queries: pl.DataFrame, *, is_synthetic: bool
) -> None:
    sheet = book.add_worksheet("质疑 Queries")
    title = "Queries / 质疑"
    sheet.write_string(0, 0, title, formats["title"])
    sheet.set_row(0, 24)
    if is_synthetic:
        sheet.write_string(1, 0, IN_WORKBOOKS, formats["banner"])
    for column, (label, width) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(HEADER_ROW, column, f"{label.zh}\n{label.en}", formats["head"])
    sheet.write_string(AUTHOR_ROW, ANSWER_COLUMN - 1, f"{ANSWERED_BY.zh}\n{ANSWERED_BY.en}", formats["head"])
    sheet.write_blank(AUTHOR_ROW, ANSWER_COLUMN, None, formats["answer"])
    sheet.set_row(AUTHOR_ROW, 34)
    sheet.set_row(HEADER_ROW, 34)
    for number, query in enumerate(queries.iter_rows(named=True), start=1):
        _write_query(sheet, HEADER_ROW + number, number, query, formats)
    last = HEADER_ROW + max(queries.height, 1)
    sheet.freeze_panes(HEADER_ROW + 1, 2)
    sheet.autofilter(HEADER_ROW, 0, last, len(COLUMNS) - 1)
    _offer_answers(sheet, queries)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADER_ROW)


def _offer_answers(sheet: Any, queries: pl.DataFrame) -> None:
    """Give each query's cell the list of its answers: what cannot count as it stands is not offered to be confirmed."""
    told = queries.select(can_be_confirmed().alias("offered")).to_series()
    for is_offered in (True, False):
        cells = [
            [HEADER_ROW + 1 + row, ANSWER_COLUMN, HEADER_ROW + 1 + row, ANSWER_COLUMN]
            for row in (told if is_offered else ~told).arg_true()
        ]
        if cells:
            offered = [show_both(ANSWERS[code]) for code in list_choices(can_be_confirmed=is_offered)]
            choices = {"validate": "list", "source": offered}
            sheet.data_validation(*cells[0], {**choices, "other_cells": cells[1:]})


def show_both(text: Text) -> str:
    """Return a text as it stands in a cell, Chinese first."""
    return f"{text.zh} {text.en}"


def fill_cells(query: Mapping[str, Any]) -> dict[Text, str | int | None]:
    """Return what the workbook says of one query, by the heads of its columns; the number before and the answer behind are left out."""
    return {
        QUERY_ID: query["finding_id"],
        KIND: show_both(SEVERITIES[query["severity"]]),
        STATUS: show_both(STATUSES[query["status"]]),
        DELIVERY: name_delivery(query["delivery"], query["ingest_id"]),
        FILE: query["source_file"],
        SHEET: query["source_sheet"],
        ROW_NUMBER: query["source_row"],
        COLUMN: query["source_column"],
        VALUE: query["value"],
        QUESTION_ZH: query["message_zh"],
        QUESTION: query["message_en"],
        FIELD: show_both(label_field(query["table_name"], query["field"])),
    }


def _check(query: Mapping[str, Any]) -> str | None:
    """Return a question's check code; None where it is not known for sure which delivery brought its row."""
    cells = fill_cells(query)
    return compute_check(query["hospital"], query[ORIGIN], cells.__getitem__) if query[ORIGIN] else None


def _write_query(sheet: Any, row: int, number: int, query: dict[str, Any], formats: dict[str, Any]) -> None:
    """Write one query; every cell but the two numbers is text."""
    cells, widths = {**fill_cells(query), CHECK: _check(query)}, dict(COLUMNS)
    sheet.write_number(row, 0, number, formats["count"])
    for column, (label, content) in enumerate(cells.items(), start=1):
        if label != ROW_NUMBER:
            sheet.write_string(row, column, str(content or "")[:CELL_LIMIT], formats["wrap"])
        elif content is None:
            sheet.write_blank(row, column, None, formats["text"])
        else:
            sheet.write_number(row, column, content, formats["count"])
    texts = [(str(content or ""), widths[label]) for label, content in cells.items() if label != ROW_NUMBER]
    sheet.set_row(row, fit_height(*texts))
    for column in (ANSWER_COLUMN, ANSWER_COLUMN + 1):
        sheet.write_blank(row, column, None, formats["answer"])
