"""The words of a report about veins: which vessel, what is said of it, and what only stands around them.

Vessels and what is written in many ways are patterns, here; words that stand as they are lie in `vein_words.csv`, one line a kind.
Of all that fit at a place in the text the longest counts, so no order means anything. A word that is in neither is UNKNOWN and
makes its clause a doubtful one: it may be a negation.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import NamedTuple

from schemas.package_data import find_data


class Place(Enum):
    """What a vessel counts for: a fact of its own each."""

    PORTAL = "portal"
    VENA_CAVA_OR_ATRIUM = "vena cava or atrium"
    HEPATIC_VEIN = "hepatic vein"
    OTHER_VEIN = "other vein"
    NO_VEIN = "no vein"


@dataclass(frozen=True)
class Vessel:
    """A vessel: its names (two for "both branches"), and of a portal one the lowest and highest of Cheng's types it can be.

    `is_whole` is the portal vein without a branch: another word of the text may say which.
    """

    place: Place
    names: frozenset[str]
    low: int = 0
    high: int = 0
    is_whole: bool = False


class Kind(Enum):
    """What a word does in a clause; the values are those of `vein_words.csv`."""

    VESSEL = "vessel"
    TYPE = "type"  # a stated type or class
    THROMBUS = "thrombus"
    CLOT = "clot"  # a blood clot, or a word that leaves open which: no tumour thrombus by itself
    BLAND = "bland"  # makes a clot of a thrombus
    INVASION = "invasion"  # reaches or invades: stands before the vessel or behind it
    NEGATION = "negation"
    FREE = "free"  # patent, normal: denies by itself
    THERE = "there"  # there is one
    PLUS = "plus"
    MINUS = "minus"
    DOUBT = "doubt"
    OCCLUDED = "occluded"  # says neither whether nor of what
    CHANGE = "change"  # calibre, course, pressure: says nothing of a thrombus
    BESIDE = "beside"  # the vessel only tells where something else lies
    READS = "reads"  # opens what the reader takes it for
    FOREIGN = "foreign"  # another subject
    REST = "rest"  # the rest of the portal vein
    ITS = "its"
    ALL = "all"
    JOIN = "join"
    OR = "or"
    COMMA = "comma"
    STOP = "stop"
    OPEN = "open"
    CLOSE = "close"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


class Token(NamedTuple):
    """A word of the text."""

    kind: Kind
    text: str
    vessel: Vessel | None = None


def _portal(names: str, low: int, high: int, *, is_whole: bool = False) -> Vessel:
    return Vessel(Place.PORTAL, frozenset(names.split()), low, high, is_whole)


WHOLE_PORTAL = _portal("portal", 1, 4, is_whole=True)
_CAVA = Vessel(Place.VENA_CAVA_OR_ATRIUM, frozenset({"vena cava"}))
_ATRIUM = Vessel(Place.VENA_CAVA_OR_ATRIUM, frozenset({"atrium"}))

# Pieces of the patterns: the portal vein's own name may stand before a branch's, or, in English, behind it.
_P = r"(?:(?:门静脉|门脉|门v|\bpv)(?:系统)?的?)"
_AND = r"(?:、|及|和|与|或|/)"
_OF = r"(?: of (?:the )?(?:main )?(?:portal veins?|pv))?\b"
_EN_BRANCH = r"(?:portal (?:veins?|venous)(?: branch(?:es)?)?|portal branch(?:es)?|portal|pv(?: branch(?:es)?)?|veins?|branch(?:es)?)"
_EN_SECTOR = r"(?:anterior|posterior|medial|lateral)(?: (?:superior|inferior|sectoral|sectional|segmental|sector|section|segment)){0,4}"
_SIDE = r"(?:左|右|双|两|左右)侧?"
_SECTOR = r"[前后内外][上下侧叶区段]{0,6}"
_TWIG = r"(?:分支|属支|段支|亚支|小支|亚段支|末梢支)"
_WHICH = (
    r"(?:各级|各|所属|部分|多发|多个|周围|远端|远侧|细小|小|外周|末梢|二级|三级|段级|亚段|叶段|肝段|段|其|的|内|级)"
)
_SEGMENT = r"(?:肝?(?:s[1-8]|[1-8]|iv|v?i{1,3}|v)(?:[/、,-]s?[1-8]){0,9}段?的?)"

VESSELS: tuple[tuple[Vessel, tuple[str, ...]], ...] = (
    (WHOLE_PORTAL, (rf"(?:肝内)?{_P}(?:全程)?\b", r"肝内(?:门静脉|门脉)", r"(?:门静脉|门脉)(?:系统|全程)?", r"\bportal(?: (?:veins?|venous system|system|venous))?\b", r"\bpvs?\b", r"\bpvtt\b")),
    (_portal("smv", 4, 4), (r"肠系膜上(?:静脉|v)(?:主干)?", r"\bsuperior mesenteric(?: veins?)?\b", r"\bsmv\b")),
    (_portal("mesenteric", 0, 4), (r"肠系膜静脉", r"\bmesenteric veins?\b")),
    (_portal("macrovascular", 0, 4), (r"大血管", r"血管(?=侵犯|受侵|内?癌栓)", r"\b(?:macro)?vascular\b")),
    (_portal("main", 3, 3), (
        rf"{_P}?(?:主干|总干)", rf"{_P}干", r"主门静脉", r"门干", r"\bmpv\b", r"^main$", r"\bmain(?=,| and | or |/)",
        rf"\bmain (?:portal(?: (?:veins?|trunk|branch))?|trunk|pv|stem|branch){_OF}", rf"\b(?:portal (?:veins? |venous )?)?(?:main )?(?:trunk|stem){_OF}",
    )),
    (_portal("bifurcation", 2, 3), (rf"{_P}?(?:[左右]支?{_AND}?[左右]分?支)?的?(?:分叉|汇合)[部处区]?", rf"\b(?:portal (?:vein )?)?bifurcation{_OF}")),
    (_portal("confluence", 0, 4), (
        rf"(?:(?:{_P}|脾静脉|肠系膜上静脉|\bsmv\b|\bsv\b){_AND}?){{1,5}}汇合[部处区]?",
        r"\b(?:portal |spleno-?portal |splenomesenteric |portosplenic )?(?:venous )?confluence\b",
    )),
    (_portal("left right", 2, 3), (rf"{_P}?{_SIDE}支?(?:主干|总干)",)),
    (_portal("left right", 1, 2), (rf"{_P}?{_SIDE}(?:分支|叶支)", rf"{_P}?{_SIDE}(?:支|干)的?一级主?分支", rf"{_P}肝内分支", rf"{_P}?各支")),
    (_portal("left right", 2, 2), (
        rf"{_P}?(?:左右|双|两|一级)侧?(?:主支|支|干|门静脉|门脉)", rf"{_P}?(?:左侧?支?{_AND}{_P}?右|右侧?支?{_AND}{_P}?左)侧?(?:支|干|门静脉|门脉)", rf"{_P}?一级主?分支",
        rf"\b(?:left(?: and | or |/|, ?)right|right(?: and | or |/|, ?)left|bilateral|both|first[- ]order)(?: main)?(?: first[- ]order)? {_EN_BRANCH}{_OF}",
    )),
    *((_portal(name, 2, 2), (
        rf"{_P}?{zh}侧?(?:主支|支|干)(?:矢状[部段]|横[部段]|脐部)?", rf"{zh}侧?(?:门静脉|门脉)(?:主支)?", rf"\b{name[0]}pv\b",
        rf"\b(?:main )?{name}(?: main)?(?: first[- ]order)? {_EN_BRANCH}{_OF}", rf"\bportal veins?,? \(?{name}\b\)?(?: branch)?",
    )) for name, zh in (("left", "左"), ("right", "右"))),
    (_portal("left", 2, 2), (r"矢状[部段]", r"\bumbilical portion\b")),
    (_portal("sector", 1, 1), (
        rf"{_P}?[左右](?:肝|支|叶|侧)?{_SECTOR}(?:分?支|段支|门静脉支?|门脉支?)", rf"{_P}?{_SECTOR}(?:分?支|段支)",
        rf"{_P}?[左右](?:支|叶)?{_SECTOR}(?:分?支)?{_AND}(?:[左右](?:支|叶)?)?{_SECTOR}(?:分?支|段支)",
        rf"\b(?:(?:left|right)[ -])?{_EN_SECTOR}(?:(?: and | or |/){_EN_SECTOR})?(?: {_EN_BRANCH}){{1,4}}{_OF}", r"\br[ap]pv\b",
    )),
    (_portal("branch", 1, 1), (
        rf"{_P}?{_SIDE}(?:支|干){_WHICH}{{0,4}}{_TWIG}", rf"{_P}?{_WHICH}{{0,4}}(?:及以[上下])?{_TWIG}", rf"{_P}?(?:段支|段级|亚段|叶段支|末梢支|二级支|三级支)",
        rf"{_SEGMENT}{_P}?分?支", rf"\bsegment(?:al|s)?(?: [1-8iv]{{1,9}}(?:(?:/|, ?| and |-)[1-8iv]{{1,9}}){{0,9}})? {_EN_BRANCH}{_OF}",
        rf"\bs[1-8](?:/s?[1-8]){{0,9}} {_EN_BRANCH}{_OF}", rf"\b(?:sectoral|sectional|subsegmental) {_EN_BRANCH}{_OF}",
        rf"\b(?:second|third)[- ]order (?:portal )?(?:vein )?branch(?:es)?{_OF}", rf"\b(?:portal (?:vein(?:ous)? )?)?(?:peripheral |distal |small )?branch(?:es)?{_OF}",
        r"\bbranch(?:es)? of (?:the )?(?:left|right) (?:portal vein|pv|branch)\b",
    )),
    (_CAVA, (r"[上下]?腔静脉", r"下腔(?!隙)", r"\b(?:ivc|svc|ivctt)\b", r"\b(?:(?:inferior|superior) )?venae? cavae?\b")),
    (_ATRIUM, (r"[左右]?心房", r"右房", r"心腔", r"右心(?!膈|缘)", r"\b(?:(?:right|left) )?atri(?:um|al)\b", r"\bra\b")),
    (Vessel(Place.HEPATIC_VEIN, frozenset({"hepatic vein"})), (
        rf"(?:双侧|各支)?肝(?:[左中右]{_AND}?肝?){{0,3}}静脉(?:主干|分支)?", r"[左中右]肝静脉", r"肝短静脉", r"\b[rml]?hvs?\b", r"\bhvtt\b",
        r"\b(?:(?:right|middle|left|accessory)(?:,| and| or|/)? ?){0,3}hepatic veins?\b", r"\bhepatic(?= (?:and|or)\b)",
    )),
    (Vessel(Place.OTHER_VEIN, frozenset({"other vein"})), (
        r"脾静脉", r"[左右双]?侧?肾静脉", r"肠系膜下静脉", r"胃(?:左|冠状)静脉", r"脐旁?静脉", r"奇静脉", r"肾上腺静脉", r"髂静脉", r"\bsplenic veins?\b",
        r"\b(?:(?:left|right) )?renal veins?\b", r"\bsv\b", r"\binferior mesenteric veins?\b", r"\bimv\b", r"\bgonadal veins?\b",
    )),
    (Vessel(Place.NO_VEIN, frozenset({"no vein"})), (
        r"胆(?:总|囊)?管", r"胆道", r"肝总管", r"肝(?:固有|总|左|右)?动脉(?:分支)?", r"肺动脉", r"肺静脉", r"腹主动脉", r"肠系膜上动脉",
        r"\bbile ducts?\b", r"\bbiliary(?: tree| ducts?)?\b", r"\bhepatic arter(?:y|ies)\b", r"\bpulmonary arter(?:y|ies)\b", r"\b(?:superior )?mesenteric artery\b", r"\bsma\b",
    )),
)  # fmt: skip

# How a vessel fills: well, badly, or no more said.
_FILLING = r"(?:显影|显示|显像|充盈|(?:造影剂|对比剂)充盈|强化)"
_NUMBER = r"\d{1,20}(?:\.\d{1,20})?"
PATTERNS: tuple[tuple[Kind, str], ...] = (
    (Kind.FREE, rf"{_FILLING}(?:均)?(?:良好|清晰|清楚|尚可|可|好|佳|正常|均匀)(?!疑|能)"),
    (Kind.FREE, r"(?:未见|无)(?:明显|明确|确切)?异常(?:改变|征象)?"),
    (Kind.DOUBT, rf"(?:未见?|不|无)(?:明确|明显|确切|清晰)?{_FILLING}(?!缺损)"),
    (Kind.DOUBT, rf"{_FILLING}(?:不良|不佳|欠佳|不清[楚晰]?|欠清[楚晰]?|较差|差|淡|浅淡|不均匀?)"),
    (Kind.OCCLUDED, r"(?:软组织|异常)(?:密度|信号)?影?(?:填充|充填)?"),
    (Kind.OCCLUDED, r"内(?:可?见|有)?(?:条[片索]?状|斑?片状|团块?状)?稍?[高低等]密度[影灶]"),
    (Kind.DOUBT, r"\bno (?:longer|more)\b"),
    (Kind.DOUBT, r"\bnot (?:well |clearly |fully |adequately )?(?:assess|evaluat|availab|record|done|known|visuali|opacifi|included|scanned)\w*"),
    (Kind.NEGATION, r"不(?=累及|侵|达|及|延|伴|超过|扩张|增宽|宽)"),
    (Kind.NEGATION, r"非(?=癌栓|瘤栓)"),
    (Kind.PLUS, r"[(\[]\++[)\]]"),
    (Kind.PLUS, r"\+(?=\s{0,9}(?:[,。;、)\n]|$))"),
    (Kind.MINUS, r"[(\[][-—–−一]+[)\]]"),
    (Kind.MINUS, r"-(?=\s{0,9}(?:[,。;、)\n]|$))"),
    (Kind.STOP, r"\.(?=\s|$)"),
    (Kind.STOP, r"\n"),
    (Kind.NEUTRAL, r"\s+"),
    (Kind.NEUTRAL, rf"{_NUMBER}\s{{0,9}}(?:[*x×]\s{{0,9}}{_NUMBER}\s{{0,9}}){{0,2}}(?:mm|cm|个|枚|处)?"),
    (Kind.NEUTRAL, r"肝?[左右][前后内外]?叶(?:[上下]?段)?"),
    (Kind.NEUTRAL, r"肝?s[1-8](?:[/、,-]s?[1-8]){0,9}段?"),
    (Kind.NEUTRAL, r"\bsegments? [1-8iv]{1,9}(?:(?:/|, ?| and |-)[1-8iv]{1,9}){0,9}\b"),
)  # fmt: skip

# A stated type: "程氏IIa型", "PVTT type 2", "VP3", "IV" alone; never a segment, a size or an order of branches.
_NUMERAL = r"(?P<{0}>iv|iii|ii|i|[0-4]|[一二三四])(?P<{0}_sub>[ab0]?)"
_BEFORE = r"(?:(?:pvtt|癌栓|程氏|cheng(?:'s)?|分型|分级|\btype|\bclass|classification)[\s:(为]{0,9}){1,9}"
_NOT_BEHIND = r"(?![0-9a-z.*×])(?!\s{0,9}(?:cm|mm|枚|个|处|条|段|期|分?支|以|及以))"
_LEVEL = r"(?:[型类]|级(?!门))"
_UP_TO = r"\s{0,9}型?\s{0,9}(?:[-~/至到或、]|or|to)\s{0,9}"
_RANGE = rf"{_NUMERAL.format('a')}(?:{_UP_TO}{_NUMERAL.format('b')})?"
_STATED = (
    rf"{_BEFORE}{_RANGE}\s{{0,9}}{_LEVEL}?{_NOT_BEHIND}",
    rf"(?<![0-9a-z.]){_RANGE}\s{{0,9}}{_LEVEL}{_NOT_BEHIND}",
    r"^(?P<a>iv|iii|ii|i|0)(?P<a_sub>[ab]?)$",
    rf"\bvp[\s-]{{0,9}}(?P<vp>[0-4])[a-d]?(?:{_UP_TO}(?:vp)?(?P<vp_b>[0-4])[a-d]?)?\s{{0,9}}{_LEVEL}?{_NOT_BEHIND}",
)
_RANKS = {
    "0": 0,
    "i": 1,
    "1": 1,
    "一": 1,
    "ii": 2,
    "2": 2,
    "二": 2,
    "iii": 3,
    "3": 3,
    "三": 3,
    "iv": 4,
    "4": 4,
    "四": 4,
}
_JAPANESE = {"0": {0}, "1": {1}, "2": {1}, "3": {2}, "4": {3, 4}}


def match_words(text: str) -> list[Token]:
    """Return the words of a text in lower case and normal form (NFKC), in order; what only stands around is left out."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        token = max(_match(text, place), key=lambda one: len(one.text), default=None) or _skip(text, place)
        place += len(token.text)
        if token.kind is not Kind.NEUTRAL:
            tokens.append(token)
        if token.vessel is not None and token.text.endswith("tt"):  # PVTT, IVCTT, HVTT name vessel and thrombus
            tokens.append(Token(Kind.THROMBUS, ""))
    return tokens


