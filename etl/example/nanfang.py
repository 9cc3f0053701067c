"""Nanfang Hospital's delivery in the example: one workbook with a sheet per table.

Its habits: a title above the header, merged patient numbers, totals and blank rows at the end, dates as Excel dates or as
text (2020年3月5日), full-width digits, `>1210` where the AFP assay ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from etl.example.chinese import PVTT_WORDS, WORDS, write_code
from etl.example.model import MARKER, Record, SyntheticPatient
from etl.example.sheets import Cells, Sheet, SheetRow, date_text
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES
from schemas.units import LAB_RANGES

FILE = "nanfang_2022-11-15.xlsx"
HEADER_ROW = 2
ID = "住院号"
PERSON = "身份证号"
ROW_TABLES: dict[str, str] = {}  # table -> table under whose name its rows go
FULL_WIDTH_SHARE = 0.02
_CREATED = datetime(2022, 11, 15, 9, 0)
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_MERGED_SHEETS = ("转移器官", "检验", "病灶")

SHEETS: dict[str, tuple[str, dict[str, str]]] = {
    "患者信息": ("patient", {
        "性别": "sex", "出生日期": "birth_date", "年龄": "age_years", "首诊日期": "diagnosis_date",
        "肿瘤类型": "tumour_type", "诊断依据": "diagnosis_basis", "不可切除": "is_unresectable", "复发性肝癌": "is_recurrent",
        "其他恶性肿瘤史": "has_other_malignancy",
    }),
    "基线": ("baseline", {
        "BCLC分期": "bclc_stage", "ECOG评分": "ecog_status", "Child-Pugh分级": "child_pugh_class", "腹水": "ascites",
        "肝性脑病分级": "encephalopathy_grade", "肝外转移": "has_extrahepatic_metastasis",
        "下腔静脉或心房癌栓": "has_vena_cava_or_atrium_tumour", "门静脉癌栓分型": "pvtt_type", "门静脉癌栓描述": "pvtt_text",
        "肿瘤最大径(cm)": "tumour_size_cm", "肝内病灶数": "tumour_number", "转移灶数": "metastasis_site_number",
        "HBsAg": "hbsag", "抗病毒治疗": "has_antiviral_therapy", "肝硬化": "has_cirrhosis",
        "门静脉高压": "has_portal_hypertension", "TACE": "has_tace", "体重(kg)": "body_weight_kg",
    }),
    "转移器官": ("metastasis", {"转移器官": "organ", "病灶数": "lesion_number"}),
    "检验": ("laboratory", {"访视": "visit_number", "采样日期": "sample_date", "项目": "test", "结果": "value"}),
    "病灶": ("lesion", {
        "评估序号": "visit_number", "检查日期": "assessment_date", "检查方式": "modality", "病灶编号": "lesion_id",
        "病灶类型": "role", "部位": "organ", "状态": "status", "径线(mm)": "diameter_mm", "TACE治疗病灶": "is_tace_treated",
        "TACE后增大": "has_grown_since_tace",
    }),
    "疗效评估": ("response", {
        "评估序号": "visit_number", "检查日期": "assessment_date", "距首次用药(天)": "assessment_days", "新病灶": "has_new_lesion",
        "疗效": "recorded_response",
    }),
    "系统治疗": ("treatment", {
        "线数": "line_number", "药物": "drug", "开始日期": "start_date", "结束日期": "end_date",
        "起始剂量(mg)": "initial_dose_mg", "停药原因": "stop_reason",
    }),
    "局部治疗": ("procedure", {"序号": "procedure_number", "治疗类型": "procedure", "治疗日期": "procedure_date"}),
    "不良反应": ("adverse_event", {
        "序号": "event_number", "名称": "term", "分级": "grade", "发生日期": "onset_date", "恢复日期": "resolved_date",
        "CTCAE版本": "ctcae_version",
    }),
    "随访": ("outcome", {
        "生存状态": "vital_status", "末次随访日期": "last_contact_date", "死亡日期": "death_date", "是否进展": "has_progressed",
        "进展日期": "progression_date",
    }),
}  # fmt: skip
"""Sheet -> table, and header -> field."""

BEFORE = {"患者信息": ("姓名", "身份证号", "联系电话"), "基线": ("身高(cm)",)}
AFTER = {"患者信息": ("备注",), "检验": ("单位",), "随访": ("填表人",)}
UNIT_TEXTS = {"bilirubin_umol_l": "μmol/L", "hbv_dna_iu_ml": "IU/mL"}
_NOTES = ("", "", "", "门诊随访", "外院转入", "规律随访")


def make_sheets(patients: Sequence[SyntheticPatient]) -> list[Sheet]:
    """Return the hospital's sheets with the cells of all its patients."""
    rng = np.random.default_rng(310)
    sheets = []
    for name, (table, fields) in SHEETS.items():
        contract = read_contract(TABLES[table])
        columns = (ID, *BEFORE.get(name, ()), *fields, *AFTER.get(name, ()))
        sheet = Sheet(FILE, name, HEADER_ROW, columns)
        for patient in patients:
            uses_text_dates = rng.random() < 0.3
            for record in patient.records[table]:
                cells = {h: _write_cell(rng, contract[f], table, record, uses_text_dates) for h, f in fields.items()}
                cells |= _extra_cells(rng, name, patient, record)
                sheet.rows.append(SheetRow(patient.local_id, table, record, cells))
        sheets.append(sheet)
    return sheets


