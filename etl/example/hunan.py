"""Hunan Provincial People's Hospital's delivery in the example: a folder of GB18030 text files.

Its habits: a comment line above the header, one laboratory column per test in mg/dL, g/dL and log10 IU/mL, lesions in
cm, dates as 2020/3/5, portal vein tumour thrombus as free text only, metastases as one column per organ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from math import log10
from pathlib import Path

import numpy as np

from etl.example.chinese import PVTT_WORDS, WORDS, write_code
from etl.example.model import MARKER, Record, SyntheticPatient
from etl.example.sheets import Cells, Sheet, SheetRow, date_text, number_text, write_csv

DELIVERY = "hunan_2022-11-20"
HEADER_ROW = 2
ID = "病案号"
PERSON = "证件号码"
ROW_TABLES: dict[str, str] = {
    "baseline": "patient",
    "metastasis": "patient",
}  # table -> table under whose name its rows go
YES_NO = {True: "有", False: "无"}

PATIENT_COLUMNS = {
    "性别": "sex", "出生日期": "birth_date", "确诊日期": "diagnosis_date", "肿瘤类型": "tumour_type",
    "诊断依据": "diagnosis_basis", "不可切除": "is_unresectable", "术后复发": "is_recurrent",
    "其他恶性肿瘤": "has_other_malignancy",
}  # fmt: skip
BASELINE_COLUMNS = {
    "BCLC": "bclc_stage", "ECOG": "ecog_status", "Child-Pugh": "child_pugh_class", "腹水": "ascites",
    "肝性脑病": "encephalopathy_grade", "肝外转移": "has_extrahepatic_metastasis",
    "腔静脉或心房癌栓": "has_vena_cava_or_atrium_tumour", "门静脉癌栓": "pvtt_text", "最大直径cm": "tumour_size_cm",
    "肿瘤大小描述": "tumour_size_text", "肿瘤个数": "tumour_number", "转移灶总数": "metastasis_site_number", "乙肝表面抗原": "hbsag",
    "抗病毒药物": "has_antiviral_therapy", "肝硬化": "has_cirrhosis", "门脉高压": "has_portal_hypertension",
    "介入TACE": "has_tace", "体重kg": "body_weight_kg",
}  # fmt: skip
ORGAN_COLUMNS = {
    f"{word}转移灶数": organ for organ, word in WORDS["metastasis", "organ"].items() if organ not in ("liver", "other")
}
LAB_COLUMNS = {  # header: test, divisor from the canonical unit, decimals
    "ALT(U/L)": ("alt_u_l", 1.0, 0),
    "AST(U/L)": ("ast_u_l", 1.0, 0),
    "总胆红素(mg/dL)": ("bilirubin_umol_l", 17.1, 2),
    "白蛋白(g/dL)": ("albumin_g_l", 10.0, 2),
    "甲胎蛋白(IU/mL)": ("afp_ng_ml", 1.21, 1),
    "HBV-DNA(log10 IU/mL)": ("hbv_dna_iu_ml", 1.0, 2),
    "INR": ("inr", 1.0, 2),
    "PT延长(s)": ("pt_prolongation_s", 1.0, 1),
    "血小板(10^9/L)": ("platelets_10e9_l", 1.0, 0),
    "肌酐(mg/dL)": ("creatinine_umol_l", 88.4, 2),
}
RECORD_FILES: dict[str, tuple[str, dict[str, str]]] = {
    "病灶.csv": ("lesion", {
        "次数": "visit_number", "影像日期": "assessment_date", "影像方式": "modality", "病灶": "lesion_id", "性质": "role",
        "部位": "organ", "所见": "status", "直径cm": "diameter_mm",
    }),
    "疗效.csv": ("response", {
        "次数": "visit_number", "影像日期": "assessment_date", "新发病灶": "has_new_lesion", "RECIST": "recorded_response",
    }),
    "全身治疗.csv": ("treatment", {
        "线": "line_number", "药物": "drug", "首次用药": "start_date", "末次用药": "end_date", "首剂mg": "initial_dose_mg",
        "停药原因": "stop_reason",
    }),
    "介入治疗.csv": ("procedure", {"第几次": "procedure_number", "方式": "procedure", "日期": "procedure_date"}),
    "不良反应.csv": ("adverse_event", {
        "编号": "event_number", "不良反应": "term", "CTCAE分级": "grade", "开始日期": "onset_date", "结束日期": "resolved_date",
        "版本": "ctcae_version",
    }),
    "随访.csv": ("outcome", {
        "状态": "vital_status", "最后随访": "last_contact_date", "死亡": "death_date", "进展": "has_progressed",
        "首次进展": "progression_date",
    }),
}  # fmt: skip
PATIENT_FILE, LAB_FILE = "患者.csv", "检验.csv"


def make_sheets(patients: Sequence[SyntheticPatient]) -> list[Sheet]:
    """Return the hospital's text files with the cells of all its patients."""
    rng = np.random.default_rng(731)
    identifiers = (ID, "姓名", "证件号码", "手机")
    patient_columns = (*identifiers, *PATIENT_COLUMNS, *BASELINE_COLUMNS, *ORGAN_COLUMNS, "医生备注")
    first = Sheet(PATIENT_FILE, None, HEADER_ROW, patient_columns)
    first.rows = [_patient_row(rng, patient) for patient in patients]
    laboratory = Sheet(LAB_FILE, None, HEADER_ROW, (ID, "访视", "采血日期", *LAB_COLUMNS))
    laboratory.rows = [row for patient in patients for row in _laboratory_rows(patient)]
    sheets = [first, laboratory]
    for file, (table, columns) in RECORD_FILES.items():
        sheet = Sheet(file, None, HEADER_ROW, (ID, *columns))
        for patient in patients:
            for record in patient.records[table]:
                cells = {ID: patient.local_id} | _write_cells(table, record, columns)
                sheet.rows.append(SheetRow(patient.local_id, table, record, cells))
        sheets.append(sheet)
    return sheets


