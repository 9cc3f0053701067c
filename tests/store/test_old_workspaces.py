"""Workspaces that landed versions wrote, at work under today's code: nothing that they hold is lost, and all goes on.

README.md says what the workspaces hold and how they were made.
"""

import lzma
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from answered_workbook import CONFIRMED, answer, list_queries
from fixed_key import write_fixed_key
from held_tables import read_tables

from analysis.cli import run_analyse
from analysis.study.flow_steps import NOT_COMPARED
from etl.archive.export import POLARS_TYPES, export_registry
from etl.archive.open_files import FolderWriter
from etl.archive.restore import restore_registry
from etl.cli import list_ingests
from etl.errors import AnalysisError, NotPermittedError
from etl.ingest import ingest
from etl.known_versions import read_known
from etl.load import revert
from etl.mapping.read_site import load_site
from etl.permission import check_permission
from etl.publish import write_quality
from etl.settings import EXAMPLE_STUDY, Settings, find_site
from etl.store.warehouse import open_for_reading
from etl.verify import verify

HERE = Path(__file__).parent
MIGRATIONS = HERE.parents[1] / "sql" / "migrations"
COMMITS = sorted(path.name for path in (HERE / "old_workspaces").iterdir())
HOSPITALS = ("nanfang", "hunan", "sysu")
LACK_COLUMNS = {"f7a896e", "e5b4aa5"}
"""Versions whose databases lack columns that today's main study needs."""
FOR_THE_DATE = {"death_has_date", "progression_has_date", "stop_reason_has_end_date"}
"""Rules that ask for a date which is now set aside, since it lies after the day of the delivery."""
WITHOUT_THE_DATE = {"response_dates_follow_visits", "response_not_after_last_contact"}
"""Rules that compare such a date."""
OLDER_SAMPLES = {"baseline_sample_near_start"}
"""AFP and HBV DNA of up to 90 days before the start are asked about no more; any other value of then is no baseline, and is missed."""
NO_BASELINE = {"baseline_laboratory_is_complete"}
ACCUSED_NO_LONGER = {
    "targets_are_listed",  # a third target of an organ, or a sixth, counts as a non-target since then
    "diameter_change_is_plausible", "death_is_last_contact",  # a deep response, a death told by telephone
}  # fmt: skip
ASKED_SINCE = {"recorded_response_agrees_with_lesions"}  # every pair that disagrees is asked about, NE included
OTHER_WORDS = {"e5b4aa5"}
"""Versions of which every question that was answered has other words since then."""
ONE_LEAVES = {"f7a896e"}
"""Versions whose example has such a sample in a patient who came as far as E4: one patient leaves there who left later."""
FIND_MORE = {
    "f7a896e": {"grade_agrees_with_value"},  # since then from samples during the event, the worst of them
}
FIND_LESS = {
    "f7a896e": {
        "laboratory.value.unit", "baseline_laboratory_is_complete",  # HBV DNA in copies/mL is read since then
    },
    "e5b4aa5": {"start_date_is_plausible"},  # since then a later line may start after the close of follow-up
}  # fmt: skip
"""Rules that today find more, or less, in the same delivery than a version did: of no other may an id go, or one come of a rule that
found something then (a rule that came later is free)."""


class OldWorkspace:
    """A landed version's workspace, unpacked below `folder`, and the commands of today."""

    def __init__(self, commit: str, folder: Path) -> None:
        self.commit = commit
        self.late: dict[str, tuple[str, str]] = {}
        self.kept = HERE / "old_workspaces" / commit
        self.folder = folder
        for archive in self.kept.glob("*.tar.xz"):
            with lzma.open(archive) as stream, tarfile.open(fileobj=stream) as files:
                files.extractall(folder, filter="data")
        self.settings = Settings(folder, write_fixed_key(folder.with_name(f"{folder.name} key")), "en")

    @property
    def takes_answers(self) -> bool:
        """Whether its version took the answers of query workbooks; the first ones only asked."""
        return (self.kept / "answers.csv").exists()

    def read(self, query: str) -> pl.DataFrame:
        with duckdb.connect(str(self.folder / "registry.duckdb"), read_only=True) as database:
            return database.sql(query).pl()

    def held(self, name: str) -> pl.DataFrame:
        """What the workspace held when its version left it: ingests, findings, cross_findings, answers or counts."""
        return pl.read_csv(self.kept / f"{name}.csv")

    def held_flow(self) -> dict[str, float]:
        """The numbers of the flow chart that its version computed."""
        return dict(self.held("counts").filter(pl.col("result_id").str.starts_with("flow.")).iter_rows())

    def answer_late(self, hospital: str) -> dict[str, tuple[str, str]]:
        """Answer two questions in the workbook that the version wrote, after its time; return the answers by query id."""
        workbook = self.folder / "reports" / "quality" / hospital / "queries.xlsx"
        asked = [row["Query id"] for row in list_queries(workbook) if "to be answered" in row["Kind"]]
        answers = dict(zip(asked[-2:], [(CONFIRMED, ""), ("", "will look")], strict=True))
        answer(workbook, self.folder / "extracts" / hospital / "answers" / "answered late.xlsx", answers)
        return answers


