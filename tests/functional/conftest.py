import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from etl.ingest import IngestSummary, ingest
from etl.settings import Settings
from etl.store.warehouse import read_frames

sys.path.insert(0, str(Path(__file__).parent))
import clinic


@dataclass
class Desk:
    """A data manager's desk: a workspace with the test clinic's mapping, and the ingest command."""

    settings: Settings

    @property
    def extracts(self) -> Path:
        return self.settings.extracts_dir / "clinic"

    def ingest(self, extract: Path | None = None, *, check: bool = False, accept: bool = False) -> IngestSummary:
        return ingest(self.settings, "clinic", extract=extract, check=check, accept=accept, progress=lambda *_: None)

    def read(self, relation: str) -> pl.DataFrame:
        return read_frames(self.settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    clinic.write_site(tmp_path / "workspace" / "sites" / "clinic")
    return Desk(Settings(tmp_path / "workspace", tmp_path / "key", "both"))
