"""Laboratory values of one patient and day agree."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.laboratory_baseline import compute_is_baseline_sample
from schemas.rules.rule import is_implied, rule


@rule(
    table="laboratory",
    field="value",
    severity=Severity.QUERY,
    source="protocol, baseline laboratory: two values of one day",
    why="Which of two values is taken would decide on a level of Table 1, the ALBI grade or the Child-Pugh class; a missing value excludes the patient (E4).",
    en="Two values of this test from the day of the baseline sample lead to different levels, ALBI grades or Child-Pugh classes, and none of them counts. "
    "Which one is right?",
    zh="基线采样日该项有多个结果，所得分组、ALBI分级或Child-Pugh分级不一致，均未采用。请核对以哪一个为准。",
    on_missing="not asked",
)
def baseline_values_agree() -> pl.Expr:
    """Values of one test from the baseline day lead to one level, ALBI grade and Child-Pugh class."""
    return is_implied(compute_is_baseline_sample(), ~pl.col("has_baseline_conflict"))
