"""By what a hospital's data may be used: what can be written in `[permission]`, and which days it covers. Worked by hand."""

import datetime as dt
import tomllib

import pytest

from analysis.report.ethics import write_ethics
from analysis.tables.model import Open
from etl.configuration import validate
from etl.mapping.permission import KEYS, Permission, describe_permission, find_gap, read_stored

WHOLE = {
    "kind": "approval", "number": "2026-031", "date": "2026-01-15", "scope": "all", "end": "2026-06-30", "transfer": "agreement",
    "contact": "office", "cross_border": "none leave",
}  # fmt: skip


def read(**said):
    found, faults = validate(Permission, said)
    assert not faults
    return found


def find_keys(day, **said):
    gap = find_gap(read(**said), dt.date.fromisoformat(day))
    return gap and gap.keys


@pytest.mark.parametrize(
    ("day", "keys"),
    [
        ("2026-01-14", ("date",)),
        ("2026-01-15", None),
        ("2026-03-01", None),
        ("2026-06-30", None),
        ("2026-07-01", ("end",)),
        ("2027-01-15", ("end",)),
    ],
)
def test_the_first_and_the_last_day_are_covered_and_no_day_outside(day, keys):
    assert find_keys(day, **WHOLE) == keys


def test_a_permission_that_states_no_end_must_say_so():
    open_ended = {key: text for key, text in WHOLE.items() if key != "end"}
    assert find_keys("2026-03-01", **open_ended) == ("end",)
    assert find_keys("2099-03-01", **open_ended, end="no end") is None


@pytest.mark.parametrize("kind", ["approval", "waiver"])
@pytest.mark.parametrize("key", [key for key in KEYS if key != "kind"])
def test_of_real_patients_every_key_is_asked_for(kind, key):
    said = {**WHOLE, "kind": kind}
    assert find_keys("2026-03-01", **{**said, key: ""}) == (key,)
    del said[key]
    assert find_keys("2026-03-01", **said) == (key,)


def test_what_is_written_without_its_kind_is_no_permission():
    assert find_keys("2026-03-01", **{**WHOLE, "kind": ""}) == ("kind",)
    assert find_keys("2026-03-01") == tuple(KEYS)
    assert find_keys("2026-03-01", comparison="agreement of both boards") == tuple(KEYS)
    assert find_keys("2026-03-01", number="   ") == tuple(KEYS)


@pytest.mark.parametrize("kind", ["public data", "synthetic"])
def test_public_data_and_synthetic_patients_need_no_more_than_their_kind_and_an_end_counts_nevertheless(kind):
    assert find_keys("2026-03-01", kind=kind) is None
    assert find_keys("2026-03-01", kind=kind, end="2026-02-28") == ("end",)
    assert find_keys("2026-03-01", kind=kind, date="2026-03-02") == ("date",)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('date = "2026-02-30"', "date: must be a day"),
        ('date = "15.1.2026"', "date: must be a day"),
        ('date = "1767225600"', "date: must be a day"),
        ("date = 20260115", "date: must be a day"),
        ('date = "no end"', "date: must be a day"),
        ("date = 2026-01-15T08:00:00", "date: must be a day"),
        ('end = "never"', "end: must be a day"),
        ("end = true", "end: must be a day"),
        ("date = 2026-01-15\nend = 2026-01-14", "end: lies before date"),
        ('kind = "Approval"', "kind: must be one of"),
        ("number = 31", "number: a text is needed"),
        ('number = "2026\\u0001"', "number: must be one line"),
        ('contact = """a\nb"""', "contact: must be one line"),
        ('scope = "\\u202e"', "scope: must be one line"),
        ('ends = "2026-01-15"', "unknown key ends. Did you mean end?"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_of_the_mapping_with_its_key(line, place):
    found, faults = validate(Permission, tomllib.loads(line))
    assert found is None
    assert [str(fault)[: len(place)] for fault in faults] == [place]


def test_a_permission_of_one_day_can_be_written_and_days_may_be_toml_or_text():
    assert find_keys("2026-01-15", **{**WHOLE, "end": "2026-01-15"}) is None
    written = tomllib.loads('date = 2026-01-15\nend = "2026-06-30"')
    assert find_gap(read(**{**WHOLE, **written}), dt.date(2026, 6, 30)) is None


def test_what_the_store_keeps_is_what_the_mapping_says():
    for end in ("2026-06-30", "no end"):
        permission = read(**{**WHOLE, "end": end})
        assert read_stored(permission.to_row()) == permission
    assert read_stored(Permission().to_row()) == Permission()


def test_the_centre_reads_kind_number_and_days_in_both_languages():
    told = describe_permission(read(**WHOLE))
    assert told.en == "approval of an ethics board 2026-031, from 2026-01-15 until 2026-06-30"
    assert told.zh == "伦理委员会批准 2026-031，自 2026-01-15 起至 2026-06-30"
    assert describe_permission(read(**{**WHOLE, "end": "no end"})).en.endswith("from 2026-01-15 without an end")
    assert describe_permission(Permission()).en == "none stated"


def name(hospital, kind=None, number="", day=None):
    permission = kind and {"kind": kind, "number": number, "permitted_on": day, "ends_on": None}
    return {"hospital": hospital.lower(), "name_en": hospital, "permission": permission}


def say(*hospitals, said=""):
    return write_ethics(said, {"hospitals": hospitals})


def test_the_ethics_statement_names_each_hospitals_permission():
    (told,) = say(
        name("A", "approval", "2026-031", "2026-01-15"), name("B", "approval", "7/26", "2026-02-01"), name("C", "waiver", "W9"),
        name("D", "public data", "CC BY 4.0"), name("E", "synthetic"),
    )  # fmt: skip
    assert told == (
        "The study was approved by the ethics board of A (2026-031, 15 January 2026) and B (7/26, 1 February 2026). "
        "Approval was waived by the ethics board of C (W9). The data of D (CC BY 4.0) are public. "
        "The patients of E are synthetic, so that no approval was needed."
    )


def test_a_hospital_of_which_nothing_is_on_record_leaves_a_place_to_fill_in_unless_a_person_said_it():
    told, place = say(name("A", "synthetic"), name("B"))
    assert told == "The patients of A are synthetic, so that no approval was needed. "
    assert place == Open("approval of the ethics board of B: number and date")
    assert say(name("A"), name("B")) == (Open("approval of the ethics board of A and B: number and date"),)
    assert say(name("B"), said="Both boards approved.") == ("Both boards approved.",)
    # A set that was frozen before permissions were kept has none.
    assert say({"hospital": "a", "name_en": "A", "permission": None}) == (
        Open("approval of the ethics board of A: number and date"),
    )
