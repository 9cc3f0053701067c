"""Whether a hospital's data are ready to be analysed: a few conditions, each with its limit and the reason for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from etl.pages.text import Text, format_percent
from etl.quality import thresholds
from etl.quality.measures import filter_current
from etl.quality.priorities import ANALYSED, WAITING, derive_standing, find_open_effects
from etl.quality.status import ASKED
from etl.quality.thresholds import Threshold
from schemas.codes import Severity

Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Condition:
    """One condition: what is counted, what was found and may be found at most, as printed, and whether it is met."""

    label: Text
    found: str
    limit: str
    is_met: bool
    reason: Text


def judge_readiness(own: Frames) -> list[Condition]:
    """Return the conditions of one hospital.

    Needs the frames status, eligibility, patient, measured, expectations, rule_outcomes, ingests. A hospital is ready when
    every condition is met.
    """
    standing = derive_standing(own["eligibility"])["standing"]
    n_analysed, n_waiting = int((standing == ANALYSED).sum()), int((standing == WAITING).sum())
    in_question = find_open_effects(own).filter(pl.col("standing") == ANALYSED)["patient_id"].n_unique()
    is_open_reject = pl.col("status").is_in(ASKED) & (pl.col("severity") == Severity.REJECT.value)
    checks = own["expectations"].filter(pl.col("expectation") != "completeness")
    broken = filter_current(own["rule_outcomes"], own["ingests"]).filter(pl.col("n_error") > 0)["rule_id"].n_unique()
    return [
        _limit_share(Text("analysed patients with an open question", "有未答复质疑的入组患者"), in_question, n_analysed, thresholds.OPEN_QUESTIONS),
        _limit_share(Text("patients who may come in by an answer", "补充后可能入组的患者"), n_waiting, n_analysed + n_waiting, thresholds.WAITING),
        _limit_none(Text("fields below their completeness", "未达完整性要求的字段"), own["measured"].filter(pl.col("is_met").not_()).height),
        _limit_none(Text("rejected records", "被拒收的记录"), own["status"].filter(is_open_reject).height),
        _limit_none(Text("other checks of the batch not met", "其他不符合的整批检查"), checks.filter(pl.col("success").not_()).height),
        _limit_none(Text("checks that could not be run", "未能运行的检查"), broken + int(own["expectations"]["is_error"].sum())),
    ]  # fmt: skip


def _limit_share(label: Text, n: int, total: int, threshold: Threshold) -> Condition:
    share = n / total if total else 0.0
    found = f"{n:,} / {total:,} ({format_percent(share)})"
    limit = f"≤ {format_percent(threshold.value, 0)}"
    return Condition(label, found, limit, total > 0 and share <= threshold.value, threshold.reason)


def _limit_none(label: Text, n: int) -> Condition:
    return Condition(label, f"{n:,}", "0", n == 0, thresholds.NONE_LEFT.reason)
