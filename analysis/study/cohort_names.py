"""The cohorts of a study: their ids, as results hold them, and their names, as everything printed says them."""

from __future__ import annotations

from etl.pages.text import Text

ALL = "all"
MATCHED = "matched"
WEIGHTED = "weighted"
COHORT_NAMES = {
    ALL: Text("Whole cohort", "全队列"),
    MATCHED: Text("Matched cohort", "匹配队列"),
    WEIGHTED: Text("Weighted cohort", "加权队列"),
}


def name_cohort(cohort: str) -> str:
    """The name of a cohort inside an English sentence: `matched cohort`."""
    return COHORT_NAMES[cohort].en.lower()
