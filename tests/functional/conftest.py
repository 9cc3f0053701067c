import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
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
        return ingest(
            self.settings,
            "clinic",
            extract=extract,
            extracted=clinic.EXTRACTED,
            check=check,
            accept=accept,
            progress=lambda *_: None,
        )

    def read(self, relation: str) -> pl.DataFrame:
        return read_frames(self.settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    clinic.write_site(tmp_path / "workspace" / "sites" / "clinic")
    return Desk(Settings(tmp_path / "workspace", tmp_path / "key", "both"))


ROOT = Path(__file__).parents[2]
OF_THE_TESTS = (
    "WORKSPACE",
    "REGISTRY_KEY_FILE",
    "REGISTRY_UNDER_MAKE",
    "REGISTRY_DEBUG",
    "HOSPITAL",
    "EXTRACT",
    "EXTRACTED",
    "MAKEFLAGS",
    "MAKELEVEL",
)


@dataclass
class MakeFolder:
    """A folder with nothing but the Makefile and what lets it take the environment as set up; commands are pasted there."""

    path: Path
    environment: dict[str, str]
    own: set[str] = field(default_factory=set)

    def make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make with words as they are, without a shell."""
        return subprocess.run(
            ["make", *words], cwd=self.path, env={**self.environment, **environment}, capture_output=True, text=True, check=False
        )  # fmt: skip

    def paste(self, command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody does who pastes it into a terminal."""
        return subprocess.run(
            ["bash", "-c", command], cwd=folder or self.path, env=self.environment, capture_output=True, text=True, check=False
        )  # fmt: skip

    def list_made(self) -> list[str]:
        """Return what stands there besides."""
        return sorted({p.name for p in self.path.iterdir()} - self.own)


@pytest.fixture
def make_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeFolder:
    programs = Path(sys.executable).parent
    if programs != ROOT / ".venv" / "bin":
        pytest.skip("the tests do not run in the environment that make sets up")
    for name in OF_THE_TESTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REGISTRY_LANG", "en")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    folder = tmp_path / "shop"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for name in (
        "requirements-build.txt",
        "requirements.txt",
        "pyproject.toml",
    ):  # older than the environment, so that make takes it as it is
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return MakeFolder(folder, dict(os.environ), {p.name for p in folder.iterdir()})
