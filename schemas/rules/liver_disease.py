"""Liver disease and the diagnosis: what has a cause, and what is excluded by the parts that are known."""

from __future__ import annotations

import polars as pl

from schemas.codes import Ascites, DiagnosisBasis, LabTest, PvttType, Severity, TumourType
from schemas.definitions.child_pugh import is_class_possible
from schemas.rules.liver_and_stage import compute_has_hepatitis_b
from schemas.rules.rule import is_implied, rule

AASLD = "AASLD 2018: Marrero, doi:10.1002/hep.29913"
BAVENO = "Baveno VII: de Franchis 2022, doi:10.1016/j.jhep.2021.12.022"
LOW_PLATELETS_10E9_L = 100
NORMAL_ALBUMIN_G_L = 35
COPIES_PER_IU = (1, 10)
JUMP_FACTOR = 7
STEADY_TESTS = (LabTest.ALBUMIN.value, LabTest.BILIRUBIN.value, LabTest.CREATININE.value, LabTest.PLATELETS.value)


def _has_no_cause() -> pl.Expr:
    """Whether the liver is not cirrhotic and the portal vein free."""
    return ~pl.col("has_cirrhosis") & (pl.col("pvtt_type_from_text_or_code") == PvttType.NONE.value)


@rule(
    table="baseline",
    field="child_pugh_class",
    severity=Severity.QUERY,
    source="Pugh 1973, doi:10.1002/bjs.1800600817: each part counts 1 to 3",
    why="Class A or B is an inclusion criterion; a class that the known parts exclude lets the wrong patients in. Until answered it is unknown where several remain.",
    why_zh="Child-Pugh A级或B级是纳入标准；填写已知各项所排除的分级，会误纳不符合者。答复之前，若仍有多个可能的分级，则按分级不明处理。",
    en="The recorded Child-Pugh class is excluded by the components that are known, whatever the missing ones are. Please check the class and the components.",
    zh="无论缺失项取何值，已知各项均排除所填Child-Pugh分级，请核对分级及各项指标。",
    passes_where_zh="有缺项时，所填分级介于其余各项所允许的最低分与最高分对应的分级之间。",
    on_missing="not evaluable where all five components are known: another rule compares the class with their points",
    on_missing_zh="五项齐全时不判定：由另一规则比较分级与积分",
)
def child_pugh_class_is_possible() -> pl.Expr:
    """Where a component is missing, the class lies between those of the fewest and the most points that the others leave."""
    return pl.when(pl.col("child_pugh_points").is_null()).then(is_class_possible(pl.col("child_pugh_class")))


@rule(
    table="baseline",
    field="has_portal_hypertension",
    severity=Severity.QUERY,
    source=f"{BAVENO}; AASLD 2017, doi:10.1002/hep.28906; 100 x 10^9/L is the registry's limit",
    why="Portal hypertension is a characteristic of Table 1; with these signs it is there though no pressure was measured.",
    why_zh="门静脉高压是表1中的基线特征；有上述表现时，即使未测压力也存在门静脉高压。",
    en="Portal hypertension is denied, yet there are cirrhosis, moderate ascites and platelets below 100. Please check all four.",
    zh="已填无门静脉高压，但有肝硬化、中度及以上腹水且血小板低于100×10⁹/L，请核对各项。",
    passes_where_zh="未测压而有肝硬化、中度腹水且血小板低于100×10⁹/L者，不为“无门静脉高压”。",
    on_missing="not evaluable; nor where the pressure was measured, with which another rule compares it",
    on_missing_zh="无法判定；已测压者亦不判定，由另一规则与压力比较",
)
def portal_hypertension_agrees_with_signs() -> pl.Expr:
    """Without a measured pressure, cirrhosis with moderate ascites and platelets below 100 is not "no portal hypertension"."""
    has_signs = (
        pl.col("has_cirrhosis")
        & (pl.col("ascites") == Ascites.MODERATE_OR_MORE.value)
        & (pl.col("platelets_10e9_l") < LOW_PLATELETS_10E9_L)
    )
    return pl.when(pl.col("hvpg_mmhg").is_null()).then(is_implied(has_signs, pl.col("has_portal_hypertension")))


