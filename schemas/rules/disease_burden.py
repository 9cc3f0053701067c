"""What is stated of metastases, thrombus and size against the lesions listed at the baseline."""

from __future__ import annotations

import polars as pl

from schemas.codes import Organ, PvttType, Severity
from schemas.rules.rule import is_implied, rule

PROTOCOL = "protocol, definitions"
MAX_DIAMETER_MM = {
    Organ.LYMPH_NODE: 100,
    Organ.BRAIN: 80,
    Organ.LUNG: 150,
    Organ.BONE: 150,
    Organ.ADRENAL: 200,
}
"""Largest diameters that the organs hold; what is larger in the liver or elsewhere is asked about by the limits of the field."""


@rule(
    table="baseline",
    field="has_portal_vein_thrombosis",
    severity=Severity.QUERY,
    source="a tumour thrombus is a thrombosis of the vein",
    why="PVTT is a matching variable; type and thrombosis are two statements about one vein, and one of them is wrong.",
    why_zh="门静脉癌栓是匹配变量；分型与有无血栓或癌栓是对同一血管的两项记录，其中一项有误。",
    en="A tumour thrombus of the portal vein is recorded, but thrombosis of the portal vein is denied. Which of the two is right?",
    zh="已记录门静脉癌栓，但填无门静脉血栓或癌栓，请核对哪一项正确。",
    passes_where_zh="有门静脉癌栓者，未填无门静脉血栓或癌栓。",
)
def thrombosis_flag_agrees_with_pvtt() -> pl.Expr:
    """With a tumour thrombus in the portal vein thrombosis is not denied."""
    return is_implied(
        pl.col("pvtt_type_from_text_or_code") != PvttType.NONE.value, pl.col("has_portal_vein_thrombosis")
    )


@rule(
    table="baseline",
    field="pvtt_type",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A thrombus listed as a lesion of the portal vein and a type 0 cannot both be right, and PVTT is a matching variable.",
    why_zh="列有门静脉癌栓病灶，分型却为0型，两者不可能都对，而门静脉癌栓是匹配变量。",
    en="A lesion of the portal vein is listed at the baseline, but no tumour thrombus is recorded. Which of the two is right?",
    zh="基线列有门静脉癌栓病灶，但记录为无门静脉癌栓，请核对哪一项正确。",
    passes_where_zh="列有门静脉病灶者记录有门静脉癌栓。",
    on_missing="not evaluable without lesions at the baseline or without a type",
    on_missing_zh="无基线病灶或无分型时无法判定",
)
def portal_vein_lesion_is_thrombus() -> pl.Expr:
    """Who has a lesion of the portal vein has a tumour thrombus of it."""
    has_lesion = pl.col("baseline_portal_vein_lesion_number") > 0
    return is_implied(has_lesion, pl.col("pvtt_type_from_text_or_code") != PvttType.NONE.value)


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source="RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026: lesions of all involved organs are listed",
    why="Metastasis is an inclusion criterion, and a metastasis that is not followed can grow unseen.",
    why_zh="肝外转移是纳入标准；转移灶若不随访，增大也无从发现。",
    en="Extrahepatic metastasis is recorded, but every lesion listed at the baseline, non-targets included, lies in the liver. Please list a metastasis, or correct the organ or the answer.",
    zh="已填有肝外转移，但基线所列病灶（含非靶病灶）均位于肝内，请补列转移病灶，或更正病灶部位或该项填写。",
    passes_where_zh="有肝外转移并列有靶与非靶病灶者，至少列有一个肝外病灶。",
    on_missing="not evaluable where no non-target is listed at the baseline (a list of targets need not hold a metastasis), or where a lesion's organ is empty and none lies outside",
    on_missing_zh="基线未列非靶病灶（仅列靶病灶时不必含转移灶），或有病灶部位缺失而无肝外病灶时无法判定",
)
def metastasis_is_among_lesions() -> pl.Expr:
    """Who has metastases and lists targets and non-targets lists one lesion outside the liver."""
    is_outside = is_implied(pl.col("has_extrahepatic_metastasis"), pl.col("baseline_outside_lesion_number") > 0)
    return pl.when(pl.col("baseline_non_target_number") > 0).then(is_outside)


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="Metastasis is an inclusion criterion; a lesion outside the liver shows one that the answer denies.",
    why_zh="肝外转移是纳入标准；肝外病灶提示有转移，与所填的“无”相矛盾。",
    en="Extrahepatic metastasis is denied, but a lesion outside the liver is listed at the baseline. Which of the two is right?",
    zh="已填无肝外转移，但基线列有肝外病灶，请核对哪一项正确。",
    passes_where_zh="填无肝外转移且未列转移器官者，基线无肝外病灶。",
    on_missing="not evaluable without lesions at the baseline; where organs are listed another rule asks",
    on_missing_zh="无基线病灶时无法判定；列有转移器官时由另一规则询问",
)
def lesion_outside_liver_is_metastasis() -> pl.Expr:
    """Who has no metastasis, and no organ listed, has no lesion outside the liver at the baseline."""
    is_denied = ~pl.col("has_extrahepatic_metastasis") & (pl.col("metastasis_organ_number").fill_null(0) == 0)
    return is_implied(is_denied, pl.col("baseline_outside_lesion_number") == 0)


@rule(
    table="metastasis",
    field="lesion_number",
    severity=Severity.QUERY,
    source="a part is not more than the whole",
    why="The number of metastases (cut at 5) is a matching variable; too small a number puts the patient with milder disease.",
    why_zh="转移灶数（以5个为界）是匹配变量；少计会使患者与病情较轻者匹配。",
    en="More lesions are listed in this organ at the baseline than metastases are counted in it. Please check the number.",
    zh="基线所列该器官病灶多于所填转移灶数，请核对病灶数。",
    passes_where_zh="各器官转移灶数不少于该器官所列病灶数。",
)
def metastasis_number_covers_lesions() -> pl.Expr:
    """An organ has at least as many metastases as lesions are listed in it."""
    return pl.col("lesion_number") >= pl.col("listed_lesion_number")


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.QUERY,
    source="anatomy; the limits are the registry's: node 100, brain 80, lung and bone 150, adrenal 200 mm",
    why="A diameter too large for its organ is a slip of the unit or of the organ, and it outweighs all other targets in the sum.",
    why_zh="径线超出该器官可能的大小，说明单位或部位填错，且其在径线和中的权重会超过所有其他靶病灶。",
    en="The lesion is larger than its organ holds. Please check diameter, unit and organ.",
    zh="病灶径线超出该器官可能的大小，请核对径线、单位及部位。",
    passes_where_zh="病灶径线不超过该器官的界限。",
    on_missing="not evaluable without organ or diameter; nor in organs without a limit of their own",
    on_missing_zh="无部位或径线时无法判定；未设界限的器官亦不判定",
)
def lesion_fits_its_organ() -> pl.Expr:
    """A lesion is no larger than the limit of its organ."""
    limits = {organ.value: float(limit) for organ, limit in MAX_DIAMETER_MM.items()}
    return pl.col("diameter_mm") <= pl.col("organ").replace_strict(limits, default=None, return_dtype=pl.Float64)
