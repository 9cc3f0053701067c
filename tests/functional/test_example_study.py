"""The example study from deliveries to results, as `make study` runs it: counts, ledger, repeatability, independence."""

import csv
import json
import lzma
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
from calibration.targets import list_targets
from calibration.trial import Bench
from example_reference import hash_drawn, list_findings
from fixed_key import write_fixed_key
from images.made_from import FOLDER, read_made_from
from images.sources import list_sources

from analysis.report.studies_page import WORKED
from analysis.run import compute_study, run_study
from analysis.steps import alternatives
from analysis.study.at_start import RECORDS, derive_study_at_start
from analysis.study.read_spec import STUDIES, read_spec, read_study
from etl.delivery.read import read_delivery
from etl.errors import AnalysisError
from etl.example.calibration import read_calibration
from etl.mapping.accounts import USED
from etl.mapping.read_site import load_site
from etl.mapping.sheets import choose_sheets
from etl.mapping.site import IDENTIFIER_ROLES
from etl.settings import PACKAGE_SITES
from etl.store.shape import declare_tables
from etl.store.warehouse import read_frames
from schemas.known_at_start import NOTHING, REMOVED

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "analysis" / "studies" / "len_vs_sora" / "published" / "table1.csv"
CASES = ROOT.parent / "shared" / "cases"
REFERENCE = Path(__file__).parent / "example_bb69595"
HOSPITALS = ("nanfang", "hunan", "sysu")
FIND_MORE: set[str] = set()
"""Rules that find more since the reference was made. A rule that came later is free; a recorded id may never go."""
OTHER_RESULTS: set[str] = set()
"""Results (by id) and drawings (by name) that were changed on purpose since the reference was made; new ones are free."""


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
    run = StudyRun(folder / "example", write_fixed_key(folder / "key"))
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


WISHED_FOR = (  # published, and without a tolerance
    "logrank.all.os.p", "logrank.matched.os.p", "logrank.matched.os.tace_yes.p", "logrank.matched.os.tace_no.p",
    "response.matched.response.3m.p", "response.matched.response.6m.p",
    *(f"cox_multivariable_naive.matched.os.{name}.hr"
      for name in ("arm.sora", "tace.no", "pvtt.i_ii", "pvtt.iii_iv", "metastasis_sites.gt5")),
    *(f"cox_multivariable_naive.matched.pfs.{name}.hr"
      for name in ("arm.sora", "pvtt.i_ii", "pvtt.iii_iv", "metastasis_sites.gt5")),
    "treatment.all.sora.duration.mean", "treatment.all.len.duration.mean", "follow_up.all.os.median.estimate",
)  # fmt: skip


def tabulate(study: StudyRun) -> list[str]:
    """The rows of the tables in docs/example.md: printed figure, the example's, difference and tolerance where there is one."""
    values = dict(study.results().select("result_id", "value").iter_rows())
    printed = dict(study.results().select("result_id", "reference").iter_rows())
    rows = [
        f"| {t.result_id} | {t.value:g} | {values[t.result_id]:.2f} | {values[t.result_id] - t.value:+.2f} | {t.tolerance:g} |"
        for t in list_targets(read_study("len_vs_sora"))
    ]
    return rows + [f"| {name} | {printed[name]} | {values[name]:.3g} |" for name in WISHED_FOR]


