"""Cells that try to be lost, altered, or to carry a name into the warehouse."""

import clinic
import polars as pl
import pytest


def find(desk, rule: str) -> list[tuple]:
    findings = desk.read("versions.findings").filter(pl.col("rule_id") == rule)
    return sorted(findings.select("source_row", "source_column", "value").rows(), key=str)


def test_a_checkbox_that_says_neither_yes_nor_no_is_asked_about(desk):
    clinic.write_delivery(desk.extracts / "x", patients=clinic.PATIENTS.replace("82,yes", "82,疑似"))
    desk.ingest()
    assert find(desk, "metastasis.organ.code") == [(2, "lung", "疑似")]
    assert desk.read("versions.quarantine")["value"].to_list() == ["疑似"]


def test_two_values_that_differ_only_in_their_unit_both_load_and_a_copy_does_not(desk):
    row = "001,2020-03-01,3.9,20,{}\n"
    labs = clinic.LABS.replace("001,2020-03-01,3.9,>1210,ng/mL\n", row.format("ng/mL") + row.format("IU/mL"))
    clinic.write_delivery(desk.extracts / "x", labs=labs)
    desk.ingest()
    rows = find(desk, "laboratory.key.duplicate")
    assert [(row, column) for row, column, _ in rows] == [(3, "albumin")]
    values = (
        desk.read("core.laboratory").filter(pl.col("test") == "afp_ng_ml", pl.col("source_row") < 4).sort("source_row")
    )
    assert values.select("source_row", "repeat_number", "value").rows() == [(2, 2, 20.0), (3, 1, 20 * 1.21)]


def test_one_number_with_two_national_ids_is_nobody(desk):
    line = "001,张三丰,{},男,1960年3月5日,门静脉主干,82,yes,no,\n"
    two = line.format("11010519491231002X") + line.format("440524188001010014")
    clinic.write_delivery(desk.extracts / "x", patients=clinic.PATIENTS.replace(line.format(""), two))
    assert desk.ingest().accounts["patients"] == 2
    assert [row for row, *_ in find(desk, "patient.key.duplicate")] == [2, 3]


@pytest.mark.parametrize("count", ["1e30", "99999999999999999999", "1e400"])
def test_a_count_beyond_all_counts_is_asked_about(desk, count):
    columns = clinic.COLUMNS.replace(
        "patients,remark,ignore,,,,,not a field", "patients,remark,field,baseline,tumour_number,,,"
    )
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", columns=columns)
    clinic.write_delivery(desk.extracts / "x", patients=clinic.PATIENTS.replace("first visit", count))
    desk.ingest()
    assert find(desk, "baseline.tumour_number.unreadable") == [(3, "remark", count)]


FORMS = clinic.SITE.replace("[source.ignore]", '[source.filter]\nkind = ["p"]\n[source.ignore]').replace(
    'file = "labs*.csv"\nheader_row = 1', 'file = "patients*.csv"\nheader_row = 1\n[source.filter]\nkind = ["l"]'
)


def test_a_name_in_a_row_of_another_form_is_an_identifier_there_too(desk):
    clinic.write_site(
        desk.settings.workspace / "sites" / "clinic",
        site=FORMS,
        columns=clinic.COLUMNS + "*,kind,ignore,,,,,the form\n",
    )
    (desk.extracts / "x").mkdir(parents=True)
    (desk.extracts / "x" / "patients.csv").write_text(
        "number,kind,name,id card,sex,born,portal vein,size,lung,bone,remark,sampled,albumin,AFP,AFP unit\n"
        "001,p,张三丰,,男,1960-01-01,无,82,yes,no,,,,,\n"
        "001,l,张三丰,,,,电话13800138000，张三丰,,,,,2020-03-01,3.9,20,ng/mL\n"
    )
    summary = desk.ingest()
    assert summary.accounts["cells_quarantined"] == 1
    assert find(desk, "cell.stray") == [(3, "portal vein", "电话[masked]，[masked]")]
    for relation in ("versions.findings", "versions.quarantine", "landing.source_row"):
        text = desk.read(relation).write_json()
        assert "张三丰" not in text
        assert "13800138000" not in text


def test_the_name_in_a_row_without_a_patient_number_is_masked_as_well(desk):
    patients = clinic.PATIENTS.replace(
        "003,王老五,,男,1949-01-02,左支,120,yes,yes,", ",王老五,,男,1949-01-02,左支,120,yes,yes,王老五来电"
    )
    clinic.write_delivery(desk.extracts / "x", patients=patients)
    desk.ingest()
    assert "王老五" not in desk.read("landing.source_row").write_json()
    assert "王老五".encode() not in desk.settings.warehouse_path.read_bytes()


def test_what_is_no_name_in_a_column_of_names_masks_nothing(desk):
    """A bed number, 'NA', a short Latin name inside a word, and a name that is part of another patient's word."""
    patients = clinic.PATIENTS.replace("张三丰", "82").replace("李小四", "NA").replace("王老五", "Li")
    patients = patients.replace("女,1955/12/31,无", "女,1955/12/31,DNA Li 82").replace("左支", "Liver left branch")
    clinic.write_delivery(desk.extracts / "x", patients=patients)
    desk.ingest()
    baseline = desk.read("core.baseline").sort("source_row").select("pvtt_text", "tumour_size_cm")
    assert baseline.rows() == [
        ("门静脉主干", pytest.approx(8.2)),
        ("DNA Li 82", 4.5),
        ("Liver left branch", 12.0),
    ]
    assert find(desk, "text.personal_data") == []
