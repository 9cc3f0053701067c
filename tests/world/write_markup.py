"""Writes sheets as hospital systems do under the name .xls: a web page with tables, or SpreadsheetML 2003."""

import datetime as dt
from xml.sax.saxutils import escape, quoteattr

from world.cell import ERROR, UNCALCULATED


def write_html(sheets, folder, dialect):
    """Write one page a sheet, each with one table; return their places."""
    places = []
    for sheet in sheets:
        head = "".join(_html_row(row, "td") for row in sheet.top) + "".join(
            _html_row(row, "th") for row in sheet.header
        )
        body = "".join(_html_row([cell.text for cell in row.cells], "td") for row in sheet.rows)
        page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"></head><body><table border="1">{head}{body}</table></body></html>'
        path = folder / f"{sheet.name}.xls"
        path.write_bytes(page.encode("gb18030"))
        places.append((path.name, None, 1))
    return places


def _html_row(texts, tag):
    # A blank row has a cell all the same: what a row without one is in a table, each program decides for itself.
    shown = [escape(text).replace("\n", "<br>") if text else "&nbsp;" for text in texts or [None]]
    cells = "".join(f"<{tag}>{text}</{tag}>" for text in shown)
    return f"<tr>{cells}</tr>\n"


_HEAD = """<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Styles>"""


def write_spreadsheetml(sheets, folder, dialect):
    """Write one SpreadsheetML 2003 workbook; return the place of each sheet."""
    styles = {}
    bodies = [_table(sheet, styles) for sheet in sheets]
    named = "".join(
        f'<Style ss:ID="s{number}"><NumberFormat ss:Format={quoteattr(_name_format(style))}/></Style>'
        for style, number in styles.items()
    )
    path = folder / "登记.xls"
    path.write_text(f"{_HEAD}{named}</Styles>{''.join(bodies)}</Workbook>", encoding="utf-8")
    return [(path.name, sheet.name, 1) for sheet in sheets]


_BUILT_IN = {
    14: "Short Date",
    17: "mmm\\-yy",
    31: "yyyy年m月d日",
    30: "m/d/yy",
    10: "Percent",
    28: "m月d日",
    58: "m月d日",
}


def _name_format(style):
    return _BUILT_IN.get(style, "yyyy年m月") if isinstance(style, int) else style


def _table(sheet, styles):
    rows = [*([(text, None, "") for text in row] for row in (*sheet.top, *sheet.header))]
    rows += [[(cell.text, cell.number, cell.style) for cell in row.cells] for row in sheet.rows]
    hidden = {len(sheet.top) + len(sheet.header) + number for number in sheet.hidden}
    covered = {
        (r, c)
        for r1, c1, r2, c2 in _place_merges(sheet)
        for r in range(r1, r2 + 1)
        for c in range(c1, c2 + 1)
        if (r, c) != (r1, c1)
    }
    spans = {(r1, c1): (r2 - r1, c2 - c1) for r1, c1, r2, c2 in _place_merges(sheet)}
    lines = []
    for r, row in enumerate(rows):
        cells = [
            _cell(c, content, styles, spans.get((r, c)))
            for c, content in enumerate(row)
            if content[0] is not None and (r, c) not in covered
        ]
        mark = ' ss:Hidden="1"' if r in hidden else ""
        lines.append(f"<Row{mark}>{''.join(cells)}</Row>")
    return f"<Worksheet ss:Name={quoteattr(sheet.name)}><Table>{''.join(lines)}</Table></Worksheet>"


def _place_merges(sheet):
    below = len(sheet.top) + len(sheet.header)
    return [
        (r1 + below, c1, r2 + below, c2) if r1 != r2 else (below - len(sheet.header), c1, below - len(sheet.header), c2)
        for r1, c1, r2, c2 in sheet.merges
    ]


def _cell(place, content, styles, span):
    text, number, style = content
    attributes = f' ss:Index="{place + 1}"'
    if style != "":
        attributes += f' ss:StyleID="s{styles.setdefault(style, len(styles) + 21)}"'
    if span:
        attributes += "".join(
            f' ss:{name}="{n}"' for name, n in zip(("MergeDown", "MergeAcross"), span, strict=True) if n
        )
    if number is UNCALCULATED:
        return f'<Cell{attributes} ss:Formula="=RC[-1]*2"></Cell>'
    kind, value = _value(text, number)
    return f'<Cell{attributes}><Data ss:Type="{kind}">{escape(value).replace(chr(10), "&#10;")}</Data></Cell>'


def _value(text, number):
    if number is None:
        return "String", text
    if number is ERROR:
        return "Error", text
    if isinstance(number, bool):
        return "Boolean", str(int(number))
    if isinstance(number, dt.datetime):
        return "DateTime", number.strftime("%Y-%m-%dT%H:%M:%S.000")
    if isinstance(number, dt.date):
        return "DateTime", f"{number.isoformat()}T00:00:00.000"
    return "Number", repr(number)
