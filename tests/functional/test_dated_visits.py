"""A hospital that sends dates and no visit numbers: laboratory, lesions and responses load, and what the dates decide is told."""

import clinic
import polars as pl
import pytest

SOURCES = "".join(
    f'\n[[source]]\nname = "{name}"\nfile = "{name}*.csv"\nheader_row = 1\n'
    for name in ("lesions", "responses", "drugs")
)
COLUMNS = (
    clinic.COLUMNS.replace("labs,,field,laboratory,,visit_number=0,,\n", "")
    + """lesions,seen,field,lesion,assessment_date,,,
lesions,lesion,field,lesion,lesion_id,,,
lesions,kind,field,lesion,role,,,
lesions,mm,field,lesion,diameter_mm,,,
lesions,visit,field,lesion,visit_number,,,
lesions,,field,lesion,,reader=site,,
responses,read,field,response,assessment_date,,,
responses,result,field,response,recorded_response,,,
responses,,field,response,,reader=site;criteria=recist_1_1,,
drugs,drug,field,treatment,drug,,,
drugs,begun,field,treatment,start_date,,,
drugs,,field,treatment,,line_number=1,,
"""
)
DRUGS = """number,drug,begun
001,lenvatinib,2020-03-10
001,sintilimab,2020-03-10
002,lenvatinib,2020-03-10
002,sintilimab,2020-03-10
"""
# Two samples of one day; one after the start.
LABS = """number,sampled,albumin,AFP,AFP unit
001,2020-03-01,3.9,300,ng/mL
001,2020-03-09,3.9,390,ng/mL
001,2020-03-09,3.8,400,ng/mL
001,2020-03-11,3.0,900,ng/mL
002,2020-03-09,3.9,390,ng/mL
002,2020-03-09,3.8,410,ng/mL
003,,3.8,410,ng/mL
"""
LESIONS = """number,seen,lesion,kind,mm,visit
001,2020-03-01,T1,target,50,
001,2020-03-05,T2,target,30,
001,2020-04-20,T1,target,40,1.5
001,2020-04-22,T2,target,20,计划外
001,2020-06-10,T1,target,70,
001,2020-07-08,X1,new,12,
001,,T1,target,60,
"""
RESPONSES = """number,read,result
001,2020-04-20,PR
001,2020-04-24,SD
001,2020-06-10,PD
001,2020-06-12,SD
"""


@pytest.fixture
def dated(desk):
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", columns=COLUMNS, site=clinic.SITE + SOURCES)
    folder = clinic.write_delivery(desk.extracts / "x", labs=LABS)
    for name, text in (("lesions", LESIONS), ("responses", RESPONSES), ("drugs", DRUGS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return desk


def test_dates_group_what_has_no_visit_number(dated):
    dated.ingest()
    lesions = dated.read("core.lesion").sort("source_row").select("source_row", "lesion_id", "visit_number").rows()
    assert lesions == [
        (2, "T1", 20200301), (3, "T2", 20200301), (4, "T1", 20200420), (5, "T2", 20200420), (6, "T1", 20200610), (7, "X1", 20200610),
    ]  # fmt: skip
    responses = (
        dated.read("core.response").sort("source_row").select("source_row", "visit_number", "recorded_response").rows()
    )
    assert responses == [(3, 20200420, "SD"), (4, 20200610, "PD")]


def test_the_other_response_and_what_has_neither_number_nor_date_are_set_aside_and_asked(dated):
    dated.ingest()
    findings = dated.read("versions.findings").filter(severity="reject")
    found = findings.select("rule_id", "source_file", "source_row").unique().rows()
    assert sorted(found) == [
        ("laboratory.key.missing", "labs.csv", 8), ("lesion.key.missing", "lesions.csv", 8), ("response.superseded", "responses.csv", 2),
        ("response.superseded", "responses.csv", 5),
    ]  # fmt: skip
    assert not dated.read("versions.findings")["rule_id"].str.contains("visit_number").any()


def test_the_last_value_before_the_start_is_the_baseline(dated):
    dated.ingest()
    assert dated.read("core.laboratory").height == 12
    subject = dated.read("core.subject").sort("patient_id")
    numbers = dated.read("core.laboratory").group_by("patient_id").agg(pl.len()).join(subject, on="patient_id")
    first, second = (numbers.filter(len=n).row(0, named=True) for n in (8, 4))
    assert (first["albumin_g_l"], first["afp_ng_ml"], first["afp_level"]) == (38, 400, "<=400")
    assert (second["albumin_g_l"], second["afp_ng_ml"], second["afp_level"]) == (38, None, None)
    asked = dated.read("versions.findings").filter(rule_id="baseline_values_agree")
    assert sorted(asked["source_row"]) == [6, 7]


def test_how_many_records_were_grouped_by_dates_is_told(dated):
    told = [en for en, _ in dated.ingest().notices]
    assert any("6 of 6 records have no visit number" in text for text in told)
    assert any("12 of 12 records have no visit number" in text for text in told)


def test_rows_in_another_order_give_the_same(dated):
    dated.ingest()
    before = {
        name: dated.read(f"core.{name}").drop("ingest_id", "source_row", strict=False)
        for name in ("lesion", "response", "assessment", "subject")
    }
    path = dated.extracts / "x" / "lesions.csv"
    header, *rows = LESIONS.splitlines()
    path.write_text("\n".join([header, *rows[::-1]]) + "\n", encoding="utf-8")
    dated.ingest()
    for name, frame in before.items():
        key = [column for column in ("patient_id", "visit_number", "lesion_id") if column in frame.columns]
        again = dated.read(f"core.{name}").drop("ingest_id", "source_row", strict=False)
        assert again.sort(key).equals(frame.sort(key)), name
