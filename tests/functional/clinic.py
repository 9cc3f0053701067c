"""A small hospital of the tests: a mapping and a delivery that people can read, both written where a test wants them."""

import datetime as dt
from pathlib import Path

import xlsxwriter

EXTRACTED = dt.date(2026, 1, 1)
"""The day on which the clinic's data were taken out of its system, as its data manager says: their names do not."""

PERMITTED = """kind = "approval"
number = "2025-031"
date = 2025-01-15
scope = "all patients of the clinic"
end = "no end"
transfer = "agreement of 2025-02-01"
contact = "the clinic's research office"
cross_border = "no data leave the country"
"""
"""The keys of `[permission]` by which the clinic's deliveries are loaded; they carry no mark of synthetic data."""

SITE = """
hospital = "clinic"
name_en = "Test clinic"
name_zh = "测试医院"

[[source]]
name = "patients"
file = "patients*.csv"
header_row = 1
[source.ignore]
"totals row" = { column = "number", starts_with = ["total"] }

[[source]]
name = "labs"
file = "labs*.csv"
header_row = 1
"""

COLUMNS = """source,column,role,table,field,record,unit,note
*,number,patient,,,,,
patients,name,drop,,,,,
patients,id card,person,,,,,
patients,sex,field,patient,sex,,,
patients,born,field,patient,birth_date,,,
patients,portal vein,field,baseline,pvtt_text,,,
patients,size,field,baseline,tumour_size_cm,,mm,
patients,lung,field,metastasis,organ,?organ=lung,,
patients,bone,field,metastasis,organ,?organ=bone,,
patients,remark,ignore,,,,,not a field
labs,sampled,field,laboratory,sample_date,*,,
labs,albumin,field,laboratory,value,test=albumin_g_l,g/dL,
labs,AFP,field,laboratory,value,test=afp_ng_ml,column:AFP unit,
labs,AFP unit,field,laboratory,,*,,
labs,,field,laboratory,,visit_number=0,,
"""

CODES = """table,field,code,value
patient,sex,男,male
patient,sex,女,female
metastasis,organ,yes,true
metastasis,organ,no,false
"""

PATIENTS = """number,name,id card,sex,born,portal vein,size,lung,bone,remark
001,张三丰,,男,1960年3月5日,门静脉主干,82,yes,no,
002,李小四,,女,1955/12/31,无,45,no,no,first visit
003,王老五,,男,1949-01-02,左支,120,yes,yes,
total 3,,,,,,,,,
"""

LABS = """number,sampled,albumin,AFP,AFP unit
001,2020-03-01,3.9,>1210,ng/mL
002,2020.3.2,4.2,20,IU/mL
003,２０２０/３/３,3.1,未检出,ng/mL
"""


def permit(site: str) -> str:
    """The mapping with the clinic's permission, where it says nothing of one."""
    return site if "permission" in site else f"{site}\n[permission]\n{PERMITTED}"


def write_site(folder: Path, *, columns: str = COLUMNS, codes: str = CODES, site: str = SITE) -> None:
    """Write a mapping; it gets the clinic's permission where `site` says nothing of one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(permit(site), encoding="utf-8")
    (folder / "columns.csv").write_text(columns, encoding="utf-8")
    (folder / "codes.csv").write_text(codes, encoding="utf-8")


def write_delivery(folder: Path, *, patients: str = PATIENTS, labs: str = LABS, encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "patients.csv").write_bytes(patients.encode(encoding))
    (folder / "labs.csv").write_bytes(labs.encode(encoding))
    return folder


def write_workbook(path: Path, rows: list[list[object]], sheet: str = "Sheet1") -> Path:
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False})
    page = book.add_worksheet(sheet)
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is not None:
                page.write(r, c, value)
    book.close()
    return path
