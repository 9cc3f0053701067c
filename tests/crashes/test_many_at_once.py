"""Hospitals that ingest at the same time: each waits its turn and keeps its work, nothing is lost, doubled or refused."""

import os

import clinic
import pytest
from answered_workbook import CONFIRMED, answer
from fixed_key import FIXED_KEY_OF_A_STUDY, write_fixed_key

from crashes.conftest import list_scratch, read_place, write_patients

WRITERS, ROUNDS = (int(os.environ.get(name, default)) for name, default in (("WRITERS", "3"), ("WRITERS_ROUNDS", "2")))
"""Three hospitals of two ingests each in `make test`, ten of twenty in `make nightly`."""
HOSPITALS = [f"clinic{i}" for i in range(WRITERS)]


def ingest(hospital):
    return ["ingest", hospital, "--extracted", str(clinic.EXTRACTED)]


@pytest.fixture
def place(tmp_path):
    for hospital in HOSPITALS:
        clinic.write_site(
            tmp_path / "workspace" / "sites" / hospital, site=clinic.SITE.replace('"clinic"', f'"{hospital}"')
        )
    write_fixed_key(tmp_path / "key", FIXED_KEY_OF_A_STUDY)
    return tmp_path


def test_hospitals_that_ingest_together_lose_double_and_refuse_nothing(warm, place):
    workbook = place / "workspace" / "reports" / "quality" / HOSPITALS[0] / "queries.xlsx"
    longest = 0.0
    for n in range(ROUNDS):
        for hospital in HOSPITALS:
            write_patients(
                place / "workspace" / "extracts" / hospital / f"delivery{n}", size=260, albumin=f"{3 + n / 10:.1f}"
            )
        if n == 1:
            answer(workbook, workbook.with_name("filled.xlsx"), {"size": (CONFIRMED, "seen")}).replace(workbook)
        # The first one's data manager and the centre start the same ingest; others read meanwhile.
        ended = warm.run_together(place, [*map(ingest, HOSPITALS), ingest(HOSPITALS[0]), ["ingests"]])
        assert [(one["code"], one["told"]) for one in ended[:-1] if one["code"]] == []
        assert ended[-1]["code"] == 0 or "Nothing has been loaded" in ended[-1]["told"]
        longest = max([longest, *(one["seconds"] for one in ended)])
    held = read_place(place)
    hospitals = [row[1] for row in held["main.ingests"]]
    assert {hospital: hospitals.count(hospital) for hospital in HOSPITALS} == dict.fromkeys(HOSPITALS, ROUNDS)
    assert sorted(row[0] for row in held["main.ingests"]) == list(range(1, WRITERS * ROUNDS + 1))
    assert len(held["main.answers"]) == 1
    assert held["owed"] == [(0,)]
    assert list_scratch(place) == []
    pages = [held[f"reports/quality/{hospital}/index.html"] for hospital in HOSPITALS]
    assert all(f"delivery{ROUNDS - 1}" in page for page in pages)
    print(f"{WRITERS} writers, {ROUNDS} rounds: the longest command took {longest:.1f} s")
