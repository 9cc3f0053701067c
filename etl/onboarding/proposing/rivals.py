"""Settles what several columns of a sheet claim: no field of a record is proposed twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from etl.mapping.site import EACH
from etl.onboarding.proposing.proposal import Proposal
from etl.onboarding.proposing.words import IDENTIFIER, NOT_NEEDED, PATIENT_NUMBER, UNIT_COLUMN, list_meanings
from etl.pages.text import Text

_SHARED = (IDENTIFIER, NOT_NEEDED, UNIT_COLUMN)
_BEATEN = Text("another column of this sheet fits this field as well or better", "本表另一列同样或更符合该字段")


def drop_rivals(proposals: Sequence[Proposal], numbers: Mapping[str, int]) -> list[Proposal]:
    """Keep the surest of several columns for one field, and none where two are equally sure.

    `numbers` tells in how many sheets each name of a patient's number stands: the one that joins most sheets is the patient's.
    """
    proposals = _separate_lists(_settle_patient(proposals, numbers))
    best: dict[str, list[float]] = {}
    for p in proposals:
        if p.meaning and p.meaning.id not in _SHARED and p.meaning.record != EACH:
            best.setdefault(f"{p.meaning.id};{p.meaning.record}", []).append(p.confidence)
    kept = []
    for p in proposals:
        rated = sorted(best.get(f"{p.meaning.id};{p.meaning.record}", []), reverse=True) if p.meaning else []
        is_beaten = len(rated) > 1 and (p.confidence < rated[0] or rated[1] == rated[0])
        kept.append(replace(p, meaning=None, confidence=0.0, reason=_BEATEN) if is_beaten else p)
    return kept


def _settle_patient(proposals: Sequence[Proposal], numbers: Mapping[str, int]) -> Sequence[Proposal]:
    claims = [p for p in proposals if p.meaning and p.meaning.id == PATIENT_NUMBER]
    most = max((numbers.get(p.column, 0) for p in claims), default=0)
    first = [p for p in claims if numbers.get(p.column, 0) == most]
    if len(claims) < 2 or len(first) > 1:
        return proposals
    told = Text(
        f"another number of the patient; “{first[0].column}” joins more sheets",
        f"患者的另一编号；“{first[0].column}”关联更多工作表",
    )
    return [
        replace(p, meaning=list_meanings()[IDENTIFIER], reason=told) if p in claims and p is not first[0] else p
        for p in proposals
    ]


def _separate_lists(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Let each of several columns of one coded key (two drugs of one line) make records of its own.

    Beside check boxes, or a column that lists them all, a further column would say the same once more.
    """
    found = Counter(_name_key(p) for p in proposals)
    lists = {_name_key(p): p.column for p in proposals if p.meaning and p.meaning.record == EACH}
    boxes = {_name_key(p): p.column for p in proposals if p.meaning and p.meaning.record.startswith("?")}
    return [_separate_list(p, found[_name_key(p)], boxes, lists) for p in proposals]


def _separate_list(p: Proposal, n: int, boxes: Mapping[str, str], lists: Mapping[str, str]) -> Proposal:
    key = _name_key(p)
    if p.meaning is None or not key or p.meaning.record.startswith("?"):
        return p
    other = boxes.get(key) or lists.get(key, p.column)
    if other != p.column:
        told = Text(f"“{other}” and its like give the same; is this more?", f"“{other}”等列已包含；此列是否另有信息？")
        return replace(p, meaning=None, confidence=0.0, reason=told)
    return replace(p, meaning=replace(p.meaning, record=EACH)) if n > 1 else p


def _name_key(p: Proposal) -> str:
    """Return the coded key that a column gives: the organ for `肺转移` and `转移部位`; "" for none."""
    if p.meaning is None or not (p.meaning.may_list or p.meaning.record == EACH or p.meaning.record.startswith("?")):
        return ""
    return f"{p.meaning.table}.{p.meaning.field}"
