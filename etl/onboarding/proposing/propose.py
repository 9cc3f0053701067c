"""What each column of a source probably means, how sure that is, and why; where it is not sure enough, nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import polars as pl
from rapidfuzz import fuzz

from etl.mapping.site import EACH, IDENTIFIER_ROLES, VISIT
from etl.mapping.units import is_unit
from etl.onboarding.proposing.codes import read_number
from etl.onboarding.proposing.dictionary import Dictionary, says_missing
from etl.onboarding.proposing.layout import FoundSource, Layout
from etl.onboarding.proposing.profile import Kind, Profile, profile_column, split_unit
from etl.onboarding.proposing.proposal import (
    BY_DICTIONARY,
    BY_LABEL,
    KNOWN_IN_TABLE,
    KNOWN_WORD,
    LOWEST,
    PART_OF_HEADER,
    Proposal,
)  # fmt: skip
from etl.onboarding.proposing.redcap import EVENT_NAMES, describe_bookkeeping, find_column
from etl.onboarding.proposing.rivals import drop_rivals
from etl.onboarding.proposing.visits import add_visit, find_group_visits, find_visits
from etl.onboarding.proposing.words import (
    IDENTIFIER,
    NATIONAL_ID,
    NOT_NEEDED,
    PATIENT_NUMBER,
    Meaning,
    find_code,
    find_limits,
    list_meanings,
    read_asked_words,
    read_column_words,
    read_fields,
    read_other_words,
    read_table_column_words,
    squeeze,
)
from etl.pages.text import Text
from schemas.contract import FieldContract, read_key
from schemas.tables import TABLES
from schemas.units import normalise_unit

_FITS, _NO_VALUES, _MISFITS = 1.0, 0.9, 0.4
_CLEAR_LEAD = 0.04
_SIMILAR = 90
_ALIKE = 3
_STATES_OF_A_BOX = 3
_ELSEWHERE = 0.9
_SHORTEST_LATIN, _SHORTEST_CHINESE = 4, 2
_ENOUGH_FIT = 0.8
_EXCEL_DAYS = (20_000, 60_000)
_MANY_ROWS = tuple(name for name, model in TABLES.items() if len(read_key(model)) > 1)
"""Tables with several records of a patient: in a sheet of one of them a column hardly belongs to another table."""
_LOOKS = {
    "national id": (NATIONAL_ID, Text("the values look like ID-card numbers", "内容形似身份证号")),
    "telephone or mail": (IDENTIFIER, Text("the values look like telephone numbers or mail addresses", "内容形似电话或邮箱")),
    "name": (IDENTIFIER, Text("the values look like names", "内容形似姓名")),
}  # fmt: skip


def propose_columns(source: FoundSource, layout: Layout) -> list[Proposal]:
    """Propose a meaning for each column of one source; no field of a record is proposed twice."""
    dictionary = layout.dictionary
    patients = _find_patients(source)
    profiles = [_profile(name, source, dictionary, patients) for name in source.columns]
    stems = _strip_prefix(profiles, source)
    visits = find_visits(stems) or find_group_visits(source.levels)
    stems |= {column: stem for column, (stem, _) in visits.items()}
    home = source.table or _find_home(stems.values())
    has_patient = _has_patient(stems.values())
    proposals = [_propose(source, p, stems[p.column], home, dictionary, has_patient=has_patient) for p in profiles]
    wide = [add_visit(p, visits[p.column][1]) if p.column in visits else p for p in proposals]
    wide = _propose_events(source, wide)
    return drop_rivals(wide, _count_numbers(layout))


def _propose_events(source: FoundSource, proposals: Sequence[Proposal]) -> list[Proposal]:
    """Let the events of an export say which visit a row is, where a table of the source needs one and no other column says it."""
    event = find_column(source.columns, EVENT_NAMES) if source.is_redcap else None
    meanings = [p.meaning for p in proposals if p.meaning]
    named = {m.table for m in meanings if m.field == VISIT or f"{VISIT}=" in m.record}
    needing = sorted({m.table for m in meanings if m.field and VISIT in read_key(TABLES[m.table])} - named)
    if event is None:
        return list(proposals)
    if needing:
        told = Text(
            f"says which visit a record of {', '.join(needing)} is", f"说明 {'、'.join(needing)} 的记录属于哪次访视"
        )
        found = Proposal(
            source.name,
            next(p.profile for p in proposals if p.column == event),
            list_meanings()[VISIT],
            BY_DICTIONARY,
            told,
        )
    else:
        told = Text("no table of these rows needs a visit", "这些行的表均不需要访视号")
        found = Proposal(
            source.name,
            next(p.profile for p in proposals if p.column == event),
            list_meanings()[NOT_NEEDED],
            BY_DICTIONARY,
            told,
        )
    return [found if p.column == event else p for p in proposals]


def _count_numbers(layout: Layout) -> Counter[str]:
    """Return in how many sheets each name of a patient's number stands."""
    sheets = {(s.origin, s.sheet): s for s in layout.sources if not s.reason}
    return Counter(
        name for s in sheets.values() for name in s.columns if _has_patient([split_unit(s.own_name(name))[0]])
    )


