"""The words in which the example's Chinese hospitals write codes and findings.

They are the hospitals' own, as their mappings know them; the registry's labels may change without them.
"""

from __future__ import annotations

_ORGANS = {
    "liver": "肝",
    "lung": "肺",
    "bone": "骨",
    "lymph_node": "淋巴结",
    "adrenal": "肾上腺",
    "peritoneum": "腹膜",
    "brain": "脑",
    "other": "其他",
}

WORDS: dict[tuple[str, str], dict[str, str]] = {
    ("patient", "sex"): {"male": "男", "female": "女"},
    ("patient", "tumour_type"): {
        "hcc": "肝细胞癌",
        "cholangiocarcinoma": "胆管细胞癌",
        "mixed": "混合型肝癌",
        "other": "其他",
    },
    ("lesion", "role"): {"target": "靶病灶", "non_target": "非靶病灶", "new": "新病灶"},
    ("lesion", "organ"): _ORGANS,
    ("lesion", "status"): {
        "measured": "已测量",
        "present": "存在",
        "absent": "消失",
        "too_small": "过小无法测量",
        "progression": "明确进展",
        "not_assessed": "未评估",
    },
    ("lesion", "modality"): {"ct": "CT", "mri": "MRI", "other": "其他"},
    ("metastasis", "organ"): _ORGANS,
    ("laboratory", "test"): {
        "alt_u_l": "谷丙转氨酶",
        "ast_u_l": "谷草转氨酶",
        "bilirubin_umol_l": "总胆红素",
        "albumin_g_l": "白蛋白",
        "afp_ng_ml": "甲胎蛋白",
        "hbv_dna_iu_ml": "乙肝病毒DNA",
        "inr": "国际标准化比值",
        "platelets_10e9_l": "血小板",
        "creatinine_umol_l": "肌酐",
        "pt_prolongation_s": "凝血酶原时间延长",
    },
    ("treatment", "drug"): {
        "lenvatinib": "仑伐替尼",
        "sorafenib": "索拉非尼",
        "pembrolizumab": "帕博利珠单抗",
        "nivolumab": "纳武利尤单抗",
        "sintilimab": "信迪利单抗",
        "toripalimab": "特瑞普利单抗",
        "camrelizumab": "卡瑞利珠单抗",
        "other": "其他",
    },
    ("treatment", "stop_reason"): {
        "progression": "疾病进展",
        "toxicity": "不良反应",
        "death": "死亡",
        "patient_choice": "患者意愿",
        "other": "其他",
    },
    ("procedure", "procedure"): {
        "tace": "经动脉化疗栓塞",
        "haic": "肝动脉灌注化疗",
        "ablation": "消融",
        "radiotherapy": "放疗",
        "resection": "切除",
        "other": "其他",
    },
    ("adverse_event", "term"): {
        "hand_foot_skin_reaction": "手足皮肤反应",
        "hypertension": "高血压",
        "diarrhoea": "腹泻",
        "fatigue": "乏力",
        "decreased_appetite": "食欲下降",
        "rash": "皮疹",
        "proteinuria": "蛋白尿",
        "hypothyroidism": "甲状腺功能减退",
        "alt_increased": "谷丙转氨酶升高",
        "ast_increased": "谷草转氨酶升高",
        "bilirubin_increased": "胆红素升高",
        "platelets_decreased": "血小板减少",
        "pneumonitis": "肺炎",
        "nausea": "恶心",
        "other": "其他",
    },
    ("outcome", "vital_status"): {"alive": "存活", "dead": "死亡"},
    ("patient", "diagnosis_basis"): {"histology": "病理", "clinical_aasld": "临床", "other": "其他"},
    ("baseline", "child_pugh_class"): {"A": "A级", "B": "B级", "C": "C级"},
    ("baseline", "bclc_stage"): {"0": "0期", "A": "A期", "B": "B期", "C": "C期", "D": "D期"},
    ("baseline", "ascites"): {"none": "无", "mild": "轻度", "moderate_or_more": "中重度"},
    ("baseline", "pvtt_type"): {"0": "无", "I": "Ⅰ型", "II": "Ⅱ型", "III": "Ⅲ型", "IV": "Ⅳ型"},
    ("baseline", "hbsag"): {"negative": "阴性", "positive": "阳性"},
}
"""Table and field -> code -> the hospitals' word."""

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
    return WORDS[table, field][value]
