"""Deliveries and mappings laid out to mislead: each is refused with one clear message, or read for what it is."""

import datetime as dt
import io
import zipfile

import clinic
import polars as pl
import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from etl.errors import DeliveryError, StructureError


def site_folder(desk):
    return desk.settings.workspace / "sites" / "clinic"


def check_refused(desk, kind, *words: str) -> str:
    with pytest.raises(kind) as caught:
        desk.ingest()
    for word in words:
        assert word in caught.value.en
    assert not desk.settings.warehouse_path.exists()
    return caught.value.en + caught.value.zh


@pytest.mark.parametrize("text", ["TO TAL 3", " total 3", "Ｔｏｔａｌ", "total\n3"])
def test_a_totals_row_is_known_however_it_is_spaced(desk, text):
    clinic.write_delivery(desk.extracts / "x", patients=clinic.PATIENTS.replace("total 3", f'"{text}"'))
    assert desk.ingest().accounts["patients"] == 3


@pytest.mark.parametrize("rows", [clinic.PATIENTS.split("\n", 1)[1], "a title\n" + clinic.PATIENTS])
def test_a_header_in_another_row_or_none_is_told_without_a_patients_name(desk, rows):
    clinic.write_delivery(desk.extracts / "x", patients=rows)
    message = check_refused(desk, DeliveryError, "header", "row 1")
    assert "张三丰" not in message


@pytest.mark.parametrize("name", ["rule", "source_row", "_use_patients"])
def test_a_header_that_the_registry_uses_itself_is_refused(desk, name):
    header, *rows = clinic.PATIENTS.splitlines()
    clinic.write_site(site_folder(desk), columns=clinic.COLUMNS + f"patients,{name},ignore,,,,,x\n")
    clinic.write_delivery(
        desk.extracts / "x", patients="\n".join([f"{header},{name}", *(f"{row},x" for row in rows)]) + "\n"
    )
    check_refused(desk, StructureError, "used twice or by the registry itself")


def test_three_headers_that_would_get_the_same_name_are_refused(desk):
    header, *rows = clinic.PATIENTS.splitlines()
    lines = [f"{header},remark,remark (2)", *(f"{row},," for row in rows)]
    clinic.write_delivery(desk.extracts / "x", patients="\n".join(lines) + "\n")
    check_refused(desk, StructureError, "the header of column 12 is used twice")


def test_a_damaged_utf8_file_is_not_read_as_garbled_gb18030(desk):
    folder = clinic.write_delivery(desk.extracts / "x")
    whole = (folder / "patients.csv").read_bytes()
    # Two bytes lost: every byte left is still valid GB18030.
    (folder / "patients.csv").write_bytes(
        whole.replace("门静脉主干".encode(), "门静脉主干".encode()[:-2] + b"\xbf\xbf"[:1])
    )
    check_refused(desk, DeliveryError, "patients.csv", "UTF-8")


def test_links_inside_a_delivery_are_not_overlooked(desk, tmp_path):
    folder = clinic.write_delivery(desk.extracts / "x")
    (folder / "more").symlink_to(tmp_path)
    check_refused(desk, DeliveryError, "more", "link")


def test_a_cell_of_two_hundred_thousand_characters_is_read_and_kept_nowhere_where_nobody_needs_its_column(desk):
    clinic.write_delivery(desk.extracts / "x", patients=clinic.PATIENTS.replace("first visit", "x" * 200_000))
    desk.ingest()
    rows = desk.read("landing.source_row")
    assert rows.height > 1
    assert rows["cells"].str.contains("x" * 1000).sum() == 0


def test_a_quoted_line_break_does_not_shift_the_row_numbers(desk):
    patients = clinic.PATIENTS.replace("001,张三丰", '001,"张三\n丰"').replace("门静脉主干", '"a\r\nb"')
    clinic.write_delivery(desk.extracts / "x", patients="\ufeff" + patients)
    desk.ingest()
    assert desk.read("core.patient")["source_row"].sort().to_list() == [2, 3, 4]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("header_row = 1", 'header_row = "two"'), "source[1].header_row: must be a row number"),
        (("header_row = 1", "header_row = -1"), "source[1].header_row: must be a row number"),
        (('column = "number", ', ""), "source[1].ignore.totals row.column: this key is missing"),
        (('["total"]', '"total"'), "source[1].ignore: must be of the form"),
        (('["total"]', '[""]'), "source[1].ignore: must be of the form"),
        (('hospital = "clinic"', 'hospital = "other"'), 'hospital: must be "clinic"'),
        (('name = "labs"', 'name = "patients"'), "two sources are called 'patients'"),
        (("[[source]]", "[source]"), "site.toml: not TOML"),
        (("[source.ignore]", "[source.filter]\nnumber = 3\n[source.ignore]"), "source[1].filter: must be of the form"),
        (
            ('file = "labs*.csv"', 'file = "labs*.csv"\nmerged_ids = "yes"'),
            "source[2].merged_ids: true or false is needed",
        ),
        (("[[source]]", '[[ignored]]\nsheet = "x"\n[[source]]'), "ignored[1].file: this key is missing"),
    ],
)
def test_a_malformed_site_toml_is_told_with_its_place(desk, change, words):
    clinic.write_site(site_folder(desk), site=clinic.SITE.replace(*change))
    clinic.write_delivery(desk.extracts / "x")
    check_refused(desk, StructureError, words)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            clinic.COLUMNS.replace("column:AFP unit", "column:AFP units"),
            "there is no column 'AFP units' to hold the unit",
        ),
        (clinic.COLUMNS + "patients,remark,field,baseline,pvtt_text,,,\n", "has the role 'ignore' further up"),
        (clinic.COLUMNS + "patients,name,field,patient,age_years,,,\n", "column 'name' has the role 'drop' further up"),
        (
            clinic.COLUMNS + "patients,other,field,baseline,pvtt_text,,,\n",
            "baseline.pvtt_text is already given by line 7",
        ),
        (clinic.COLUMNS + "labs,visit,field,laboratory,visit_number,*,,\n", "laboratory.visit_number is already given"),
    ],
)
def test_a_columns_csv_that_contradicts_itself_is_told_with_its_line(desk, columns, words):
    clinic.write_site(site_folder(desk), columns=columns)
    clinic.write_delivery(desk.extracts / "x")
    check_refused(desk, StructureError, "columns.csv line", words)


