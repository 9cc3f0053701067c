"""The wheel as somebody elsewhere gets it: in an empty environment, in an empty folder. `make wheel-test` runs it.

Not part of `make test`, since it installs every dependency again.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"etl", "schemas", "analysis", "sql"}
MOMENT = re.compile(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d\+00:00)?")
HEAD = re.compile(rb'(?<="trail": \{\n      "hash": ")[0-9a-f]{64}')
"""The head of the trail, which tells one database from another."""


def run(*command, folder, **environment):
    """Run a command in a folder, with nothing of this environment's Python in it; returns exit code and all that it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_well(*command, **place):
    code, printed = run(*command, **place)
    assert code == 0, printed
    return printed


@pytest.fixture(scope="session")
def wheel():
    (path,) = (ROOT / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="session")
def packages(wheel, tmp_path_factory):
    """The folder of installed packages of a new environment that holds the locked dependencies and the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    install = (folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-build-isolation")
    for name in ("requirements-build.txt", "requirements.txt"):
        run_well(*install, "--require-hashes", "-r", ROOT / name, folder=folder)
    run_well(*install, "--no-deps", wheel, folder=folder)
    run_well(folder / "bin" / "python", "-m", "pip", "check", folder=folder)
    return next(folder.glob("lib/python3*/site-packages"))


@pytest.fixture(scope="session")
def registry(packages):
    return packages.parents[2] / "bin" / "registry"


def list_names(paths):
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_files_of_the_four_packages_and_no_other_name(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [Path(name) for name in archive.namelist()]
    described = [name for name in names if name.parts[0].endswith(".dist-info")]
    assert {name.parts[0] for name in names} - {name.parts[0] for name in described} == TOP_LEVEL
    there = (path for package in TOP_LEVEL for path in (ROOT / package).rglob("*") if path.is_file())
    assert list_names(set(names) - set(described)) == list_names(path.relative_to(ROOT) for path in there)
    assert "licenses/LICENSE" in {Path(*name.parts[1:]).as_posix() for name in described}


def read_files(folder):
    """Every file below a folder but the database and what lies beside it, without the moments of reading and the head of the trail."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    read = {name: path.read_bytes() for name, path in files.items() if ".duckdb" not in path.name}
    timed = (".html", ".json")
    return {
        name: HEAD.sub(b"head", MOMENT.sub(b"moment", data)) if name.endswith(timed) else data
        for name, data in read.items()
    }


def test_the_study_in_an_empty_folder_is_that_of_the_checkout(registry, tmp_path):
    key = {"REGISTRY_KEY_FILE": str(tmp_path / "key"), "REGISTRY_LANG": "both"}
    empty = tmp_path / "empty"
    empty.mkdir()
    run_well(registry, "study", folder=empty, **key)
    assert [path.name for path in empty.iterdir()] == ["example"]
    of_checkout = Path(sys.executable).with_name("registry")
    run_well(of_checkout, "study", "--workspace", tmp_path / "checkout", folder=ROOT, **key)
    found, expected = read_files(empty / "example"), read_files(tmp_path / "checkout")
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert len([name for name in expected if name.startswith("reports/analysis/figures/")]) > 15


@pytest.mark.parametrize(
    "lost",
    [
        "etl/pages/templates/base.html",
        "etl/quality/templates/sections/answers.html",
        "etl/onboarding/proposing/test_words.csv",
        "etl/sites/hunan",
        "etl/sites",
        "analysis/studies/len_vs_sora/spec.toml",
        "schemas/field_effects.csv",
        "sql/checks/accounts_balance.sql",
    ],
)
def test_an_installation_that_lacks_a_file_says_so_before_anything_is_done(registry, packages, tmp_path, lost):
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.move(packages / lost, tmp_path / "lost")
    try:
        code, printed = run(registry, "study", folder=empty, REGISTRY_LANG="both", COLUMNS="1000")
    finally:
        shutil.move(tmp_path / "lost", packages / lost)
    assert code == 2
    assert "Traceback" not in printed
    for word in ("The installation of the registry is incomplete", "安装不完整", lost, "--force-reinstall"):
        assert word in printed
    assert not list(empty.iterdir())


def test_the_maintainers_pages_are_not_written_from_a_wheel(registry, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "schemas").mkdir()
    code, printed = run(registry, "docs", folder=tmp_path, REGISTRY_LANG="en", COLUMNS="1000")
    assert code == 2
    assert "writes the pages of the source checkout" in printed
    assert not list((tmp_path / "docs").iterdir())


def test_the_version_is_the_one_of_the_project_file(wheel, packages):
    python = packages.parents[2] / "bin" / "python"
    said = run_well(python, "-c", "from etl.installation import read_version; print(read_version())", folder="/")
    assert said.strip() == wheel.name.split("-")[1]
    assert f'version = "{said.strip()}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_file_of_ours_is_recorded(packages):
    """What `registry` checks at its start is the installer's own list."""
    (record,) = packages.glob("hcc_registry-*.dist-info/RECORD")
    names = {row[0] for row in csv.reader(record.read_text(encoding="utf-8").splitlines())}
    there = (path for package in TOP_LEVEL for path in (packages / package).rglob("*") if path.is_file())
    assert list_names(path.relative_to(packages) for path in there) <= names
