"""Cells that list several (`肺、骨`): each item is a record that walks back to its cell, and what says nothing is none."""

import csv
import io

import clinic
import pytest
from worksheet_desk import fill, list_rows, read_cells

from etl.delivery.read import read_delivery
from etl.errors import StructureError
from etl.ingest import ingest
from etl.mapping.read_site import load_site
from etl.mapping.site import split_items
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.proposing.draft import draft_mapping
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import COLUMNS as COLUMNS_SHEET
from etl.settings import Settings
from etl.store.warehouse import read_frames

SITE = """hospital = "clinic"\n[[source]]\nname = "main"\nfile = "*.csv"\nheader_row = 1\n"""
COLUMNS = """source,column,role,table,field,record,unit,note
main,住院号,patient,,,,,
main,性别,field,patient,sex,,,
main,转移部位,field,metastasis,organ,each,,
main,靶向药物,field,treatment,drug,each;line_number=1,,
main,免疫药物,field,treatment,drug,each;line_number=1,,
main,开始日期,field,treatment,start_date,*,,
"""
CODES = """table,field,code,value
patient,sex,男,male
metastasis,organ,肺,lung
metastasis,organ,双肺,lung
metastasis,organ,骨,bone
metastasis,organ,淋巴结,lymph_node
metastasis,organ,不详,missing
treatment,drug,仑伐替尼,lenvatinib
treatment,drug,卡瑞利珠单抗,camrelizumab
treatment,drug,PD-1(A/B),sintilimab
"""
ROWS = """住院号,性别,转移部位,靶向药物,免疫药物,开始日期
001,男,肺、骨,仑伐替尼,卡瑞利珠单抗,2020-03-01
002,男,双肺；肺,仑伐替尼+卡瑞利珠单抗,,2020-04-01
003,男,不详,仑伐替尼,PD-1(A/B),2020-05-01
004,男,肺、脾,,,
005,男,,仑伐替尼,无,2020-06-01
"""


def load(tmp_path, columns=COLUMNS, rows=ROWS):
    clinic.write_site(tmp_path / "sites" / "clinic", columns=columns, codes=CODES, site=SITE)
    (tmp_path / "data.csv").write_text(rows, encoding="utf-8")
    settings = Settings(tmp_path, tmp_path.with_name(f"{tmp_path.name} key"), "both")
    ingest(
        settings,
        "clinic",
        extract=tmp_path / "data.csv",
        check=False,
        accept=False,
        progress=lambda *_: None,
        extracted=clinic.EXTRACTED,
    )
    return read_frames(settings.warehouse_path, ["core.metastasis", "core.treatment", "core.findings"])


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("肺、骨", ["肺", "骨"]),
        ("肺，骨;淋巴结／脑", ["肺", "骨", "淋巴结", "脑"]),
        ("仑伐替尼 + 卡瑞利珠单抗", ["仑伐替尼", "卡瑞利珠单抗"]),
        ("淋巴结（腹腔、腹膜后）、骨", ["淋巴结(腹腔、腹膜后)", "骨"]),
        ("lung & bone|liver", ["lung", "bone", "liver"]),
        ("肺", ["肺"]),
        ("、", []),
    ],
)
def test_what_a_cell_lists(text, items):
    assert split_items(text) == items


def test_each_item_is_a_record_that_walks_back_to_its_cell(tmp_path):
    frames = load(tmp_path)
    organs = frames["metastasis"].sort("source_row", "organ").select("source_row", "source_column", "organ").rows()
    assert organs == [
        (2, "转移部位", "bone"),
        (2, "转移部位", "lung"),
        (3, "转移部位", "lung"),
        (5, "转移部位", "lung"),
    ]
    drugs = frames["treatment"].sort("source_row", "drug")
    assert drugs.select("source_row", "source_column", "drug", "line_number").rows() == [
        (2, "免疫药物", "camrelizumab", 1), (2, "靶向药物", "lenvatinib", 1), (3, "靶向药物", "camrelizumab", 1),
        (3, "靶向药物", "lenvatinib", 1), (4, "靶向药物", "lenvatinib", 1), (4, "免疫药物", "sintilimab", 1), (6, "靶向药物", "lenvatinib", 1),
    ]  # fmt: skip
    assert [str(day) for day in drugs["start_date"]][:2] == ["2020-03-01", "2020-03-01"]