def _find_patients(source: FoundSource) -> pl.Series | None:
    """Return the patients' numbers of a source, None where no header says which column they are."""
    named = [
        name
        for name in source.columns
        if _has_patient([split_unit(source.own_name(name))[0], source.labels.get(name, "")])
    ]
    return next((source.rows[name] for name in named if source.rows[name].n_unique() > 1), None)


def _profile(name: str, source: FoundSource, dictionary: Dictionary | None, patients: pl.Series | None) -> Profile:
    """Describe a column; a unit that its header does not name may stand in the dictionary's note or in its description."""
    described = dictionary.find(name) if dictionary else None
    choices = (dictionary.list_choices(name) if dictionary else {}) or source.choices.get(name, {})
    profile = profile_column(name, source.rows[name], choices, patients, written=source.writing.of(name))
    if profile.unit:
        return profile
    told = (described.note if described else "", source.labels.get(name, ""))
    units = [normalise_unit(text) if is_unit(text) else split_unit(text)[1] for text in told]
    return replace(profile, unit=next(filter(None, units), None))


def _strip_prefix(profiles: Sequence[Profile], source: FoundSource) -> dict[str, str]:
    """Return each column's words.

    Of a header in several rows they are the lowest; in a form whose columns begin alike (`les_date`, `les_mm`) the beginning says nothing.
    """
    if source.levels:
        return {p.column: split_unit(source.own_name(p.column))[0] for p in profiles}
    prefixes = Counter(
        p.column.split("_")[0] for p in profiles if "_" in p.column and not p.column.startswith("redcap_")
    )
    prefix, n = prefixes.most_common(1)[0] if prefixes and source.form else ("", 0)
    if n < _ALIKE and not (n > 1 and (source.form or "").startswith(prefix)):
        return {p.column: p.stem for p in profiles}
    return {p.column: re.sub(rf"^{re.escape(prefix)}(_|$)", "", p.stem) for p in profiles}


def _find_home(stems: Iterable[str]) -> str:
    """Return the table that most of the columns belong to."""
    votes: Counter[str] = Counter()
    for stem in stems:
        for name in read_column_words().get(squeeze(stem), ()):
            votes[list_meanings()[name].table] += 1
    votes.pop("", None)
    return votes.most_common(1)[0][0] if votes else ""


def _has_patient(stems: Iterable[str]) -> bool:
    return any(PATIENT_NUMBER in read_column_words().get(squeeze(stem), ()) for stem in stems)