def _write_cell(
    rng: np.random.Generator, spec: FieldContract, table: str, record: Record, uses_text_dates: bool
) -> Any:
    """Return the cell of one field: Excel date or number, or text in the hospital's words."""
    value = record.get(spec.name)
    if spec.name == "pvtt_text":
        return str(rng.choice(PVTT_WORDS[record["pvtt_type"]]))
    if isinstance(value, date):
        return date_text(value, "chinese") if uses_text_dates else value
    if isinstance(value, bool) or (table, spec.name) in WORDS:
        return write_code(table, spec.name, value)
    if isinstance(value, int) and rng.random() < FULL_WIDTH_SHARE and not spec.is_key:
        return str(value).translate(_FULL_WIDTH)
    return {None: "", "not_detected": "未检出"}.get(value, value)


def _extra_cells(rng: np.random.Generator, name: str, patient: SyntheticPatient, record: Record) -> Cells:
    """Return the cells that are not fields: identifiers, stated age, units, and what the registry does not need."""
    if name == "患者信息":
        identity = patient.known_identity
        age_years = (patient.start - patient.facts["birth_date"]).days // 365.25
        return {
            "姓名": identity.name, "身份证号": identity.national_id, "联系电话": identity.telephone,
            "年龄": int(age_years) if age_years >= 18 else "", "备注": str(rng.choice(_NOTES)),
        }  # fmt: skip
    if name == "基线":
        return {"身高(cm)": int(rng.normal(167, 6))}
    if name == "检验":
        test = record["test"]
        return {"单位": record.get("unit") or UNIT_TEXTS.get(test, LAB_RANGES[test].unit)}
    return {"填表人": "合成录入员"} if name == "随访" else {}


def write_delivery(folder: Path, sheets: Sequence[Sheet]) -> None:
    """Write the workbook into the hospital's extracts folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(folder / FILE, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        workbook.set_properties({"title": MARKER, "created": _CREATED})
        date_format = workbook.add_format({"num_format": "yyyy/m/d"})
        merged_format = workbook.add_format({"valign": "top"})
        notes = workbook.add_worksheet("说明")
        notes.write_column(0, 0, [MARKER, "各表首行为标题，第二行为表头；同一患者的住院号可能为合并单元格。"])
        for sheet in sheets:
            worksheet = workbook.add_worksheet(sheet.name)
            worksheet.merge_range(0, 0, 0, len(sheet.columns) - 1, f"{sheet.name}　{MARKER}")
            worksheet.write_row(HEADER_ROW - 1, 0, sheet.columns)
            _write_rows(worksheet, sheet, date_format)
            if sheet.name in _MERGED_SHEETS:
                _merge_ids(worksheet, sheet, merged_format)
            _write_end(worksheet, sheet, merged_format)


def _write_rows(worksheet: Worksheet, sheet: Sheet, date_format: Format) -> None:
    for number, row in enumerate(sheet.rows, HEADER_ROW):
        worksheet.write_string(number, 0, row.cells.get(ID, row.local_id))
        for position, header in enumerate(sheet.columns[1:], 1):
            value = row.cells.get(header, "")
            if isinstance(value, date):
                worksheet.write_datetime(number, position, datetime.combine(value, time()), date_format)
            elif value != "":
                worksheet.write(number, position, value)


def _merge_ids(worksheet: Worksheet, sheet: Sheet, merged_format: Format) -> None:
    for first, last, local_id in _runs(sheet):
        if last > first:
            worksheet.merge_range(first, 0, last, 0, local_id, merged_format)


def _runs(sheet: Sheet) -> Iterator[tuple[int, int, str]]:
    """Yield the first row, the last row (from 0) and the number of each run of rows of one patient."""
    position = HEADER_ROW
    for local_id, run in groupby(row.cells.get(ID, row.local_id) for row in sheet.rows):
        length = len(list(run))
        yield position, position + length - 1, local_id
        position += length


def _write_end(worksheet: Worksheet, sheet: Sheet, blank_format: Format) -> None:
    """Write a blank row, the totals row, and blank rows that are formatted though empty."""
    end = HEADER_ROW + len(sheet.rows)
    worksheet.write_blank(end, 0, None, blank_format)
    worksheet.write_row(end + 1, 0, ["合计", len(sheet.rows)])
    for row in (end + 2, end + 3):
        worksheet.write_blank(row, 0, None, blank_format)


def find_header(table: str, field: str) -> str:
    """Return the header of a field, of a laboratory test (the result's column), or of a column that is no field."""
    fields = next(columns for owner, columns in SHEETS.values() if owner == table)
    name = "value" if field in LAB_RANGES else field
    known = {own: header for header, own in fields.items()} | {"person_id": PERSON}
    return known.get(name, field)


def holds(row: SheetRow, test: str) -> bool:
    """Whether a row holds the laboratory test (any row, where no test is asked for)."""
    return not test or row.record["test"] == test
