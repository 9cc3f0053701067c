"""Liver function, BCLC stage, performance status and hepatitis B: statements that contradict each other."""

from __future__ import annotations

import polars as pl

from schemas.codes import Ascites, BclcStage, ChildPughClass, Comparator, LabTest, PvttType, Serology, Severity
from schemas.definitions.baseline import HBV_DNA_CUT_IU_ML, HVPG_CUT_MMHG, compute_copies_level
from schemas.definitions.bclc import compute_has_spread, compute_is_end_stage
from schemas.definitions.child_pugh import (
    CLASS_A_MAX_POINTS,
    compute_child_pugh_class,
    compute_inr_points,
    compute_pt_points,
)
from schemas.definitions.laboratory_baseline import compute_is_baseline_sample
from schemas.definitions.vein_text import Said
from schemas.rules.rule import is_implied, rule

LOGIC = "two statements about one fact"
BCLC = "BCLC: Reig 2022, doi:10.1016/j.jhep.2021.11.018"
HVPG_NORMAL_MMHG = 5
ALBI_WORST_GRADE = 3
ECOG_DEATH = 5
POINTS_APART = 2
HEPATORENAL_CREATININE_UMOL_L = 133
BELOW_A_LIMIT = (Comparator.BELOW.value, Comparator.AT_MOST.value)


def _has_spread() -> pl.Expr:
    return compute_has_spread(
        pl.col("has_extrahepatic_metastasis"),
        pl.col("pvtt_type_from_text_or_code"),
        pl.col("has_vena_cava_or_atrium_tumour"),
        pl.col("ecog_status"),
    )


@rule(
    table="baseline",
    field="child_pugh_class",
    severity=Severity.QUERY,
    source="Pugh 1973, doi:10.1002/bjs.1800600817; protocol",
    why="Class A or B is an inclusion criterion; a wrong class, or one wrong component, lets the wrong patients in or keeps the right ones out.",
    why_zh="Child-Pugh A级或B级是纳入标准；分级或任一分项有误，会误纳不符合者或误排符合者。",
    en="The recorded Child-Pugh class does not follow from bilirubin, albumin, INR or prothrombin time, ascites and encephalopathy. Please check all six.",
    zh="所填Child-Pugh分级与胆红素、白蛋白、INR或凝血酶原时间、腹水、肝性脑病计算结果不符，请核对六项。",
    passes_where_zh="所填分级与五项指标计算的分级一致。",
)
def child_pugh_agrees_with_components() -> pl.Expr:
    """The recorded class is the one that the five components give."""
    return pl.col("child_pugh_class") == compute_child_pugh_class(pl.col("child_pugh_points"))


@rule(
    table="subject",
    field="inr",
    severity=Severity.QUERY,
    source="Child-Pugh's points, protocol",
    why="INR and prolongation come from one blood sample; if they contradict each other one is a slip, and the Child-Pugh class may be wrong.",
    why_zh="INR与凝血酶原时间延长秒数来自同一血样；两者矛盾则其中一项填错，Child-Pugh分级也可能有误。",
    en="INR and prolongation of the prothrombin time contradict each other at the baseline (1 point against 3). Please check both.",
    zh="基线INR与凝血酶原时间延长秒数相矛盾（Child-Pugh计分1分与3分），请核对两项。",
    passes_where_zh="按INR与按凝血酶原时间延长的Child-Pugh计分不会一为1分、一为3分。",
    on_missing="not evaluable; nor where a bound leaves the points open",
    on_missing_zh="无法判定；界限值使计分不能确定时亦然",
)
def pt_agrees_with_inr() -> pl.Expr:
    """Child-Pugh's points from the INR and from the prolongation are not 1 and 3."""
    by_inr = compute_inr_points(pl.col("inr"), pl.col("inr_comparator"))
    by_pt = compute_pt_points(pl.col("pt_prolongation_s"), pl.col("pt_prolongation_comparator"))
    return (by_inr - by_pt).abs() < POINTS_APART