def _propose(
    source: FoundSource, profile: Profile, stem: str, home: str, dictionary: Dictionary | None, *, has_patient: bool
) -> Proposal:
    if source.is_redcap:
        known = describe_bookkeeping(profile.column, source.rows[profile.column], dictionary, source.form, source.forms)
        if known:
            return Proposal(source.name, profile, known[0], BY_DICTIONARY, known[1])
    if other := read_other_words().get(squeeze(stem)):
        return Proposal(source.name, profile, None, 0.0, Text(f"the header means {other.en}", f"表头为{other.zh}"))
    found: dict[str, tuple[float, Text]] = {}
    for name, confidence, reason in _list_candidates(source, profile, stem, home, dictionary):
        if name == PATIENT_NUMBER and has_patient and confidence < KNOWN_WORD:
            continue
        meaning = list_meanings()[name]
        fit, told = rate_fit(meaning, profile)
        is_elsewhere = source.table in _MANY_ROWS and meaning.table not in ("", source.table)
        rated = round(confidence * fit * (_ELSEWHERE if is_elsewhere else 1), 3)
        if rated > found.get(name, (0.0, reason))[0]:
            found[name] = (rated, _join(reason, told))
    ranked = sorted(found.items(), key=lambda item: -item[1][0])
    is_private = any(list_meanings()[name].role in IDENTIFIER_ROLES for name in found)
    return replace(_choose(source, profile, ranked), is_private=is_private)


def _choose(source: FoundSource, profile: Profile, ranked: Sequence[tuple[str, tuple[float, Text]]]) -> Proposal:
    """Return the surest meaning, or none where it is not sure enough or another is nearly as sure."""
    if not ranked or ranked[0][1][0] < LOWEST:
        return Proposal(source.name, profile, None, 0.0, _explain_nothing(ranked, profile))
    name, (confidence, reason) = ranked[0]
    if len(ranked) > 1 and confidence - ranked[1][1][0] < _CLEAR_LEAD:
        rivals = ", ".join(rival for rival, (rated, _) in ranked if confidence - rated < _CLEAR_LEAD)
        return Proposal(source.name, profile, None, 0.0, Text(f"may be any of: {rivals}", f"可能为：{rivals}"))
    meaning = list_meanings()[name]
    if profile.items and meaning.may_list:
        told = Text("a cell lists several", "一格列出多项")
        return Proposal(source.name, profile, replace(meaning, record=EACH), confidence, _join(reason, told))
    return Proposal(source.name, profile, meaning, confidence, reason)


def _list_candidates(
    source: FoundSource, profile: Profile, stem: str, home: str, dictionary: Dictionary | None
) -> Iterator[tuple[str, float, Text]]:
    """Yield meanings with the confidence that header, dictionary or values alone would give them."""
    if profile.looks_like:
        name, reason = _LOOKS[profile.looks_like]
        yield name, BY_DICTIONARY, reason
    described = dictionary.find(profile.column) if dictionary else None
    if described and described.is_identifier:
        yield IDENTIFIER, BY_DICTIONARY, Text("the data dictionary marks it as an identifier", "数据字典标明为身份信息")
    choice = dictionary.find_choice(profile.column) if dictionary else None
    organ = find_code(read_fields("metastasis")["organ"], choice) if choice else None
    if organ:
        yield (
            f"metastasis.organ.{organ}",
            BY_DICTIONARY,
            Text(f"check box of the dictionary: {choice}", f"数据字典的勾选项：{choice}"),
        )
        return
    yield from _match_words(stem, home, KNOWN_WORD, Text("the header is a known word", "表头为已知名称"))
    if profile.stem == "" or stem == "":
        yield from _match_unit(profile, home)
    label = source.labels.get(profile.column)
    if label:
        confidence = KNOWN_WORD if described and described.label else BY_LABEL
        yield from _match_words(
            split_unit(label)[0], home, confidence, Text("its description is a known word", "列说明为已知名称")
        )
    yield from _match_parts(stem)


