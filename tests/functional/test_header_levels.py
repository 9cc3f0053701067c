"""Headers in several rows: groups above, names below, in workbooks and text files, from the scan to the loaded records."""

import clinic
import pytest
import xlsxwriter
from worksheet_desk import fill, list_rows, read_cells, write_cells

from etl.delivery.read import read_delivery
from etl.errors import StructureError
from etl.ingest import ingest
from etl.mapping.header_levels import join_levels, read_levels
from etl.mapping.read_site import load_site
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.proposing.draft import draft_mapping
from etl.onboarding.proposing.find_header import find_header
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import SHEETS
from etl.settings import Settings
from etl.store.warehouse import read_frames

NAMES = [
    "住院号",
    "性别",
    "治疗前 ALT(U/L)",
    "治疗前 白蛋白(g/L)",
    "第一次复查 ALT(U/L)",
    "第一次复查 白蛋白(g/L)",
    "死亡日期",
]
UPPER = ["住院号", "性别", "治疗前", "", "第一次复查", "", "死亡日期"]
LOWER = ["", "", "ALT(U/L)", "白蛋白(g/L)", "ALT(U/L)", "白蛋白(g/L)", ""]
ROWS = [
    [f"{n:03}", "男" if n % 2 else "女", 20 + n, 30 + n % 9, 40 + n, 31 + n % 9, f"2020-03-{1 + n % 9:02}"]
    for n in range(30)
]


