"""The first line of therapy as the study compares it: which drugs stand in it, and how they lie to each other."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.combination import COMBINATION_DAYS, KINASE_INHIBITORS, PD1_INHIBITORS
from schemas.definitions.endpoints import compute_days_between
from schemas.rules.rule import is_implied, rule

ARM = "protocol, arm"


@rule(
    table="treatment",
    field="line_number",
    severity=Severity.QUERY,
    source="protocol, treatment",
    why="Line 1 gives arm and time zero; without it the patient is lost to the study, or the line is numbered wrongly.",
    why_zh="一线治疗决定治疗组和时间起点；缺一线治疗则该患者无法纳入研究，或是治疗线数填写有误。",
    en="A later line of therapy is listed, but no first line. Please add line 1, or check the line number.",
    zh="已列后线治疗，但无一线治疗记录，请补充一线治疗或核对治疗线数。",
    passes_where_zh="有后线治疗者有一线治疗。",
)
def later_line_has_first_line() -> pl.Expr:
    """Who has a later line has a line 1."""
    return pl.col("arm").is_not_null()


@rule(
    table="treatment",
    field="line_number",
    severity=Severity.QUERY,
    source="protocol, arm: begun within 28 days of each other",
    why="A drug of the combination under line 2 leaves line 1 with one drug, and the patient belongs to neither arm.",
    why_zh="联合方案中的一种药物记为二线，一线便只剩一种药物，该患者不属于任何一组。",
    en="This drug started within 28 days of the first line, yet stands under a later line. Was it given together with the first line? "
    "Please check the line number.",
    zh="该药在一线治疗开始后28天内开始，却记为后线，是否属于一线联合方案？请核对治疗线数。",
    passes_where_zh="一线治疗开始后28天内开始的后线药物，不是一线所缺的那一类药物。",
    on_missing="not evaluable without the start of the first line or of the drug",
    on_missing_zh="无一线治疗或该药的开始日期时无法判定",
)
def combination_is_one_line() -> pl.Expr:
    """A later line that starts within 28 days of line 1 does not bring the class of drug that line 1 lacks."""
    is_pd1_apart = pl.col("drug").is_in(PD1_INHIBITORS) & (pl.col("pd1_drug_number") == 0)
    is_kinase_apart = pl.col("drug").is_in(KINASE_INHIBITORS) & (pl.col("kinase_inhibitor_number") == 0)
    is_near = compute_days_between(pl.col("first_line_start_date"), pl.col("start_date")).abs() <= COMBINATION_DAYS
    return is_implied(is_pd1_apart | is_kinase_apart, ~is_near)


@rule(
    table="subject",
    field="arm",
    severity=Severity.QUERY,
    source=ARM,
    why="With two kinase inhibitors the patient belongs to neither arm; two PD-1 inhibitors at one time are hardly ever given, so a date or a drug is wrong.",
    why_zh="同时有两种酪氨酸激酶抑制剂时，该患者不属于任何一组；同一时期使用两种PD-1抑制剂极为少见，应为日期或药物有误。",
    en="The first line holds two kinase inhibitors, or two PD-1 inhibitors at one time. Which were given together, and from when to when? A PD-1 inhibitor "
    "that follows another is no question.",
    zh="一线治疗含两种酪氨酸激酶抑制剂，或同一时期含两种PD-1抑制剂。请注明实际联合使用的药物及起止日期（先后换用PD-1抑制剂无需说明）。",
    passes_where_zh="一线治疗最多一种酪氨酸激酶抑制剂，且不同时使用两种PD-1抑制剂。",
    on_missing="two kinase inhibitors fail whatever their days; of two PD-1 inhibitors not evaluable where a day is missing that would decide",
    on_missing_zh="含两种酪氨酸激酶抑制剂者无论日期均不通过；含两种PD-1抑制剂而缺少起决定作用的日期时无法判定",
)
def first_line_has_one_of_each() -> pl.Expr:
    """Line 1 has at most one kinase inhibitor, and no two PD-1 inhibitors at one time."""
    has_one_antibody = (pl.col("pd1_drug_number") <= 1) | ~pl.col("has_pd1_drugs_at_once")
    return (pl.col("kinase_inhibitor_number") <= 1) & has_one_antibody


@rule(
    table="treatment",
    field="start_date",
    severity=Severity.QUERY,
    source=ARM,
    why="A drug added weeks later is another regimen: the patient counts as treated otherwise and belongs to neither arm.",
    why_zh="数周后才加用的药物属于另一方案：该患者按其他治疗计，不属于任何一组。",
    en="This drug of the first line starts more than 28 days after the first drug, so that the patient belongs to neither arm. Is it the same line of therapy, "
    "and is the date right?",
    zh="该一线药物的开始日期晚于首个药物28天以上，故该患者不属于任何一组。请核对是否为同一线治疗及开始日期。",
    passes_where_zh="一线各药在28天内开始；换用的PD-1抑制剂可在任何时间开始。",
    on_missing="not evaluable, unless the drug follows another PD-1 inhibitor of the line",
    on_missing_zh="无法判定，该药为换用的PD-1抑制剂者除外",
)
def combination_starts_together() -> pl.Expr:
    """The drugs of line 1 start within 28 days; a PD-1 inhibitor that follows another may start at any time."""
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("start_date"))
    is_change = pl.col("drug").is_in(PD1_INHIBITORS) & (pl.col("start_date") > pl.col("pd1_start_date"))
    return is_implied(pl.col("line_number") == 1, is_change | (days <= COMBINATION_DAYS))


@rule(
    table="treatment",
    field="end_date",
    severity=Severity.QUERY,
    source=f"{ARM}: an infusion covers 21 days",
    why="Two drugs given one after the other are no combination: the patient belongs to neither arm. A wrong last dose does the same.",
    why_zh="先后使用的两种药物不构成联合方案，该患者不属于任何一组；末次用药日期有误也会造成同样结果。",
    en="This drug of the first line had ended before the other one began (an infusion covers 21 days), so that the patient belongs to neither arm. Is the last "
    "dose right?",
    zh="该一线药物在另一药物开始前已结束（一次输注按覆盖21天计），二者未同时使用，故该患者不属于任何一组。请核对末次用药日期。",
    passes_where_zh="联合方案的另一药物开始时，一线最先使用的药物仍在使用。",
    on_missing="not evaluable; a drug without a last dose counts as going on",
    on_missing_zh="无法判定；无末次用药日期的药物视为仍在使用",
)
def combination_is_given_together() -> pl.Expr:
    """The drug that line 1 begins with is still given when the other one of the combination begins."""
    is_of_combination = pl.col("drug").is_in([*KINASE_INHIBITORS, *PD1_INHIBITORS]) & (pl.col("line_number") == 1)
    is_first = pl.col("start_date") == pl.col("first_line_start_date")
    return is_implied(is_of_combination & is_first, ~pl.col("is_begun_together") | pl.col("is_given_together"))


@rule(
    table="treatment",
    field="drug",
    severity=Severity.QUERY,
    source=f"{ARM}: no other systemic drug in the line",
    why="A third drug makes another regimen: the patient belongs to neither arm.",
    why_zh="加用第三种药物即为另一方案，该患者不属于任何一组。",
    en="The first line holds this drug besides a kinase and a PD-1 inhibitor, so that the patient belongs to neither arm. Was it given together with them, or in a "
    "later line?",
    zh="一线治疗除酪氨酸激酶抑制剂与PD-1抑制剂外还列有该药物，故该患者不属于任何一组。请核对其是否同期使用，或属于后线治疗。",
    passes_where_zh="一线治疗除酪氨酸激酶抑制剂与PD-1抑制剂外，无其他类别药物。",
    on_missing="a drug is always there",
    on_missing_zh="药物一项不会缺失",
)
def first_line_has_no_further_drug() -> pl.Expr:
    """Beside a kinase and a PD-1 inhibitor line 1 has no drug of another class."""
    is_further = (pl.col("line_number") == 1) & ~pl.col("drug").is_in([*KINASE_INHIBITORS, *PD1_INHIBITORS])
    return is_implied(is_further, (pl.col("kinase_inhibitor_number") == 0) | (pl.col("pd1_drug_number") == 0))


@rule(
    table="subject",
    field="arm",
    severity=Severity.NOTE,
    source=ARM,
    why="The patient belongs to neither arm; if the other drug of a combination was only left out, the study loses an eligible patient.",
    why_zh="该患者不属于任何一组；若只是漏填联合方案中的另一种药物，研究将损失一名符合入组条件的患者。",
    en="The first line is not one of the two combinations: the kinase inhibitor, the PD-1 inhibitor or both are not listed in it. If one was given, please add it.",
    zh="一线治疗不是两种联合方案之一：未列酪氨酸激酶抑制剂或PD-1抑制剂。如曾使用，请补充。",
    passes_where_zh="一线治疗含一种酪氨酸激酶抑制剂和PD-1抑制剂；含两种酪氨酸激酶抑制剂者由另一规则询问。",
    on_missing="not evaluable without a first line",
    on_missing_zh="无一线治疗时无法判定",
)
def first_line_is_a_combination() -> pl.Expr:
    """Line 1 has a kinase inhibitor and a PD-1 inhibitor; of two kinase inhibitors another rule asks."""
    has_both = (pl.col("kinase_inhibitor_number") == 1) & (pl.col("pd1_drug_number") > 0)
    return has_both | (pl.col("kinase_inhibitor_number") > 1)