def test_an_item_that_no_code_knows_is_asked_about_and_the_others_are_kept(tmp_path):
    findings = load(tmp_path)["findings"].filter(table_name="metastasis", field="organ")
    assert findings.select("source_row", "source_column", "value").unique().rows() == [(5, "转移部位", "脾")]


def test_the_row_is_no_record_beside_its_items(tmp_path):
    with pytest.raises(StructureError, match=r"line 7: write \* as record"):
        load(tmp_path, columns=COLUMNS.replace("start_date,*", "start_date,"))
    with pytest.raises(StructureError, match="is for a column of codes"):
        load(tmp_path / "b", columns=COLUMNS + "main,性别,field,patient,birth_date,each,,\n")


def test_a_column_that_lists_several_is_proposed_so(tmp_path):
    organs = ["肺、骨", "肺", "骨、淋巴结", "脾", "无"]
    drugs = ["仑伐替尼+卡瑞利珠单抗", "索拉非尼+信迪利单抗", "仑伐替尼+替雷利珠单抗"]
    text = io.StringIO()
    csv.writer(text).writerows(
        [
            ["住院号", "转移部位", "用药方案", "开始用药时间"],
            *([f"{n:03}", organs[n % 5], drugs[n % 3], f"2020-03-0{1 + n % 9}"] for n in range(60)),
        ]
    )
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8")
    draft = draft_mapping(read_delivery(tmp_path / "a.csv"), "x")
    records = {c.column: (c.meaning, c.record) for c in draft.columns}
    assert records["转移部位"] == ("metastasis.organ", "each")
    assert records["用药方案"] == ("treatment.drug", "each")
    assert records["开始用药时间"] == ("treatment.start_date", "*")
    codes = {(c.field, c.code): c.value for c in draft.codes}
    assert codes["organ", "淋巴结"] == "lymph_node"
    assert codes["organ", "脾"] == ""
    assert codes["drug", "信迪利单抗"] == "sintilimab"
    assert not [code for _, code in codes if "+" in code or "、" in code]


def test_two_drugs_of_one_line_are_proposed_as_records_of_their_own(tmp_path):
    lines = [f"{n:03},仑伐替尼,卡瑞利珠单抗,2020-03-0{1 + n % 9}" for n in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(["住院号,靶向药物,免疫药物,起始用药时间", *lines]), encoding="utf-8")
    columns = {c.column: c for c in draft_mapping(read_delivery(tmp_path / "a.csv"), "x").columns}
    assert {(columns[name].meaning, columns[name].record) for name in ("靶向药物", "免疫药物")} == {
        ("treatment.drug", "each")
    }
    assert (columns[""].record, columns[""].is_open) == ("line_number=1", True)


def test_a_person_who_names_a_listing_column_need_not_know_how_it_is_written(tmp_path):
    organs = ["肺、骨", "肺", "骨、淋巴结"]
    lines = [f"{n:03},{organs[n % 3]},{n % 3}" for n in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(["住院号,去处,几个", *lines]), encoding="utf-8")
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    path = propose_hospital(settings, "x", tmp_path / "a.csv").worksheet
    named = {"去处": "metastasis.organ", "几个": "metastasis.lesion_number"}
    fill(path, lambda _, column: (named.get(column, "patient_number"), "", ""), lambda *_: "missing")
    assert len(list_rows(read_cells(path), COLUMNS_SHEET)) == 3
    take_worksheet(path.parent)
    site = load_site(path.parent)
    assert {c.column: c.record for c in site.columns if c.field} == {"去处": "each", "几个": "*"}
    assert site.codes["metastasis", "organ"] == {"肺": "lung", "骨": "bone", "淋巴结": "lymph_node"}
