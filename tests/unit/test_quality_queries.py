import csv
import re
import zipfile

import polars as pl
import pytest
from python_calamine import CalamineWorkbook
from quality_frames import FORMULA, HOSTILE, make_frames

from etl.pages.synthetic_marks import IN_WORKBOOKS
from etl.pages.text import Text
from etl.quality.origins import find_origins
from etl.quality.queries import HEADER_ROW, write_query_workbook
from etl.quality.status import derive_query_status

NAME = Text("Nanfang Hospital", "南方医院")


@pytest.fixture
def status():
    frames = make_frames()
    found = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    return find_origins(found.filter(pl.col("hospital") == "nanfang"), frames["ingests"], frames["brought"])


@pytest.fixture
def workbook(status, tmp_path):
    return write_query_workbook(status, tmp_path / "q" / "queries.xlsx", NAME, is_synthetic=True)


def read_rows(path, sheet=1):
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(sheet).to_python()[HEADER_ROW + 1 :]


def test_one_row_per_open_question_gravest_first(workbook):
    rows = read_rows(workbook)
    assert [row[1] for row in rows] == ["d" * 16, "a" * 16, "b" * 16]  # not the note, not what is resolved
    assert [row[0] for row in rows] == [1, 2, 3]


def test_a_question_names_the_place_in_the_file_that_was_sent(workbook):
    row = read_rows(workbook)[1]
    assert row[4:10] == ["delivery-4 #4", "数据.xlsx", "检验", 5, "谷丙转氨酶", "99999"]
    assert row[2] == "需答复 to be answered"
    assert row[3] == "仍存在 still open"
    assert "请核对" in row[10]
    assert "please check" in row[11]


def test_hostile_cells_stay_text(workbook):
    rows = read_rows(workbook)
    assert rows[0][9] == FORMULA
    assert rows[2][9] == HOSTILE
    with zipfile.ZipFile(workbook) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
        assert not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)
        assert not any("externalLink" in name or "_rels/sheet" in name for name in archive.namelist())


def test_an_id_of_digits_stays_text(status, tmp_path):
    asked = status.with_columns(severity=pl.lit("query"))
    rows = read_rows(write_query_workbook(asked, tmp_path / "q.xlsx", NAME, is_synthetic=False))
    assert "1234567890123456" in [row[1] for row in rows]


def test_answers_are_chosen_from_a_list_and_the_header_stays(workbook):
    with zipfile.ZipFile(workbook) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    assert 'type="list"' in sheet
    for answer in ("corrected in source", "confirmed correct", "not available", "comment", "核实无误"):
        assert answer in sheet
    assert 'state="frozen"' in sheet
    assert "<autoFilter" in sheet


def test_synthetic_mark_stands_on_every_sheet(workbook, status, tmp_path):
    book = CalamineWorkbook.from_path(str(workbook))
    for index in range(len(book.sheet_names)):
        assert any(IN_WORKBOOKS in row for row in book.get_sheet_by_index(index).to_python())
    real = write_query_workbook(status, tmp_path / "real.xlsx", NAME, is_synthetic=False)
    first = CalamineWorkbook.from_path(str(real)).get_sheet_by_index(0).to_python()
    assert not any(IN_WORKBOOKS in row for row in first)


def test_no_pseudonym_leaves(workbook):
    cells = {str(cell) for row in read_rows(workbook) for cell in row}
    assert not cells & {"p5", "p9", "p11"}


def test_same_findings_same_bytes(status, tmp_path):
    first = write_query_workbook(status, tmp_path / "a.xlsx", NAME, is_synthetic=True).read_bytes()
    second = write_query_workbook(status.reverse(), tmp_path / "b.xlsx", NAME, is_synthetic=True).read_bytes()
    assert first == second


def test_every_wrapped_row_is_as_high_as_its_text(status, tmp_path):
    """A program that does not fit rows itself (WPS, LibreOffice) printed the lines of a long question over each other."""
    path = write_query_workbook(status, tmp_path / "q.xlsx", NAME, is_synthetic=True)
    with zipfile.ZipFile(path) as archive:
        for name in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
            sheet = archive.read(name).decode()
            assert sheet.count('customHeight="1"') >= 4
    longest = "字" * 240  # 480 letters wide in a column of 48: at least 10 lines of 11 points
    long = status.with_columns(severity=pl.lit("query"), message_zh=pl.lit(longest))
    with zipfile.ZipFile(write_query_workbook(long, tmp_path / "l.xlsx", NAME, is_synthetic=False)) as archive:
        heights = re.findall(r'<row r="5"[^>]* ht="([0-9.]+)"', archive.read("xl/worksheets/sheet2.xml").decode())
    assert float(heights[0]) >= 110


def test_nothing_to_ask_is_still_a_workbook(status, tmp_path):
    assert read_rows(write_query_workbook(status.clear(), tmp_path / "q.xlsx", NAME, is_synthetic=True)) == []


def test_what_has_no_room_in_the_workbook_is_listed_beside_it(status, tmp_path, monkeypatch):
    asked = pl.concat([
        status.head(1).with_columns(finding_id=pl.lit(f"{i:016d}"), severity=pl.lit("reject" if i == 6 else "query"), value=pl.lit(value))
        for i, value in enumerate(["=1+1", "-3", "@x", "12", "+5", "plain", "worst"])
    ])  # fmt: skip
    monkeypatch.setattr("etl.quality.queries.MOST_QUERIES", 3)
    path = write_query_workbook(asked, tmp_path / "q.xlsx", NAME, is_synthetic=True)
    inside = {row[1] for row in read_rows(path)}
    rest = (tmp_path / "queries_more.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rest[0] == IN_WORKBOOKS
    listed = list(csv.DictReader(rest[1:]))
    outside = {row["质疑编号 Query id"] for row in listed}
    assert "0000000000000006" in inside
    assert len(inside) == 3
    assert sorted([*inside, *outside]) == sorted(asked["finding_id"])
    assert not any(row["原值 Value"][:1] in "=+-@" for row in listed)
    write_query_workbook(asked, tmp_path / "q.xlsx", NAME, is_synthetic=True)
    assert len(list(tmp_path.glob("queries_more*.csv"))) == 1  # nobody wrote into it
    with (tmp_path / "queries_more.csv").open("a", encoding="utf-8") as file:
        file.write("looked up: 12 is right\n")
    monkeypatch.setattr("etl.quality.queries.MOST_QUERIES", 2_000)
    write_query_workbook(asked, tmp_path / "q.xlsx", NAME, is_synthetic=True)
    assert not (tmp_path / "queries_more.csv").exists()
    (kept,) = tmp_path.glob("queries_more_*.csv")
    assert kept.read_text(encoding="utf-8-sig").endswith("looked up: 12 is right\n")