@rule(
    table="baseline",
    field="has_portal_hypertension",
    severity=Severity.QUERY,
    source=BAVENO,
    why="Portal hypertension is a characteristic of Table 1; without a cause the flag, the cirrhosis or the thrombus is wrong.",
    why_zh="门静脉高压是表1中的基线特征；若无病因，则门静脉高压、肝硬化或门静脉癌栓有一项有误。",
    en="Portal hypertension is recorded without cirrhosis and without a thrombus of the portal vein, and no pressure was measured. What is its cause, or which of the three is wrong?",
    zh="已填有门静脉高压，但无肝硬化、无门静脉癌栓且未测肝静脉压力梯度，请说明原因或核对各项。",
    passes_where_zh="未测压的门静脉高压者，有肝硬化、门静脉癌栓或门静脉血栓。",
    on_missing="not evaluable; nor where the pressure was measured",
    on_missing_zh="无法判定；已测压者亦不判定",
)
def portal_hypertension_has_a_cause() -> pl.Expr:
    """Portal hypertension that was not measured goes with cirrhosis, a thrombus of the portal vein, or thrombosis of it."""
    is_free = _has_no_cause() & ~pl.col("has_portal_vein_thrombosis").fill_null(value=False)
    return pl.when(pl.col("hvpg_mmhg").is_null()).then(is_implied(pl.col("has_portal_hypertension"), ~is_free))


@rule(
    table="baseline",
    field="encephalopathy_grade",
    severity=Severity.QUERY,
    source="hepatic encephalopathy: Vilstrup 2014, doi:10.1002/hep.27210",
    why="Encephalopathy is a part of Child-Pugh; confusion of another cause would move the patient to class B or C.",
    why_zh="肝性脑病是Child-Pugh的分项；其他原因所致的意识障碍会使患者误归为B级或C级。",
    en="Hepatic encephalopathy is recorded without cirrhosis and without a thrombus of the portal vein. Is it hepatic, or which of the three is wrong?",
    zh="已填肝性脑病，但无肝硬化且无门静脉癌栓，请确认是否为肝性脑病或核对各项。",
    passes_where_zh="肝性脑病者有肝硬化或门静脉癌栓。",
)
def encephalopathy_has_a_cause() -> pl.Expr:
    """Hepatic encephalopathy goes with cirrhosis or a thrombus of the portal vein."""
    return is_implied(pl.col("encephalopathy_grade") > 0, ~_has_no_cause())


@rule(
    table="baseline",
    field="ascites",
    severity=Severity.QUERY,
    source="EASL 2018: decompensated cirrhosis, doi:10.1016/j.jhep.2018.03.024",
    why="Ascites is a part of Child-Pugh and may move the patient out of the study; without a cause it, or what excludes the causes, is wrong.",
    why_zh="腹水是Child-Pugh的分项，可使患者不符合入组标准；若无病因，则腹水或排除病因的各项有误。",
    en="Ascites is recorded without cirrhosis, portal hypertension, a thrombus of the portal vein, peritoneal metastases or a low albumin. Please check these entries.",
    zh="已填腹水，但无肝硬化、无门静脉高压、无门静脉癌栓、无腹膜转移且白蛋白不低，请核对各项。",
    passes_where_zh="腹水者有肝病基础、门静脉阻塞、腹膜转移，或白蛋白低于35 g/L。",
    on_missing="one cause suffices; not evaluable while one is empty and none is there",
    on_missing_zh="有一项原因即可；有缺项而无一项阳性时无法判定",
)
def ascites_has_a_cause() -> pl.Expr:
    """Ascites goes with a diseased liver, a closed portal vein, metastases of the peritoneum or an albumin below 35 g/L."""
    has_cause = (
        ~_has_no_cause()
        | pl.col("has_portal_hypertension")
        | (pl.col("albumin_g_l") < NORMAL_ALBUMIN_G_L)
        | pl.col("has_peritoneal_metastasis")
    )
    return is_implied(pl.col("ascites") != Ascites.NONE.value, has_cause)


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="half-life of albumin 20 days; sevenfold, as for diameters, is the registry's limit",
    why="A decimal point lost at one visit gives a wrong grade of liver function or of an adverse event.",
    why_zh="某次检验漏填小数点，会使肝功能分级或不良反应分级有误。",
    en="The value is at least sevenfold above, or below, both the value before and the value after. Please check value and unit.",
    zh="该检验值较前、后两次结果均高（或低）7倍及以上，请核对数值及单位。",
    passes_where_zh="检验值未同时较前、后两次结果均高（或低）7倍及以上；按采样日期排序，缺日期时按访视排序。列有胆红素相关不良反应者，胆红素可如此升高：肝炎可在数周内出现并恢复。",
    on_missing="not evaluable without a value before and one after; only albumin, bilirubin, creatinine and platelets, which do not jump and return; bilirubin may rise where an adverse event of it is listed",
    on_missing_zh="前后两次结果不全时无法判定；仅用于白蛋白、胆红素、肌酐及血小板，因其不会骤变又复原；列有胆红素相关不良反应者，胆红素可升高",
)
def value_does_not_jump_and_return() -> pl.Expr:
    """A value is not sevenfold above or below both its neighbours, by the days of the samples, or the visits where one has no day.

    Bilirubin may rise so where an adverse event of it is listed: hepatitis comes and goes within weeks.
    """
    before, after = pl.col("value_before"), pl.col("value_after")
    lowest, highest = pl.min_horizontal(before, after), pl.max_horizontal(before, after)
    is_known = (lowest > 0) & after.is_not_null() & before.is_not_null()
    is_explained = (pl.col("test") == LabTest.BILIRUBIN.value) & pl.col("has_bilirubin_event").fill_null(value=False)
    is_above = (pl.col("value") >= JUMP_FACTOR * highest) & ~is_explained
    is_outlier = is_above | (pl.col("value") * JUMP_FACTOR <= lowest)
    return pl.when(pl.col("test").is_in(STEADY_TESTS) & is_known).then(~is_outlier)


