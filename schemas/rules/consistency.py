"""Statements about disease, treatment and outcome that contradict each other."""

from __future__ import annotations

import polars as pl

from schemas.codes import BclcStage, Comparator, Organ, Serology, Severity
from schemas.definitions.baseline import HBV_DNA_CUT_IU_ML, HVPG_CUT_MMHG
from schemas.definitions.bclc import compute_has_spread, compute_is_end_stage
from schemas.definitions.child_pugh import compute_child_pugh_class
from schemas.rules.rule import is_implied, rule

LOGIC = "two statements about one fact"
PROTOCOL = "protocol, definitions"
BCLC = "BCLC: Reig 2022, doi:10.1016/j.jhep.2021.11.018"
SIZE_FACTOR = 1.2
SIZE_TOLERANCE_MM = 10
SIZE_MAX_FACTOR = 3
MM_PER_CM = 10
HVPG_NORMAL_MMHG = 5


@rule(
    table="baseline",
    field="child_pugh_class",
    severity=Severity.QUERY,
    source="Pugh 1973, doi:10.1002/bjs.1800600817; protocol",
    en="The recorded Child-Pugh class does not follow from bilirubin, albumin, INR, ascites and encephalopathy. Please check all six.",
    zh="所填Child-Pugh分级与胆红素、白蛋白、INR、腹水、肝性脑病计算结果不符，请核对。",
)
def child_pugh_agrees_with_components() -> pl.Expr:
    """The recorded class is the one that the five components give."""
    return pl.col("child_pugh_class") == compute_child_pugh_class(pl.col("child_pugh_points"))


@rule(
    table="baseline",
    field="bclc_stage",
    severity=Severity.QUERY,
    source=BCLC,
    en="Metastasis, portal vein or vena cava tumour, or ECOG 1-2 makes BCLC stage C at least, but a lower stage is recorded.",
    zh="有肝外转移、门静脉或腔静脉癌栓或ECOG 1–2分时BCLC至少为C期，但所填分期更低，请核对。",
)
def bclc_c_with_spread() -> pl.Expr:
    """With metastasis, macrovascular invasion or ECOG 1-2 the stage is C or D."""
    has_spread = compute_has_spread(
        pl.col("has_extrahepatic_metastasis"),
        pl.col("subject_pvtt_type"),
        pl.col("has_vena_cava_or_atrium_tumour"),
        pl.col("ecog_status"),
    )
    return is_implied(has_spread, pl.col("bclc_stage").is_in([BclcStage.STAGE_C.value, BclcStage.STAGE_D.value]))


@rule(
    table="baseline",
    field="bclc_stage",
    severity=Severity.QUERY,
    source=BCLC,
    en="ECOG 3-4 or Child-Pugh class C makes BCLC stage D, but another stage is recorded.",
    zh="ECOG 3–4分或Child-Pugh C级应为BCLC D期，但所填分期不同，请核对。",
)
def bclc_d_with_end_stage() -> pl.Expr:
    """With ECOG 3-4 or Child-Pugh C the stage is D."""
    is_end_stage = compute_is_end_stage(pl.col("ecog_status"), pl.col("child_pugh_class"))
    return is_implied(is_end_stage, pl.col("bclc_stage") == BclcStage.STAGE_D.value)


@rule(
    table="baseline",
    field="pvtt_type",
    severity=Severity.QUERY,
    source="Cheng type, protocol",
    en="The coded type of portal vein tumour thrombus does not agree with its description. Which of the two is right?",
    zh="门静脉癌栓分型与文字描述不符，请核对哪一项正确。",
)
def pvtt_code_agrees_with_text() -> pl.Expr:
    """The code is the type that the text describes."""
    return pl.col("pvtt_type") == pl.col("pvtt_text_type")


@rule(
    table="baseline",
    field="pvtt_text",
    severity=Severity.QUERY,
    source="Cheng type, protocol",
    en="The description of the portal vein does not say where the thrombus lies. Please give the site, or none.",
    zh="门静脉癌栓描述未能识别部位，请注明部位（分支、左/右支、主干、肠系膜上静脉）或无。",
)
def pvtt_text_is_readable() -> pl.Expr:
    """A description names a site or says that there is no thrombus."""
    return pl.when(pl.col("pvtt_text").is_not_null()).then(pl.col("pvtt_text_type").is_not_null())