@rule(
    table="baseline",
    field="child_pugh_class",
    severity=Severity.QUERY,
    source="protocol, Child-Pugh: ALBI grade 3 is practically never class A",
    why="A slip of the unit of albumin or bilirubin turns grade 2 into grade 3; this contradiction shows it.",
    why_zh="白蛋白或胆红素的单位填错，会使ALBI 2级变为3级；这一矛盾可提示此类错误。",
    en="Albumin and bilirubin give ALBI grade 3, yet Child-Pugh class A is recorded. Please check the values, units and class.",
    zh="白蛋白与胆红素计算为ALBI 3级，但Child-Pugh记录为A级，请核对数值、单位及分级。",
    passes_where_zh="ALBI 3级者所填Child-Pugh分级不为A级，五项指标计算确为A级者除外。",
)
def albi_3_is_not_child_pugh_a() -> pl.Expr:
    """With ALBI grade 3 the recorded class is not A, unless all five components give A."""
    is_derived = (pl.col("child_pugh_points") <= CLASS_A_MAX_POINTS).fill_null(value=False)
    is_doubtful = (pl.col("albi_grade") == ALBI_WORST_GRADE) & ~is_derived
    return is_implied(is_doubtful, pl.col("child_pugh_class") != ChildPughClass.A.value)


@rule(
    table="baseline",
    field="has_portal_hypertension",
    severity=Severity.QUERY,
    source="protocol: HVPG > 10 mmHg; Baveno VII: > 5 mmHg, doi:10.1016/j.jhep.2021.12.022; limits of HVPG: Bosch 2009, doi:10.1038/nrgastro.2009.149",
    why="The study counts portal hypertension by a pressure above 10 mmHg; a contradicting flag means that one of the two was entered wrongly.",
    why_zh="本研究以HVPG大于10 mmHg为门静脉高压；所填与之矛盾，说明其中一项填错。",
    en="Portal hypertension is denied with an HVPG above 10 mmHg, or affirmed with one of 5 mmHg or less and no portal vein thrombus. Please check both.",
    zh="HVPG大于10 mmHg而填无门静脉高压，或无门静脉癌栓且HVPG不超过5 mmHg而填有门静脉高压，请核对两项。",
    passes_where_zh="门静脉高压一项与HVPG不矛盾；5–10 mmHg之间临床上两种判断均可。有门静脉癌栓时HVPG低并不矛盾，因其不能反映窦前压力。",
    on_missing="not evaluable; nor where an HVPG of at most 5 mmHg is affirmed and the portal vein is not described",
    on_missing_zh="无法判定；HVPG不超过5 mmHg而填有门静脉高压、且未描述门静脉情况时亦然",
)
def portal_hypertension_agrees_with_hvpg() -> pl.Expr:
    """The flag does not contradict the HVPG; from above 5 to 10 mmHg clinicians may call it either.

    With a thrombus in the portal vein a low HVPG contradicts nothing: it does not measure the pressure before the sinusoids.
    """
    hvpg = pl.col("hvpg_mmhg")
    has_thrombus = pl.col("pvtt_type_from_text_or_code") != PvttType.NONE.value
    return (
        pl.when("has_portal_hypertension")
        .then((hvpg > HVPG_NORMAL_MMHG) | (hvpg.is_not_null() & has_thrombus))
        .otherwise(pl.when(~pl.col("has_portal_hypertension")).then(hvpg <= HVPG_CUT_MMHG))
    )


@rule(
    table="baseline",
    field="bclc_stage",
    severity=Severity.QUERY,
    source=BCLC,
    why="Stage C is an inclusion criterion; a patient with metastases who is recorded as stage B would be left out.",
    why_zh="BCLC C期是纳入标准；有肝外转移的患者若填为B期，会被漏纳。",
    en="Metastasis, portal vein or vena cava tumour, or ECOG 1-2 makes BCLC stage C at least, but a lower stage is recorded. Please check the stage and these findings.",
    zh="有肝外转移、门静脉或腔静脉癌栓或ECOG 1–2分时BCLC至少为C期，但所填分期更低，请核对分期及上述各项。",
    passes_where_zh="有肝外转移、大血管侵犯或ECOG 1–2分者，分期为C期或D期。",
    on_missing="one finding that is there suffices; not evaluable while one is empty and none is there, or without a stage",
    on_missing_zh="有一项阳性即可判定；无一项阳性而有缺项，或无分期时无法判定",
)
def bclc_c_with_spread() -> pl.Expr:
    """With metastasis, macrovascular invasion or ECOG 1-2 the stage is C or D."""
    return is_implied(_has_spread(), pl.col("bclc_stage").is_in([BclcStage.STAGE_C.value, BclcStage.STAGE_D.value]))


