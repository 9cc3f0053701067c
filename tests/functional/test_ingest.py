import datetime as dt

import clinic
import polars as pl
import pytest


def test_a_delivery_is_loaded_and_every_row_record_and_cell_is_accounted_for(desk):
    clinic.write_delivery(desk.extracts / "2022-10")
    summary = desk.ingest()
    assert summary.status == "loaded"
    # Two headers, four lines of patients (one of totals), three of labs.
    assert (summary.accounts["rows_read"], summary.accounts["rows_used"], summary.accounts["rows_ignored"]) == (9, 6, 3)
    # 3 patients, 3 baselines, 3 ticked boxes of metastasis, 6 laboratory values.
    assert summary.accounts["records_made"] == 15
    assert summary.accounts["records_loaded"] == 15
    # 3 x (number, name, sex, born, portal vein, size, lung, bone) + 1 remark, and 3 x 5 of the labs.
    assert summary.accounts["cells"] == 40
    assert summary.accounts["cells_identifier"] == 9
    assert summary.accounts["cells_ignored"] == 1


def test_values_arrive_typed_in_canonical_units_with_their_signs(desk):
    clinic.write_delivery(desk.extracts / "2022-10")
    desk.ingest()
    labs = (
        desk.read("core.laboratory")
        .sort("source_row", "test")
        .select("test", "value", "value_comparator", "sample_date")
    )
    assert labs.rows() == [
        ("afp_ng_ml", 1210.0, ">", dt.date(2020, 3, 1)),
        ("albumin_g_l", 39.0, "=", dt.date(2020, 3, 1)),
        ("afp_ng_ml", pytest.approx(24.2), "=", dt.date(2020, 3, 2)),
        ("albumin_g_l", 42.0, "=", dt.date(2020, 3, 2)),
        ("afp_ng_ml", None, "not_detected", dt.date(2020, 3, 3)),
        ("albumin_g_l", 31.0, "=", dt.date(2020, 3, 3)),
    ]
    baseline = desk.read("core.baseline").sort("source_row")
    assert baseline["tumour_size_cm"].to_list() == pytest.approx([8.2, 4.5, 12.0])
    assert desk.read("core.patient").sort("source_row")["birth_date"].to_list() == [
        dt.date(1960, 3, 5), dt.date(1955, 12, 31), dt.date(1949, 1, 2),
    ]  # fmt: skip
    organs = desk.read("core.metastasis").sort("source_row", "organ").select("source_row", "organ", "source_column")
    assert organs.rows() == [(2, "lung", "lung"), (4, "bone", "bone"), (4, "lung", "lung")]


def test_no_name_and_no_patient_number_reaches_the_warehouse(desk):
    patients = clinic.PATIENTS.replace("first visit", "李小四的电话 138 0013 8000")
    patients = patients.replace(",无,", ",无（李小四，13800138000）,")
    clinic.write_delivery(desk.extracts / "2022-10", patients=patients)
    desk.ingest()
    content = desk.settings.warehouse_path.read_bytes()
    for secret in ("张三丰", "李小四", "王老五", "13800138000", "138 0013 8000"):
        assert secret.encode() not in content
        for relation in ("landing.source_row", "versions.findings", "core.baseline"):
            assert secret not in desk.read(relation).write_json()
    findings = desk.read("versions.findings").filter(pl.col("rule_id") == "text.personal_data")
    assert sorted(findings.select("source_file", "source_row", "source_column").rows()) == [
        ("patients.csv", 3, "portal vein"),
        ("patients.csv", 3, "remark"),
    ]


