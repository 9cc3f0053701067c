"""Files as hospital systems write them: web tables, SpreadsheetML, tab and Unicode text called .xls, and what is refused with words that help."""

import io
import os
import pty
import re
import select
import subprocess
import sys
import zipfile
from pathlib import Path

import msoffcrypto
import polars as pl
import pytest
import xlsxwriter

from etl.delivery import passwords
from etl.delivery.read import ROW, read_delivery
from etl.errors import DeliveryError, PasswordError

LONG_ID = "440101199001012345"
ROWS = [
    ["住院号", "身份证号", "描述", "日期"],
    ["00012", LONG_ID, "3-5", "2020-03-05"],
    ["00013", "44010119900101234X", "<5 & >3", "2020/3/6"],
]


def write(path, content, encoding="utf-8"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path):
    return [[list(row[1:]) for row in grid.cells.iter_rows()] for grid in read_delivery(path).grids]


def print_html(rows, head=""):
    body = "".join(
        "<tr>" + "".join(f"<td>{c.replace('&', '&amp;').replace('<', '&lt;')}</td>" for c in row) + "</tr>"
        for row in rows
    )
    return f"<html><head>{head}<style>td {{mso-number-format:'\\@'}}</style></head><body><table border=1>{body}</table></body></html>"


def print_xml(rows):
    cells = "".join(
        "<Row>"
        + "".join(
            f'<Cell><Data ss:Type="String">{c.replace("&", "&amp;").replace("<", "&lt;")}</Data></Cell>' for c in row
        )
        + "</Row>"
        for row in rows
    )
    return (
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        f'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="患者"><Table>{cells}</Table></Worksheet></Workbook>'
    )


def print_text(rows, delimiter, end="\r\n"):
    return end.join(delimiter.join(row) for row in rows) + end


