"""Files of SPSS, Stata, SAS and Excel 97: the same content gives the same records, whatever program it was saved by."""

import datetime as dt
import math
import shutil
from pathlib import Path

import clinic
import polars as pl
import pyreadstat
import pytest
from fixed_key import FIXED_KEY_OF_A_STUDY, write_fixed_key

from etl.delivery.read import ROW, read_delivery
from etl.errors import DeliveryError
from etl.ingest import ingest
from etl.onboarding.proposing.draft import draft_mapping
from etl.settings import Settings
from etl.store.warehouse import read_frames
from schemas.contract import PROVENANCE

NAMES = ["number", "sex", "born", "size", "albumin", "afp", "lesions"]
LABELS = ["住院号", "性别", "出生日期", "肿瘤最大径(cm)", "白蛋白(g/L)", "甲胎蛋白(ng/mL)", "肝内病灶数"]
ROWS = [
    ("001", 1.0, dt.date(1960, 3, 5), 8.2, 38.1, ">1210", 3.0),
    ("002", 2.0, dt.date(1955, 12, 31), 4.5, 40.1 + 0.2, "20", None),
    ("003", None, None, 12.0, 41.25, "", 12.0),
]
SEX = {1.0: "男", 2.0: "女"}
COLUMNS = """source,column,role,table,field,record,unit,note
data,number,patient,,,,,
data,sex,field,patient,sex,,,
data,born,field,patient,birth_date,,,
data,size,field,baseline,tumour_size_cm,,cm,
data,lesions,field,baseline,tumour_number,,,
data,albumin,field,laboratory,value,test=albumin_g_l,g/L,
data,afp,field,laboratory,value,test=afp_ng_ml,ng/mL,
data,,field,laboratory,,visit_number=0,,
"""
FORMATS = ["xlsx", "xls", "csv", "sav", "dta", "xpt", "sas7bdat"]
OLD_WORKBOOK = Path(__file__).parent / "excel97" / "clinic.xls"  # the workbook, saved by LibreOffice for Excel 97-2003
SAS = Path(__file__).parent / "sas"  # the same rows, written by write_sas.c


def write_file(path, suffix):
    """Write the rows as one program would; those with value labels hold codes. Returns what is delivered."""
    if suffix in ("sas7bdat", "xls"):
        return SAS if suffix == "sas7bdat" else OLD_WORKBOOK
    frame = pl.DataFrame(
        ROWS,
        schema=dict(
            zip(NAMES, [pl.String, pl.Float64, pl.Date, pl.Float64, pl.Float64, pl.String, pl.Float64], strict=True)
        ),
        orient="row",
    )
    named = frame.with_columns(pl.col("sex").replace_strict(SEX, default=None, return_dtype=pl.String))
    if suffix == "sav":
        pyreadstat.write_sav(frame, path, column_labels=LABELS, variable_value_labels={"sex": SEX})
    elif suffix == "dta":
        pyreadstat.write_dta(frame, path, column_labels=LABELS, variable_value_labels={"sex": {1: "男", 2: "女"}})
    elif suffix == "xpt":
        pyreadstat.write_xport(named, path, column_labels=LABELS)
    else:
        texts = [[None if v is None else str(v) for v in row] for row in named.rows()]
        if suffix == "xlsx":
            clinic.write_workbook(path, [NAMES, *texts], "data")
        else:
            lines = [",".join(v or "" for v in row) for row in [NAMES, *texts]]
            path.write_bytes("\n".join(lines).encode("gb18030"))
    return path


def load(folder, suffix):
    """Ingest one file in a workspace of its own; returns the tables without where their records came from."""
    header_row = 1 if suffix in ("xlsx", "xls", "csv") else 0
    sheet = 'sheet = "data"\n' if suffix in ("xlsx", "xls") else ""
    site = f'hospital = "clinic"\n[[source]]\nname = "data"\nfile = "*.{suffix}"\n{sheet}header_row = {header_row}\n'
    clinic.write_site(folder / suffix / "sites" / "clinic", columns=COLUMNS, site=site)
    settings = Settings(folder / suffix, write_fixed_key(folder / f"{suffix}.key", FIXED_KEY_OF_A_STUDY), "both")
    ingest(
        settings,
        "clinic",
        extract=write_file(folder / f"data.{suffix}", suffix),
        check=False,
        accept=False,
        progress=lambda *_: None,
        extracted=clinic.EXTRACTED,
    )
    names = ["patient", "baseline", "laboratory"]
    tables = read_frames(settings.warehouse_path, [f"core.{name}" for name in names])
    own = [name for name in PROVENANCE if name != "patient_id"]
    return {name: tables[name].drop(own).sort(pl.all()).to_dicts() for name in names}


def test_the_same_content_gives_the_same_records(tmp_path):
    loaded = {suffix: load(tmp_path, suffix) for suffix in FORMATS}
    first = loaded["xlsx"]
    assert [len(first[name]) for name in ("patient", "baseline", "laboratory")] == [3, 3, 5]
    assert {row["sex"] for row in first["patient"]} == {"male", "female", None}
    assert math.isclose(max(row["value"] for row in first["laboratory"]), 1210)
    for suffix in FORMATS[1:]:
        assert loaded[suffix] == first, suffix


