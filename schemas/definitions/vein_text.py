"""What a report says of each vein: affirmed, denied or uncertain. The grammar of `vein_words`.

A text is cut into clauses, a clause into groups: some vessels and what is said of them. What is said stands behind the
vessels ("主干及右支未见癌栓") or before them ("no thrombus in the main trunk or its branches"); a sign belongs to the vessel
beside it. A clause without a vessel speaks of the one before ("右支增粗，其内见癌栓"). A vessel of which nothing is said
is where the thrombus lies ("门静脉右支"), unless a thrombus is denied and none affirmed. A word that is not known makes
what its clause says uncertain: nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import dropwhile, takewhile
from typing import NamedTuple

from schemas.definitions.vein_words import WHOLE_PORTAL, Kind, Place, Stated, Token, Vessel, match_words, read_stated


class Said(StrEnum):
    """What a text says of a tumour thrombus in a vessel."""

    AFFIRMED = "affirmed"
    DENIED = "denied"
    UNCERTAIN = "uncertain"


class Statement(NamedTuple):
    """A vessel and what is said of it; `is_listed` is a portal vein beside its branches, which the branches do not explain."""

    vessel: Vessel
    said: Said
    is_listed: bool = False


class Report(NamedTuple):
    """What a text says: of vessels, and the types it states (None: a stated type that is doubted or not understood)."""

    statements: tuple[Statement, ...]
    stated: tuple[Stated | None, ...]


@dataclass
class _Group:
    """Vessels of a clause and what is said of them: before the first vessel, and behind one."""

    vessels: list[Vessel] = field(default_factory=list)
    before: list[Kind] = field(default_factory=list)
    behind: list[Kind] = field(default_factory=list)
    is_joined: bool = True
    is_doubtful: bool = False
    is_alternative: bool = False  # a tumour thrombus or a clot
    follows_negation: bool = False
    is_rest: bool = False
    said: Said | None = None  # by another clause

    def has(self, *kinds: Kind) -> bool:
        return any(kind in self.before or kind in self.behind for kind in kinds)

    def add_vessel(self, vessel: Vessel, *, is_joined: bool) -> None:
        if self.vessels and not is_joined:
            if self.vessels[-1].is_whole and vessel.place is Place.PORTAL:
                self.vessels.pop()  # "门静脉（右支）": the second says which
            else:
                self.is_joined = False
        self.vessels.append(vessel)


_PREDICATES = (
    Kind.THROMBUS, Kind.CLOT, Kind.INVASION, Kind.NEGATION, Kind.FREE, Kind.PLUS, Kind.MINUS, Kind.THERE, Kind.OCCLUDED,
    Kind.CHANGE, Kind.BESIDE,
)  # fmt: skip
_SIGNS = (Kind.PLUS, Kind.MINUS)
_OPENING = (Kind.INVASION, Kind.NEGATION, Kind.FREE)
_LEADING = (Kind.JOIN, Kind.OR, Kind.INVASION, Kind.NEGATION)
"""Words that what follows belongs to: "未见其余分支癌栓", "累及其余分支"."""
_BREAKS = (Kind.COMMA, Kind.STOP)
TYPE_OF_A_MAIN_BRANCH = 2
"""Cheng's type II: the left or the right branch."""
_EXPLAINS = (Kind.VESSEL, Kind.JOIN, Kind.OR, Kind.TYPE)
# Copied reports have 2,000 characters; the grammar looks back within a sentence, which need not end.
_LONGEST_REPORT = 10_000
_BLANK_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff)+-])[ \t\u3000]+(?=[\u3400-\u9fff])")


def read_report(text: str) -> Report | None:
    """Return what a text says; None where a blank between Chinese words may end a clause or not, and it matters, or it is too long for a report."""
    if len(text) > _LONGEST_REPORT:
        return None
    normal = unicodedata.normalize("NFKC", text).lower().strip(" \t\n.。")
    if not _BLANK_BETWEEN.search(normal):
        return _read(normal)
    one, other = (_read(_BLANK_BETWEEN.sub(blank, normal)) for blank in ("", ","))
    return one if _sum_up(one) == _sum_up(other) else None


def _sum_up(report: Report) -> tuple[frozenset[tuple[Vessel, Said]], tuple[Stated | None, ...]]:
    return frozenset((s.vessel, s.said) for s in report.statements if not s.vessel.is_whole), report.stated


