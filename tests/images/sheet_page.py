"""A sheet of a workbook as a page, so that it can be drawn without a spreadsheet program: its texts, widths and colours."""

import string
import zipfile
from pathlib import Path

from lxml import etree, html
from lxml.builder import E

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_CSS = """
body { margin: 12px; font: 13px/1.35 "DejaVu Sans Condensed", sans-serif; color: #1B2730 }
table { border-collapse: collapse; table-layout: fixed; width: 100% }
td { padding: 2px 4px; vertical-align: top; overflow: hidden; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #D8DEE4 }
td.free { white-space: nowrap; overflow: visible; border-color: transparent }
th { font-weight: normal; font-size: 11px; color: #66727C; background: #F1F3F5; border: 1px solid #D8DEE4 }
"""


def draw_sheet(path: Path, sheet: str, last_row: int) -> str:
    """Return the first rows of a workbook's sheet as a page of html, with letters above and numbers beside as a screen shows them."""
    with zipfile.ZipFile(path) as book:
        names = [e.get("name") for e in etree.fromstring(book.read("xl/workbook.xml")).iter(f"{_MAIN}sheet")]
        cells = etree.fromstring(book.read(f"xl/worksheets/sheet{names.index(sheet) + 1}.xml"))
        strings = etree.fromstring(book.read("xl/sharedStrings.xml"))
        styles = _list_styles(etree.fromstring(book.read("xl/styles.xml")))
    texts = ["".join(t.text or "" for t in item.iter(f"{_MAIN}t")) for item in strings]
    widths = [
        float(columns.get("width"))
        for columns in cells.iter(f"{_MAIN}col")
        for _ in range(int(columns.get("min")), int(columns.get("max")) + 1)
    ]
    letters = string.ascii_uppercase[: len(widths)]
    table = E.table(E.col(style="width: 30px"), *(E.col(style=f"width: {w / sum(widths):.2%}") for w in widths))
    table.append(E.tr(E.th(), *map(E.th, letters)))
    filled = {cell.get("r"): cell for cell in cells.iter(f"{_MAIN}c")}
    for number in range(1, last_row + 1):
        row = [_draw_cell(filled.get(f"{letter}{number}"), texts, styles) for letter in letters]
        table.append(E.tr(E.th(str(number)), *row))
    page = E.html(E.head(E.meta(charset="utf-8"), E.style(_CSS)), E.body(table))
    return html.tostring(page, encoding="unicode", doctype="<!doctype html>")


def _draw_cell(cell: etree._Element | None, texts: list[str], styles: list[str]) -> etree._Element:
    if cell is None:
        return E.td({"class": "free"})
    value = cell.find(f"{_MAIN}v")
    style = styles[int(cell.get("s", "0"))]
    text = "" if value is None else texts[int(value.text)] if cell.get("t") == "s" else value.text
    return E.td(text, {"style": style} | ({} if "border" in style else {"class": "free"}))


def _list_styles(styles: etree._Element) -> list[str]:
    """Each format of the workbook's cells as CSS."""
    fonts, fills, formats = (list(styles.find(f"{_MAIN}{name}")) for name in ("fonts", "fills", "cellXfs"))
    listed = []
    for form in formats:
        font, fill = fonts[int(form.get("fontId"))], fills[int(form.get("fillId"))]
        size, colour = float(font.find(f"{_MAIN}sz").get("val")), fill.find(f".//{_MAIN}fgColor")
        css = [f"font-size: {size / 11:.0%}"]
        css += (
            ["font-weight: bold; word-break: keep-all; overflow-wrap: normal"]
            if font.find(f"{_MAIN}b") is not None
            else []
        )
        css += [f"background: #{colour.get('rgb')[2:]}"] if colour is not None else []
        css += ["border: 1px solid #D8DEE4"] if form.get("borderId") != "0" else []
        listed.append("; ".join(css))
    return listed
