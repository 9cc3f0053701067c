"""Veins besides the portal vein: what the description says of them against what is recorded."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.definitions.vein_text import Said
from schemas.rules.rule import rule


@rule(
    table="baseline",
    field="has_vena_cava_or_atrium_tumour",
    severity=Severity.QUERY,
    source="protocol E3",
    why="Tumour in the vena cava or the atrium excludes a patient; while description and entry contradict each other, E3 is unknown "
    "and the patient is not analysed, or is left out without a reason.",
    why_zh="下腔静脉或心房癌栓应排除；描述与该项矛盾期间，E3不明，该患者不纳入分析，或被无故排除。",
    en="The description of the veins and the entry 'tumour in the vena cava or the atrium' contradict each other. Which of the two is right?",
    zh="静脉癌栓描述与“下腔静脉或心房癌栓”一项相矛盾，请核对哪一项正确。",
    passes_where_zh="文字描述肯定或否定的腔静脉、心房癌栓与所填一致；静脉受压不作判断。",
    on_missing="not evaluable; nor where the description does not name the vena cava or the atrium, or leaves it uncertain",
    on_missing_zh="无法判定；文字未提及或未能确定腔静脉、心房时亦然",
)
def vena_cava_flag_agrees_with_text() -> pl.Expr:
    """What a description affirms or denies of vena cava and atrium is what is recorded; a compressed vein says nothing."""
    said = pl.col("vena_cava_or_atrium_text")
    has_tumour = pl.col("has_vena_cava_or_atrium_tumour")
    return pl.when(said == Said.AFFIRMED.value).then(has_tumour).when(said == Said.DENIED.value).then(~has_tumour)
