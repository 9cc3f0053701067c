"""The steps of eligibility, in the order of the flow chart.

Source: the study's protocol. A step is True (stays in), False (removed) or null (unknown). Unknown removes nobody at its
own step and leads to E4. Eligibility is no error: nobody is asked about a patient who is not eligible.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import Arm, BclcStage, ChildPughClass, DiagnosisBasis, TumourType
from schemas.definitions.baseline import compute_levels
from schemas.definitions.study_period import ENROLMENT_END, ENROLMENT_START, THREE_MONTHS_DAYS
from schemas.definitions.vein_text import Said
from schemas.rules.rule import criterion

MIN_AGE_YEARS = 18
MAX_AGE_YEARS = 75
REQUIRED_LEVELS = tuple(compute_levels())


@criterion(
    order=1,
    label_en="Primary unresectable HCC, diagnosed histologically or by AASLD criteria",
    label_zh="原发性不可切除肝细胞癌，经病理或AASLD标准临床诊断",
    read_zh="肝细胞癌，判定为不可切除，且诊断依据符合要求。",
    source="protocol I1",
)
def i1_primary_unresectable_hcc() -> pl.Expr:
    """Hepatocellular carcinoma, judged unresectable, on an accepted diagnostic basis."""
    return (
        pl.col("is_unresectable")
        & (pl.col("tumour_type") == TumourType.HCC.value)
        & pl.col("diagnosis_basis").is_in([DiagnosisBasis.HISTOLOGY.value, DiagnosisBasis.CLINICAL_AASLD.value])
    )


@criterion(
    order=2,
    label_en="BCLC stage C with extrahepatic metastasis",
    label_zh="BCLC C期且有肝外转移",
    read_zh="所填BCLC分期为C期，且填有肝外转移。",
    source="protocol I2",
)
def i2_bclc_c_with_metastasis() -> pl.Expr:
    """The recorded stage is C and extrahepatic metastasis is recorded."""
    return (pl.col("bclc_stage") == BclcStage.STAGE_C.value) & pl.col("has_extrahepatic_metastasis")


@criterion(
    order=3,
    label_en="Child-Pugh class A or B and ECOG performance status 0",
    label_zh="Child-Pugh A或B级且ECOG评分0分",
    read_zh="五项指标齐全时按计算所得Child-Pugh分级，否则按所填分级。",
    source="protocol I3",
)
def i3_liver_function_and_ecog() -> pl.Expr:
    """Class derived from its five components where they are there, else as recorded."""
    is_a_or_b = pl.col("child_pugh_class_from_points_or_record").is_in([ChildPughClass.A.value, ChildPughClass.B.value])
    return is_a_or_b & (pl.col("ecog_status") == 0)


@criterion(
    order=4,
    label_en="No history of another malignancy",
    label_zh="无其他恶性肿瘤史",
    read_zh="无其他恶性肿瘤史。",
    source="protocol I4",
)
def i4_no_other_malignancy() -> pl.Expr:
    """No other malignancy is recorded."""
    return ~pl.col("has_other_malignancy")


@criterion(
    order=5, label_en="Not a recurrent HCC", label_zh="非复发性肝癌", read_zh="非复发性肝癌。", source="protocol E1"
)
def e1_not_recurrent() -> pl.Expr:
    """The carcinoma is not a recurrence."""
    return ~pl.col("is_recurrent")


@criterion(
    order=6,
    label_en="Age 18 to 75 years at the start",
    label_zh="治疗开始时年龄18–75岁",
    read_zh="系统治疗开始时的周岁；75岁者入组。",
    source="protocol E2",
)
def e2_age_18_to_75() -> pl.Expr:
    """Completed years at the start of systemic therapy; 75 is in."""
    return pl.col("age_at_start_years").is_between(MIN_AGE_YEARS, MAX_AGE_YEARS)


@criterion(
    order=7,
    label_en="No tumour in the vena cava or the atrium",
    label_zh="无下腔静脉或心房癌栓",
    read_zh="填无下腔静脉或心房癌栓；填无而文字描述肯定有癌栓时为不明。",
    source="protocol E3",
)
def e3_no_vena_cava_or_atrium_tumour() -> pl.Expr:
    """No tumour in the vena cava or the atrium is recorded; unknown where the description affirms one against the flag."""
    is_free = ~pl.col("has_vena_cava_or_atrium_tumour")
    is_affirmed = pl.col("vena_cava_or_atrium_text").eq_missing(pl.lit(Said.AFFIRMED.value))
    return pl.when(is_free & is_affirmed).then(None).otherwise(is_free)


@criterion(
    order=8,
    label_en="Complete clinical data",
    label_zh="临床资料完整",
    read_zh="研究所需各项均无缺失或隔离，其他标准亦无不明；本项不会为不明。医院以天数代替日期报送时，天数可代替治疗开始及末次随访日期。",
    source="protocol E4: 17 baseline characteristics, arm, start date, baseline imaging, last contact, vital status",
)
def e4_complete_data() -> pl.Expr:
    """Nothing the study needs is missing or quarantined, nor any other criterion unknown; never null.

    Where a hospital sends durations instead of dates, a duration stands for the start and the last contact.
    """
    has_times = pl.col("last_contact_days").is_not_null()
    others = (
        i1_primary_unresectable_hcc,
        i2_bclc_c_with_metastasis,
        i3_liver_function_and_ecog,
        i4_no_other_malignancy,
        e1_not_recurrent,
        e2_age_18_to_75,
        e3_no_vena_cava_or_atrium_tumour,
        e5_followed_3_months,
        x1_treated_3_months,
        start_in_enrolment_window,
    )
    return pl.all_horizontal(
        *(pl.col(name).is_not_null() for name in (*REQUIRED_LEVELS, "arm", "is_dead")),
        has_times,
        pl.col("has_baseline_imaging").fill_null(value=False),
        *(step().is_not_null() for step in others),
    )


@criterion(
    order=9,
    label_en="Not lost to follow-up within 3 months",
    label_zh="3个月内未失访",
    read_zh="第91.3天（3×365.25/12）之前并非以存活状态失访；死亡不属失访。",
    source="protocol E5",
)
def e5_followed_3_months() -> pl.Expr:
    """Not last seen alive before day 91.3 (3 x 365.25 / 12); a death is no loss."""
    return pl.col("is_dead") | (pl.col("last_contact_days") >= THREE_MONTHS_DAYS)


@criterion(
    order=10,
    label_en="Treated for at least 3 months",
    label_zh="治疗至少3个月",
    read_zh="自首次用药至任一药物的末次用药；仍在治疗者计至末次随访。",
    source="protocol X1, implicit in the study",
)
def x1_treated_3_months() -> pl.Expr:
    """From the first dose to the last of either drug; therapy that goes on counts to the last contact."""
    return pl.col("treatment_days") >= THREE_MONTHS_DAYS


@criterion(
    order=11,
    label_en="One of the two combinations as first systemic therapy",
    label_zh="一线系统治疗为两种联合方案之一",
    read_zh="索拉非尼+PD-1抑制剂或仑伐替尼+PD-1抑制剂，一线治疗无其他药物。",
    source="protocol, who is in",
)
def arm_is_compared() -> pl.Expr:
    """Sorafenib + PD-1 inhibitor or lenvatinib + PD-1 inhibitor, nothing else in line 1."""
    return pl.col("arm").is_in([Arm.SORA_PD1.value, Arm.LEN_PD1.value])


@criterion(
    order=12,
    label_en="Started from 2019-01-01 to 2021-12-31",
    label_zh="2019-01-01至2021-12-31开始治疗",
    read_zh="首次用药在入组时间范围内，含首尾两日。",
    source="protocol, enrolment",
)
def start_in_enrolment_window() -> pl.Expr:
    """The first dose lies in the enrolment window, both days included."""
    return pl.col("first_line_start_date").is_between(ENROLMENT_START, ENROLMENT_END)