@rule(
    table="baseline",
    field="tumour_size_cm",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="The tumour size does not agree with the largest liver lesion measured at the baseline. Please check value and unit.",
    zh="肿瘤最大径与基线肝内最大病灶测量值不符，请核对数值及单位。",
)
def tumour_size_agrees_with_lesions() -> pl.Expr:
    """No liver lesion exceeds the size by more than 20 % and 10 mm, and the size is at most 3 times the largest.

    The latter only where every liver lesion is measured: the largest may be a non-target, as after TACE.
    """
    size_mm, lesion_mm = pl.col("tumour_size_cm") * MM_PER_CM, pl.col("baseline_liver_diameter_mm")
    is_not_below = lesion_mm <= size_mm * SIZE_FACTOR + SIZE_TOLERANCE_MM
    is_not_above = (pl.col("unmeasured_liver_lesion_number") > 0) | (size_mm <= lesion_mm * SIZE_MAX_FACTOR)
    return pl.when(lesion_mm > 0).then(is_not_below & is_not_above)


@rule(
    table="baseline",
    field="tumour_number",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="More liver lesions are listed at the baseline than the recorded number. Please check the number.",
    zh="基线列出的肝内病灶多于所填病灶数，请核对。",
)
def tumour_number_agrees_with_lesions() -> pl.Expr:
    """The number is at least that of the liver lesions listed."""
    return pl.col("tumour_number") >= pl.col("baseline_liver_lesion_number")


@rule(
    table="baseline",
    field="tumour_number",
    severity=Severity.QUERY,
    source=LOGIC,
    en="A tumour size is recorded, but the number of liver lesions is 0.",
    zh="已填肿瘤大小，但肝内病灶数为0，请核对。",
)
def tumour_number_agrees_with_size() -> pl.Expr:
    """A tumour that has a size is counted."""
    return pl.when(pl.col("tumour_size_cm") > 0).then(pl.col("tumour_number") > 0)


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="Extrahepatic metastasis and the number of metastatic lesions contradict each other.",
    zh="肝外转移与转移灶数相矛盾，请核对。",
)
def metastasis_flag_agrees_with_number() -> pl.Expr:
    """Metastasis is recorded exactly where the number is at least 1."""
    return pl.col("has_extrahepatic_metastasis") == (pl.col("metastasis_site_number") > 0)


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="Extrahepatic metastasis and the list of metastatic organs contradict each other.",
    zh="肝外转移与转移器官记录相矛盾，请核对。",
    on_missing="not evaluable; nor where the hospital sends no list of organs",
)
def metastasis_flag_agrees_with_organs() -> pl.Expr:
    """Metastasis is recorded exactly where an extrahepatic organ is listed."""
    return pl.col("has_extrahepatic_metastasis") == (pl.col("metastasis_organ_number") > 0)


@rule(
    table="baseline",
    field="metastasis_site_number",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="The number of metastatic lesions does not agree with the lesions listed by organ.",
    zh="转移灶数与各器官转移灶记录不符，请核对。",
)
def metastasis_number_agrees_with_organs() -> pl.Expr:
    """The number is the sum over the organs, and never below the number of organs."""
    number = pl.col("metastasis_site_number")
    is_sum = (number == pl.col("metastasis_lesion_number")).fill_null(value=True)
    has_organs = pl.col("metastasis_organ_number") > 0
    return pl.when(has_organs & number.is_not_null()).then(is_sum & (number >= pl.col("metastasis_organ_number")))


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="A lesion lies at the baseline in an organ that is not among the metastatic organs listed.",
    zh="基线影像有病灶的肝外器官未列入转移器官，请核对。",
)
def metastasis_organs_agree_with_lesions() -> pl.Expr:
    """Every organ with a baseline lesion outside the liver is listed."""
    return pl.col("unlisted_metastasis_organ_number") == 0


