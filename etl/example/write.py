"""Writes the example study: every hospital's delivery and the ledger of the faults planted in them."""

from __future__ import annotations

from pathlib import Path

from etl.example import nanfang
from etl.example.cohort import draw_patients


def write_example(extracts_dir: Path) -> None:
    """Write `<extracts_dir>/<hospital>/<delivery>` and `ledger.csv` beside `extracts_dir`.

    All patients are invented, and every file says so in itself. The output is byte for byte the same every time.
    """
    patients = draw_patients()
    own = [patient for patient in patients if patient.hospital == "nanfang"]
    nanfang.write_delivery(extracts_dir / "nanfang", nanfang.make_sheets(own))