def _write_cells(table: str, record: Record, columns: dict[str, str]) -> Cells:
    return {header: _write_cell(table, field, record.get(field)) for header, field in columns.items()}


def _write_cell(table: str, field: str, value: object) -> str:
    if isinstance(value, bool):
        return YES_NO[value]
    if isinstance(value, date):
        return date_text(value, "slash")
    if field == "diameter_mm" and isinstance(value, float):
        return number_text(value / 10, 2)
    if isinstance(value, str) and (table, field) in WORDS:
        return write_code(table, field, value)
    return number_text(value)  # type: ignore[arg-type]


def _patient_row(rng: np.random.Generator, patient: SyntheticPatient) -> SheetRow:
    identity, baseline = patient.known_identity, patient.records["baseline"][0]
    cells: Cells = {ID: identity.local_id, "姓名": identity.name, "证件号码": identity.national_id}
    cells["手机"] = identity.telephone
    cells |= _write_cells("patient", patient.records["patient"][0], PATIENT_COLUMNS)
    cells |= _write_cells("baseline", baseline, BASELINE_COLUMNS)
    cells["肿瘤大小描述"] = _describe_sizes(rng, patient)
    cells["门静脉癌栓"] = str(rng.choice(PVTT_WORDS[baseline["pvtt_type"]]))
    numbers = {record["organ"]: record["lesion_number"] for record in patient.records["metastasis"]}
    cells |= {header: number_text(numbers.get(organ)) for header, organ in ORGAN_COLUMNS.items()}
    return SheetRow(identity.local_id, "patient", patient.records["patient"][0] | baseline, cells)


def _describe_sizes(rng: np.random.Generator, patient: SyntheticPatient) -> str:
    """Write the measured liver lesions as `8.2*6.6/3.1*2.5`, in cm, or in mm where the writer says so."""
    at_baseline = [r for r in patient.records["lesion"] if r["visit_number"] == 0 and r["organ"] == "liver"]
    unit, per_mm, decimals = ("mm", 1.0, 0) if rng.random() < 0.15 else ("", 0.1, 1)
    texts = []
    for lesion in at_baseline:
        if lesion["diameter_mm"] is not None:
            length, width = lesion["diameter_mm"], lesion["diameter_mm"] * rng.uniform(0.7, 0.95)
            sides = [number_text(side * per_mm, decimals) + unit for side in (length, width)]
            texts.append(str(rng.choice(("*", "×"))).join(sides))
    return str(rng.choice(("/", "、"))).join(texts)


def _laboratory_rows(patient: SyntheticPatient) -> list[SheetRow]:
    rows = []
    for visit, group in groupby(patient.records["laboratory"], key=lambda record: record["visit_number"]):
        records = list(group)
        values = {record["test"]: record["value"] for record in records}
        cells: Cells = {ID: patient.local_id, "访视": str(visit)}
        cells["采血日期"] = date_text(records[0]["sample_date"], "slash")
        for header, (test, divisor, decimals) in LAB_COLUMNS.items():
            cells[header] = _write_value(test, values.get(test), divisor, decimals)
        rows.append(SheetRow(patient.local_id, "laboratory", records[0], cells))
    return rows


def _write_value(test: str, value: float | str | None, divisor: float, decimals: int) -> str:
    """Print a laboratory value in the hospital's unit; viral load as its logarithm, also where only a bound is known."""
    if value is None:
        return ""
    if value == "not_detected":
        return "未检出"
    sign = value[0] if isinstance(value, str) else ""
    number = float(value[1:]) if isinstance(value, str) else value
    printed = log10(number) if test == "hbv_dna_iu_ml" else number / divisor
    return sign + number_text(printed, decimals)


def write_delivery(folder: Path, sheets: Sequence[Sheet]) -> None:
    """Write the text files into a delivery folder inside the hospital's extracts folder."""
    delivery = folder / DELIVERY
    delivery.mkdir(parents=True, exist_ok=True)
    for sheet in sheets:
        rows = [row.cells for row in sheet.rows]
        write_csv(delivery / sheet.file, f"# {MARKER}", sheet.columns, rows, "gb18030")


def find_header(table: str, field: str) -> str:
    """Return the header of a field, of a laboratory test, or of a column that is no field."""
    if field == "person_id":
        return PERSON
    if table == "laboratory":
        tests = {test: header for header, (test, _, _) in LAB_COLUMNS.items()}
        return tests.get(field, {"visit_number": "访视", "sample_date": "采血日期"}.get(field, field))
    own = {"patient": PATIENT_COLUMNS, "baseline": BASELINE_COLUMNS, "metastasis": {}}
    columns = own[table] if table in own else next(c for owner, c in RECORD_FILES.values() if owner == table)
    return next((header for header, name in columns.items() if name == field), field)


def holds(row: SheetRow, test: str) -> bool:
    """Whether a row holds the laboratory test (any row, where no test is asked for)."""
    return not test or row.cells[find_header("laboratory", test)] != ""
