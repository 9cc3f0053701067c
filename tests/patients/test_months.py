"""Nobody is asked by a clinical rule because of the day that stands in for a month. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import datetime as dt
from random import Random

import pytest

import etl.judging.validate
from etl.mapping.identity import PseudonymKey
from patients.course import draw_patient
from patients.delivery import ask
from patients.invented_patient import InventedPatient, OnlyMonth, days
from patients.months import forget_days, list_date_fields
from patients.rare import KINDS, draw_rare_patient
from schemas.requirements import RECORD_RULES
from schemas.rules import RULES

N = 2
LACKING = {rule for rules in RECORD_RULES.values() for rule in rules}
"""What the study lacks since it counts by the day that stands in: a baseline sample of the month of the start lies after it."""


def forget_some(made: InventedPatient, draw: Random) -> None:
    """One field, some, or every field: as hospitals send columns."""
    fields = list_date_fields(made)
    forget_days(made, draw, draw.sample(fields, draw.choice((1, min(3, len(fields)), len(fields)))))
    if made.twin:
        forget_some(made.twin, draw)


def list_rules(patients: list[InventedPatient]) -> list[set[str]]:
    """The clinical rules that ask about each patient."""
    return [{q.rule_id for q in asked if q.rule_id in RULES} for asked in ask(patients)]


@pytest.fixture(scope="module")
def pairs() -> list[tuple[InventedPatient, InventedPatient]]:
    """Right but rare patients with every day, and with some months alone."""
    made = []
    for name, kind in KINDS.items():
        for number in range(N):
            draw = Random(f"months {name} {number}")
            known, _ = draw_rare_patient(draw, kind)
            made.append((known, known.copy()))
            forget_some(made[-1][1], draw)
    return made


def test_right_patients_are_asked_nothing_more_when_only_months_are_known(pairs):
    known, of_months = (list_rules(list(patients)) for patients in zip(*pairs, strict=True))
    more = [rules - before - LACKING for before, rules in zip(known, of_months, strict=True)]
    assert [rules for rules in more if rules] == []


def test_the_pseudonym_key_changes_no_question(pairs):
    of_months = [patient for _, patient in pairs[::6]]
    assert ask(of_months) == ask(of_months, PseudonymKey(b"another" * 8))


def test_without_it_every_fourth_of_them_would_be(pairs, monkeypatch):
    monkeypatch.setattr(etl.judging.validate, "take_back_doubtful", lambda *_: None)
    known, of_months = (list_rules(list(patients)) for patients in zip(*pairs, strict=True))
    more = [rules - before - LACKING for before, rules in zip(known, of_months, strict=True)]
    assert sum(map(bool, more)) > len(pairs) / 4


def month_of(date: dt.date) -> OnlyMonth:
    return OnlyMonth(date.year, date.month, date.day)


def begin(course: str, start: dt.date) -> InventedPatient:
    """A right patient whose therapy starts on the day: all dates are moved with the start."""
    made = draw_patient(Random("months"), course)
    shift = start - made.start
    for rows in made.tables.values():
        for row in rows:
            row |= {name: value + shift for name, value in row.items() if isinstance(value, dt.date)}
    return made


def test_what_no_day_of_the_month_can_mend_is_asked():
    """Therapy starts on 10 March 2020: a death in February comes before it on every day, one in March on some only."""
    dead_before, dead_in_the_month = (begin("progressed_dead", dt.date(2020, 3, 10)) for _ in range(2))
    dead_before.outcome["death_date"] = OnlyMonth(2020, 2, 29)
    dead_in_the_month.outcome["death_date"] = OnlyMonth(2020, 3, 5)
    asked = list_rules([dead_before, dead_in_the_month])
    assert ["death_not_before_start" in rules for rules in asked] == [True, False]


@pytest.mark.parametrize(("gap", "is_asked"), [(0, False), (-40, True)])
def test_two_months_are_moved_against_each_other(gap, is_asked):
    """An event from May to May may have ended after its onset; one from May to April has not, whatever the days."""
    made = begin("stable", dt.date(2020, 3, 10))
    made.tables["adverse_event"] = []
    onset = dt.date(2020, 5, 20)
    made.add_event("rash", 1, month_of(onset), month_of(onset + days(gap)))
    assert ("event_resolved_after_onset" in list_rules([made])[0]) is is_asked


def test_tace_in_one_month_may_have_been_weeks_apart():
    made = begin("stable", dt.date(2020, 3, 10))
    made.drop_procedures()
    made.baseline["has_tace"] = True
    for day in (2, 28):
        made.add_procedure("tace", OnlyMonth(2020, 4, day))
    asked = list_rules([made])[0]
    assert "procedure_is_not_repeated" not in asked


def test_what_is_asked_about_something_else_stays():
    made = begin("stable", dt.date(2020, 3, 10))
    made.baseline["ecog_status"] = 4
    known = made.copy()
    forget_some(made, Random("months"))
    without_months, with_months = list_rules([known, made])
    assert without_months
    assert without_months <= with_months


def test_two_patients_of_one_month_are_not_taken_for_one():
    """Same sex, and same months of birth, diagnosis and start: no more than that is known."""
    made = begin("stable", dt.date(2020, 3, 10))
    made.patient["birth_date"] = dt.date(1960, 5, 4)
    made.patient["age_years"] = 59
    made.twin = made.copy()
    twins_of_months = made.copy()
    for one in (twins_of_months, twins_of_months.twin):
        for name in ("birth_date", "diagnosis_date"):
            one.patient[name] = month_of(one.patient[name])
    assert "patient_is_not_repeated_without_id" in list_rules([made])[0]
    assert "patient_is_not_repeated_without_id" not in list_rules([twins_of_months])[0]


def test_nobody_is_judged_again_where_every_day_is_known(monkeypatch):
    judged = []
    judge = etl.judging.validate.derive
    monkeypatch.setattr(etl.judging.validate, "derive", lambda *a, **k: judged.append(1) or judge(*a, **k))
    made = begin("stable", dt.date(2020, 3, 10))
    made.baseline["ecog_status"] = 4
    ask([made])
    assert len(judged) == 1
    made.patient["diagnosis_date"] = month_of(made.patient["diagnosis_date"])
    ask([made])
    assert len(judged) > 2


def test_the_month_of_the_delivery_has_come_though_its_middle_has_not(monkeypatch):
    monkeypatch.setattr("patients.delivery.LAST_DAY", dt.date(2022, 11, 10))
    made = begin("stable", dt.date(2021, 3, 10))
    made.outcome["last_contact_date"] = OnlyMonth(2022, 11, 4)
    assert not {q.rule_id for q in ask([made])[0]} & {"outcome.last_contact_date.after_delivery"}


def test_the_order_of_the_records_changes_nothing(pairs):
    patients = [of_months for _, of_months in pairs[:20]]
    turned = [made.copy() for made in patients]
    for made in turned:
        for rows in made.tables.values():
            rows.reverse()
    assert list_rules(patients) == list_rules(turned)