@pytest.fixture(params=COMMITS, scope="module")
def left(request, tmp_path_factory) -> OldWorkspace:
    """A workspace as its version left it: only read from."""
    return OldWorkspace(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(params=COMMITS, scope="module")
def read_again(request, tmp_path_factory) -> OldWorkspace:
    """A workspace after today's code has read every delivery again and taken the answers that came meanwhile."""
    workspace = OldWorkspace(request.param, tmp_path_factory.mktemp(request.param))
    workspace.late = workspace.answer_late("nanfang")
    for hospital in HOSPITALS:
        ingest(workspace.settings, hospital, extract=None, check=False, accept=False, progress=lambda *_: None)
    write_quality(workspace.settings)
    return workspace


def test_its_ingests_are_listed(left, capsys, monkeypatch):
    monkeypatch.setattr("etl.cli.read_settings", lambda: left.settings)
    list_ingests()
    listed = re.findall(r"^([* ]) +(\d+) +(\w+) .* (\d+) patients  (.+)$", capsys.readouterr().out, re.MULTILINE)
    held = left.held("ingests").with_columns(mark=pl.when("is_current").then(pl.lit("*")).otherwise(pl.lit(" ")))
    columns = ["mark", "ingest_id", "hospital", "patients", "delivery"]
    assert listed == [tuple(map(str, row)) for row in held.select(columns).iter_rows()]


def test_its_quality_pages_are_written_before_anything_is_read_again(left):
    paths = write_quality(left.settings, "hunan")
    assert left.folder / "reports" / "quality" / "hunan" / "index.html" in paths


def test_its_database_exports_and_comes_back(left, tmp_path):
    export_registry(left.settings, tmp_path / "out")
    restored = Settings(tmp_path / "restored", left.settings.key_file, "en")
    restore_registry(restored, tmp_path / "out")
    held = read_tables(left.settings.warehouse_path)
    assert held["versions.patient"]
    assert read_tables(restored.warehouse_path) == held


def write_as_it_stands(path, folder):
    """Export a database of any shape in format version 1, as the registry of its time would have; return what it holds."""
    writer, held = FolderWriter(folder, is_synthetic=True), {}
    with duckdb.connect(str(path), read_only=True) as database:
        for (table,) in database.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by all"
        ).fetchall():
            told = database.execute(
                "select column_name, data_type from duckdb_columns() where schema_name || '.' || table_name = ?",
                [table],
            ).fetchall()
            held[table] = database.sql(f"select * from {table}").pl()
            shape = {name: POLARS_TYPES[dtype] for name, dtype in told}
            writer.write_table(f"tables/{table}/all.parquet", table, shape, [held[table]])
    writer.finish("export", {})
    return held


def test_an_export_of_an_older_registry_is_brought_up_to_date_and_loses_nothing(tmp_path):
    """Of the oldest one, whose database did not yet know its version; columns that a migration has renamed are looked for under their new names."""
    old = OldWorkspace("f7a896e", tmp_path / "old")
    held = write_as_it_stands(old.settings.warehouse_path, tmp_path / "out")
    empty = replace(old.settings, workspace=tmp_path / "empty")
    restore_registry(empty, tmp_path / "out")
    renamed = dict(re.findall(r"rename column (\w+) to (\w+)", (MIGRATIONS / "0002_derived_names.sql").read_text()))
    with open_for_reading(empty.warehouse_path) as warehouse:
        for table, frame in held.items():
            made = warehouse.query(f"select * from {table}")
            names = {name: name if name in made.columns else renamed[name] for name in frame.columns}
            assert made.select(names.values()).equals(frame.rename(names)), table
    assert verify(empty).differences == []
    assert {"versions.patient", "versions.findings", "landing.source_row", "main.ingests"} <= held.keys()