def _match(text: str, place: int) -> Iterator[Token]:
    """Yield whatever fits at a place of a text."""
    patterns, some = _read_patterns()
    if some.match(text, place):
        for kind, vessel, pattern in patterns:
            if found := pattern.match(text, place):
                yield Token(kind, found[0], vessel)
    words, longest = _read_words()
    for end in range(min(place + longest, len(text)), place, -1):
        kind = words.get(text[place:end])
        if kind is not None and not _LATIN_INSIDE.match(text, end):
            yield Token(kind, text[place:end])
            return


def _skip(text: str, place: int) -> Token:
    return Token(Kind.UNKNOWN, _LATIN_WORD.match(text, place)[0])  # type: ignore[index]


_LATIN_WORD = re.compile(r"[a-z]+|.", re.DOTALL)
_LATIN_INSIDE = re.compile(r"(?<=[a-z])[a-z]")


@cache
def _read_patterns() -> tuple[tuple[tuple[Kind, Vessel | None, re.Pattern[str]], ...], re.Pattern[str]]:
    """Return every pattern, and one that fits wherever one of them does."""
    vessels = [(Kind.VESSEL, vessel, pattern) for vessel, patterns in VESSELS for pattern in patterns]
    stems = [(kind, None, rf"\b{word[:-1]}\w*") for word, kind in _list_words() if word.endswith("*") and word != "*"]
    written = [
        *((Kind.TYPE, None, pattern) for pattern in _STATED),
        *vessels,
        *((k, None, p) for k, p in PATTERNS),
        *stems,
    ]
    some = "|".join(_NAMED.sub("(?:", pattern) for _, _, pattern in written)
    return tuple((kind, vessel, re.compile(p, re.ASCII)) for kind, vessel, p in written), re.compile(some, re.ASCII)


