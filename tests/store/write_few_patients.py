"""Writes the example's deliveries with few of its patients: `python write_few_patients.py EXTRACTS [corrected]`.

It runs under the code of any landed version (PYTHONPATH), whose own generator draws the patients, plants the faults and
writes the files; `corrected` plants none. All patients are invented, and every file says so in itself.
"""

import sys
from pathlib import Path
from types import ModuleType

import etl.example.write as example
from etl.example.model import ELIGIBLE

SHARE = 6
"""Of each hospital, arm and reason one patient of so many is kept."""
FIRST_ELIGIBLE, FIRST = 3, 0
"""The first of them: such eligible ones that the main study can be computed, such others that carry planted faults."""


def choose_patients() -> set[str]:
    """Return the hospital numbers of the patients to keep, those seen in two hospitals among them."""
    patients = example.draw_patients()
    twice = {p.known_identity.national_id for p in patients if p.reason == example.SEEN_ELSEWHERE}
    counts: dict[tuple[str, str, str], int] = {}
    kept = set()
    for patient in patients:
        kind = (patient.hospital, patient.arm, patient.reason)
        first = FIRST_ELIGIBLE if patient.reason == ELIGIBLE else FIRST
        if counts.get(kind, 0) % SHARE == first or patient.known_identity.national_id in twice:
            kept.add(patient.local_id)
        counts[kind] = counts.get(kind, 0) + 1
    return kept


def leave_out_others(site: ModuleType, kept: set[str]) -> None:
    """Make a hospital's module write the rows of the kept patients alone."""
    write_all = site.write_delivery

    def write_few(folder, sheets):
        for sheet in sheets:
            sheet.rows = [row for row in sheet.rows if row.local_id in kept]
        write_all(folder, sheets)

    site.write_delivery = write_few


def main(extracts: str, corrected: str = "") -> None:
    kept = choose_patients()
    for site in (example.nanfang, example.hunan, example.sysu):
        leave_out_others(site, kept)
    if corrected:
        example.Planter.plant_all = lambda *_: None
    example.write_example(Path(extracts))


if __name__ == "__main__":
    main(*sys.argv[1:])
