"""Writes sheets as text files: comma, semicolon, tab, pipe; with the accidents of such files."""

import csv
import io


def write_text(sheets, folder, dialect):
    """Write one file a sheet; return the place of each sheet: file name, sheet name, number of its first row."""
    places = []
    for sheet in sheets:
        suffix = ".xls" if dialect.kind == "text called .xls" else ".csv"
        path = folder / f"{sheet.name}{suffix}"
        path.write_bytes(_write_rows(sheet, dialect).encode(dialect.encoding))
        places.append((path.name, None, 1))
    return places


def _write_rows(sheet, dialect):
    rows = [*sheet.top, *sheet.header]
    width = len(sheet.columns)
    rows = [[text or "" for text in row] + [""] * (width - len(row)) for row in rows]
    for number, row in enumerate(sheet.rows):
        texts = [cell.text or "" for cell in row.cells]
        if "trailing separators" in dialect.row_forms:
            texts.append("")
        if "left-out trailing separators" in dialect.row_forms and number % 3:
            while len(texts) > 1 and not texts[-1]:
                texts.pop()
        if "long row" in dialect.row_forms and number == find_long_row(sheet)[0]:
            texts.insert(find_long_row(sheet)[1], "9")
        rows.append(texts)
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=dialect.delimiter).writerows(rows)
    text = buffer.getvalue().replace("\r\n", "\r" if "CR only" in dialect.row_forms else "\r\n")
    return text + ("\x1a" if "Ctrl-Z" in dialect.row_forms else "")


def find_long_row(sheet):
    """The row that is too long, and the place from which its cells are shifted."""
    records = [number for number, row in enumerate(sheet.rows) if row.kind == "record"]
    return records[len(records) // 2], max(2, len(sheet.columns) // 2)