_NAMED = re.compile(r"\(\?P<\w+>")


@cache
def _read_words() -> tuple[dict[str, Kind], int]:
    words = {word: kind for word, kind in _list_words() if word == "*" or not word.endswith("*")}
    return words, max(map(len, words))


def _list_words() -> Iterator[tuple[str, Kind]]:
    with find_data("schemas.definitions", "vein_words.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield from ((word, Kind(row["kind"])) for column in ("zh", "en") for word in row[column].split("|") if word)


class Stated(NamedTuple):
    """A stated type or class: the types it leaves possible, and whether it names the vena cava (IVb: no portal vein)."""

    types: frozenset[int]
    is_vena_cava: bool = False


def read_stated(text: str) -> Stated:
    """Return what a TYPE token states. I0 is seen under the microscope only and leaves nothing possible; a range is several."""
    said = next(found for pattern in _STATED if (found := re.fullmatch(pattern, text, re.ASCII))).groupdict()
    if "vp" in said:
        return Stated(frozenset().union(*(_JAPANESE[end] for end in (said["vp"], said["vp_b"]) if end)))
    ends = [(_RANKS[said[name]], said[f"{name}_sub"]) for name in ("a", "b") if said.get(name)]
    if (4, "b") in ends:
        return Stated(frozenset(), is_vena_cava=len(ends) == 1)
    if any(sub == "0" for _, sub in ends):
        return Stated(frozenset())
    ranks = sorted(rank for rank, _ in ends)
    return Stated(frozenset(range(ranks[0], ranks[-1] + 1)))
