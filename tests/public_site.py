"""A public data set, loaded once for the tests of its site: into a workspace of its own, real patients only."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.ingest import IngestSummary, ingest
from etl.settings import Settings
from etl.store.warehouse import read_frames

SHARED = Path(__file__).parents[1].parent / "shared"

EXTRACTED = dt.date(2026, 1, 1)
"""The files do not say when they were exported; whatever they tell of had happened by this day."""


@dataclass
class Loaded:
    """A loaded delivery: its summary, and what the warehouse holds of it."""

    settings: Settings
    summary: IngestSummary

    def read(self, *relations: str) -> dict[str, pl.DataFrame]:
        return read_frames(self.settings.warehouse_path, relations)

    def count_quarantined_cells(self) -> dict[tuple[str, str], int]:
        """{(rule, hospital's column): cells that were set aside}."""
        cells = self.read("versions.quarantine")["quarantine"]
        return {(rule, column): n for rule, column, n in cells.group_by("rule_id", "source_column").len().iter_rows()}

    def count_findings(self) -> dict[tuple[str, str | None], int]:
        """{(rule, hospital's column): findings}; none of them may come from a rule that broke."""
        findings = self.read("versions.findings")["findings"]
        assert findings.filter(pl.col("outcome") == "error").is_empty()
        return {
            (rule, column): n for rule, column, n in findings.group_by("rule_id", "source_column").len().iter_rows()
        }

    def count_criteria(self) -> dict[tuple[str, bool | None], int]:
        """{(eligibility criterion, whether it is met): patients}; None is unknown."""
        criteria = self.read("core.eligibility")["eligibility"]
        return {(name, met): n for name, met, n in criteria.group_by("criterion_id", "is_met").len().iter_rows()}


def load_public(hospital: str, delivery: Path, folder: Path) -> Loaded:
    """Ingest a delivery with the hospital's mapping into a new workspace."""
    settings = Settings(folder / "workspace", folder / "key", "both")
    summary = ingest(
        settings, hospital, extract=delivery, check=False, accept=False, progress=lambda *_: None, extracted=EXTRACTED
    )
    return Loaded(settings, summary)


def check_accounts(summary: IngestSummary) -> None:
    """Rows, records and cells add up, and no cell stands where the mapping knows no column."""
    a = summary.accounts
    assert a is not None
    assert a["rows_read"] == a["rows_used"] + a["rows_ignored"]
    assert a["records_made"] == a["records_loaded"] + a["records_quarantined"]
    assert a["cells"] == a["cells_mapped"] + a["cells_identifier"] + a["cells_ignored"] + a["cells_quarantined"]
    assert a["cells_quarantined"] == 0
    assert not summary.is_synthetic
