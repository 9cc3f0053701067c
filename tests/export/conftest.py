"""A workspace of three hospitals with few invented patients, two versions of two of them, a revert and answers; and what databases hold."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from store.test_old_workspaces import OldWorkspace

from analysis.cli import run_analyse
from etl.settings import Settings
from etl.store.warehouse import open_for_reading

LATEST = "b1270dd"


def bring_up_to_date(settings: Settings) -> Settings:
    with open_for_reading(settings.warehouse_path):
        return settings


@pytest.fixture(scope="session")
def kept(tmp_path_factory) -> Settings:
    """The workspace with a study, only read from."""
    settings = bring_up_to_date(OldWorkspace(LATEST, tmp_path_factory.mktemp(LATEST) / "workspace").settings)
    write_study(settings)
    return settings


@pytest.fixture(scope="session")
def results(kept, tmp_path_factory) -> dict[str, bytes]:
    """What the study gives from the workspace's database."""
    return analyse(copy_workspace(kept, tmp_path_factory.mktemp("analysed") / "workspace"), study="everybody")


@pytest.fixture
def settings(kept, tmp_path) -> Settings:
    """A copy of the workspace, for tests that change it."""
    return copy_workspace(kept, tmp_path / "workspace")


def copy_workspace(settings: Settings, folder: Path) -> Settings:
    shutil.copytree(settings.workspace, folder, symlinks=True)
    return replace(settings, workspace=folder)


def list_scratch(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.startswith(".") and path.suffix in (".part", ".old")]


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


STUDY = """
title = "Survival of everybody"
time_unit = "month"
alpha = 0.05
disclosure = "none"

[population]
eligible_only = false

[[endpoints]]
id = "OS"
label = "Overall survival"
time_column = "os_days"
event_column = "os_event"
rate_times = [12]
"""
RESULTS = ("results.parquet", "results.csv", "curves.parquet")


def write_study(settings: Settings, name: str = "everybody") -> str:
    """A study that takes little time."""
    folder = settings.studies_dir / name
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text(STUDY, encoding="utf-8")
    return name


def analyse(settings: Settings, **named: str) -> dict[str, bytes]:
    """Run a study, of which nothing is drawn, and return its results, by the command itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.cli.read_settings", lambda: settings)
        patch.setattr("analysis.cli.pay", lambda *_: None)
        for draw in ("save_figures", "write_report", "write_manuscript"):
            patch.setattr(f"analysis.run.{draw}", lambda *_, **__: {})
        run_analyse(**named)
    place = f"frozen-{named['frozen']}" if "frozen" in named else f"analysis-{named['study']}"
    return {name: (settings.reports_dir / place / name).read_bytes() for name in RESULTS}
