"""Laboratory values that are only bounds and leave open what the study needs of them."""

from __future__ import annotations

import polars as pl

from schemas.codes import LabTest, Severity
from schemas.definitions.bounds import BOUND_SIGNS, LEVEL_CUTS, compute_settles_level
from schemas.rules.rule import is_implied, rule

OF_LIVER = (LabTest.BILIRUBIN.value, LabTest.ALBUMIN.value, LabTest.INR.value, LabTest.PT_PROLONGATION.value)


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="protocol, bounds: a bound that leaves a level open leaves it unknown",
    why="An unknown level removes the patient from the study (E4), although the laboratory may know the value.",
    why_zh="水平不明会使该患者被排除（E4），而检验科可能有具体数值。",
    en="This baseline value is only a bound (such as < 200), and the study's limit lies within what it allows: the level is unknown, which removes the patient. "
    "Please give the value, or a bound beyond the limit.",
    zh="该基线检验值仅为界限值（如<200），研究分界点在其允许范围内，无法判定所属水平，患者将因此被排除。请提供具体数值，或不跨越分界点的界限值。",
    passes_where_zh="基线值仅为界限值时，由其决定的各项仍可确定：所属水平、ALBI分级，以及未填Child-Pugh分级者的计分。",
    on_missing="not evaluable without a value, nor of bilirubin or albumin without the other",
    on_missing_zh="无该值时无法判定；胆红素与白蛋白缺另一项时亦然",
)
def bound_settles_level() -> pl.Expr:
    """What hangs on a baseline value that is a bound is known: its level, its ALBI grade, its points where no Child-Pugh class is recorded."""
    is_needed = pl.col("test").is_in([*LEVEL_CUTS, *OF_LIVER]) & (pl.col("visit_number") == 0)
    return is_implied(is_needed & pl.col("value_comparator").is_in(BOUND_SIGNS), compute_settles_level())
