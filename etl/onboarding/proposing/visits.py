"""Tables with one column per visit (`ALT_0`, `ALT_1`; `ALT` under 治疗前 and under 第1次复查): which visit each column is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from etl.onboarding.proposing.profile import split_unit
from etl.onboarding.proposing.proposal import PART_OF_HEADER, Proposal
from etl.onboarding.proposing.words import read_column_words, read_fields, squeeze
from etl.pages.text import Text

_OF_VISIT = re.compile(
    r"^(?P<stem>.{1,200}?)[\s_.-]{0,9}(?:(?P<baseline>baseline|bl|基线)|(?:visit|v|访视|第)?(?P<visit>\d{1,2})次?)$",
    re.IGNORECASE,
)
_BASELINE = re.compile(r"治疗前|基线|入组|用药前|术前|baseline|before|pre|screening", re.IGNORECASE)
_NUMERALS = {numeral: number for number, numeral in enumerate("一二三四五六七八九十", 1)}
_NUMBER = re.compile(r"\d{1,2}|[一二三四五六七八九十]")


def find_visits(stems: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Return the columns of a wide table, one per visit (`ALT_0`, `ALT_1`), with their word and their visit."""
    matches = {column: match for column, stem in stems.items() if (match := _OF_VISIT.match(stem))}
    repeated = Counter(squeeze(match["stem"]) for match in matches.values())
    return {
        column: (match["stem"], 0 if match["baseline"] else int(match["visit"]))
        for column, match in matches.items()
        if repeated[squeeze(match["stem"])] > 1
        and squeeze(match["stem"]) in read_column_words()
        and squeeze(stems[column]) not in read_column_words()
    }


def add_visit(proposal: Proposal, visit: int) -> Proposal:
    """Give a column of a wide table its visit; a person must say whether the number in its name is one."""
    meaning = proposal.meaning
    if meaning is None or "visit_number" not in read_fields(meaning.table or "patient"):
        return proposal
    record = ";".join(filter(None, (meaning.record, f"visit_number={visit}")))
    told = Text(f"one column per visit: is this visit {visit}?", f"每次访视一列：是否为访视 {visit}？")
    wide = replace(meaning, record=record)
    return replace(
        proposal,
        meaning=wide,
        confidence=min(proposal.confidence, PART_OF_HEADER),
        reason=Text(f"{proposal.reason.en}; {told.en}", f"{proposal.reason.zh}；{told.zh}"),
    )


def find_group_visits(levels: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, int]]:
    """Return the columns whose own name stands under several groups, with that name and the visit of their group.

    A group that speaks of the time before the therapy is visit 0; another is the number it names, else its place among them.
    """
    names = Counter(squeeze(texts[-1]) for texts in levels.values() if len(texts) > 1)
    repeated = {column: texts for column, texts in levels.items() if len(texts) > 1 and names[squeeze(texts[-1])] > 1}
    groups = list(dict.fromkeys(texts[0] for texts in repeated.values()))
    later = [group for group in groups if not _BASELINE.search(group)]
    has_baseline = len(later) < len(groups)
    visits = dict.fromkeys(groups, 0) | {group: n for n, group in enumerate(later, has_baseline)}
    if has_baseline:
        visits |= {group: number for group in later if (number := _read_number(group))}
    return {column: (split_unit(texts[-1])[0], visits[texts[0]]) for column, texts in repeated.items()}


def _read_number(group: str) -> int:
    number = _NUMBER.search(group)
    return (_NUMERALS.get(number[0]) or int(number[0])) if number else 0