@rule(
    table="metastasis",
    field="organ",
    severity=Severity.QUERY,
    source=PROTOCOL,
    en="The liver is listed as an organ of extrahepatic metastasis.",
    zh="肝脏被列为肝外转移器官，请核对。",
)
def metastasis_is_not_in_liver() -> pl.Expr:
    """Extrahepatic means outside the liver."""
    return pl.col("organ") != Organ.LIVER.value


@rule(
    table="baseline",
    field="has_tace",
    severity=Severity.QUERY,
    source=LOGIC,
    en="TACE is recorded as done, but no TACE procedure is listed.",
    zh="已填行TACE，但无TACE治疗记录，请补充。",
    on_missing="not evaluable; nor where the hospital sends no procedures",
)
def tace_yes_has_procedure() -> pl.Expr:
    """Who had TACE has at least one such procedure."""
    return is_implied(pl.col("has_tace"), pl.col("tace_number") > 0)


@rule(
    table="baseline",
    field="has_tace",
    severity=Severity.QUERY,
    source=LOGIC,
    en="TACE is recorded as not done, but TACE procedures are listed.",
    zh="已填未行TACE，但有TACE治疗记录，请核对。",
    on_missing="not evaluable; nor where the hospital sends no procedures",
)
def tace_no_has_no_procedure() -> pl.Expr:
    """Who had no TACE has no such procedure."""
    return is_implied(~pl.col("has_tace"), pl.col("tace_number") == 0)


@rule(
    table="baseline",
    field="hbsag",
    severity=Severity.QUERY,
    source="protocol, HBV DNA cut-point",
    en="HBsAg is negative, yet the HBV DNA exceeds 2000 IU/mL. Please check both.",
    zh="HBsAg阴性而HBV DNA大于2000 IU/mL，请核对。",
)
def hbsag_agrees_with_hbv_dna() -> pl.Expr:
    """Without surface antigen there is no high viraemia."""
    is_measured = pl.any_horizontal(pl.col("hbv_dna_iu_ml", "hbv_dna_copies_ml").is_not_null())
    is_negative = pl.col("hbsag") == Serology.NEGATIVE.value
    return pl.when(is_measured).then(is_implied(is_negative, pl.col("hbv_dna_level") == f"<={HBV_DNA_CUT_IU_ML}"))


@rule(
    table="baseline",
    field="has_antiviral_therapy",
    severity=Severity.NOTE,
    source=LOGIC,
    en="Antiviral therapy is recorded without HBsAg or HBV DNA. Is it prophylaxis?",
    zh="已填抗病毒治疗，但HBsAg阴性且未检出HBV DNA，请确认是否为预防用药。",
)
def antiviral_has_hepatitis_b() -> pl.Expr:
    """Antiviral therapy goes with HBsAg or detectable HBV DNA."""
    is_detected = pl.any_horizontal(
        ((pl.col(value) > 0) & pl.col(sign).ne_missing(Comparator.BELOW.value)).fill_null(value=False)
        for value, sign in (("hbv_dna_iu_ml", "hbv_dna_comparator"), ("hbv_dna_copies_ml", "hbv_dna_copies_comparator"))
    )
    has_hepatitis_b = (pl.col("hbsag") == Serology.POSITIVE.value) | is_detected
    return is_implied(pl.col("has_antiviral_therapy"), has_hepatitis_b)


@rule(
    table="baseline",
    field="has_portal_hypertension",
    severity=Severity.QUERY,
    source="protocol: HVPG > 10 mmHg; Baveno VII: > 5 mmHg, doi:10.1016/j.jhep.2021.12.022",
    en="Portal hypertension is denied with an HVPG above 10 mmHg, or affirmed with one of 5 mmHg or less. Please check both.",
    zh="HVPG大于10 mmHg而填无门静脉高压，或HVPG不超过5 mmHg而填有门静脉高压，请核对两项。",
)
def portal_hypertension_agrees_with_hvpg() -> pl.Expr:
    """The flag does not contradict the HVPG; from above 5 to 10 mmHg clinicians may call it either."""
    hvpg = pl.col("hvpg_mmhg")
    return (
        pl.when("has_portal_hypertension")
        .then(hvpg > HVPG_NORMAL_MMHG)
        .otherwise(pl.when(~pl.col("has_portal_hypertension")).then(hvpg <= HVPG_CUT_MMHG))
    )
