"""The example study from deliveries to results, as `make study` runs it: counts, ledger, repeatability, independence."""

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from etl.accounts import USED
from etl.extract import read_delivery
from etl.ingest import VERSIONED
from etl.settings import PACKAGE_SITES
from etl.sheets import choose_sheets
from etl.site import IDENTIFIER_ROLES, load_site
from etl.warehouse import read_frames

PUBLISHED = Path(__file__).parents[2] / "analysis" / "studies" / "len_vs_sora" / "published" / "table1.csv"
HOSPITALS = ("nanfang", "hunan", "sysu")


@dataclass
class StudyRun:
    folder: Path
    key: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "WORKSPACE": str(self.folder),
            "REGISTRY_KEY_FILE": str(self.key),
            "REGISTRY_LANG": "en",
        }
        command = [sys.executable, "-m", "analysis.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def read(self, *relations: str) -> dict[str, pl.DataFrame]:
        return read_frames(self.folder / "registry.duckdb", relations)

    def results(self) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "reports" / "analysis" / "results.parquet")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> StudyRun:
    folder = tmp_path_factory.mktemp("study")
    run = StudyRun(folder / "example", folder / "key")
    done = run.run("study", "--workspace", str(run.folder))
    assert done.returncode == 0, done.stderr
    return run


def list_files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_whole_cohort_count_is_the_published_one(study):
    values = dict(study.results().select("result_id", "value").iter_rows())
    counts = study.results().filter(
        (pl.col("analysis") == "table1")
        & (pl.col("cohort") == "all")
        & (pl.col("statistic") == "n")
        & pl.col("level").is_not_null()
    )
    found = {(r["arm"], r["variable"], r["level"]): r["value"] for r in counts.iter_rows(named=True)}
    labels = list(dict.fromkeys((r["variable"]) for r in counts.iter_rows(named=True) if r["arm"]))
    with PUBLISHED.open(encoding="utf-8") as file:
        printed = list(csv.DictReader(file))
    variables = dict(zip(dict.fromkeys(row["characteristic"] for row in printed), labels, strict=False))
    assert len(variables) == 17
    for row in printed:
        for arm in ("sora", "len"):
            assert found[(arm, variables[row["characteristic"]], row["level"])] == int(row[f"{arm}_all_n"]), row
    assert values["flow.analysed.n"] == 229


def test_the_matching_and_survival_come_near_the_published_figures(study):
    values = dict(study.results().select("result_id", "value").iter_rows())
    assert 75 <= values["matching.matched.pairs.n"] <= 90
    for result, published in {
        "kaplan_meier.all.os.sora.median.estimate": 13.0,
        "kaplan_meier.all.os.len.median.estimate": 14.2,
        "kaplan_meier.all.pfs.sora.median.estimate": 4.6,
        "kaplan_meier.all.pfs.len.median.estimate": 6.1,
    }.items():
        assert abs(values[result] - published) <= 1.5, result


def test_nothing_but_tests_reads_the_ledger():
    root = Path(__file__).parents[2]
    users = [
        p
        for package in ("schemas", "etl", "analysis")
        for p in (root / package).rglob("*.py")
        if "ledger" in p.read_text(encoding="utf-8")
    ]
    assert all("example" in p.parts for p in users), users