def test_mapping_files_that_are_missing_or_not_utf8_and_a_code_with_two_values(desk):
    clinic.write_delivery(desk.extracts / "x")
    folder = site_folder(desk)
    (folder / "codes.csv").write_text(clinic.CODES + "patient,sex,男,female\n")
    (folder / "columns.csv").write_bytes((clinic.COLUMNS + "patients,备注,ignore,,,,,\n").encode("gb18030"))
    check_refused(desk, StructureError, "codes.csv line 6", "columns.csv: the file is not UTF-8")
    (folder / "columns.csv").unlink()
    (folder / "codes.csv").unlink()
    check_refused(desk, StructureError, "columns.csv: the file is missing", "codes.csv: the file is missing")
    (folder / "site.toml").write_bytes(clinic.SITE.encode("gb18030"))
    check_refused(desk, StructureError, "site.toml: the file is not UTF-8")


def test_an_ignore_rule_about_a_column_that_is_not_there_is_told(desk):
    clinic.write_site(site_folder(desk), site=clinic.SITE.replace('column = "number"', 'column = "No."'))
    clinic.write_delivery(desk.extracts / "x")
    check_refused(desk, StructureError, "column 'No.' is missing")


def test_full_width_numbers_in_another_file_are_the_same_patient(desk):
    clinic.write_delivery(desk.extracts / "x", labs=clinic.LABS.replace("002,", "００２ ,"))
    desk.ingest()
    assert desk.read("versions.findings").filter(pl.col("severity") == "reject").is_empty()


XLSX = clinic.SITE.replace(
    'file = "labs*.csv"\nheader_row = 1', 'file = "*.xlsx"\nsheet = "labs"\nheader_row = 4\nmerged_ids = true'
)


def open_book(desk, **options) -> tuple[xlsxwriter.Workbook, Worksheet]:
    """Start a workbook of labs whose header stands in D4, below blank rows and beside blank columns."""
    clinic.write_site(site_folder(desk), site=XLSX)
    folder = clinic.write_delivery(desk.extracts / "x")
    (folder / "labs.csv").unlink()
    book = xlsxwriter.Workbook(folder / "labs.xlsx", options)
    page = book.add_worksheet("labs")
    page.write_row(3, 3, clinic.LABS.splitlines()[0].split(","))
    return book, page


def test_a_1904_workbook_a_time_without_a_date_and_sheets_that_hold_nothing(desk):
    book, page = open_book(desk, date_1904=True)
    day, time = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "hh:mm"})
    page.write_string(4, 3, "001")
    page.write_datetime(4, 4, dt.datetime(2020, 3, 1, 13, 45), day)
    page.write_number(4, 5, 3.9)
    page.write_string(5, 3, "002")
    page.write_boolean(5, 5, boolean=True)
    book.add_worksheet("Sheet2")
    book.add_worksheet("Sheet3").write_blank(5, 5, None, time)
    book.close()
    summary = desk.ingest()
    labs = desk.read("core.laboratory").sort("source_row").select("source_row", "value", "sample_date")
    assert labs.rows() == [(5, 39.0, dt.date(2020, 3, 1)), (6, None, None)]
    assert summary.row_accounts.filter(pl.col("rule") == "empty sheet")["source_sheet"].to_list() == [
        "Sheet2",
        "Sheet3",
    ]


def test_a_time_without_a_date_is_no_date(desk):
    book, page = open_book(desk)
    page.write_string(4, 3, "001")
    page.write_number(4, 4, 0.5, book.add_format({"num_format": "hh:mm"}))
    page.write_number(4, 5, 3.9)
    book.close()
    desk.ingest()
    assert desk.read("core.laboratory")["sample_date"].to_list() == [None]
    assert "laboratory.sample_date.unreadable" in desk.read("versions.findings")["rule_id"].to_list()


def test_a_number_merged_over_blank_rows_makes_no_records_of_them(desk):
    book, page = open_book(desk)
    page.merge_range(4, 3, 7, 3, "001")
    page.write_row(4, 4, ["2020-03-01", 3.9])
    page.write_row(7, 4, ["2020-03-02", None, 5, "ng/mL"])
    book.close()
    summary = desk.ingest()
    assert summary.accounts["merged_filled"] == 1
    rules = summary.row_accounts.filter(pl.col("source_sheet") == "labs")
    assert dict(rules.select("rule", "n_rows").rows()) == {
        "above the header": 3,
        "header": 1,
        "blank row": 2,
        "used": 2,
    }


def test_a_formula_that_came_to_an_empty_text_is_an_empty_cell(desk):
    book, page = open_book(desk)
    page.write_row(4, 3, ["001", "2020-03-01"])
    page.write_formula(4, 5, '=IF(1,"","")', None, "")
    page.write_row(4, 6, [5, "ng/mL"])
    book.close()
    path = desk.extracts / "x" / "labs.xlsx"
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            new.writestr(item, old.read(item).replace(b'<c r="F5"><f>', b'<c r="F5" t="str"><f>'))
    desk.ingest()
    assert desk.read("core.laboratory")["test"].to_list() == ["afp_ng_ml"]