@rule(
    table="patient",
    field="diagnosis_basis",
    severity=Severity.QUERY,
    source=f"{AASLD}; protocol I1",
    why="Hepatocellular carcinoma is an inclusion criterion (I1); without cirrhosis or hepatitis B images alone do not prove it.",
    why_zh="肝细胞癌是纳入标准（I1）；无肝硬化或乙型肝炎时，仅凭影像不能确诊。",
    en="The diagnosis rests on imaging (AASLD), but there is neither cirrhosis nor hepatitis B. How was it made, or which of the answers is wrong?",
    zh="诊断依据为影像学（AASLD标准），但既无肝硬化也无乙型肝炎，请核对诊断依据及上述两项。",
    passes_where_zh="影像学诊断者有肝硬化、HBsAg阳性或可检出HBV DNA。",
    on_missing="one of the two suffices; not evaluable while one is empty and the other is not there; HBV DNA that was not measured counts as not detected",
    on_missing_zh="有一项即可；一项缺失而另一项不符时无法判定；未检测HBV DNA视同未检出",
)
def imaging_diagnosis_has_a_risk() -> pl.Expr:
    """A diagnosis by imaging goes with cirrhosis, HBsAg or HBV DNA."""
    has_risk = pl.col("has_cirrhosis") | compute_has_hepatitis_b()
    return is_implied(pl.col("diagnosis_basis") == DiagnosisBasis.CLINICAL_AASLD.value, has_risk)


@rule(
    table="patient",
    field="tumour_type",
    severity=Severity.QUERY,
    source="EASL 2018: hepatocellular carcinoma, doi:10.1016/j.jhep.2018.03.019",
    why="The criteria of imaging are those of hepatocellular carcinoma; another type by these criteria leaves a patient out by a slip.",
    why_zh="影像学标准仅适用于肝细胞癌；按此标准填为其他类型，会因误填而漏纳患者。",
    en="Cholangiocarcinoma or a mixed tumour is recorded as diagnosed by imaging (AASLD); these are diagnosed by histology. Which of the two is right?",
    zh="肝内胆管癌或混合型肝癌记为影像学（AASLD标准）诊断，此类肿瘤须经病理诊断，请核对哪一项正确。",
    passes_where_zh="肝内胆管癌及混合型肝癌不以影像学标准诊断。",
)
def other_tumour_has_histology() -> pl.Expr:
    """Cholangiocarcinoma and mixed tumours are not diagnosed by the criteria of imaging."""
    is_other = pl.col("tumour_type").is_in([TumourType.CHOLANGIOCARCINOMA.value, TumourType.MIXED.value])
    return is_implied(is_other, pl.col("diagnosis_basis") != DiagnosisBasis.CLINICAL_AASLD.value)


@rule(
    table="subject",
    field="hbv_dna_copies_ml",
    severity=Severity.QUERY,
    source="protocol, HBV DNA: 5 to 6 copies are one IU; factor 1 to 10 is the registry's limit",
    why="One viral load in two units that do not fit is two values, and the cut at 2000 IU/mL depends on which is right.",
    why_zh="同一病毒载量以两种单位填写而不对应，等于有两个数值；是否超过2000 IU/mL取决于哪一个正确。",
    en="HBV DNA in copies/mL and in IU/mL do not belong to one viral load at the baseline (5 to 6 copies are one IU). Please check both.",
    zh="基线HBV DNA的copies/mL值与IU/mL值不对应（1 IU约为5–6 copies），请核对两项。",
    passes_where_zh="copies/mL数值为IU/mL数值的1–10倍。",
    on_missing="not evaluable; nor where one is not detected",
    on_missing_zh="无法判定；其中一项为未检出时亦不判定",
)
def hbv_dna_units_agree() -> pl.Expr:
    """Copies/mL are one to ten times the IU/mL."""
    iu, copies = pl.col("hbv_dna_iu_ml"), pl.col("hbv_dna_copies_ml")
    return pl.when((iu > 0) & (copies > 0)).then((copies / iu).is_between(*COPIES_PER_IU))