def test_the_example_is_within_every_tolerance_of_the_published_figures(study):
    values = dict(study.results().select("result_id", "value").iter_rows())
    targets = list_targets(read_study("len_vs_sora"))
    assert len(targets) == 55
    rows = tabulate(study)
    sys.stdout.write("\n".join(["| result | printed | example | difference | tolerance |", *rows]) + "\n")
    assert [t for t in targets if not abs(values[t.result_id] - t.value) <= t.tolerance] == []
    page = (ROOT / "docs" / "example.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row not in page] == [], "docs/example.md shows other figures"


@pytest.mark.skipif(not CASES.exists(), reason="the cases from outside are not here")
def test_a_study_of_two_drugs_out_of_five_is_refused_with_the_others_counted(study, tmp_path):
    shutil.copy(CASES / "third_arm.toml", tmp_path / "spec.toml")
    frames = study.read("marts.analysis_subject", "marts.analysis_adverse_event")
    with pytest.raises(AnalysisError) as raised:
        compute_study(frames, read_spec(tmp_path / "spec.toml"))
    # 229 are eligible, 159 of them in the two arms (README of the cases)
    assert "70 of 229 patients" in raised.value.en
    assert "toripalimab 32, pembrolizumab 25, nivolumab 13" in raised.value.en


@pytest.mark.skipif(not CASES.exists(), reason="the cases from outside are not here")
def test_with_a_filter_the_two_drugs_have_r_s_hazard_ratios(study, tmp_path, monkeypatch):
    """R's values on the same patients stand in the README of the cases."""
    monkeypatch.setattr(alternatives, "SAMPLES", 20)
    drugs = '[{ column = "pd1_drug", any_of = ["camrelizumab", "sintilimab"] }]'
    filters = f'filters = [{{ id = "two", label = "Two drugs", where = {drugs} }}]'
    content = (CASES / "third_arm.toml").read_text(encoding="utf-8")
    path = tmp_path / "third" / "spec.toml"
    path.parent.mkdir()
    path.write_text(content.replace("eligible_only = true", f"eligible_only = true\n{filters}"), encoding="utf-8")
    frames = study.read("marts.analysis_subject", "marts.analysis_adverse_event")
    values = dict(compute_study(frames, read_spec(path)).results.frame.select("result_id", "value").iter_rows())
    assert (values["flow.two.n_before"], values["flow.analysed.n"]) == (229, 159)
    found = [
        round(values[f"cox_treatment.all.{endpoint}.arm.sin.{name}"], 3)
        for endpoint in ("pfs", "os")
        for name in ("hr", "ci_low", "ci_high")
    ]
    assert found == [0.887, 0.643, 1.224, 0.963, 0.665, 1.393]
    assert round(values["logrank.all.pfs.p"], 3) == 0.470


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_study_of_the_page_runs_end_to_end(study, tmp_path, monkeypatch, name):
    """The same from the workspace as from the package."""
    monkeypatch.setattr(alternatives, "SAMPLES", 20)
    shutil.copytree(STUDIES / name, tmp_path / "studies" / name)
    marts = ("marts.analysis_subject", "marts.analysis_adverse_event", "marts.unfilled_column", "ingests")
    frames = study.read(*marts)
    for place, spec in {"package": read_study(name), "workspace": read_study(name, [tmp_path / "studies"])}.items():
        run_study(frames, spec, tmp_path / place, {})
    written = {path.name for path in (tmp_path / "package").iterdir()}
    assert written >= {"index.html", "manuscript.docx", "results.csv", "curves.parquet", "figures"}
    assert (tmp_path / "package" / "results.csv").read_bytes() == (tmp_path / "workspace" / "results.csv").read_bytes()
    results = pl.read_parquet(tmp_path / "package" / "results.parquet").filter(
        ~pl.col("method").fill_null("").str.starts_with("not estimable")
    )
    ratios = results.filter(pl.col("analysis") == "cox_treatment", pl.col("statistic") == "hr")
    assert ratios["value"].is_between(0.05, 20).all()
    assert ratios.height >= 1


def test_the_example_is_balanced_as_printed_and_its_hazards_are_not_proportional(study):
    values = dict(study.results().select("result_id", "value").iter_rows())
    assert values["balance.matched.largest.abs_smd"] < 0.10
    assert values["cox_treatment.all.os.arm.len.p_proportional"] < 0.05
    assert values["logrank.matched.os.tace_yes.p"] < 0.05 < values["logrank.matched.os.tace_no.p"]


def test_what_happened_after_the_start_is_found_in_x1_e5_e4_and_tace_alone(study):
    """As the protocol says of the study: X1, E5 and E4 (last contact, vital status) look into the future of the start, and TACE lies after it."""
    found = study.results().filter(pl.col("analysis") == "post_baseline", pl.col("value") > 0)
    named = found.filter(pl.col("level") == "changed")
    assert set(named["variable"]) == {"x1_treated_3_months", "e5_followed_3_months", "e4_complete_data", "tace"}
    values = dict(found.select("result_id", "value").iter_rows())
    # everybody analysed has a last contact after the start; of the 229, 164 had TACE (published), in the example all of it later
    for name in ("x1_treated_3_months", "e5_followed_3_months", "e4_complete_data"):
        assert values[f"post_baseline.all.{name}.changed.n"] == 229
    assert values["post_baseline.all.tace.changed.n"] == 164
    through = found.filter(pl.col("cohort").is_null(), pl.col("level") != "changed").select("variable", "level")
    facts = {name: set(part["level"]) for (name,), part in through.group_by("variable")}
    assert "outcome.last_contact_date" in facts["e4_complete_data"] & facts["e5_followed_3_months"]
    assert "treatment.end_date" in facts["x1_treated_3_months"]
    assert "procedure" in facts["tace"]
    assert {name for name, levels in facts.items() if levels == {"undated"}} >= {"antiviral", "cirrhosis"}
    page = (study.folder / "reports" / "analysis" / "index.html").read_text(encoding="utf-8")
    assert (
        "These criteria and covariates use what happened after the start of therapy: Complete clinical data (E4); "
        in page
    )


def test_what_is_known_with_nothing_removed_is_what_the_ingests_derived(study):
    frames = study.read("marts.analysis_subject", *RECORDS)
    found = derive_study_at_start(frames, read_study("len_vs_sora"))
    as_it_is = found.filter(pl.col(REMOVED) == NOTHING).drop(REMOVED).sort("patient_id")
    stored = frames["analysis_subject"].filter(pl.col("first_line_start_date").is_not_null())
    assert as_it_is.equals(stored.select(as_it_is.columns).sort("patient_id"))
    assert as_it_is.height > 500


def test_the_search_for_constants_sees_what_the_study_gives(study):
    calibration = read_calibration()
    trial = Bench(calibration).run(calibration)
    values = dict(study.results().select("result_id", "value").iter_rows())
    found = trial.estimate_survival() | trial.count_responses()
    assert {t.result_id for t in list_targets(read_study("len_vs_sora"))} - found.keys() == {"matching.matched.pairs.n"}
    assert found == pytest.approx({name: values[name] for name in found}, abs=1e-6)


def test_every_finding_keeps_its_recorded_id(study):
    """An answer hangs on its finding's id: another id would ask a hospital again what it has answered."""
    recorded = set(pl.read_csv(REFERENCE / "finding_ids.csv").iter_rows())
    found = set(list_findings(study.folder).iter_rows())
    assert len(recorded) > 600
    assert sorted(recorded - found) == [], (
        "where a fault was planted, it may have taken the patient of another: let its `wanted` accept fewer, or one that is free"
    )
    known = {rule for _, rule, _ in recorded} - FIND_MORE
    assert sorted(finding for finding in found - recorded if finding[1] in known) == []


def test_every_result_and_drawing_is_the_recorded_one(study):
    analysis = study.folder / "reports" / "analysis"
    recorded = lzma.decompress((REFERENCE / "results.csv.xz").read_bytes()).decode().splitlines()
    found = (analysis / "results.csv").read_text(encoding="utf-8").splitlines()
    changed = {line.split(",")[1] for line in set(recorded) - set(found)}
    assert sorted(changed - OTHER_RESULTS) == [], "name in OTHER_RESULTS (above) what was meant to change, and say why"
    both = set(recorded) & set(found)
    assert [line for line in found if line in both] == [line for line in recorded if line in both]
    drawn = pl.read_csv(REFERENCE / "drawn.csv").join(hash_drawn(analysis), on="name", how="left", suffix="_found")
    other = drawn.filter(pl.col("sha256").ne_missing(pl.col("sha256_found")))
    assert sorted({*other["name"]} - OTHER_RESULTS) == [], (
        "name in OTHER_RESULTS (above) what was meant to change, and say why"
    )


def test_every_picture_of_the_documents_shows_what_the_example_gives(study, tmp_path):
    made_from = read_made_from()
    sources = {source.picture: source for source in list_sources(study.folder, tmp_path)}
    assert made_from.keys() == sources.keys() == {path.name for path in FOLDER.glob("*.png")}
    for name, source in sources.items():
        assert made_from[name].made_from_sha256 == source.sha256, (
            f"docs/img/{name} is of another version: run make images"
        )
    # what the sources are known by from elsewhere: a figure of the reference, and who the patients are
    drawn = dict(hash_drawn(study.folder / "reports" / "analysis").iter_rows())
    assert made_from["kaplan_meier.png"].made_from_sha256 == drawn["kaplan_meier.svg"]
    pages = [source for source in sources.values() if source.page]
    assert len(pages) == 3
    assert all("synthetic patients" in source.text.lower() for source in pages)


def test_nothing_but_tests_reads_the_ledger():
    users = [
        p
        for package in ("schemas", "etl", "analysis")
        for p in (ROOT / package).rglob("*.py")
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
    other = StudyRun(tmp_path / "example", tmp_path / "example.key")  # made there by the command
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
    hunan.rename(hunan.with_name("hunan, sorted anew, 2022-11-20"))
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
    texts = [frame.write_json() for frame in study.read(*declare_tables()).values()]
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


def test_everything_is_as_it_was_recorded_and_an_edited_result_is_named(study):
    done = study.run("verify")
    assert done.returncode == 0, done.stdout
    analysis = study.folder / "reports" / "analysis"
    head = json.loads((analysis / "manifest.json").read_text(encoding="utf-8"))["inputs"]["trail"]
    events = dict(study.read("event")["event"].select("number", "hash").iter_rows())
    assert events[head["number"]] == head["hash"]
    shown = [path for path in (study.folder / "reports").rglob("*") if path.suffix in (".html", ".csv", ".svg")]
    assert not [path for path in shown if head["hash"] in path.read_text(encoding="utf-8")]
    results = analysis / "results.csv"
    content = results.read_bytes()
    results.write_bytes(content.replace(b"0", b"1", 1))
    done = study.run("verify")
    results.write_bytes(content)
    assert done.returncode == 20
    assert "reports/analysis/results.csv is gone or not as the analysis of len_vs_sora wrote it" in done.stdout
