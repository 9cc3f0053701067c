"""A hospital from its first delivery to a load, for the tests: what is proposed is accepted, what is open gets the answers that a test gives."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from worksheet_desk import fill

from etl.ingest import IngestSummary, ingest
from etl.mapping.read_site import load_site
from etl.mapping.site import Site
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.settings import Settings

HOSPITAL = "x"
EXTRACTED = dt.date(2022, 1, 1)


def onboard(settings: Settings, delivery: Path, named: Mapping[str, str] = {}) -> Site:
    """Propose a mapping and decide it: `named` gives the meaning of columns that nobody could know, the others are not needed."""
    worksheet = propose_hospital(settings, HOSPITAL, delivery).worksheet

    def decide(_source: str, column: str) -> tuple[str, str, str]:
        table = column.removeprefix("all rows: ")
        return (f"{table}.*", "visit_number=0", "") if table != column else (named.get(column, "not_needed"), "", "")

    fill(worksheet, decide, lambda *_: "missing")
    take_worksheet(worksheet.parent)
    return load_site(worksheet.parent)


def load(settings: Settings, delivery: Path) -> IngestSummary:
    """Ingest a delivery of the hospital."""
    return ingest(
        settings, HOSPITAL, extract=delivery, extracted=EXTRACTED, check=False, accept=True, progress=lambda *_: None
    )
