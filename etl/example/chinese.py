"""The words in which the example's Chinese hospitals write codes and findings."""

from __future__ import annotations

from schemas.codes import (
    AdverseEventTerm,
    Code,
    Drug,
    LabTest,
    LesionRole,
    LesionStatus,
    Modality,
    Organ,
    ProcedureType,
    Sex,
    StopReason,
    TumourType,
    VitalStatus,
)

CODED_FIELDS: dict[tuple[str, str], type[Code]] = {
    ("patient", "sex"): Sex,
    ("patient", "tumour_type"): TumourType,
    ("lesion", "role"): LesionRole,
    ("lesion", "organ"): Organ,
    ("lesion", "status"): LesionStatus,
    ("lesion", "modality"): Modality,
    ("metastasis", "organ"): Organ,
    ("laboratory", "test"): LabTest,
    ("treatment", "drug"): Drug,
    ("treatment", "stop_reason"): StopReason,
    ("procedure", "procedure"): ProcedureType,
    ("adverse_event", "term"): AdverseEventTerm,
    ("outcome", "vital_status"): VitalStatus,
}
"""Fields that are written with the registry's own Chinese label."""

OWN_WORDS: dict[tuple[str, str], dict[str, str]] = {
    ("patient", "diagnosis_basis"): {"histology": "病理", "clinical_aasld": "临床", "other": "其他"},
    ("baseline", "child_pugh_class"): {"A": "A级", "B": "B级", "C": "C级"},
    ("baseline", "bclc_stage"): {"0": "0期", "A": "A期", "B": "B期", "C": "C期", "D": "D期"},
    ("baseline", "ascites"): {"none": "无", "mild": "轻度", "moderate_or_more": "中重度"},
    ("baseline", "pvtt_type"): {"0": "无", "I": "Ⅰ型", "II": "Ⅱ型", "III": "Ⅲ型", "IV": "Ⅳ型"},
    ("baseline", "hbsag"): {"negative": "阴性", "positive": "阳性"},
}
YES_NO = {True: "是", False: "否"}

PVTT_WORDS = {
    "0": ("未见门静脉癌栓", "门静脉通畅，未见癌栓"),
    "I": ("门静脉右前支癌栓", "门静脉左外支癌栓", "门静脉右后叶支癌栓"),
    "II": ("门静脉左支癌栓", "门静脉右支癌栓", "门静脉左、右支癌栓形成"),
    "III": ("门静脉主干癌栓", "门静脉主干及右支癌栓"),
    "IV": ("癌栓累及肠系膜上静脉", "门静脉主干及肠系膜上静脉癌栓"),
}


def write_code(table: str, field: str, value: str | bool | None) -> str:
    """Return the Chinese word for a stored code, true or false; an empty value stays empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES_NO[value]
    if (table, field) in OWN_WORDS:
        return OWN_WORDS[table, field][value]
    return CODED_FIELDS[table, field](value).zh
