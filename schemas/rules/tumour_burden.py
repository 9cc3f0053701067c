"""Portal vein, size and number of the liver tumours, metastases: code, text, number and images against each other."""

from __future__ import annotations

import polars as pl

from schemas.codes import INTRAHEPATIC_ORGANS, Severity
from schemas.rules.rule import rule

LOGIC = "two statements about one fact"
PROTOCOL = "protocol, definitions"
SIZE_FACTOR = 1.2
SIZE_TOLERANCE_MM = 10
SIZE_MAX_FACTOR = 1.5
MM_PER_CM = 10
TEXT_TOLERANCE_CM = 0.1
# 8.1 - 8.0 is 0.0999..., 3.2 - 3.1 is 0.1000...1: differences are rounded before they are compared.
DECIMALS = 6


@rule(
    table="baseline",
    field="pvtt_type",
    severity=Severity.QUERY,
    source="Cheng type, protocol",
    why="The type of thrombus is a matching variable; the study reads the text, so a wrong text moves the patient to another level.",
    why_zh="门静脉癌栓分型是匹配变量；研究以文字描述为准，描述有误会使患者归入错误的分型。",
    en="The coded type of portal vein tumour thrombus does not agree with its description. Which of the two is right?",
    zh="门静脉癌栓分型与文字描述不符，请核对哪一项正确。",
    passes_where_zh="所填分型与文字描述的分型一致。",
)
def pvtt_code_agrees_with_text() -> pl.Expr:
    """The code is the type that the text describes."""
    return pl.col("pvtt_type") == pl.col("pvtt_text_type")


@rule(
    table="baseline",
    field="pvtt_text",
    severity=Severity.QUERY,
    source="Cheng type, protocol",
    why="A description that is not understood counts for nothing; without a code beside it the patient is excluded (E4).",
    why_zh="无法识别的描述不予采用；若又无分型编码，该患者将被排除（E4）。",
    en="The description of the portal vein leaves open whether there is a tumour thrombus, or where it lies "
    "(nothing said, a doubt, a blood clot, a bifurcation). Please give the highest site that it reaches (from low to high: branch, left or right vein, trunk, superior mesenteric vein), or none.",
    zh="门静脉癌栓描述未能确定有无癌栓或其部位（未说明、可疑、血栓、分叉处等），请注明癌栓到达的最高部位（由低到高：分支、左/右支、主干、肠系膜上静脉），或注明无癌栓。",
    passes_where_zh="文字描述写明癌栓部位，或写明无癌栓。",
    on_missing="not evaluable without a text",
    on_missing_zh="无文字描述时无法判定",
)
def pvtt_text_is_readable() -> pl.Expr:
    """A description names a site or says that there is no thrombus."""
    return pl.when(pl.col("pvtt_text").is_not_null()).then(pl.col("pvtt_text_type").is_not_null())


@rule(
    table="baseline",
    field="tumour_size_text",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A size that is not understood is no size; without a number beside it the patient is excluded (E4).",
    why_zh="无法识别的大小不予采用；若又未填最大径数值，该患者将被排除（E4）。",
    en="The sizes of the liver lesions cannot be read from the text. Please give each lesion in cm, such as 7.4*6.2/8*4.5.",
    zh="肿瘤大小描述无法识别，请以cm为单位逐个填写病灶，例如7.4*6.2/8*4.5。",
    passes_where_zh="文字可完整识别并给出最大径，且在0.5–25 cm之间。",
    on_missing="not evaluable without a text",
    on_missing_zh="无文字描述时无法判定",
)
def tumour_size_text_is_readable() -> pl.Expr:
    """A text gives the largest diameter: it is wholly understood, and the diameter lies between 0.5 and 25 cm."""
    return pl.when(pl.col("tumour_size_text").is_not_null()).then(pl.col("tumour_size_text_cm").is_not_null())


