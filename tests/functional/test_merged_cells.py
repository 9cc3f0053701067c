"""Cells merged down and across in any column hold for all their rows and columns, and make no record twice."""

import polars as pl
import pytest
import xlsxwriter
from onboarded import load, onboard

from etl.settings import Settings
from etl.store.warehouse import read_frames

HEADER = [
    "住院号",
    "性别",
    "出生日期",
    "确诊日期",
    "ECOG评分",
    "治疗线数",
    "药物",
    "开始日期",
    "末次随访日期",
    "生存状态",
]
NAMED = {"治疗线数": "treatment.line_number", "药物": "treatment.drug", "开始日期": "treatment.start_date"}
OF_THE_LINE = ("治疗线数", "药物", "开始日期")


def write(path, *, merged: bool) -> None:
    """Six patients with one to three lines of therapy; of each line only what is its own stands in every row."""
    with xlsxwriter.Workbook(path) as book:
        sheet, style = book.add_worksheet("患者"), book.add_format()
        sheet.write_row(0, 0, HEADER)
        row = 1
        for n in range(6):
            lines = 1 + n % 3
            whole = {"住院号": f"ZY{1000 + n}", "性别": "男", "出生日期": f"195{n}-01-02", "确诊日期": "2020-03-04", "ECOG评分": n % 2,
                     "末次随访日期": f"2021-05-0{n + 1}", "生存状态": "存活"}  # fmt: skip
            for column, value in whole.items():
                place = HEADER.index(column)
                if merged and lines > 1:
                    sheet.merge_range(row, place, row + lines - 1, place, value, style)
                else:
                    sheet.write(row, place, value)
            for line in range(lines):
                own = (line + 1, ("仑伐替尼", "索拉非尼", "仑伐替尼")[line], f"2020-0{4 + line}-01")
                for column, value in zip(OF_THE_LINE, own, strict=True):
                    sheet.write(row + line, HEADER.index(column), value)
                if not merged:
                    sheet.write(row + line, 0, whole["住院号"])
            row += lines


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "workspace", tmp_path / "key", "both")


def read_table(settings, table: str) -> pl.DataFrame:
    frame = read_frames(settings.warehouse_path, [f"core.{table}"])[table]
    return frame.drop("ingest_id", "delivery", strict=False).sort("source_row")


def test_one_patient_over_several_rows_is_one_patient_with_all_lines(settings, tmp_path):
    path = tmp_path / "a.xlsx"
    write(path, merged=True)
    onboard(settings, path, NAMED)
    summary = load(settings, path)
    assert summary.accounts["patients"] == 6
    assert summary.accounts["records_quarantined"] == 0
    assert summary.accounts["merged_filled"] == 6
    for table, n in (("patient", 6), ("baseline", 6), ("outcome", 6), ("treatment", 12)):
        assert read_table(settings, table).height == n, table
    births = read_table(settings, "patient")["birth_date"].dt.year().to_list()
    assert births == list(range(1950, 1956))
    lines = read_table(settings, "treatment").group_by("patient_id").len()["len"].sort().to_list()
    assert lines == [1, 1, 2, 2, 3, 3]


def test_a_cell_merged_across_holds_for_its_columns_and_a_note_below_names_nobody(settings, tmp_path):
    path = tmp_path / "a.xlsx"
    header = ["住院号", "性别", "HBsAg", "肝硬化", "抗病毒治疗", "ECOG评分", "末次随访日期", "生存状态"]
    with xlsxwriter.Workbook(path) as book:
        sheet, style = book.add_worksheet("患者"), book.add_format()
        sheet.write_row(0, 0, header)
        for n in range(10):
            sheet.write_row(1 + n, 0, [f"ZY{1000 + n}", "男", "阳性", "是", "是", n % 2, f"2021-05-1{n}", "存活"])
        sheet.merge_range(3, 3, 3, 4, "否", style)
        sheet.merge_range(11, 0, 13, 7, "注：以上由张三整理，男性为主", style)
    onboard(settings, path)
    summary = load(settings, path)
    assert summary.accounts["patients"] == 10
    third = read_table(settings, "baseline").filter(pl.col("source_row") == 4)
    assert third.select(
        "has_cirrhosis", "has_antiviral_therapy" if "has_antiviral_therapy" in third.columns else "has_cirrhosis"
    ).row(0) == (False, False)
    assert "张三".encode() not in settings.warehouse_path.read_bytes()


def test_rows_that_a_filter_hides_are_loaded_and_told(settings, tmp_path):
    path = tmp_path / "a.xlsx"
    write(path, merged=False)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("患者")
        sheet.write_row(0, 0, HEADER)
        for n in range(8):
            sheet.write_row(
                1 + n,
                0,
                [
                    f"ZY{1000 + n}",
                    "男",
                    f"195{n}-01-02",
                    "2020-03-04",
                    n % 2,
                    1,
                    "索拉非尼",
                    "2020-04-01",
                    "2021-05-01",
                    "存活",
                ],
            )
        sheet.autofilter(0, 0, 8, 9)
        for row in (2, 5):
            sheet.set_row(row, None, None, {"hidden": True})
    onboard(settings, path, NAMED)
    summary = load(settings, path)
    assert summary.accounts["patients"] == 8
    assert summary.accounts["rows_used"] == 8
    told = dict(summary.row_accounts.select("rule", "n_rows").rows())
    assert told == {"header": 1, "used": 6, "used, hidden in the workbook / 已使用（在工作簿中隐藏）": 2}