def _read(text: str) -> Report:
    tokens = _resolve_parentheses(match_words(text))
    groups: list[_Group] = []
    sentence = 0
    for clause, end in _cut_clauses(tokens):
        new = _split_clause(clause)
        _mark_doubt(new, clause)
        if len(new) == 1 and not new[0].vessels:
            earlier = groups if any(t.kind is Kind.ITS for t in clause) else groups[sentence:]
            new = _lend_vessels(new[0], clause, earlier)
        _continue_list(groups[sentence:], new, clause)
        groups += new
        if end is Kind.STOP:
            sentence = len(groups)
    return Report(tuple(_state(groups)), tuple(_list_stated(tokens)))


def _resolve_parentheses(tokens: Sequence[Token]) -> list[Token]:
    """Take parentheses that hold only vessels or a type for what they explain, others for clauses of their own."""
    resolved: list[Token] = []
    is_own = True  # one that is closed and was never opened ends what stands before it
    says_more = _find_clauses(tokens)
    for token, more in zip(tokens, says_more, strict=True):
        if token.kind is Kind.OPEN:
            is_own = more
        if token.kind not in (Kind.OPEN, Kind.CLOSE):
            resolved.append(token)
        elif is_own:
            resolved.append(Token(Kind.COMMA, token.text))
    return resolved


def _find_clauses(tokens: Sequence[Token]) -> list[bool]:
    """Return of each token whether what follows, up to the next closing parenthesis, is more than vessels and types."""
    found: list[bool] = []
    more = False
    for token in reversed(tokens):
        found.append(more)
        more = token.kind is not Kind.CLOSE and (more or token.kind not in _EXPLAINS)
    return found[::-1]


def _cut_clauses(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], Kind]]:
    clause: list[Token] = []
    for token in (*tokens, Token(Kind.STOP, "")):
        if token.kind is Kind.REST and _is_said(clause):
            yield clause, Kind.COMMA
            clause = []
        if token.kind not in _BREAKS:
            clause.append(token)
        else:
            if clause:
                yield clause, token.kind
            clause = []


def _is_said(clause: Sequence[Token]) -> bool:
    """Whether a clause has said something of a vessel, so that the rest begins another: "右支癌栓余未见癌栓"."""
    behind = [t.kind for t in dropwhile(lambda t: t.vessel is None, clause)]
    return any(kind in _PREDICATES for kind in behind) and behind[-1] not in _LEADING


def _split_clause(clause: Sequence[Token]) -> list[_Group]:
    """Return the groups of a clause: a vessel behind what was said of others begins a new one."""
    groups = [_Group()]
    waiting: list[Kind] = []  # said of the vessels that follow
    is_bland = any(token.kind is Kind.BLAND for token in clause)
    is_closed = False
    last = None
    last_vessel = max((i for i, token in enumerate(clause) if token.vessel), default=-1)
    for i, token in enumerate(clause):
        group = groups[-1]
        is_full = bool(group.vessels and (group.behind or (group.before and token.kind in _OPENING)))
        is_followed = i < last_vessel
        if token.vessel is not None:
            if waiting or (group.vessels and group.behind):
                groups.append(_begin_group(group, waiting, is_joined=last in (Kind.JOIN, Kind.OR)))
                waiting, is_closed = [], False
            groups[-1].add_vessel(token.vessel, is_joined=last in (Kind.JOIN, Kind.OR))
        elif token.kind is Kind.REST:
            group.is_rest = True
        elif token.kind in _PREDICATES:
            kind = Kind.CLOT if is_bland and token.kind is Kind.THROMBUS else token.kind
            waits = is_followed and (waiting or is_closed or (is_full and token.kind in _OPENING))
            if waits and token.kind not in _SIGNS:
                waiting.append(kind)
            else:
                (group.behind if group.vessels else group.before).append(kind)
                is_closed = is_closed or (bool(group.vessels) and token.kind in (Kind.FREE, *_SIGNS))
        last = last if token.kind in (Kind.ITS, Kind.ALL, Kind.READS) else token.kind
    return groups


def _begin_group(before: _Group, waiting: list[Kind], *, is_joined: bool) -> _Group:
    """Begin a group behind another one of its clause. "未见右支癌栓及主干癌栓" denies both."""
    is_shared = is_joined and Kind.NEGATION in before.before and not before.follows_negation and not waiting
    group = _Group(before=[Kind.NEGATION] if is_shared else list(waiting), is_rest=before.is_rest)
    group.follows_negation = before.has(Kind.NEGATION) and not is_shared
    return group


def _mark_doubt(groups: list[_Group], clause: Sequence[Token]) -> None:
    """Mark what a clause says as doubtful where it holds a doubt, or a word that is not known."""
    kinds = [token.kind for token in clause]
    has_several_signs = sum(kind in _SIGNS for kind in kinds) > 1
    for group in groups:
        group.is_doubtful = Kind.DOUBT in kinds or Kind.UNKNOWN in kinds
        group.is_alternative = _leaves_open_which(clause)
        if has_several_signs and len(group.vessels) > 1 and group.has(*_SIGNS):
            group.is_joined = False  # whose sign it is cannot be told