def write_book(path, title=0):
    """A workbook as people lay it out: groups merged across, single names merged down, perhaps a title above."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("汇总")
        if title:
            sheet.merge_range(0, 0, 0, 6, "肝癌患者资料")
        for place, text in enumerate(UPPER):
            if not LOWER[place]:
                sheet.merge_range(title, place, title + 1, place, text)
        sheet.merge_range(title, 2, title, 3, "治疗前")
        sheet.merge_range(title, 4, title, 5, "第一次复查")
        sheet.write_row(title + 1, 2, LOWER[2:6])
        for number, row in enumerate(ROWS, title + 2):
            sheet.write_row(number, 0, row)
    return path


def write_text(path, title=0):
    lines = [["肝癌患者资料", *[""] * 6]] * title + [UPPER, LOWER, *ROWS]
    path.write_text("\n".join(",".join(map(str, line)) for line in lines), encoding="utf-8")
    return path


WRITERS = {"book.xlsx": write_book, "text.csv": write_text}


@pytest.mark.parametrize("title", [0, 1])
@pytest.mark.parametrize("name", WRITERS)
def test_a_header_in_two_rows_is_found_and_joined(tmp_path, name, title):
    (grid,) = read_delivery(WRITERS[name](tmp_path / name, title)).grids
    assert find_header(grid) == (title + 1, title + 2)
    assert [join_levels(texts) for texts in read_levels(grid, title + 1, title + 2)] == NAMES


@pytest.mark.parametrize("name", WRITERS)
def test_the_group_says_which_visit_a_column_is(tmp_path, name):
    draft = draft_mapping(read_delivery(WRITERS[name](tmp_path / name)), "x")
    records = {c.column: (c.meaning, c.record, c.unit) for c in draft.columns if c.column}
    assert list(records) == NAMES
    assert records["治疗前 ALT(U/L)"] == ("laboratory.value.alt_u_l", "test=alt_u_l;visit_number=0", "U/L")
    assert records["第一次复查 白蛋白(g/L)"] == (
        "laboratory.value.albumin_g_l",
        "test=albumin_g_l;visit_number=1",
        "g/L",
    )
    assert records["死亡日期"][0] == "outcome.death_date"


@pytest.mark.parametrize("name", WRITERS)
def test_from_the_scan_to_the_records(tmp_path, name):
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    delivery = WRITERS[name](tmp_path / name, 1)
    path = propose_hospital(settings, "x", delivery).worksheet
    fill(path, lambda *_: ("同意建议", "", ""), lambda *_: "missing")
    take_worksheet(path.parent)
    summary = ingest(
        settings, "x", extract=delivery, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
    )
    source = load_site(path.parent).sources[0]
    assert (source.header_from, source.header_row) == (2, 3)
    laboratory = read_frames(settings.warehouse_path, ["core.laboratory"])["laboratory"]
    first = (
        laboratory.filter(source_row=4)
        .sort("visit_number", "test")
        .select("visit_number", "test", "value", "source_column")
    )
    assert first.rows() == [
        (0, "albumin_g_l", 30.0, "治疗前 白蛋白(g/L)"), (0, "alt_u_l", 20.0, "治疗前 ALT(U/L)"),
        (1, "albumin_g_l", 31.0, "第一次复查 白蛋白(g/L)"), (1, "alt_u_l", 40.0, "第一次复查 ALT(U/L)"),
    ]  # fmt: skip
    assert summary.accounts["rows_read"] == 33
    assert summary.accounts["rows_used"] == 30


def test_a_header_of_one_row_stays_one(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet("汇总")
        sheet.merge_range(0, 0, 0, 3, "某医院肝癌患者资料")
        sheet.merge_range(0, 4, 0, 6, "二〇二二年")
        sheet.write_row(1, 0, ["住院号", "性别", "姓名", "ALT(U/L)", "白蛋白(g/L)", "AST(U/L)", "死亡日期"])
        for number, row in enumerate(ROWS, 2):
            sheet.write_row(number, 0, row)
    (grid,) = read_delivery(tmp_path / "a.xlsx").grids
    assert find_header(grid) == (2, 2)
    for lines in (
        ["住院号,性别,,分期", "A1,男,甲,乙", "A2,女,丙,丁"],
        ["住院号,性别,备注,分期", "A1,男,,", ",女,丙,丁"],
    ):
        (tmp_path / "b.csv").write_text("\n".join(lines), encoding="utf-8")
        (grid,) = read_delivery(tmp_path / "b.csv").grids
        assert find_header(grid) == (1, 1)


def test_a_person_names_both_rows_of_a_header(tmp_path):
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    path = propose_hospital(settings, "x", write_book(tmp_path / "a.xlsx")).worksheet
    number, row = list_rows(read_cells(path), SHEETS)[0]
    assert row["C"] == "1-2"
    write_cells(path, {(SHEETS, f"G{number}"): "2"})
    assert propose_hospital(settings, "x", tmp_path / "a.xlsx").draft.sources[0].header_place == "2"
    write_cells(path, {(SHEETS, f"G{number}"): "第1-2行"})
    again = propose_hospital(settings, "x", tmp_path / "a.xlsx").draft.sources[0]
    assert (again.header_place, list(again.columns)) == ("1-2", NAMES)


def test_a_header_that_moved_moves_with_both_rows(tmp_path):
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    path = propose_hospital(settings, "x", write_book(tmp_path / "a.xlsx")).worksheet
    fill(path, lambda *_: ("同意建议", "", ""), lambda *_: "missing")
    take_worksheet(path.parent)
    ingest(
        settings,
        "x",
        extract=tmp_path / "a.xlsx",
        check=False,
        accept=False,
        progress=lambda *_: None,
        extracted=clinic.EXTRACTED,
    )
    moved = write_book(tmp_path / "b.xlsx", 1)
    with pytest.raises(StructureError, match=r"registry new-hospital x --extract \S+b\.xlsx"):
        ingest(
            settings, "x", extract=moved, check=True, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
        )
    changes = propose_hospital(settings, "x", moved).worksheet
    number, row = list_rows(read_cells(changes), SHEETS)[0]
    assert row["C"] == "2-3"
    fill(changes, lambda *_: ("同意建议", "", ""), lambda *_: "missing")
    write_cells(changes, {(SHEETS, f"G{number}"): "同意建议"})
    take_worksheet(changes.parent)
    ingest(
        settings, "x", extract=moved, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
    )
    source = load_site(changes.parent).sources[0]
    assert (source.header_from, source.header_row) == (2, 3)
