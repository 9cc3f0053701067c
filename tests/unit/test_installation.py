"""An installation that lacks files, or is none: told in words, with the file's name, as exit code 2."""

import re
from importlib.metadata import PackageNotFoundError, PathDistribution
from pathlib import Path

import pytest

from analysis import cli
from etl import installation
from etl.errors import InstallationError
from etl.installation import check_installation, read_version
from etl.pages import page
from etl.pages.text import Text
from schemas import package_data
from schemas.package_data import MissingDataError, find_data, find_folder

RECORD = """\
etl/sites/nanfang/site.toml,sha256=x,1
etl/pages/templates/base.html,sha256=x,1
etl/__pycache__/errors.cpython-311.pyc,,
hcc_registry-7.8.dist-info/METADATA,sha256=x,1
../../../bin/registry,sha256=x,1
"""
CONTEXT = {"title": Text("x", "x"), "subtitle": Text("x", "x"), "is_synthetic": True, "toc": []}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder of packages with two files of the registry, and what an installer writes beside them."""
    described = tmp_path / "hcc_registry-7.8.dist-info"
    for name in ("etl/sites/nanfang/site.toml", "etl/pages/templates/base.html"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.4\nName: hcc-registry\nVersion: 7.8\n", encoding="utf-8")
    (described / "RECORD").write_text(RECORD, encoding="utf-8")
    monkeypatch.setattr(installation.metadata, "distribution", lambda _: PathDistribution(described))
    return tmp_path


def test_a_whole_installation_passes_without_compiled_files_or_scripts(installed):
    check_installation()
    assert read_version() == "7.8"


def test_every_lost_file_is_named(installed):
    (installed / "etl/sites/nanfang/site.toml").unlink()
    (installed / "etl/pages/templates/base.html").unlink()
    with pytest.raises(InstallationError) as caught:
        check_installation()
    assert "etl/sites/nanfang/site.toml, etl/pages/templates/base.html" in caught.value.en
    assert "etl/sites/nanfang/site.toml" in caught.value.zh
    assert caught.value.exit_code == 2


def test_a_python_in_which_the_registry_is_not_installed(monkeypatch):
    def find_none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installation.metadata, "distribution", find_none)
    with pytest.raises(InstallationError, match="not installed in this Python"):
        read_version()


def test_the_version_is_stated_once():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'(?m)^version = "(.+)"$', text) == [read_version()]


@pytest.mark.parametrize("name", ["absent.csv", "templates"])
def test_data_that_are_not_there(name):
    with pytest.raises(MissingDataError, match=name):
        find_data("etl.pages", name)


def test_data_of_a_package_that_is_not_there():
    with pytest.raises(MissingDataError, match=r"etl/absent/base\.html"):
        find_data("etl.absent", "base.html")


@pytest.mark.parametrize("names", ['extends "base.html"', 'include "sections/answers.html"'])
def test_a_checkout_that_lost_a_template_names_it(tmp_path, monkeypatch, names):
    """A page's parts are sought by the template engine, not one by one through `find_data`."""
    (tmp_path / "page.html").write_text(f"{{% {names} %}}", encoding="utf-8")
    monkeypatch.setattr(page, "find_folder", lambda _: tmp_path)
    with pytest.raises(MissingDataError, match=names.split('"')[1]):
        page.render_page(tmp_path / "page.html", CONTEXT)


def test_the_command_line_says_which_file_a_checkout_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(package_data, "files", lambda _: tmp_path / "etl")
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as ended:
        cli.main(["study", "--workspace", str(tmp_path / "example")])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "installation of the registry is incomplete" in message
    assert "etl/calibration.toml" in message
    assert "Traceback" not in message


def test_the_maintainers_pages_are_written_in_the_checkout_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    before = find_folder("schemas").joinpath("field_effects.csv").read_bytes()
    with pytest.raises(SystemExit) as ended:
        cli.main(["docs"])
    assert ended.value.code == 2
    assert "make docs" in capsys.readouterr().err
    assert not list((tmp_path / "docs").iterdir())
    assert find_folder("schemas").joinpath("field_effects.csv").read_bytes() == before