def _match_words(text: str, home: str, confidence: float, reason: Text) -> Iterator[tuple[str, float, Text]]:
    word = squeeze(text)
    question = read_asked_words().get(word)
    own = (PART_OF_HEADER, _join(reason, question)) if question else (confidence, reason)
    for name in read_column_words().get(word, ()):
        yield name, *own
    if home:
        told = _join(reason, Text(f"in sheets of {home}", f"（{home} 表中）"))
        for name in read_table_column_words(home).get(word, ()):
            yield name, confidence - KNOWN_WORD + KNOWN_IN_TABLE, told


def _match_unit(profile: Profile, home: str) -> Iterator[tuple[str, float, Text]]:
    """Yield the first field of the table that a header of nothing but a unit (`les_mm`) may name."""
    if not home or not profile.unit:
        return
    for name, spec in read_fields(home).items():
        if spec.unit == profile.unit and not spec.is_made:
            yield (
                f"{home}.{name}",
                KNOWN_IN_TABLE,
                Text(f"the header names only the unit {profile.unit}", f"表头仅有单位 {profile.unit}"),
            )
            return


def _match_parts(stem: str) -> Iterator[tuple[str, float, Text]]:
    """Yield what the longest known word in a header means, and what a header means that is a known word but for a letter."""
    header = squeeze(stem)
    words = [word for word in read_column_words() if _is_part(word, header)]
    longest = max(words, key=len, default="")
    for name in read_column_words().get(longest, ()):
        yield name, PART_OF_HEADER, Text(f"the header holds “{longest}”", f"表头含有“{longest}”")
    for word, names in read_column_words().items():
        if len(word) > _SHORTEST_LATIN and word != header and fuzz.ratio(word, header) >= _SIMILAR:
            for name in (name for name in names if not list_meanings()[name].record.strip("?").startswith("organ=")):
                yield name, PART_OF_HEADER, Text(f"the header is nearly “{word}”", f"表头近似“{word}”")


def _is_part(word: str, header: str) -> bool:
    """A Latin word must fill most of a header to say what it is; a Chinese one says it at the header's end."""
    if word == header:
        return False
    if word.isascii():
        return len(word) >= _SHORTEST_LATIN and word in header and 3 * len(word) >= 2 * len(header)
    return len(word) > _SHORTEST_CHINESE and header.endswith(word) and 2 * len(word) >= len(header)


def rate_fit(meaning: Meaning, profile: Profile) -> tuple[float, Text]:
    """Return how well the values fit a meaning, from 0 to 1, and what was seen."""
    spec, nothing = meaning.contract, Text("", "")
    if meaning.id == PATIENT_NUMBER and profile.n_distinct == 1 < profile.n_filled:
        return _MISFITS, Text("all rows hold the same value", "各行取值相同")
    if spec is None:
        return _FITS, nothing
    if profile.kind == Kind.EMPTY:
        return _NO_VALUES, Text("no values to look at", "该列无内容")
    if meaning.record.startswith("?"):
        return (_FITS if profile.n_distinct <= _STATES_OF_A_BOX else _MISFITS), nothing
    return _rate_field(meaning, spec, profile)


def _rate_field(meaning: Meaning, spec: FieldContract, profile: Profile) -> tuple[float, Text]:
    if spec.codes or spec.dtype == pl.Boolean:
        is_list = bool(profile.items) and meaning.may_list
        return _rate_codes(spec, replace(profile, counts=dict(profile.items), kind=Kind.CODE) if is_list else profile)
    if spec.dtype == pl.Date:
        return _rate_dates(profile)
    if spec.dtype in (pl.Int64, pl.Float64):
        return _rate_numbers(meaning, spec, profile)
    return (_MISFITS if profile.kind == Kind.DATE else _FITS), Text("", "")