def _leaves_open_which(clause: Sequence[Token]) -> bool:
    """Whether a clause names a tumour thrombus or a clot ("癌栓或血栓", "血栓/癌栓"), and not both of them ("癌栓及血栓")."""
    triples = zip(clause, clause[1:], clause[2:], strict=False)
    named = {Kind.THROMBUS, Kind.CLOT}
    return any(
        {one.kind, other.kind} == named and (between.kind is Kind.OR or between.text == "/")
        for one, between, other in triples
    )


def _lend_vessels(group: _Group, clause: Sequence[Token], earlier: list[_Group]) -> list[_Group]:
    """Return what a clause without a vessel says, of the vessels before it; nothing where it speaks of something else."""
    kinds = {token.kind for token in clause}
    names_one = group.has(Kind.THROMBUS, Kind.CLOT)
    doubts = bool(kinds & {Kind.DOUBT, Kind.BLAND}) and Kind.FOREIGN not in kinds
    before = next((g for g in reversed(earlier) if g.vessels), None)
    is_other = names_one and not group.has(Kind.THROMBUS) and clause[0].kind is not Kind.JOIN
    if before is not None and (is_other or (clause[0].kind is Kind.READS and Kind.UNKNOWN in kinds)):
        before.is_doubtful = before.is_doubtful or _judge(before) is Said.AFFIRMED  # "充盈缺损，考虑血栓"
    if not (names_one or doubts) and kinds & {Kind.FOREIGN, Kind.UNKNOWN}:
        if before is not None and _is_bare(before):  # "主干（详见报告）"
            before.is_doubtful = Kind.UNKNOWN in kinds
        return []
    if before is None:
        return _name_portal_vein(group, is_alone=not earlier, doubts=doubts)
    said = _judge(group)
    if doubts:
        before.is_doubtful = True
    elif said is None:
        before.behind += [kind for kind in group.before if kind in (Kind.CHANGE, Kind.OCCLUDED)]
    elif _judge(before) is None and not group.is_rest:
        before.said = said
    elif not before.is_doubtful:
        return [replace(group, vessels=[WHOLE_PORTAL] if group.is_rest else list(before.vessels))]
    return []


def _name_portal_vein(group: _Group, *, is_alone: bool, doubts: bool) -> list[_Group]:
    """Take what is said of no vessel for the portal vein's: the column is about it."""
    if group.has(Kind.THROMBUS, Kind.CLOT) or doubts or (is_alone and set(group.before) - {Kind.OCCLUDED}):
        return [replace(group, vessels=[WHOLE_PORTAL])]
    return []


def _continue_list(earlier: list[_Group], new: list[_Group], clause: Sequence[Token]) -> None:
    """Let a clause of bare vessels go on with a list: "no thrombus in the main trunk, left or right branch"."""
    if not new:
        return
    first, kinds = new[0], [token.kind for token in clause]
    bare = list(takewhile(_is_bare, reversed(earlier)))
    if len(new) == 1 and _is_bare(first) and len(bare) < len(earlier):
        before = earlier[-1 - len(bare)]
        is_open = bool(before.vessels and before.before and not before.behind)
        said = _judge(before) if is_open else None
        is_end = Kind.OR in kinds or kinds[0] is Kind.JOIN
        if said is Said.AFFIRMED or (said is Said.DENIED and is_end):
            for group in (*bare, first):
                group.before = list(before.before)
    elif first.vessels and first.behind and _judge(first) is Said.DENIED:
        is_list = Kind.ALL in kinds or (sum(len(v.names) for v in first.vessels) > 1 and first.is_joined)
        for group in bare:  # "主干，左支及右支未见癌栓"; whether "主干，右支未见癌栓" is a list cannot be told
            group.said = Said.DENIED if is_list else Said.UNCERTAIN


def _is_bare(group: _Group) -> bool:
    return bool(group.vessels) and not (group.before or group.behind or group.is_doubtful or group.said)


def _judge(group: _Group) -> Said | None:
    """Return what is said of a group's vessels; None where nothing is said of a thrombus."""
    names_one = group.has(Kind.THROMBUS, Kind.CLOT)
    if group.has(Kind.BESIDE) and not names_one and group.said is None:
        return None
    if group.is_doubtful:
        return Said.UNCERTAIN
    said = group.said or _judge_words(group)
    if group.has(Kind.OCCLUDED) and said is not Said.AFFIRMED:
        return Said.UNCERTAIN
    is_open = group.follows_negation and said is not Said.DENIED
    if is_open and not (group.has(Kind.THERE, Kind.PLUS) or _is_silent(group)):
        return Said.UNCERTAIN
    return said


