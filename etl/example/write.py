"""Writes the example study: every hospital's delivery and the ledger of the faults planted in them."""

from __future__ import annotations

from pathlib import Path

from etl.example import hunan, hunan_faults, nanfang, nanfang_faults, sysu, sysu_faults
from etl.example.cohort import draw_patients
from etl.example.faults import LedgerLine, Planter, write_ledger
from etl.example.screening import SEEN_ELSEWHERE


def write_example(extracts_dir: Path) -> None:
    """Write `<extracts_dir>/<hospital>/<delivery>` and `ledger.csv` beside `extracts_dir`.

    All patients are invented, and every file says so in itself. The output is byte for byte the same every time.
    """
    patients = draw_patients()
    shared = {p.known_identity.national_id for p in patients if p.reason == SEEN_ELSEWHERE}
    ledger: list[LedgerLine] = []
    for site, faults in ((nanfang, nanfang_faults), (hunan, hunan_faults), (sysu, sysu_faults)):
        hospital = site.__name__.rsplit(".", 1)[-1]
        own = [patient for patient in patients if patient.hospital == hospital]
        sheets = site.make_sheets(own)
        planter = Planter(site, sheets, own)
        planter.plant_all(faults.FAULTS)
        for patient in own:
            if patient.known_identity.national_id in shared:
                planter.note("patient in two hospitals", "between_hospitals.same_patient", patient)
        ledger += planter.lines
        site.write_delivery(extracts_dir / hospital, sheets)
    write_ledger(extracts_dir.parent / "ledger.csv", ledger)