def test_a_second_study_in_place_loads_nothing_new(study):
    before = list_files(study.folder / "extracts")
    done = study.run("study", "--workspace", str(study.folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("nothing new") == 3
    assert study.read("ingests")["ingests"].height == 3
    assert list_files(study.folder / "extracts") == before


def test_another_key_changes_no_extract_no_result_and_no_figure(study, tmp_path):
    other = StudyRun(tmp_path / "example", tmp_path / "another key")
    done = other.run("study", "--workspace", str(other.folder))
    assert done.returncode == 0, done.stderr
    assert other.key.read_bytes() != study.key.read_bytes()
    assert list_files(other.folder / "extracts") == list_files(study.folder / "extracts")
    for name in ("results.csv", "results.parquet", "curves.parquet", "index.html"):
        path = Path("reports") / "analysis" / name
        assert (other.folder / path).read_bytes() == (study.folder / path).read_bytes(), name
    figures = Path("reports") / "analysis" / "figures"
    assert list_files(other.folder / figures) == list_files(study.folder / figures)


def resort_csv(path: Path, header_rows: int) -> None:
    """Sort a hospital's text file backwards and put blank rows in."""
    encoding = "gb18030" if path.parent.parent.name == "hunan" else "utf-8"
    rows = list(csv.reader(path.read_text(encoding=encoding).splitlines()))
    head, body = rows[:header_rows], [row for row in rows[header_rows:] if any(row)]
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerows([*head, [], *reversed(body[: len(body) // 2]), [], *reversed(body[len(body) // 2 :])])


def resort_workbook(path: Path, header_rows: int) -> None:
    """Write a workbook anew as a person would leave it: sheets in another order, rows sorted backwards, blank rows in."""
    sheets = {grid.sheet: grid for grid in read_delivery(path).grids}
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False})
    for name, grid in reversed(sheets.items()):
        rows = [list(row[1:]) for row in grid.cells.iter_rows()]
        positions = [int(column) for column in grid.cells.columns[1:]]
        for first, column, last, _ in grid.merged:
            if first > header_rows and column in positions:
                for row in range(first, min(last, len(rows))):
                    rows[row][positions.index(column)] = rows[first - 1][positions.index(column)]
        head, body = rows[:header_rows], [row for row in rows[header_rows:] if any(row)]
        page = book.add_worksheet(name)
        for r, row in enumerate([*head, [], *reversed(body[: len(body) // 2]), [], *reversed(body[len(body) // 2 :])]):
            for position, text in zip(positions, row, strict=False):
                if text is not None:
                    page.write_string(r, position, text)
    book.close()


def test_a_hospital_that_sorts_anew_and_renames_its_files_changes_nothing(study, tmp_path):
    again = StudyRun(tmp_path / "example", study.key)
    shutil.copytree(study.folder / "extracts", again.folder / "extracts")
    hunan = next((again.folder / "extracts" / "hunan").iterdir())
    for path in hunan.glob("*.csv"):
        resort_csv(path, header_rows=2)
    hunan.rename(hunan.with_name("hunan, sorted anew"))
    sysu = next((again.folder / "extracts" / "sysu").iterdir())
    resort_csv(sysu / "sysu_redcap_export.csv", header_rows=1)
    nanfang = next((again.folder / "extracts" / "nanfang").glob("*.xlsx"))
    resort_workbook(nanfang, header_rows=2)
    nanfang.rename(nanfang.with_name("南方医院最终版(2).xlsx"))
    for hospital in HOSPITALS:
        done = again.run("ingest", hospital)
        assert done.returncode == 0, done.stderr
    assert again.run("analyse").returncode == 0
    ids = [set(run.read("marts.finding")["finding"]["finding_id"]) for run in (study, again)]
    assert ids[0] == ids[1]
    for name in ("results.csv", "curves.parquet"):
        path = Path("reports") / "analysis" / name
        assert (again.folder / path).read_bytes() == (study.folder / path).read_bytes(), name


def list_secrets(study: StudyRun) -> set[str]:
    """Every text of every column that the three mappings call an identifier: numbers, names, id cards, telephones."""
    secrets: set[str] = set()
    for hospital in HOSPITALS:
        site = load_site(PACKAGE_SITES / hospital)
        delivery = read_delivery(next((study.folder / "extracts" / hospital).iterdir()))
        for sheet in choose_sheets(delivery, site)[0]:
            used = sheet.rows.filter(pl.col("rule") == USED)
            columns = {c.column for s in sheet.sources for c in site.columns_of(s) if c.role in IDENTIFIER_ROLES}
            secrets |= {text for column in columns for text in used[column].drop_nulls()}
    return secrets


def read_everything(study: StudyRun) -> str:
    """All the warehouse says in text, and all pages, workbooks and result files, unpacked."""
    relations = ["ingests", "landing.source_row", "cross_findings", *(f"versions.{name}" for name in VERSIONED)]
    texts = [frame.write_json() for frame in study.read(*relations).values()]
    for path in (study.folder / "reports").rglob("*"):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                texts += [book.read(part).decode() for part in book.namelist()]
        elif path.suffix in (".html", ".csv", ".json", ".svg"):
            texts.append(path.read_text(encoding="utf-8"))
    return "\n".join(texts)


def test_no_identifier_of_anybody_leaves_the_deliveries(study):
    secrets = {text for text in list_secrets(study) if len(text) > 2 and not (text.isdigit() and len(text) < 6)}
    assert len(secrets) > 1000
    written = read_everything(study)
    assert "hunan_2022-11-20" in written
    assert sorted(text for text in secrets if text in written) == []


def test_every_page_and_every_delivery_says_that_the_patients_are_synthetic(study):
    pages = list((study.folder / "reports").rglob("*.html"))
    assert len(pages) >= 5
    for page in pages:
        assert "ynthetic" in page.read_text(encoding="utf-8"), page
    assert study.read("ingests")["ingests"]["is_synthetic"].all()


def test_the_documented_way_leads_from_a_number_to_its_cells(study, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(study.folder.parent)
    found: dict = {}
    exec(compile(code, "docs/results.md", "exec"), found)
    number = study.results().filter(pl.col("result_id") == "table1.matched.sora.alt.le40.n")["value"].item()
    assert found["patients"].height == number > 0
    cells = found["cells"]
    assert cells.height == number
    assert (cells["value"] <= 40).all()
    assert cells.select("source_file", "source_row").null_count().sum_horizontal().item() == 0
