"""Where the header was not found rightly: a person names its row in the worksheet, and the delivery is scanned again."""

import pytest
import xlsxwriter
from worksheet_desk import COLUMN_DECISION, fill, find_row, list_rows, read_cells, write_cells

from etl.errors import DeliveryError, UsageError, WorksheetError
from etl.mapping.read_site import load_site
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import AUTHOR_ROWS, CODES, COLUMNS, DECIDED_BY, README, SHEETS
from etl.settings import Settings

AUTHOR = (README, f"B{AUTHOR_ROWS[DECIDED_BY] + 1}")
# A line of a person's remarks that looks more like a header than the header does.
PATIENTS = [
    ["住院号", "性别", "年龄", "备注"],
    ["X1", "X2", "X3", "X4"],
    *[[f"{n:03}", "男" if n % 2 else "女", str(50 + n % 9), "好"] for n in range(30)],
]
REMARKS = [["填写要求", ""], ["身高", "厘米"], ["出血", ""], ["001", "有"], ["002", ""]]


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        for name, rows in (("患者", PATIENTS), ("其他", REMARKS)):
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "workspace", tmp_path / "key", "both")


def find_sheet(path, name):
    return next(n for n, row in list_rows(read_cells(path), SHEETS) if row["B"].endswith(name))


def test_a_header_row_that_a_person_names_is_read_and_what_was_filled_in_stays(book, settings):
    path = propose_hospital(settings, "x", book).worksheet
    first = path.read_bytes()
    cells = read_cells(path)
    assert cells[SHEETS, f"C{find_sheet(path, '患者')}"] == "1"
    sex = find_row(cells, COLUMNS, "patient", "性别")
    code = find_row(cells, CODES, "patient.sex", "男")
    write_cells(
        path,
        {
            AUTHOR: "QD",
            (COLUMNS, f"{COLUMN_DECISION}{sex}"): "baseline.has_cirrhosis",
            (COLUMNS, f"L{sex}"): "checked with Dr W",
            (CODES, f"H{code}"): "ask",
            (COLUMNS, "A40"): "99",
            (COLUMNS, "B40"): "patient",
            (COLUMNS, "C40"): "all rows: patient",
            (COLUMNS, "J40"): "tumour_type=hcc",
            (SHEETS, f"G{find_sheet(path, '其他')}"): "第3行",
        },
    )
    again = propose_hospital(settings, "x", book)
    assert first != path.read_bytes()
    assert len(list(path.parent.glob("worksheet_*.xlsx"))) == 1  # the one that was filled in is kept
    other = next(s for s in again.draft.sources if s.sheet == "其他")
    assert (other.header_row, other.reason, other.columns) == (3, None, ["出血"])
    cells = read_cells(path)
    sex = find_row(cells, COLUMNS, "patient", "性别")
    assert cells[AUTHOR] == "QD"
    assert cells[COLUMNS, f"{COLUMN_DECISION}{sex}"] == "baseline.has_cirrhosis"
    assert cells[COLUMNS, f"L{sex}"] == "checked with Dr W"
    assert cells[CODES, f"H{find_row(cells, CODES, 'patient.sex', '男')}"] == "ask"
    constant = find_row(cells, COLUMNS, "patient", "all rows: patient")
    assert cells[COLUMNS, f"J{constant}"] == "tumour_type=hcc"
    with pytest.raises(UsageError, match="waits to be filled in"):  # nothing else is named now
        propose_hospital(settings, "x", book)


def test_a_named_header_row_must_be_scanned_before_an_ingest(book, settings):
    path = propose_hospital(settings, "x", book).worksheet
    row = find_sheet(path, "患者")
    fill(path, lambda *_: ("not_needed", "", ""), lambda *_: "missing")
    write_cells(path, {(SHEETS, f"G{row}"): "2", (SHEETS, f"G{find_sheet(path, '其他')}"): "无记录 no records"})
    with pytest.raises(WorksheetError, match=rf"表 Sheets!G{row}: another header row than the sheet was read with"):
        take_worksheet(path.parent)
    propose_hospital(settings, "x", book)
    cells = read_cells(path)
    columns = {row["C"]: n for n, row in list_rows(cells, COLUMNS)}
    assert set(columns) == {"X1", "X2", "X3", "X4"}
    fill(path, lambda *_: ("not_needed", "", ""), lambda *_: "missing")
    write_cells(path, {(COLUMNS, f"{COLUMN_DECISION}{columns['X1']}"): "patient_number"})
    take_worksheet(path.parent)
    (source,) = load_site(path.parent).sources
    assert source.header_row == 2


def test_a_sheet_without_header_and_a_row_that_is_empty(book, settings):
    path = propose_hospital(settings, "x", book).worksheet
    row = find_sheet(path, "患者")
    write_cells(path, {(SHEETS, f"G{row}"): "900"})
    before = path.read_bytes()
    with pytest.raises(DeliveryError, match="the worksheet names row 900 as the header"):
        propose_hospital(settings, "x", book)
    assert path.read_bytes() == before
    write_cells(path, {(SHEETS, f"G{row}"): "0"})
    draft = propose_hospital(settings, "x", book).draft
    assert draft.sources[0].columns == ["column 1", "column 2", "column 3", "column 4"]
