"""Writes the example study: every hospital's delivery and the ledger of the faults planted in them."""

from __future__ import annotations

from pathlib import Path

from etl.example import hunan, hunan_faults, nanfang, nanfang_faults, sysu, sysu_faults
from etl.example.cohort import draw_patients
from etl.example.contract_faults import deal_contract_faults
from etl.example.planting import LedgerLine, Planter, write_ledger
from etl.example.screening import OTHER_REGIMEN, SEEN_ELSEWHERE

_SITES = {"nanfang": nanfang, "hunan": hunan, "sysu": sysu}
_BY_HAND = {"nanfang": nanfang_faults.FAULTS, "hunan": hunan_faults.FAULTS, "sysu": sysu_faults.FAULTS}


def write_example(extracts_dir: Path) -> None:
    """Write `<extracts_dir>/<hospital>/<delivery>` and `ledger.csv` beside `extracts_dir`.

    All patients are invented, and every file says so in itself. The output is byte for byte the same every time.
    """
    patients = draw_patients()
    shared = {p.known_identity.national_id for p in patients if p.reason == SEEN_ELSEWHERE}
    ledger: list[LedgerLine] = []
    dealt = deal_contract_faults(_SITES, _BY_HAND)
    for hospital, site in _SITES.items():
        own = [patient for patient in patients if patient.hospital == hospital]
        sheets = site.make_sheets(own)
        planter = Planter(site, sheets, own)
        planter.plant_all([*_BY_HAND[hospital], *dealt[hospital]])
        for patient in own:
            if patient.known_identity.national_id in shared:
                planter.note("patient in two hospitals", "between_hospitals.same_patient", patient)
            if patient.reason == OTHER_REGIMEN:
                planter.note("first line that is no combination", "first_line_is_a_combination", patient)
        ledger += planter.list_lines()
        site.write_delivery(extracts_dir / hospital, sheets)
    write_ledger(extracts_dir.parent / "ledger.csv", ledger)