def test_a_cell_that_cannot_be_read_is_set_aside_alone_and_asked_about_where_it_stands(desk):
    labs = clinic.LABS.replace("2020.3.2", "31/02/2020").replace(",4.2,", ",four,").replace("IU/mL", "kIU/L")
    clinic.write_delivery(desk.extracts / "2022-10", patients=clinic.PATIENTS.replace(",女,", ",W,"), labs=labs)
    summary = desk.ingest()
    assert summary.accounts["records_quarantined"] == 0
    findings = desk.read("versions.findings").filter(pl.col("rule_id").str.contains("unreadable|code|unit"))
    assert sorted(findings.select("rule_id", "source_file", "source_row", "source_column", "value").rows()) == [
        ("laboratory.sample_date.unreadable", "labs.csv", 3, "sampled", "31/02/2020"),
        ("laboratory.sample_date.unreadable", "labs.csv", 3, "sampled", "31/02/2020"),
        ("laboratory.value.unit", "labs.csv", 3, "AFP", "20"),
        ("laboratory.value.unreadable", "labs.csv", 3, "albumin", "four"),
        ("patient.sex.code", "patients.csv", 3, "sex", "W"),
    ]
    row = desk.read("core.laboratory").filter(pl.col("source_row") == 3)
    assert row["value"].to_list() == [None, None]


def test_records_without_key_with_contradicting_copies_or_without_patient_are_quarantined(desk):
    patients = clinic.PATIENTS.replace(
        "total 3,", ",无名,,男,1950-01-01,无,30,no,no,\n003,王老五,,男,1950-01-02,左支,120,yes,yes,\ntotal 3,"
    )
    labs = clinic.LABS + "001,2020-03-01,3.9,>1210,ng/mL\n999,2020-03-01,4.0,5,ng/mL\n"
    clinic.write_delivery(desk.extracts / "2022-10", patients=patients, labs=labs)
    summary = desk.ingest()
    assert summary.accounts["patients"] == 2
    assert (
        summary.accounts["records_made"] == summary.accounts["records_loaded"] + summary.accounts["records_quarantined"]
    )
    rejected = desk.read("versions.findings").filter(pl.col("severity") == "reject")
    counts = dict(rejected["rule_id"].value_counts().iter_rows())
    assert counts["patient.key.missing"] == 1
    assert counts["patient.key.duplicate"] == 2  # the two rows of 003 contradict each other
    assert counts["laboratory.key.duplicate"] == 2  # the second copy of 001's two values
    assert counts["laboratory.patient.unknown"] == 2  # 999 is nobody
    assert counts["laboratory.parent"] == 2  # 003 was set aside, so are its values
    assert counts["metastasis.key.duplicate"] == 2  # identical copies: one of each organ is dropped
    assert counts["metastasis.parent"] == 2  # and the other goes with the patient


def test_resorted_rows_blank_rows_and_another_file_name_change_neither_records_nor_finding_ids(desk):
    labs = clinic.LABS.replace(",4.2,", ",four,")
    clinic.write_delivery(desk.extracts / "first", labs=labs)
    desk.ingest()
    before = desk.read("versions.findings")["finding_id"].sort().to_list()
    values = desk.read("core.laboratory").select("patient_id", "test", "value").sort("patient_id", "test")
    head, *rows = labs.splitlines()
    second = desk.extracts / "second"
    clinic.write_delivery(second, labs="\n".join([head, "", *reversed(rows), ",,,,"]) + "\n")
    (second / "labs.csv").rename(second / "labs of october.csv")
    summary = desk.ingest()
    assert summary.ingest_id == 2
    after = desk.read("versions.findings").filter(pl.col("ingest_id") == 2)["finding_id"].sort().to_list()
    assert before == after
    assert values.equals(desk.read("core.laboratory").select("patient_id", "test", "value").sort("patient_id", "test"))


def test_the_same_delivery_again_loads_nothing_and_a_changed_mapping_reads_it_again(desk):
    clinic.write_delivery(desk.extracts / "2022-10")
    desk.ingest()
    assert desk.ingest().status == "nothing new"
    assert desk.read("ingests").height == 1
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", codes=clinic.CODES + "patient,sex,W,female\n")
    assert desk.ingest().status == "loaded"
    assert desk.read("ingests").select("ingest_id", "is_current").rows() == [(1, False), (2, True)]


def test_a_national_id_that_is_none_is_asked_about_and_never_shown(desk):
    patients = clinic.PATIENTS.replace("001,张三丰,,", "001,张三丰,110105194912310021,")
    clinic.write_delivery(desk.extracts / "2022-10", patients=patients)
    desk.ingest()
    findings = desk.read("versions.findings").filter(pl.col("rule_id") == "patient.person_id.unreadable")
    assert findings.select("source_file", "source_row", "source_column", "value").rows() == [
        ("patients.csv", 2, "id card", None)
    ]
    assert "110105194912310021" not in desk.read("landing.source_row").write_json()