def test_rows_are_the_program_s_cases_and_columns_say_what_they_are(tmp_path):
    (grid,) = read_delivery(write_file(tmp_path / "a.sav", "sav")).grids
    assert grid.cells[ROW].to_list() == [0, 1, 2, 3]
    assert grid.cells["0"].to_list() == ["number", "001", "002", "003"]
    assert grid.cells["1"].to_list() == ["sex", "男", "女", None]
    assert grid.labels["albumin"] == "白蛋白(g/L)"


def test_a_catalogue_names_the_codes_of_a_sas_file(tmp_path):
    (with_catalogue,) = read_delivery(SAS).grids
    assert with_catalogue.cells["1"].to_list() == ["sex", "男", "女", None]
    (without,) = read_delivery(SAS / "clinic.sas7bdat").grids
    assert without.cells["1"].to_list() == ["sex", "1", "2", None]


def test_a_catalogue_alone_or_a_damaged_one_is_refused(tmp_path):
    with pytest.raises(DeliveryError, match=r"formats.sas7bcat: a SAS catalogue holds labels and no patients"):
        read_delivery(SAS / "formats.sas7bcat")
    shutil.copytree(SAS, tmp_path / "x")
    (tmp_path / "x" / "formats.sas7bcat").write_bytes(b"sex" * 9000)
    with pytest.raises(DeliveryError, match=r"formats.sas7bcat: the file cannot be read as .sas7bcat"):
        read_delivery(tmp_path / "x")


def test_two_catalogues_must_not_contradict_each_other(tmp_path):
    shutil.copytree(SAS, tmp_path / "x")
    other = (SAS / "formats.sas7bcat").read_bytes()
    shutil.copyfile(SAS / "formats.sas7bcat", tmp_path / "x" / "same.sas7bcat")
    assert len(read_delivery(tmp_path / "x").grids) == 1
    (tmp_path / "x" / "other.sas7bcat").write_bytes(other.replace("男".encode(), "雄".encode()))
    with pytest.raises(DeliveryError, match="gives other labels for the format SEXF"):
        read_delivery(tmp_path / "x")


def test_numbers_keep_the_digits_they_were_written_with(tmp_path):
    frame = pl.DataFrame(
        {"number": ["1"], "whole": [3.0], "large": [123456789.0], "small": [0.1], "day": [dt.datetime(2020, 3, 5)]}
    )
    pyreadstat.write_dta(frame, tmp_path / "a.dta")
    (grid,) = read_delivery(tmp_path / "a.dta").grids
    assert grid.cells.row(1)[1:] == ("1", "3", "123456789", "0.1", "2020-03-05")


def test_values_declared_missing_are_empty_and_unlabelled_ones_stay(tmp_path):
    frame = pl.DataFrame({"number": ["1", "2", "3"], "sex": [1.0, 9.0, 7.0]})
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels={"sex": SEX}, missing_ranges={"sex": [9]})
    (grid,) = read_delivery(tmp_path / "a.sav").grids
    assert grid.cells["1"].to_list() == ["sex", "男", None, "7"]


@pytest.mark.parametrize("suffix", ["sav", "dta", "xpt", "sas7bdat"])
def test_a_file_that_only_calls_itself_so_is_refused(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").write_bytes(b"number,sex\n1,2\n" * 200)
    with pytest.raises(DeliveryError, match=f"a.{suffix}: the file cannot be read as .{suffix}"):
        read_delivery(tmp_path / f"a.{suffix}")


def test_a_damaged_old_workbook_is_refused(tmp_path):
    (tmp_path / "a.xls").write_bytes(OLD_WORKBOOK.read_bytes()[:3000])
    with pytest.raises(DeliveryError, match=r"a.xls: the workbook cannot be read"):
        read_delivery(tmp_path / "a.xls")


def test_a_mapping_for_workbooks_says_what_to_change(tmp_path):
    site = 'hospital = "clinic"\n[[source]]\nname = "data"\nfile = "*.sav"\nheader_row = 1\n'
    clinic.write_site(tmp_path / "sites" / "clinic", columns=COLUMNS, site=site)
    settings = Settings(tmp_path, tmp_path.with_name(f"{tmp_path.name} key"), "both")
    with pytest.raises(DeliveryError, match="write header_row = 0 in"):
        ingest(
            settings,
            "clinic",
            extract=write_file(tmp_path / "a.sav", "sav"),
            check=False,
            accept=False,
            progress=lambda *_: None,
            extracted=clinic.EXTRACTED,
        )


def test_labels_of_variables_say_what_columns_mean(tmp_path):
    frame = pl.DataFrame({f"v{i}": list(values) for i, values in enumerate(zip(*ROWS, strict=True))}, strict=False)
    pyreadstat.write_sav(frame, tmp_path / "a.sav", column_labels=LABELS, variable_value_labels={"v1": SEX})
    draft = draft_mapping(read_delivery(tmp_path / "a.sav"), "x")
    meanings = {c.column: (c.meaning, c.unit) for c in draft.columns if c.column}
    assert meanings["v0"] == ("patient_number", "")
    assert meanings["v2"] == ("patient.birth_date", "")
    assert meanings["v4"] == ("laboratory.value.albumin_g_l", "g/L")
    assert all(c.unit_confidence > 0.9 for c in draft.columns)  # the labels state the units
    assert {(c.code, c.value) for c in draft.codes} == {("男", "male"), ("女", "female")}
