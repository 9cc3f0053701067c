"""Whatever a hospital sends is right, asked about or set aside: never silently different, never lost. SYNTHETIC EXAMPLE DATA.

A truth is drawn first, then a dialect; the delivery written in it is loaded, and every loaded value held against the truth.
`make nightly` draws 2,000 deliveries; a failing seed prints the smallest one that still fails.
"""

import csv
from dataclasses import fields, replace
from pathlib import Path

import pytest

from world import date_forms, dialect, number_forms
from world.cell import PLAIN, Cell
from world.delivery import try_delivery
from world.dialect import Dialect, draw_dialect
from world.judge import ASKED, INVENTED, LOST, RIGHT, WRONG, Case, Verdict
from world.shrink import shrink
from world.tally import CATALOGUE, KNOWN_OPEN, OPEN_BY_WORKSHEET, READ, Tally
from world.truth import draw_patients

QUICK = range(24)


def test_few_deliveries_hold_no_fault_that_nobody_knows_of():
    tally = Tally()
    for seed in QUICK:
        drawn = draw_dialect(seed)
        tally.add(seed, drawn, try_delivery(seed, drawn))
    assert tally.faults == [], "run `PYTHONPATH=tests python -m world` to see each made small"
    assert sum(n for (_, outcome), n in tally.cells.items() if outcome == RIGHT) > 2000


@pytest.mark.parametrize("kind", ["csv", "xlsx", "sav"])
def test_the_plainest_dialect_is_read_without_a_question(kind):
    plain = Dialect(
        kind=kind, layout="sheets", language="en", date_form="day variable" if kind == "sav" else "2020-03-05"
    )
    verdict = try_delivery(1, plain)
    asked = [case for case in verdict.cases if case.outcome != RIGHT and "17800000000" not in case.told]
    assert (verdict.refusal, asked) == ("", [])
    assert len(verdict.cases) > 300


@pytest.mark.parametrize("decimal", [PLAIN, "12,5", "1 210"])
@pytest.mark.parametrize("form", ["trailing point 5.", "own unit behind", "arrow behind", "full-width digits"])
def test_a_viral_load_of_eleven_digits_is_nobody_s_telephone_number(decimal, form):
    """`17800000000,` of a file with decimal commas was masked as one."""
    patients = draw_patients(11, range(8))
    loads = [
        record for patient in patients for record in patient.all("laboratory") if record.values["value"] == 1.78e10
    ]
    assert loads
    verdict = try_delivery(11, Dialect(kind="xlsx", layout="sheets", decimal=decimal, cell_forms=(form,)))
    told = [case for case in verdict.cases if "true (17800000000.0" in case.told]
    assert [(case.outcome, case.form) for case in told] == [(RIGHT, form)] * len(loads)


def test_a_delivery_is_the_same_for_the_same_seed():
    assert draw_dialect(7) == draw_dialect(7)
    assert draw_patients(7, range(3)) == draw_patients(7, range(5))[:3]
    assert try_delivery(7).cases == try_delivery(7).cases


def test_every_form_that_is_drawn_stands_in_the_catalogue_and_every_other_has_its_reason():
    """A form of the world that is not drawn says why."""
    choices = [draw_dialect(seed) for seed in range(3000)]
    drawn = {form for one in choices for form in one.list_forms() if not form.endswith(": None")}
    drawn |= {*number_forms.READ_FORMS, "missing word in a free text"}
    catalogued = {form for form, line in CATALOGUE.items() if not line["not_drawn"]}
    assert drawn - catalogued == set()
    assert catalogued - drawn - {"date_form: month variable"} == set()
    assert {line["expected"] for line in CATALOGUE.values()} <= {"read", "once", "tell", "refuse"}


def test_what_is_known_to_be_open_is_a_form_of_the_catalogue():
    assert [form for form, _ in OPEN_BY_WORKSHEET if form not in CATALOGUE] == []


def test_a_simpler_dialect_differs_in_little_and_can_be_written():
    """Shrinking takes back one choice at a time; what goes with it is what the kind of file cannot hold."""
    for seed in range(200):
        drawn = draw_dialect(seed)
        assert dialect.settle(drawn) == drawn
        for simpler in drawn.list_simpler():
            assert dialect.settle(simpler) == simpler
            assert len(simpler.list_forms()) <= len(drawn.list_forms())


def test_a_value_that_is_silently_different_is_found_and_made_small(monkeypatch):
    """Were every point a comma, the judge would see it, and few things would be left of the delivery that shows it."""
    monkeypatch.setitem(
        number_forms.READ_FORMS, "arrow behind", lambda value, sign, c: Cell("1234.5") if value else None
    )
    drawn_with = (seed for seed in range(400) if "arrow behind" in draw_dialect(seed).cell_forms)
    seed = next(seed for seed in drawn_with if ("arrow behind", WRONG) in try_delivery(seed).count())
    drawn, places, told = shrink(seed, "arrow behind", WRONG)
    assert (drawn.cell_forms, len(places)) == (("arrow behind",), 1)
    assert "1234.5" in told
    plain = replace(Dialect(), cell_forms=drawn.cell_forms)
    assert sum(getattr(drawn, f.name) != getattr(plain, f.name) for f in fields(plain)) <= 2


def test_a_form_asked_about_too_often_is_told():
    tally = Tally()
    form = next(
        form for form, line in CATALOGUE.items() if line["expected"] == READ and (form, ASKED) not in KNOWN_OPEN
    )
    tally.add(1, Dialect(cell_forms=(form,)), Verdict([Case(ASKED, form, "")] * 2 + [Case(RIGHT, form, "")] * 8))
    assert tally.find_asked() == [(form, 0.8)]


@pytest.mark.parametrize("outcome", [WRONG, LOST, INVENTED])
def test_a_fault_that_nobody_knows_of_is_counted(outcome):
    tally = Tally()
    tally.add(1, Dialect(), Verdict([Case(outcome, "plain", "so it was")]))
    assert tally.faults == [(1, "plain", outcome, "so it was")]


def test_the_columns_of_the_world_have_names_in_every_language():
    with (Path(__file__).parent / "names.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for language in ("zh", "pinyin", "en"):
        names = [line[language] for line in lines]
        assert all(names)
        assert len({*names}) == len(names)
    assert date_forms.TEXT_FORMS.keys() >= date_forms.ORDERS.keys()