def analyse(workspace: OldWorkspace) -> dict[str, float]:
    """Run the main study, of which nothing is drawn, and return the numbers of its flow chart that were counted then too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.cli.read_settings", lambda: workspace.settings)
        for draw in ("save_figures", "write_report", "write_manuscript"):
            patch.setattr(f"analysis.run.{draw}", lambda *_, **__: {})
        run_analyse(EXAMPLE_STUDY)
    results = pl.read_parquet(workspace.settings.reports_dir / "analysis" / "results.parquet")
    flow = results.filter(pl.col("analysis") == "flow", pl.col("variable") != NOT_COMPARED)
    return dict(flow.select("result_id", "value").iter_rows())


def test_its_study_counts_the_same_patients_or_says_what_the_readings_lack(left):
    """What a version could not hold is not taken as empty: the study asks for the deliveries to be read again."""
    if left.commit in LACK_COLUMNS:
        with pytest.raises(AnalysisError, match="registry ingest hunan"):
            analyse(left)
    else:
        assert analyse(left) == left.held_flow()


def test_reading_again_adds_a_number_and_keeps_the_others(read_again):
    before = read_again.held("ingests")
    after = read_again.read("select * from ingests order by ingest_id").select(before.columns)
    assert after.height == before.height + len(HOSPITALS)
    assert after.head(before.height).drop("is_current").equals(before.drop("is_current"))
    new = after.tail(len(HOSPITALS))
    assert new["hospital"].to_list() == list(HOSPITALS)
    assert after.filter("is_current").equals(new)
    same = ["hospital", "delivery", "content_hash", "patients"]
    assert new.select(same).sort("hospital").equals(before.filter("is_current").select(same).sort("hospital"))


def test_it_was_read_once_more_without_a_permission_and_nothing_is_loaded_again_without(read_again):
    """Its mappings state none, since they are from before the registry asked for one."""
    known = read_known(read_again.settings)
    assert {hospital: row["kind"] for hospital, row in known.permitted.items()} == dict.fromkeys(HOSPITALS)
    for hospital in HOSPITALS:
        with pytest.raises(NotPermittedError, match="states no permission"):
            check_permission(read_again.settings, load_site(find_site(read_again.settings, hospital)), known)


def test_findings_of_its_ingests_are_kept(read_again):
    before = read_again.held("findings")
    after = read_again.read(
        f"select ingest_id, hospital, rule_id, finding_id from versions.findings where ingest_id <= {before['ingest_id'].max()} order by all"
    )
    assert after.equals(before)


def test_the_same_fault_is_found_under_the_same_id(read_again):
    held = read_again.held("findings").join(
        read_again.held("ingests").filter("is_current").select("ingest_id"), on="ingest_id"
    )
    found = read_again.read("select hospital, rule_id, finding_id from core.findings")
    before, after = (set(frame.select("hospital", "rule_id", "finding_id").iter_rows()) for frame in (held, found))
    assert {rule for _, rule, _ in before - after} <= FIND_LESS.get(
        read_again.commit, set()
    ) | WITHOUT_THE_DATE | OLDER_SAMPLES | ACCUSED_NO_LONGER
    more = {rule for _, rule, _ in after - before} & {rule for _, rule, _ in before}
    assert more <= FIND_MORE.get(read_again.commit, set()) | FOR_THE_DATE | NO_BASELINE | ASKED_SINCE
    between = read_again.read("select hospital, rule_id, finding_id from cross_findings order by all")
    assert between.equals(read_again.held("cross_findings"))


def test_answers_are_kept_and_late_ones_taken(read_again):
    after = read_again.read("select * from answers order by answer_id")
    before = read_again.held("answers") if read_again.takes_answers else after.clear()
    assert after.select(before.columns).head(before.height).equals(before)
    new = after.slice(before.height).select("hospital", "finding_id", "answer", "comment").rows()
    one, other = read_again.late
    assert sorted(new) == sorted([("nanfang", one, "confirmed", None), ("nanfang", other, "comment", "will look")])


def test_an_answered_question_is_not_asked_again(read_again):
    """But where its words have changed since: somebody who confirmed the one has not read the other."""
    in_same_words = (
        "select finding_id from answers join core.findings using (finding_id, message_en) where answer <> 'corrected'"
    )
    standing = set(read_again.read(in_same_words)["finding_id"])
    assert standing or read_again.commit in OTHER_WORDS
    folder = read_again.folder / "reports" / "quality"
    asked = {row["Query id"] for h in HOSPITALS for row in list_queries(folder / h / "queries.xlsx")}
    assert asked
    assert asked & standing == set()


def test_the_study_counts_the_same_patients_afterwards(read_again):
    now, before = analyse(read_again), read_again.held_flow()
    assert now.keys() == before.keys()
    moved = {now[name] - before[name] for name in now} - {0}
    assert moved <= ({-1, 1} if read_again.commit in ONE_LEAVES else set())


def test_a_revert_goes_back_to_the_reading_of_that_version(read_again):
    before = read_again.held("ingests").filter("is_current")
    for hospital in ("nanfang", "hunan"):
        revert(read_again.settings, hospital)
        current = read_again.read(f"select ingest_id from ingests where is_current and hospital = '{hospital}'")
        assert current["ingest_id"].to_list() == before.filter(hospital=hospital)["ingest_id"].to_list()
        n_patients = read_again.read(f"select count(*) as n from core.patient where hospital = '{hospital}'")
        assert n_patients["n"].to_list() == before.filter(hospital=hospital)["patients"].to_list()


def test_it_is_on_record_from_its_opening_on(read_again):
    assert verify(read_again.settings).differences == []
    kinds = read_again.read("select kind from event order by number")["kind"].to_list()
    assert kinds[0] == "opening"
    assert kinds.count("ingest") == len(HOSPITALS)
