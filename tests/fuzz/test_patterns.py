"""No pattern of the product takes time that grows faster than its text: all of them are found in the code, and tried on texts made against them."""

import re

import pytest

from fuzz.patterns import Found, find_kept, find_slow, find_written, list_made_within, recording

OF_OUR_OWN_TEXTS = {
    "analysis.figures.style": "drawings that matplotlib made",
    "etl.onboarding.proposing.propose": "the beginning of a header, at its first sign only",
    "etl.quality.question_page": "ids of our own rules",
}
"""Modules that put a pattern together for no text of a delivery, or one that cannot take long."""
NAMES = ("欧阳 张三丰", "高峰", "Smith, John-Paul", "Mai", "00310469-2", "A/00-31 0469", "110105194912310025")


def make_patterns() -> None:
    """Call every function that puts a pattern together, past what it remembers."""
    from etl.delivery.number_formats import Shown
    from etl.delivery.workbook import Formats, _is_worth_a_scan
    from etl.mapping.form_patterns import make_name_patterns
    from etl.mapping.masking import _find_value_form
    from etl.mapping.own_forms import find_own_form
    from schemas.contract import read_contract
    from schemas.definitions import vein_words
    from schemas.tables import TABLES

    for name in NAMES:
        find_own_form.__wrapped__(name)
    make_name_patterns("张欧")
    for table in TABLES.values():
        for spec in read_contract(table).values():
            _find_value_form(spec)
    vein_words._read_patterns.__wrapped__()
    for text in ("vp4", "iii型", "1型"):
        for token in vein_words.match_words(text):
            if token.kind is vein_words.Kind.TYPE:
                vein_words.read_stated(token.text)
    _is_worth_a_scan(b"<c s='1'/>", Formats({1: Shown.DAY}))


@pytest.fixture(scope="module")
def made() -> list[Found]:
    with recording() as found:
        make_patterns()
    modules = {place.rsplit(":", 1)[0]: set() for place in list_made_within()}
    for place, lines in list_made_within().items():
        modules[place.rsplit(":", 1)[0]] |= set(lines)
    return [one for one in found if int(one.place.rsplit(":", 1)[1]) in modules.get(one.place.rsplit(":", 1)[0], ())]


def test_every_pattern_that_a_function_puts_together_is_made_here(made):
    """A new one is found in the code, and must be called in `make_patterns`."""
    places = {tuple(found.place.rsplit(":", 1)) for found in made}
    lacking = [
        place
        for place, lines in list_made_within().items()
        if (module := place.rsplit(":", 1)[0]) not in OF_OUR_OWN_TEXTS
        and not any((module, str(line)) in places for line in lines)
    ]
    assert not lacking, "call what makes these patterns in make_patterns"


def test_no_pattern_takes_time_that_grows_faster_than_its_text(made):
    every = {(f.pattern.pattern, f.pattern.flags, f.is_at_start): f for f in (*find_written(), *find_kept(), *made)}
    assert len(every) > 150
    slow = {f"{f.place} {f.pattern.pattern!r:.80}": worst for f in every.values() if (worst := find_slow(f))}
    assert not slow, (
        "bound their quantifiers, or let no two parts take the same signs: {name: (times as long for four times the text, text)}"
    )


@pytest.mark.parametrize(
    "pattern", [r"\s*x", r"<[^>]*>", r"^(a|aa)+$", r"(\d+)\s*[=:]", r"^(?P<stem>.+?)[\s_]*$!", r"\w+@"]
)
def test_a_pattern_that_grows_is_found(pattern):
    assert find_slow(Found("here", re.compile(pattern), is_at_start=False))


@pytest.mark.parametrize(
    "pattern", [r"\s{0,9}x", r"<[^<>]*>", r"^a+$", r"(?<!\d)(\d{1,9})\s{0,9}[=:]", r"[a-z]{1,64}@"]
)
def test_a_pattern_that_does_not_is_not(pattern):
    assert find_slow(Found("here", re.compile(pattern), is_at_start=False)) is None