def _rate_codes(spec: FieldContract, profile: Profile) -> tuple[float, Text]:
    if profile.is_integer_code and not profile.choices:
        return _FITS, Text("few whole numbers", "少数几个整数")
    labels = {text: profile.choices.get(text, text) for text in profile.counts}
    # What a choice list calls missing, or does not list, says nothing about what the column is.
    is_odd = {t: says_missing(labels[t]) or (t not in profile.choices and not find_code(spec, t)) for t in labels}
    told = {t: n for t, n in profile.counts.items() if not (profile.choices and is_odd[t])}
    total = sum(told.values())
    known = sum(n for text, n in told.items() if find_code(spec, labels[text]))
    share = known / total if total else 0.0
    if share >= _ENOUGH_FIT:
        return _FITS, Text(f"{share:.0%} of the values are known codes", f"{share:.0%} 的取值为已知编码")
    if (profile.kind == Kind.CODE or profile.choices) and share > 0:
        return (0.95 if 2 * share >= 1 and profile.choices else 0.85), Text(
            f"{share:.0%} of the values are known codes", f"{share:.0%} 的取值为已知编码"
        )
    is_code = profile.kind == Kind.CODE
    return (0.6 if is_code else _MISFITS), Text("the values are no known codes", "取值不是已知编码")


def _rate_dates(profile: Profile) -> tuple[float, Text]:
    if profile.kind == Kind.DATE:
        return _FITS, Text("the values are dates", "内容为日期")
    low, high = _EXCEL_DAYS
    if profile.kind == Kind.INTEGER and profile.numbers.is_between(low, high).all():
        return _NO_VALUES, Text("the values look like Excel's day numbers", "内容形似 Excel 日期序号")
    return _MISFITS, Text("the values are no dates", "内容不是日期")


def _rate_numbers(meaning: Meaning, spec: FieldContract, profile: Profile) -> tuple[float, Text]:
    if profile.choices and set(profile.counts) <= set(profile.choices.values()) and _counts_by_choice(spec, profile):
        return _FITS, Text("the values are labels of numbers", "取值为数字的标签")
    if profile.numbers.is_empty():
        return _MISFITS, Text("the values are no numbers", "内容不是数字")
    if profile.choices and not _counts_by_choice(spec, profile):
        return _MISFITS, Text("the values are codes, whose labels are no numbers", "取值为编码，其标签不是数字")
    values = profile.numbers
    whole = float((values == values.floor()).mean())  # type: ignore[arg-type]
    if spec.dtype == pl.Int64 and whole < _ENOUGH_FIT:
        return _MISFITS, Text("the values are no whole numbers", "内容不是整数")
    low, high = find_limits(meaning, spec)
    inside = float(values.is_between(low if low is not None else -1e300, high if high is not None else 1e300).mean())  # type: ignore[arg-type]
    if profile.unit is None and inside < _ENOUGH_FIT:
        return 0.8, Text("numbers, many of which lie outside the possible limits", "数字，但许多超出可能范围")
    return _FITS, Text("the values are numbers", "内容为数字")


def _counts_by_choice(spec: FieldContract, profile: Profile) -> bool:
    """Whether the labels of a number's codes are numbers, ECOG 0 for 1: the code itself would be another number."""
    labels = {code: label for code, label in profile.choices.items() if not says_missing(label)}
    if spec.dtype == pl.Int64:
        return all(read_number(label) is not None for label in labels.values())
    return all(code == label.strip() for code, label in labels.items())


def _explain_nothing(ranked: Sequence[tuple[str, tuple[float, Text]]], profile: Profile) -> Text:
    if not ranked:
        return Text("no known word in the header", "表头中没有已知名称")
    name, (_, reason) = ranked[0]
    return _join(Text(f"too unsure for {name}", f"不足以确定为 {name}"), reason)


def _join(first: Text, second: Text) -> Text:
    if not second.en:
        return first
    return Text(f"{first.en}; {second.en}", f"{first.zh}；{second.zh}")