@rule(
    table="baseline",
    field="tumour_size_cm",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="Size is a matching variable with a cut at 10 cm; number and text are two statements, and one of them is wrong.",
    why_zh="肿瘤大小是匹配变量，以10 cm为界；数值与文字是两项记录，其中一项有误。",
    en="The tumour size is not the largest diameter of its description. Which of the two is right?",
    zh="肿瘤最大径与肿瘤大小描述中的最大径不一致，请核对哪一项正确。",
    passes_where_zh="所填数值与文字描述的最大径相差不超过0.1 cm。",
    on_missing="not evaluable without a number or a readable text",
    on_missing_zh="无数值或文字不可识别时无法判定",
)
def tumour_size_agrees_with_text() -> pl.Expr:
    """The number and the largest diameter of the text differ by at most 0.1 cm."""
    difference_cm = (pl.col("tumour_size_cm") - pl.col("tumour_size_text_cm")).abs()
    return difference_cm.round(DECIMALS) <= TEXT_TOLERANCE_CM


@rule(
    table="baseline",
    field="tumour_size_cm",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="Size is a matching variable with a cut at 10 cm; a slip between cm and mm moves the patient across it.",
    why_zh="肿瘤大小是匹配变量，以10 cm为界；cm与mm混淆会使患者越过界限。",
    en="The tumour size does not agree with the largest liver lesion measured at the baseline. Please check value and unit.",
    zh="肿瘤最大径与基线肝内最大病灶测量值不符，请核对数值及单位。",
    passes_where_zh="肝内病灶径线超出肿瘤最大径不多于其20%加10 mm，肿瘤最大径超出最大病灶不多于其50%加10 mm。后者仅在肝内病灶均有测量时判定：TACE后等情况下最大病灶可能为非靶病灶。",
    on_missing="not evaluable; nor where no liver lesion is measured",
    on_missing_zh="无法判定；肝内病灶均无测量时亦然",
)
def tumour_size_agrees_with_lesions() -> pl.Expr:
    """No liver lesion exceeds the size by more than 20 % plus 10 mm, and the size the largest by 50 % plus 10 mm.

    The latter only where every liver lesion is measured: the largest may be a non-target, as after TACE.
    """
    size_mm, lesion_mm = pl.col("tumour_size_cm") * MM_PER_CM, pl.col("baseline_liver_diameter_mm")
    is_not_below = lesion_mm <= size_mm * SIZE_FACTOR + SIZE_TOLERANCE_MM
    is_not_above = (pl.col("unmeasured_liver_lesion_number") > 0) | (
        size_mm <= lesion_mm * SIZE_MAX_FACTOR + SIZE_TOLERANCE_MM
    )
    return pl.when(lesion_mm > 0).then(is_not_below & is_not_above)


@rule(
    table="baseline",
    field="tumour_number",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A tumour that is measured cannot be counted as none; the patient would stand with those who have at most 3 lesions.",
    why_zh="已测得大小的肿瘤不可能计为0个，否则该患者会归入病灶不超过3个的一组。",
    en="A tumour size is recorded, but the number of liver lesions is 0. Please check both.",
    zh="已填肿瘤大小，但肝内病灶数为0，请核对两项。",
    passes_where_zh="已填肿瘤大小者，肝内病灶数至少为1。",
    on_missing="not evaluable; nor without a size",
    on_missing_zh="无法判定；未填肿瘤大小时亦然",
)
def tumour_number_agrees_with_size() -> pl.Expr:
    """Where a size is recorded, the number of liver lesions is at least 1."""
    return pl.when(pl.col("tumour_size_cm") > 0).then(pl.col("tumour_number") > 0)


@rule(
    table="baseline",
    field="tumour_number",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="The number is a matching variable with a cut at 3 lesions; too small a number puts the patient with milder disease.",
    why_zh="病灶数是匹配变量，以3个为界；少计会使患者与病情较轻者匹配。",
    en="The description of the sizes lists more liver lesions than the recorded number. Please check the number.",
    zh="肿瘤大小描述中的病灶多于所填病灶数，请核对病灶数。",
    passes_where_zh="病灶数不少于文字描述中的病灶数，文字可略去小病灶。",
    on_missing="not evaluable without a number or a text whose lesions can be counted",
    on_missing_zh="无病灶数，或文字中的病灶无法计数时无法判定",
)
def tumour_number_agrees_with_text() -> pl.Expr:
    """The number is at least that of the lesions in the text, which may leave small ones out."""
    return pl.col("tumour_number") >= pl.col("tumour_size_text_number")


