"""Disease at the start of systemic therapy: stage, liver function, tumour burden, hepatitis."""

from __future__ import annotations

import polars as pl

from schemas.codes import Ascites, BclcStage, ChildPughClass, PvttType, Serology
from schemas.contract import Table, field


class Baseline(Table):
    """State of the disease and of the liver at the start."""

    bclc_stage: pl.String = field("BCLC stage as recorded", "BCLC分期", codes=BclcStage, expected=True)
    ecog_status: pl.Int64 = field(
        "ECOG performance status",
        "ECOG评分",
        unit="1",
        possible=(0, 5),
        expected=True,
        caveat="5 is death and cannot be a baseline value",
        reason="ECOG has grades 0 to 5 (Oken 1982)",
    )
    child_pugh_class: pl.String = field(
        "Child-Pugh class as recorded", "Child-Pugh分级", codes=ChildPughClass, expected=True
    )
    ascites: pl.String = field("Ascites", "腹水", codes=Ascites, expected=True)
    encephalopathy_grade: pl.Int64 = field(
        "Hepatic encephalopathy, West Haven grade",
        "肝性脑病分级",
        unit="1",
        possible=(0, 4),
        expected=True,
        reason="West Haven has grades 0 to 4",
    )
    has_extrahepatic_metastasis: pl.Boolean = field("Extrahepatic metastasis (I2)", "肝外转移", expected=True)
    has_vena_cava_or_atrium_tumour: pl.Boolean = field(
        "Tumour in the vena cava or the atrium (E3)", "下腔静脉或心房癌栓", expected=True
    )
    pvtt_type: pl.String = field(
        "Portal vein tumour thrombus as coded by the hospital, Cheng's type", "门静脉癌栓分型", codes=PvttType
    )
    has_portal_vein_thrombosis: pl.Boolean = field(
        "Thrombosis of the portal vein on imaging, bland or tumour",
        "门静脉血栓或癌栓",
        caveat="says neither which of the two nor where; the study's PVTT type needs both",
    )
    pvtt_text: pl.String = field(
        "Portal vein tumour thrombus in the hospital's words",
        "门静脉癌栓描述",
        caveat="read in schemas/definitions/veins.py",
    )
    tumour_size_cm: pl.Float64 = field(
        "Largest diameter of the intrahepatic lesions",
        "肿瘤最大径",
        unit="cm",
        possible=(0.1, 40),
        plausible=(0.5, 25),
        expected=True,
        reason="below 0.5 cm is no measurable lesion; above 25 cm it exceeds the liver and is probably in mm",
    )
    tumour_size_text: pl.String = field(
        "Sizes of the intrahepatic lesions in the hospital's words",
        "肿瘤大小描述",
        caveat="read in schemas/definitions/tumour_size.py",
    )
    tumour_number: pl.Int64 = field(
        "Number of intrahepatic lesions",
        "肝内病灶数",
        unit="1",
        possible=(0, 200),
        plausible=(0, 50),
        physical=(0, 1000),
        expected=True,
        caveat="diffuse disease is recorded with the counted lesions",
        reason="more than 50 lesions are not counted one by one; above 200 it is mostly another quantity",
    )
    metastasis_site_number: pl.Int64 = field(
        "Number of extrahepatic metastatic lesions",
        "转移灶数",
        unit="1",
        possible=(0, 500),
        plausible=(0, 100),
        physical=(0, 2000),
        expected=True,
        caveat="lesions, not organs",
        reason="more than 100 metastases are not counted one by one; above 500 it is mostly another quantity",
    )
    hbsag: pl.String = field("Hepatitis B surface antigen", "HBsAg", codes=Serology, expected=True)
    has_antiviral_therapy: pl.Boolean = field("Antiviral therapy against hepatitis B", "抗病毒治疗", expected=True)
    has_cirrhosis: pl.Boolean = field("Cirrhosis", "肝硬化", expected=True)
    hvpg_mmhg: pl.Float64 = field(
        "Hepatic venous pressure gradient",
        "肝静脉压力梯度",
        unit="mmHg",
        possible=(0, 60),
        plausible=(1, 40),
        reason="normal is 1-5 mmHg; above 40 mmHg is rare even in cirrhosis, above 60 it is another pressure",
    )
    has_portal_hypertension: pl.Boolean = field(
        "Portal hypertension, the hospital's clinical flag", "门静脉高压", expected=True
    )
    has_tace: pl.Boolean = field(
        "Transarterial chemoembolisation with the therapy: from 90 days before its start to its day 91, before a later line",
        "联合TACE（系统治疗前90天至开始后第91天，且在后线治疗之前）",
        expected=True,
        caveat="happens after time zero, though the study treats it as a baseline characteristic",
    )
    body_weight_kg: pl.Float64 = field(
        "Body weight",
        "体重",
        unit="kg",
        possible=(20, 250),
        plausible=(35, 130),
        physical=(15, 450),
        expected=True,
        reason="adults; above 130 kg is rare in the hospitals' patients and may be in jin (half a kilogram); above 450 kg nobody has been treated",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient of one hospital", "zh": "基线"}