KINDS = {
    "html, utf-8": ("a.xls", print_html(ROWS, '<meta charset="utf-8">'), "utf-8"),
    "html, gbk": ("a.xls", print_html(ROWS, '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'), "gb18030"),
    "html, gbk and no word of it": ("a.xls", print_html(ROWS), "gb18030"),
    "html that says utf-8 and is gbk": ("a.xls", print_html(ROWS, '<meta charset="utf-8">'), "gb18030"),
    "html, utf-16": ("a.xls", print_html(ROWS), "utf-16"),
    "html, a bare table": ("a.xls", "\r\n <table><tr>" + print_html(ROWS).split("<tr>", 1)[1], "utf-8"),
    "html called .csv": ("a.csv", print_html(ROWS), "utf-8"),
    "html by its name": ("a.html", print_html(ROWS), "utf-8"),
    "SpreadsheetML called .xls": ("a.xls", print_xml(ROWS), "utf-8"),
    "SpreadsheetML called .xml": ("a.xml", print_xml(ROWS), "utf-8"),
    "SpreadsheetML, utf-16": ("a.xls", print_xml(ROWS), "utf-16"),
    "tab text called .xls, gbk": ("a.xls", print_text(ROWS, "\t"), "gb18030"),
    "tab text called .xls": ("a.xls", print_text(ROWS, "\t"), "utf-8"),
    "Unicode text": ("a.txt", print_text(ROWS, "\t"), "utf-16"),
    "Unicode text, big end first": ("a.txt", "\ufeff" + print_text(ROWS, "\t"), "utf-16-be"),
    "UTF-16 without its mark": ("a.csv", print_text(ROWS, ","), "utf-16-le"),
    "pipes": ("a.txt", print_text(ROWS, "|"), "utf-8"),
    "CR only": ("a.csv", print_text(ROWS, ",", "\r"), "utf-8"),
    "semicolons": ("a.csv", print_text(ROWS, ";"), "gb18030"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_of_a_file_stands_in_its_cell_as_it_was_written(tmp_path, kind):
    name, content, encoding = KINDS[kind]
    assert read(write(tmp_path / name, content, encoding)) == [ROWS]


def test_a_newer_workbook_that_is_called_xls_is_read(tmp_path):
    write(tmp_path / "a.xls", make_book(ROWS))
    assert read(tmp_path / "a.xls") == [ROWS]


def make_book(rows):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet("s")
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                sheet.write_string(r, c, text)
    return content.getvalue()


def test_spans_entities_breaks_and_inputs_of_a_web_page(tmp_path):
    page = """<table><tr><th colspan=2>姓名&nbsp;编号<th rowspan="2">AFP&gt;</tr><tr><td>a<td>00<b>7</b></tr>
      <tr style="display:none"><td rowspan=2>x<br>y<td><input type=text value="0012"><td x:num="12.456">12.46</tr>
      <tr><td>&#27491;<td x:num="43895">2020-03-05</table>制表人：某"""
    grid = read_delivery(write(tmp_path / "a.xls", page)).grids[0]
    assert [list(row[1:]) for row in grid.cells.iter_rows()] == [
        ["姓名 编号", None, "AFP>"], ["a", "007", None], ["x\ny", "0012", "12.456"], [None, "正", "2020-03-05"], ["制表人：某", None, None],
    ]  # fmt: skip
    assert set(grid.merged) == {(1, 0, 1, 1), (1, 2, 2, 2), (3, 0, 4, 0)}
    assert grid.hidden_rows == {3}
    assert list(grid.cells[ROW]) == [1, 2, 3, 4, 5]


def test_tables_within_and_beside_each_other_lose_nothing(tmp_path):
    inner = "<table><tr><td>p</td><td>q</td></tr><tr><td>1</td><td>2</td></tr></table>"
    layout = f"<table><tr><td>医院</td></tr><tr><td>{inner}</td></tr></table>"
    assert read(write(tmp_path / "a.xls", layout)) == [[["医院", None], ["p", "q"], ["1", "2"]]]
    cell = f"<table><tr><td>n</td><td>r</td><td>s</td></tr><tr><td>7</td><td>{inner}</td><td>x</td></tr></table>"
    assert read(write(tmp_path / "b.xls", cell)) == [[["n", "r", "s"], ["7", "p q\n1 2", "x"]]]
    head = "<table><tr><td>p</td><td>q</td></tr></table>"  # a header of its own above the rows
    assert read(write(tmp_path / "c.xls", head + inner)) == [[["p", "q"], ["p", "q"], ["1", "2"]]]
    other = "<table><tr><td>a</td><td>b</td><td>c</td></tr><tr><td>3</td><td>4</td><td>5</td></tr></table>"
    two = read_delivery(write(tmp_path / "d.xls", f"{inner}<p>第二部分</p>{other}")).grids
    assert [grid.sheet for grid in two] == ["table 1", "table 2"]
    assert two[1].cells.rows()[-1][1:] == ("3", "4", "5")
    texts = {c for grid in two for row in grid.cells.iter_rows() for c in row[1:] if c}
    assert texts == {"p", "q", "1", "2", "第二部分", "a", "b", "c", "3", "4", "5"}


def test_places_merges_dates_and_hidden_rows_of_spreadsheetml(tmp_path):
    rows = """<Row ss:Index="2"><Cell ss:Index="2" ss:MergeAcross="1"><Data ss:Type="String">a</Data></Cell></Row>
      <Row ss:Hidden="1"><Cell ss:MergeDown="1"><Data ss:Type="Number">00012</Data></Cell><Cell><Data ss:Type="DateTime">1953-04-13T00:00:00.000</Data></Cell></Row>
      <Row><Cell><Data ss:Type="Boolean">1</Data></Cell><Cell><ss:Data ss:Type="String" xmlns="http://www.w3.org/TR/REC-html40"><B>x</B>y</ss:Data></Cell></Row>
      <Row><Cell ss:Formula="=1/0"><Data ss:Type="Error">#DIV/0!</Data></Cell></Row>"""
    content = print_xml([]).replace("<Table>", f"<Table>{rows}")
    grid = read_delivery(write(tmp_path / "a.xml", content)).grids[0]
    assert [list(row[1:]) for row in grid.cells.iter_rows()] == [
        [None, None, None], [None, "a", None], ["00012", "1953-04-13", None], [None, "TRUE", "xy"], ["#ERROR", None, None],
    ]  # fmt: skip
    assert set(grid.merged) == {(2, 1, 2, 2), (3, 0, 4, 0)}
    assert grid.hidden_rows == {3}
    assert grid.sheet == "患者"


def test_hidden_rows_and_struck_cells_of_a_workbook(tmp_path):
    """A row with a cell that is struck through as a whole is told, and not that of an empty one; a hidden row is."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, struck = book.add_worksheet("s"), book.add_format({"font_strikeout": True})
        for r, row in enumerate([*ROWS, ["00014", "", "x", "2020-03-07"], ["00015", "", "y", "2020-03-08"]]):
            for c, text in enumerate(row):
                sheet.write_string(r, c, text, struck if (r, c) == (3, 2) else None)
        sheet.write_blank(4, 5, None, struck)
        sheet.write_number(2, 5, 12, struck)
        sheet.set_row(1, None, None, {"hidden": True})
    grid = read_delivery(path).grids[0]
    assert (grid.hidden_rows, grid.struck_rows) == ({2}, {3, 4})


OLD = Path(__file__).parent / "excel97" / "clinic.xls"
ROW_RECORD, FONT_RECORD, HIDDEN, STRUCK = 0x0208, 0x0031, 0x20, 0x08


def find_records(content, kind):
    """Where the records of a kind begin in a workbook of Excel 97-2003: number, length, content; each stream lies in one piece."""
    place = content.find(b"\x09\x08\x10\x00")
    while place >= 0 and (number := int.from_bytes(content[place : place + 2], "little")):
        if number == kind:
            yield place + 4
        place += 4 + int.from_bytes(content[place + 2 : place + 4], "little")


def test_hidden_rows_and_struck_cells_of_excel_97_are_told_too(tmp_path):
    content = bytearray(OLD.read_bytes())
    plain = read_delivery(OLD).grids
    assert not any(grid.hidden_rows or grid.struck_rows for grid in plain)
    rows = [place for place in find_records(content, ROW_RECORD) if content[place : place + 2] == b"\x02\x00"]
    content[rows[0] + 12] |= HIDDEN
    (tmp_path / "hidden.xls").write_bytes(content)
    assert read_delivery(tmp_path / "hidden.xls").grids[0].hidden_rows == {3}
    for place in find_records(content, FONT_RECORD):
        content[place + 2] |= STRUCK
    (tmp_path / "struck.xls").write_bytes(content)
    struck = read_delivery(tmp_path / "struck.xls").grids[0]
    filled = struck.cells.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null()))[ROW]
    assert set(struck.struck_rows) == set(filled)


def make_zip(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as container:
        for name in names:
            container.writestr(name, "x")
    return content.getvalue()


NOISE = bytes((i * 97 + i * i * 31) % 256 for i in range(4096))
REFUSED = {
    "protected": ("a.xlsx", NOISE, "Ask the hospital's IT to take the protection off"),
    "protected, marked": ("a.xls", b"%TSD-Header-###%" + NOISE, "Ask the hospital's IT to take the protection off"),
    "protected text": ("a.csv", b"\x00\x01" + NOISE, "take the protection off"),
    "cut off": ("a.xlsx", make_book(ROWS)[:900], "cut off"),
    "et": ("a.et", NOISE, "save it there as .xlsx"),
    "ods": ("a.ods", NOISE, "save it there as .xlsx"),
    "ods called xlsx": ("a.xlsx", make_zip("mimetype", "content.xml"), "save it there as .xlsx"),
    "xlsb": ("a.xlsb", NOISE, "save it in Excel as .xlsx"),
    "xlsb called xlsx": ("a.xlsx", make_zip("[Content_Types].xml", "xl/workbook.bin"), "save it in Excel as .xlsx"),
    "docx": ("a.docx", NOISE, "ask for the table itself"),
    "docx called xls": ("a.xls", make_zip("[Content_Types].xml", "word/document.xml"), "ask for the table itself"),
    "pdf": ("a.pdf", b"%PDF-1.7", "a picture of the data"),
    "pdf called xlsx": ("a.xlsx", b"%PDF-1.7", "a picture of the data"),
    "zip": ("a.zip", make_zip("a.csv"), "Unpack it"),
    "rar": ("a.rar", b"Rar!", "Unpack it"),
    "photo": ("a.jpeg", b"\xff\xd8\xff", "a picture of the data"),
    "login": ("a.xls", b"<html><body>Your session has expired</body></html>", "a web page without a table"),
    "entities": ("a.xml", print_xml(ROWS).replace("<Workbook", '<!DOCTYPE x [<!ENTITY a "b">]><Workbook'), "damaged"),
    "other xml": ("a.xml", "<?xml version='1.0'?><ODM/>", "Export the data again from the system"),
    "a span without end": ("a.xls", "<table>" + "<tr><td colspan=16384>a<td>b</tr>" * 2 + "</table>", "impossible size"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_is_refused_with_the_way_out(tmp_path, kind):
    name, content, words = REFUSED[kind]
    with pytest.raises(DeliveryError) as caught:
        read_delivery(write(tmp_path / name, content))
    assert words in caught.value.en
    assert name in caught.value.en
    assert caught.value.zh != caught.value.en


def test_no_message_sends_a_person_through_a_program_that_changes_digits():
    """Excel is named only where a file can be read in no other way, and never to save text: it would lose digits."""
    sources = [
        path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "etl" / "delivery").glob("*.py")
    ]
    hints = re.findall(r"[^\n]*(?:[Oo]pen (?:it|the file) in Excel|另存为“?CSV|as 'CSV)[^\n]*", "\n".join(sources))
    assert not hints


PASSWORD = "梅花 5-right"


@pytest.fixture
def locked(tmp_path):
    passwords._opened.clear()
    book = msoffcrypto.OfficeFile(io.BytesIO(make_book(ROWS)))
    content = io.BytesIO()
    book.encrypt(PASSWORD, content)
    return write(tmp_path / "locked.xlsx", content.getvalue())


def test_a_password_is_asked_for_on_a_terminal_and_told_nowhere(locked):
    """Typed wrong once, then right: the table is read, and what was typed stands nowhere on the terminal."""
    code = "import sys; from pathlib import Path; from etl.delivery.read import read_delivery; print(read_delivery(Path(sys.argv[1])).grids[0].cells.rows())"
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(locked)], stdin=follower, stdout=follower, stderr=follower, start_new_session=True, close_fds=True,
        env={**os.environ, "PYTHONUTF8": "1"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    os.close(follower)
    seen, answers = "", ["wrong", PASSWORD]
    while select.select([leader], [], [], 60)[0]:
        try:
            seen += os.read(leader, 4096).decode(errors="replace")
        except OSError:
            break
        if seen.rstrip().endswith("密码:"):
            assert answers, seen
            os.write(leader, f"{answers.pop(0)}\n".encode())
            seen += "(typed)"
    assert child.wait() == 0, seen
    assert LONG_ID in seen
    assert PASSWORD not in seen
    assert "password is wrong" in seen


def test_without_a_terminal_it_is_said_what_to_do(locked):
    with pytest.raises(PasswordError) as caught:
        read_delivery(locked)
    assert "Run the command in a terminal" in caught.value.en