@rule(
    table="baseline",
    field="tumour_number",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="The number is a matching variable with a cut at 3 lesions; too small a number puts the patient with milder disease.",
    why_zh="病灶数是匹配变量，以3个为界；少计会使患者与病情较轻者匹配。",
    en="More liver lesions are listed at the baseline than the recorded number. Please check the number.",
    zh="基线列出的肝内病灶多于所填病灶数，请核对病灶数。",
    passes_where_zh="病灶数不少于所列肝内病灶数。",
)
def tumour_number_agrees_with_lesions() -> pl.Expr:
    """The number is at least that of the liver lesions listed."""
    return pl.col("tumour_number") >= pl.col("baseline_liver_lesion_number")


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="Extrahepatic metastasis is an inclusion criterion; a wrong flag includes or excludes the wrong patient.",
    why_zh="肝外转移是纳入标准；填写有误会误纳或误排患者。",
    en="Extrahepatic metastasis and the number of metastatic lesions contradict each other. Which of the two is right?",
    zh="肝外转移与转移灶数相矛盾，请核对哪一项正确。",
    passes_where_zh="转移灶数至少为1者填有肝外转移，为0者填无。",
)
def metastasis_flag_agrees_with_number() -> pl.Expr:
    """Metastasis is recorded exactly where the number is at least 1."""
    return pl.col("has_extrahepatic_metastasis") == (pl.col("metastasis_site_number") > 0)


@rule(
    table="baseline",
    field="has_extrahepatic_metastasis",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="Extrahepatic metastasis is an inclusion criterion; a wrong flag includes or excludes the wrong patient.",
    why_zh="肝外转移是纳入标准；填写有误会误纳或误排患者。",
    en="Extrahepatic metastasis and the list of metastatic organs contradict each other. Which of the two is right?",
    zh="肝外转移与转移器官记录相矛盾，请核对哪一项正确。",
    passes_where_zh="列有肝外器官者填有肝外转移，未列者填无。",
    on_missing="not evaluable; nor where the hospital sends no list of organs",
    on_missing_zh="无法判定；医院未提供转移器官记录时亦然",
)
def metastasis_flag_agrees_with_organs() -> pl.Expr:
    """Metastasis is recorded exactly where an extrahepatic organ is listed."""
    return pl.col("has_extrahepatic_metastasis") == (pl.col("metastasis_organ_number") > 0)


@rule(
    table="baseline",
    field="metastasis_site_number",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="The number of metastases (cut at 5) is a matching variable; organs and lesions are easily confused.",
    why_zh="转移灶数（以5个为界）是匹配变量；器官数与病灶数容易混淆。",
    en="The number of metastatic lesions does not agree with the lesions listed by organ. Please check both; lesions are counted, not organs.",
    zh="转移灶数与各器官转移灶记录不符，请核对（应填病灶数，而非器官数）。",
    passes_where_zh="转移灶数等于各器官转移灶数之和，且不少于器官数。",
    on_missing="not evaluable; where an organ has no number only the number of organs is compared",
    on_missing_zh="无法判定；有器官未填灶数时仅与器官数比较",
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
    why="The organs (lung, other, both) are a matching variable; an organ left out moves the patient to another level.",
    why_zh="转移器官（肺、其他、两者均有）是匹配变量；遗漏一个器官会使患者归入错误的类别。",
    en="A lesion lies at the baseline in an organ that is not among the metastatic organs listed. Please check the list and the lesion's organ.",
    zh="基线影像有病灶的肝外器官未列入转移器官，请核对转移器官及病灶部位。",
    passes_where_zh="基线有病灶的肝外器官均已列为转移器官。",
)
def metastasis_organs_agree_with_lesions() -> pl.Expr:
    """Every organ with a baseline lesion outside the liver is listed."""
    return pl.col("unlisted_metastasis_organ_number") == 0


@rule(
    table="metastasis",
    field="organ",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="An intrahepatic metastasis counted as extrahepatic would make an ineligible patient eligible.",
    why_zh="肝内转移若计为肝外转移，会使不符合条件的患者入组。",
    en="The liver or the portal vein is listed as an organ of extrahepatic metastasis. Please remove it, or correct the organ.",
    zh="肝脏或门静脉被列为肝外转移器官，请删除或更正部位。",
    passes_where_zh="肝外转移器官中没有肝脏或门静脉。",
)
def metastasis_is_not_in_liver() -> pl.Expr:
    """No organ of extrahepatic metastasis is the liver or its portal vein."""
    return ~pl.col("organ").is_in(INTRAHEPATIC_ORGANS)
