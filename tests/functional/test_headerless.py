"""Files without a header row or without patient numbers: read by what site.toml says, and refused where they do not fit it."""

import json

import clinic
import pytest

from etl.errors import DeliveryError, StructureError

SITE = """
hospital = "clinic"
name_en = "Test clinic"
name_zh = "测试医院"

[[source]]
name = "data"
file = "data*"
header = ["Sex", "Albumin", "Remark"]
patient = "row number"
"""
NUMBERED = SITE.replace('"Sex"', '"No", "Sex"').replace('patient = "row number"\n', "")

COLUMNS = """source,column,role,table,field,record,unit,note
data,Sex,field,patient,sex,,,
data,Albumin,field,laboratory,value,test=albumin_g_l,g/dL,
data,,field,laboratory,,visit_number=0,,
data,Remark,ignore,,,,,not a field
"""

CODES = """table,field,code,value
patient,sex,1,male
patient,sex,0,female
"""

DATA = """1,3.9,
0,4.l,seen twice

1,?,
0,3.5,
"""


@pytest.fixture
def headerless(desk):
    """A desk whose clinic sends one text file of bare rows."""
    write(desk)
    return desk


def write(desk, *, site: str = SITE, columns: str = COLUMNS, data: str = DATA, name: str = "data.txt"):
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site, columns=columns, codes=CODES)
    folder = desk.extracts / "x"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(data, encoding="utf-8")
    return folder


def read_albumin(desk) -> dict[int, float | None]:
    return dict(desk.read("core.laboratory").select("source_row", "value").iter_rows())


def test_rows_without_header_and_numbers_are_patients_and_the_accounts_balance(headerless):
    accounts = headerless.ingest().accounts
    assert accounts["rows_read"] == 5
    assert (accounts["rows_used"], accounts["rows_ignored"]) == (4, 1)
    assert accounts["patients"] == 4
    # Four rows: sex and albumin in each (`?` is a text that says nothing), and one remark.
    assert (accounts["cells_mapped"], accounts["cells_identifier"], accounts["cells_ignored"]) == (8, 0, 1)
    assert accounts["cells"] == 9
    assert read_albumin(headerless) == {1: 39.0, 2: None, 4: None, 5: 35.0}
    assert headerless.read("core.patient")["source_row"].sort().to_list() == [1, 2, 4, 5]


def test_questions_and_kept_texts_use_the_names_that_the_mapping_gives(headerless):
    headerless.ingest()
    findings = headerless.read("versions.findings")
    asked = findings.filter(findings["rule_id"] == "laboratory.value.unreadable")
    assert asked.select("source_row", "source_column", "value").rows() == [(2, "Albumin", "4.l")]
    kept = headerless.read("landing.source_row").sort("source_row")
    assert json.loads(kept["cells"][1]) == {"Sex": "0", "Albumin": "4.l"}


def test_a_file_that_is_sorted_anew_makes_other_patients_of_the_same_numbers(headerless):
    headerless.ingest()
    before = headerless.read("core.patient").select("patient_id", "source_row", "sex")
    write(headerless, data=DATA.replace("1,3.9,\n0,4.l,seen twice\n", "0,4.l,seen twice\n1,3.9,\n"))
    headerless.ingest()
    after = headerless.read("core.patient").select("patient_id", "source_row", "sex")
    assert set(before["patient_id"]) == set(after["patient_id"])
    both = before.join(after, on="patient_id")
    assert (both["source_row"] == both["source_row_right"]).all()
    assert both.filter(both["source_row"] == 1).select("sex", "sex_right").rows() == [("male", "female")]


def test_a_file_without_header_may_have_patient_numbers(desk):
    columns = COLUMNS + "data,No,patient,,,,,\n"
    write(desk, site=NUMBERED, columns=columns, data="007,1,3.9,\n008,0,3.5,\n")
    assert desk.ingest().accounts["cells_identifier"] == 2
    assert read_albumin(desk) == {1: 39.0, 2: 35.0}


def test_a_workbook_without_header_counts_its_columns_from_column_a(desk):
    write(desk)
    (desk.extracts / "x" / "data.txt").unlink()
    # Column A is empty in every row: nobody's sex was recorded.
    clinic.write_workbook(desk.extracts / "x" / "data.xlsx", [[None, "3.9", "a"], [None, "3.5", "b"]])
    assert desk.ingest().accounts["patients"] == 2
    assert read_albumin(desk) == {1: 39.0, 2: 35.0}


@pytest.mark.parametrize(
    ("data", "width"), [("1,3.9\n0,3.5\n", 2), ("1,3.9,,new\n0,3.5,,\n", 4), ("1;3.9;\n0;3.5;\n\n1;3;a;b\n", 4)]
)
def test_a_file_with_another_number_of_columns_is_refused(desk, data, width):
    write(desk, data=data)
    with pytest.raises(StructureError) as caught:
        desk.ingest()
    assert f"the file has {width} columns, the mapping names 3" in caught.value.en
    assert f"文件有 {width} 列" in caught.value.zh
    assert not desk.settings.warehouse_path.exists()