@rule(
    table="baseline",
    field="bclc_stage",
    severity=Severity.QUERY,
    source=BCLC,
    why="Either the stage or the metastasis, thrombus or ECOG status is wrong, and both decide who is in the study.",
    why_zh="分期有误，或肝外转移、癌栓、ECOG评分有误，而这些均决定患者能否入组。",
    en="BCLC stage C is recorded without metastasis, portal vein or vena cava tumour, or ECOG 1-2. Please check the stage and these findings.",
    zh="所填BCLC为C期，但无肝外转移、门静脉或腔静脉癌栓，且ECOG非1–2分，请核对分期及上述各项。",
    passes_where_zh="C期者有肝外转移、大血管侵犯或ECOG 1–2分；肝静脉癌栓只能由文字描述得知。",
    on_missing="one finding that is there suffices; not evaluable while one is empty and none is there, nor where the text leaves "
    "a thrombus in a hepatic vein or the vena cava uncertain",
    on_missing_zh="有一项阳性即可判定；无一项阳性而有缺项，或文字描述未能确定肝静脉或腔静脉有无癌栓时无法判定",
)
def bclc_c_has_a_reason() -> pl.Expr:
    """Stage C goes with metastasis, macrovascular invasion or ECOG 1-2; of a hepatic vein thrombus only a text can tell."""
    return is_implied(
        pl.col("bclc_stage") == BclcStage.STAGE_C.value,
        _has_spread() | _is_told("hepatic_vein_text") | _is_told("vena_cava_or_atrium_text"),
    )


def _is_told(fact: str) -> pl.Expr:
    """Return whether a text affirms a thrombus; null where it leaves that uncertain."""
    said = pl.col(fact)
    return (
        pl.when(said == Said.AFFIRMED.value)
        .then(statement=True)
        .when(said == Said.UNCERTAIN.value)
        .then(None)
        .otherwise(statement=False)
    )


@rule(
    table="baseline",
    field="bclc_stage",
    severity=Severity.QUERY,
    source=BCLC,
    why="Either the stage is wrong, which is an inclusion criterion, or the performance status or the liver function that makes it D.",
    why_zh="或是分期（纳入标准）有误，或是据以判为D期的体力状态或肝功能有误。",
    en="With ECOG 3-4 or Child-Pugh class C the BCLC stage is D, unless a transplantation is planned, but another stage is recorded. Please check ECOG status, class and stage.",
    zh="ECOG 3–4分或Child-Pugh C级时BCLC应为D期（拟行肝移植者除外），但所填分期不是D期，请核对ECOG评分、Child-Pugh分级及BCLC分期。",
    passes_where_zh="ECOG 3–4分或Child-Pugh C级者，分期为D期。",
    on_missing="an empty Child-Pugh class is that of the derived points; one of the two suffices; not evaluable while one is empty "
    "and the other is not there, or without a stage",
    on_missing_zh="Child-Pugh分级缺失时按计算所得积分；两者有其一即可判定；一项缺失而另一项不符，或无分期时无法判定",
)
def bclc_d_with_end_stage() -> pl.Expr:
    """With ECOG 3-4 or Child-Pugh C the stage is D."""
    child_pugh_class = pl.coalesce("child_pugh_class", "child_pugh_class_from_points_or_record")
    is_end_stage = compute_is_end_stage(pl.col("ecog_status"), child_pugh_class)
    return is_implied(is_end_stage, pl.col("bclc_stage") == BclcStage.STAGE_D.value)


