"""What a sheet's XML says of its cells: merged ranges as another reader finds them, and formulas without a value."""

import random
import zipfile

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from etl.delivery.workbook import find_marks

XML = '<?xml version="1.0"?><{0}worksheet xmlns{1}="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><{0}sheetData>{2}</{0}sheetData>{3}</{0}worksheet>'


@pytest.mark.parametrize("seed", range(3))
def test_merged_ranges_are_those_of_another_reader(tmp_path, seed):
    draw, path = random.Random(seed), tmp_path / "merged.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("患者", "labs", "empty"):
            sheet = book.add_worksheet(name)
            for row in range(0, 60 if name != "empty" else 0, 3):
                column = draw.randint(0, 40)
                sheet.merge_range(row, column, row + draw.randint(0, 2), column + draw.randint(1, 30), f"{row}")
    other = CalamineWorkbook.from_path(path)
    marks = find_marks(str(path))
    assert list(marks) == other.sheet_names
    for name, mark in marks.items():
        assert mark.merged == (other.get_sheet_by_name(name).merged_cell_ranges or [])
    assert len(marks["labs"].merged) == 20


@pytest.mark.parametrize(("prefix", "encoding"), [("", "utf-8"), ("x:", "utf-8"), ("x:", "utf-16")])
def test_however_another_program_writes_the_xml(tmp_path, prefix, encoding):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("a")
    cells = (
        '<{0}row r="2"><{0}c r="B2"><{0}f>1+1</{0}f></{0}c><{0}c r="C2"><{0}f>1+1</{0}f><{0}v>2</{0}v></{0}c>'
        '<{0}c r="AA2" t="str"><{0}f>""</{0}f><{0}v></{0}v></{0}c></{0}row>'
    )
    merged = "<{0}mergeCells><{0}mergeCell  ref = 'B2:AB10' /></{0}mergeCells>"
    xml = XML.format(prefix, f":{prefix[:-1]}" if prefix else "", cells.format(prefix), merged.format(prefix))
    changed = tmp_path / "changed.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, xml.encode(encoding) if name.endswith("sheet1.xml") else old.read(name))
    mark = find_marks(str(changed))["a"]
    assert mark.uncalculated == [(1, 1)]
    assert mark.merged == [((1, 1), (9, 27))]