def _is_silent(group: _Group) -> bool:
    return bool(group.before or group.behind) and not group.has(Kind.THROMBUS, Kind.CLOT, Kind.INVASION, Kind.NEGATION)


def _judge_words(group: _Group) -> Said | None:
    negations = sum(kind is Kind.NEGATION for kind in (*group.before, *group.behind))
    if group.has(*_SIGNS):
        return _judge_sign(group, negations)
    if group.has(Kind.FREE):
        is_clear = (
            not group.has(Kind.THROMBUS, Kind.CLOT, Kind.INVASION, Kind.THERE) if not negations else _denies_both(group)
        )
        return Said.DENIED if is_clear else Said.UNCERTAIN
    if negations:
        return _judge_negation(group, negations)
    if group.has(Kind.THROMBUS, Kind.INVASION, Kind.THERE):
        return Said.UNCERTAIN if group.has(Kind.BESIDE) or group.is_alternative else Said.AFFIRMED
    return Said.UNCERTAIN if group.has(Kind.CLOT) else None


def _judge_sign(group: _Group, negations: int) -> Said:
    """Judge a group with a sign, which belongs to one vessel or to a list whose only sign it is."""
    if group.has(Kind.PLUS) and group.has(Kind.MINUS):
        return Said.UNCERTAIN
    if negations or not group.is_joined or group.has(Kind.FREE, Kind.CLOT):
        return Said.UNCERTAIN
    return Said.AFFIRMED if group.has(Kind.PLUS) else Said.DENIED


def _denies_both(group: _Group) -> bool:
    """Whether a group says "patent, no thrombus", and not "not patent"."""
    words = [*group.before, *group.behind]
    return words.count(Kind.NEGATION) == 1 and group.has(Kind.THROMBUS, Kind.CLOT)


def _judge_negation(group: _Group, negations: int) -> Said | None:
    """Judge a group with a negation. One that stands before vessels reaches over them as far as they are joined."""
    is_first = Kind.NEGATION in group.before
    if not group.has(Kind.THROMBUS, Kind.CLOT, Kind.INVASION) and group.has(Kind.CHANGE, Kind.BESIDE):
        return None
    is_twice = is_first and Kind.THROMBUS in group.before and Kind.THROMBUS in group.behind
    affirms_first = not is_first and any(kind in group.before for kind in (Kind.THROMBUS, Kind.INVASION))
    if negations > 1 or is_twice or (affirms_first and group.vessels) or (is_first and not group.is_joined):
        return Said.UNCERTAIN
    return Said.DENIED


def _state(groups: Sequence[_Group]) -> Iterator[Statement]:
    """Yield what is said of each vessel; one of which nothing is said is where the thrombus lies, or uncertain."""
    portal = [_judge(g) for g in groups if any(v.place is Place.PORTAL for v in g.vessels)]
    is_denied = any(_judge(g) is Said.DENIED and _denies_thrombus(g) for g in groups)
    bare = Said.UNCERTAIN if is_denied and Said.AFFIRMED not in portal else Said.AFFIRMED
    for group in groups:
        said = _judge(group)
        is_bare = _is_bare(group)
        if said is None and not is_bare:
            continue
        for vessel in group.vessels:
            is_listed = vessel.is_whole and len(group.vessels) > 1
            if group.is_rest:
                yield _state_rest(vessel, said or bare)
            elif is_bare and said is None:
                yield Statement(vessel, bare if vessel.place is Place.PORTAL else Said.UNCERTAIN, is_listed)
            elif said is not None:
                yield Statement(vessel, said, is_listed)


def _state_rest(vessel: Vessel, said: Said) -> Statement:
    """Say it of what is left of a vessel; of "the other branches" that are not free one may be the left or the right branch."""
    high = vessel.high if said is Said.DENIED else max(vessel.high, TYPE_OF_A_MAIN_BRANCH)
    return Statement(Vessel(vessel.place, frozenset({"rest"}), vessel.low, high), said)


def _denies_thrombus(group: _Group) -> bool:
    return group.said is Said.DENIED or group.has(Kind.NEGATION, Kind.MINUS)


def _list_stated(tokens: Sequence[Token]) -> Iterator[Stated | None]:
    for clause, _ in _cut_clauses(tokens):
        kinds = {token.kind for token in clause}
        is_clear = not kinds & {Kind.DOUBT, Kind.UNKNOWN, Kind.NEGATION}
        yield from (read_stated(t.text) if is_clear else None for t in clause if t.kind is Kind.TYPE)
