"""Writes the example study: every hospital's delivery and the ledger of the faults planted in them."""

from __future__ import annotations

from pathlib import Path

from etl.example import hunan, nanfang, sysu
from etl.example.cohort import draw_patients


def write_example(extracts_dir: Path) -> None:
    """Write `<extracts_dir>/<hospital>/<delivery>` and `ledger.csv` beside `extracts_dir`.

    All patients are invented, and every file says so in itself. The output is byte for byte the same every time.
    """
    patients = draw_patients()
    for site in (nanfang, hunan, sysu):
        hospital = site.__name__.rsplit(".", 1)[-1]
        sheets = site.make_sheets([patient for patient in patients if patient.hospital == hospital])
        site.write_delivery(extracts_dir / hospital, sheets)