def test_a_row_that_broke_in_two_is_refused_and_makes_no_patients(desk):
    write(desk, data="1,3.9,seen\n twice\n\n0,3.5,\n")
    with pytest.raises(StructureError, match=r"row 2 has 1 cells, the mapping names 3 columns") as caught:
        desk.ingest()
    assert "twice" not in caught.value.en + caught.value.zh


def test_empty_columns_at_the_end_are_none(desk):
    write(desk, data="1,3.9,,\n0,3.5,,\n")
    assert desk.ingest().accounts["patients"] == 2


@pytest.mark.parametrize("first", ["Sex,Albumin,Remark", "Sex,ALB, Remark"])
def test_a_header_that_should_not_be_there_makes_no_patient(desk, first):
    write(desk, data=f"{first}\n1,3.9,\n")
    with pytest.raises(DeliveryError, match="row 1 holds the columns' names"):
        desk.ingest()


def test_two_files_whose_row_numbers_are_patients_are_refused(headerless):
    folder = write(headerless, name="data 2.txt", data="1,3.1,\n")
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(StructureError, match=r"data\.txt: the row number is the patient's number here.*data 2\.txt"):
        headerless.ingest()


def check_mapping(desk, words: str, *, site: str = SITE, columns: str = COLUMNS) -> None:
    write(desk, site=site, columns=columns)
    with pytest.raises(StructureError) as caught:
        desk.ingest()
    assert words in caught.value.en


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('header = ["Sex", "Albumin", "Remark"]', ""), "source[1].header_row: must be a row number, 1 or more"),
        (("header =", "header_row = 1\nheader ="), "header_row and header exclude each other"),
        (('"Remark"]', '"Remark", ""]'), "source[1].header: must list the names of all columns"),
        (('["Sex", "Albumin", "Remark"]', "[]"), "source[1].header: must list the names of all columns"),
        (('["Sex", "Albumin", "Remark"]', '"Sex"'), "source[1].header: must list the names of all columns"),
        (('"Remark"]', '"Remark", "Ｓex "]'), "source[1].header: names 'Sex' twice"),
        (('"row number"', '"No"'), 'source[1].patient: can only be "row number"'),
        (('"row number"', "1"), 'source[1].patient: can only be "row number"'),
        (("patient =", "patients ="), "source[1]: unknown key patients. Did you mean patient?"),
        (('name_zh = "测试医院"', 'name_zh = "测试医院"\nheader_row = 1'), "site.toml: unknown key header_row"),
    ],
)
def test_a_malformed_header_or_patient_is_told_with_its_place(desk, change, words):
    check_mapping(desk, words, site=SITE.replace(*change))


OTHER = '[[source]]\nname = "labs"\nfile = "labs.csv"\n'
SAME = '[[source]]\nname = "labs"\nfile = "data*"\n'


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (OTHER + "header_row = 1\n", "needs every source to read the same sheet"),
        (OTHER + 'header_row = 1\npatient = "row number"\n', "needs every source to read the same sheet"),
        (SAME + 'header = ["Sex", "Albumin", "Remark"]\n', "needs every source to read the same sheet"),
        (SAME + 'header = ["Sex", "Albumin"]\npatient = "row number"\n', "'labs' has another header than a source"),
        (SAME + 'header_row = 1\npatient = "row number"\n', "'labs' has another header_row than a source"),
    ],
)
def test_sources_that_contradict_each_other_are_told(desk, more, words):
    check_mapping(desk, words, site=SITE + more)


def test_columns_csv_must_go_with_the_names_and_the_numbers_of_site_toml(desk):
    check_mapping(
        desk,
        "columns.csv line 6: source 'data' takes the row number as the patient's number",
        columns=COLUMNS + "data,Remark,patient,,,,,\n",
    )
    check_mapping(
        desk,
        "columns.csv line 6: the header of source 'data' (site.toml) has no column 'AFP'",
        columns=COLUMNS + "data,AFP,ignore,,,,,\n",
    )
    check_mapping(desk, "source 'data' has no column with the role 'patient'", site=NUMBERED)
    check_mapping(desk, "column 'Remark' is not in the mapping", columns=COLUMNS.rsplit("data,Remark", 1)[0])


def test_two_sources_may_read_the_same_bare_rows(desk):
    more = SITE.split("\n\n", 1)[1].replace('name = "data"', 'name = "more"')
    columns = COLUMNS.replace("data,Albumin", "more,Albumin").replace("data,,", "more,,")
    write(desk, site=SITE + more, columns=columns + "data,Albumin,ignore,,,,,see more\n")
    assert desk.ingest().accounts["patients"] == 4
    assert read_albumin(desk) == {1: 39.0, 2: None, 4: None, 5: 35.0}