def test_check_does_everything_but_load(desk):
    clinic.write_delivery(desk.extracts / "2022-10")
    summary = desk.ingest(check=True)
    assert summary.status == "checked"
    assert summary.accounts["patients"] == 3
    assert not desk.settings.warehouse_path.exists()


def test_gb18030_and_utf8_give_the_same_records(desk):
    clinic.write_delivery(desk.extracts / "2022-10", encoding="gb18030")
    desk.ingest()
    assert desk.read("core.patient")["sex"].sort().to_list() == ["female", "male", "male"]


def test_merged_patient_numbers_are_filled_down_and_an_excel_error_is_asked_about(desk):
    import xlsxwriter

    site = clinic.SITE.replace(
        'file = "labs*.csv"\nheader_row = 1', 'file = "*.xlsx"\nsheet = "labs"\nheader_row = 3\nmerged_ids = true'
    )
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site)
    folder = clinic.write_delivery(desk.extracts / "2022-10")
    (folder / "labs.csv").unlink()
    book = xlsxwriter.Workbook(folder / "labs.xlsx")
    page = book.add_worksheet("labs")
    for c, name in enumerate(clinic.LABS.splitlines()[0].split(",")):
        page.write(2, c + 1, name)
    page.merge_range(3, 1, 4, 1, "001")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    page.write_datetime(3, 2, dt.datetime(2020, 3, 1), day)
    page.write_datetime(4, 2, dt.datetime(2020, 4, 1), day)
    page.write_row(3, 3, [3.9])
    page.write_row(4, 4, [30, "ng/mL"])
    page.write(6, 1, "002")
    page.write_formula(6, 3, "=1/0", None, "#DIV/0!")
    page.write_formula(6, 4, "=30*40", None, "")  # saved without its value
    book.close()
    summary = desk.ingest()
    assert summary.accounts["merged_filled"] == 1
    labs = desk.read("core.laboratory").sort("source_row", "test").select("source_row", "test", "value", "sample_date")
    assert labs.rows() == [
        (4, "albumin_g_l", 39.0, dt.date(2020, 3, 1)),
        (5, "afp_ng_ml", 30.0, dt.date(2020, 4, 1)),
        (7, "afp_ng_ml", None, None),
        (7, "albumin_g_l", None, None),
    ]
    finding = desk.read("versions.findings").filter(pl.col("rule_id") == "laboratory.value.unreadable")
    assert sorted(finding.select("source_row", "source_column", "value").rows()) == [
        (7, "AFP", "#ERROR"),
        (7, "albumin", "#ERROR"),
    ]


def test_two_hospitals_learn_that_a_patient_is_shared_but_not_where(desk):
    card = "11010519491231002X"  # the worked example of GB 11643-1999
    patients = clinic.PATIENTS.replace("003,王老五,,", f"003,王老五,{card},")
    clinic.write_delivery(desk.extracts / "2022-10", patients=patients)
    desk.ingest()
    other = desk.settings.workspace / "sites" / "other"
    clinic.write_site(other, site=clinic.SITE.replace('"clinic"', '"other"'))
    from etl.ingest import ingest

    folder = clinic.write_delivery(
        desk.settings.extracts_dir / "other" / "x",
        patients=patients.replace("003,", "A77,").replace("001,", "A1,").replace("002,", "A2,"),
        labs=clinic.LABS.replace("003,", "A77,").replace("001,", "A1,").replace("002,", "A2,"),
    )
    ingest(
        desk.settings,
        "other",
        extract=folder,
        check=False,
        accept=False,
        progress=lambda *_: None,
        extracted=clinic.EXTRACTED,
    )
    shared = desk.read("cross_findings")
    assert sorted(shared.select("hospital", "source_row").rows()) == [("clinic", 4), ("other", 4)]
    own = shared.filter(pl.col("hospital") == "clinic").drop("hospital").write_json()
    assert "other" not in own.replace("another", "")
    ids = desk.read("core.patient").filter(pl.col("person_id").is_not_null())
    assert ids["person_id"].n_unique() == 1
    assert ids["patient_id"].n_unique() == 2