@rule(
    table="baseline",
    field="bclc_stage",
    severity=Severity.QUERY,
    source=BCLC,
    why="A patient of stage D is left out; if the D is a slip, the study loses an eligible patient.",
    why_zh="D期患者不纳入研究；若D期为误填，研究将损失一名符合入组条件的患者。",
    en="BCLC stage D is recorded without ECOG 3-4, Child-Pugh class C, moderate ascites (which may be refractory) or a raised creatinine (hepatorenal). Please check the stage.",
    zh="所填BCLC为D期，但ECOG非3–4分、Child-Pugh非C级、无中度及以上腹水（可能为难治性）且肌酐不高（肝肾综合征），请核对分期。",
    passes_where_zh="D期者有ECOG 3–4分、Child-Pugh C级（所填或计算所得）、可能为难治性的腹水，或肾功能衰竭。",
    on_missing="one finding that is there suffices; not evaluable while one of ECOG, class and ascites is empty and none is there",
    on_missing_zh="有一项阳性即可判定；ECOG、Child-Pugh分级、腹水有缺项而无一项阳性时无法判定",
)
def bclc_d_has_a_reason() -> pl.Expr:
    """Stage D goes with ECOG 3-4, Child-Pugh class C, recorded or derived, ascites that may be refractory, or a failing kidney."""
    is_recorded = compute_is_end_stage(pl.col("ecog_status"), pl.col("child_pugh_class"))
    is_derived = pl.col("child_pugh_class_from_points_or_record") == ChildPughClass.C.value
    is_refractory = pl.col("ascites") == Ascites.MODERATE_OR_MORE.value
    is_renal = (pl.col("creatinine_umol_l") > HEPATORENAL_CREATININE_UMOL_L).fill_null(value=False)
    is_stage_d = pl.col("bclc_stage") == BclcStage.STAGE_D.value
    return is_implied(is_stage_d, is_recorded | is_derived | is_refractory | is_renal)


@rule(
    table="baseline",
    field="encephalopathy_grade",
    severity=Severity.QUERY,
    source="West Haven criteria; ECOG: Oken 1982",
    why="Both decide on eligibility; a comatose patient recorded as fully active has one of them wrong.",
    why_zh="两项均决定能否入组；昏迷患者不可能活动完全正常，其中一项有误。",
    en="Encephalopathy of grade 3-4 does not go with ECOG status 0. Please check both.",
    zh="肝性脑病3–4级与ECOG 0分不符，请核对两项。",
    passes_where_zh="肝性脑病3–4级（昏睡或昏迷）者ECOG大于0分。",
)
def encephalopathy_agrees_with_ecog() -> pl.Expr:
    """Encephalopathy of grade 3-4, stupor or coma, goes with an ECOG status above 0."""
    return is_implied(pl.col("encephalopathy_grade") >= 3, pl.col("ecog_status") > 0)


@rule(
    table="baseline",
    field="ecog_status",
    severity=Severity.QUERY,
    source="ECOG: Oken 1982",
    why="Status 0 is an inclusion criterion; a 5 is a slip for another number and excludes the patient.",
    why_zh="ECOG 0分是纳入标准；5分为误填，会使该患者被排除。",
    en="ECOG status 5 means death and cannot be a baseline value. Please enter the status at the start of therapy.",
    zh="ECOG 5分表示死亡，不能作为基线值，请填写治疗开始时的评分。",
    passes_where_zh="基线ECOG评分为0–4分。",
)
def ecog_is_not_death() -> pl.Expr:
    """A baseline ECOG status is 0 to 4."""
    return pl.col("ecog_status") < ECOG_DEATH


@rule(
    table="baseline",
    field="hbsag",
    severity=Severity.QUERY,
    source="protocol, HBV DNA cut-point",
    why="Both are characteristics of Table 1 and one is a matching variable; a high viral load without surface antigen is rare and usually a slip.",
    why_zh="两项均为表1中的基线特征，其中一项是匹配变量；HBsAg阴性而病毒载量高者少见，多为误填。",
    en="HBsAg is negative, yet the HBV DNA exceeds 2000 IU/mL. Please check both.",
    zh="HBsAg阴性而HBV DNA大于2000 IU/mL，请核对两项。",
    passes_where_zh="已检测HBV DNA的HBsAg阴性患者，HBV DNA不超过2000 IU/mL。",
    on_missing="not evaluable; nor without HBV DNA, or where copies/mL leave the level open",
    on_missing_zh="无法判定；未检测HBV DNA，或copies/mL数值不能确定所属水平时亦然",
)
def hbsag_agrees_with_hbv_dna() -> pl.Expr:
    """Where HBV DNA was measured, a patient without HBsAg has at most 2000 IU/mL."""
    is_measured = pl.any_horizontal(pl.col("hbv_dna_iu_ml", "hbv_dna_copies_ml").is_not_null())
    is_negative = pl.col("hbsag") == Serology.NEGATIVE.value
    return pl.when(is_measured).then(is_implied(is_negative, pl.col("hbv_dna_level") == f"<={HBV_DNA_CUT_IU_ML}"))


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="protocol, HBV DNA: 5 to 6 copies are one IU",
    why="Copies have no fixed factor to IU; near the limit the level stays unknown, and a missing level excludes the patient (E4).",
    why_zh="copies与IU之间无固定换算系数；数值接近分界点时水平不明，而水平缺失会使该患者被排除（E4）。",
    en="The HBV DNA in copies/mL may lie on either side of 2000 IU/mL (10000 to 12000 copies/mL). Please give it in IU/mL.",
    zh="HBV DNA以copies/mL填写，换算后可能高于或低于2000 IU/mL（10000–12000 copies/mL），请提供IU/mL数值。",
    passes_where_zh="基线copies/mL数值不超过10000或大于12000，或另有IU/mL数值；界限值所允许的范围全部在一侧时同样有效。",
    on_missing="not asked; a value set aside is asked about where it is missed",
    on_missing_zh="不询问；被剔除的数值在缺项处询问",
)
def hbv_dna_copies_are_decisive() -> pl.Expr:
    """A baseline value in copies/mL is at most 10000 or above 12000, or a value in IU/mL is there too.

    A bound counts where all that it allows lies on one side.
    """
    is_copies = compute_is_baseline_sample() & (pl.col("test") == LabTest.HBV_DNA_COPIES.value)
    is_settled = compute_copies_level(pl.col("value"), pl.col("value_comparator")).is_not_null()
    has_iu = pl.col("hbv_dna_iu_ml").is_not_null()
    return is_implied(is_copies, has_iu | is_settled)


@rule(
    table="baseline",
    field="has_antiviral_therapy",
    severity=Severity.NOTE,
    source=LOGIC,
    why="The field is for therapy against hepatitis B: that of hepatitis C does not count, and the serology may have been entered wrongly.",
    why_zh="该项仅指乙肝抗病毒治疗，丙肝抗病毒治疗不计；也可能是血清学结果填错。",
    en="Antiviral therapy against hepatitis B is recorded, but HBsAg is negative and no positive HBV DNA is on record. Is it prophylaxis, or therapy of another virus?",
    zh="已填乙肝抗病毒治疗，但HBsAg阴性且无HBV DNA阳性记录，请确认是否为预防用药或针对其他病毒的治疗。",
    passes_where_zh="抗病毒治疗者HBsAg阳性或可检出HBV DNA。",
    on_missing="not evaluable; HBV DNA that was not measured counts as not detected",
    on_missing_zh="无法判定；未检测HBV DNA视同未检出",
)
def antiviral_has_hepatitis_b() -> pl.Expr:
    """Antiviral therapy goes with HBsAg or detectable HBV DNA."""
    return is_implied(pl.col("has_antiviral_therapy"), compute_has_hepatitis_b())


def compute_has_hepatitis_b() -> pl.Expr:
    """Return whether HBsAg is positive or HBV DNA was detected; DNA that was not measured counts as not detected."""
    is_detected = pl.any_horizontal(
        ((pl.col(value) > 0) & ~pl.col(sign).is_in(BELOW_A_LIMIT).fill_null(value=False)).fill_null(value=False)
        for value, sign in (("hbv_dna_iu_ml", "hbv_dna_comparator"), ("hbv_dna_copies_ml", "hbv_dna_copies_comparator"))
    )
    return (pl.col("hbsag") == Serology.POSITIVE.value) | is_detected
