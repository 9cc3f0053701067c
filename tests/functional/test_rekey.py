"""`registry rekey`: new pseudonyms for everybody, and nothing else changes. Two hospitals that share a patient, two versions, answers."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import clinic
import duckdb
import polars as pl
import pytest
from answered_workbook import CONFIRMED, NOT_AVAILABLE, answer, list_queries
from test_answers_act import BILIRUBIN, WEIGHTS, write
from test_keys import IDS

from etl import errors
from etl.ingest import ingest
from etl.known_versions import read_known
from etl.load import OvertakenError, refresh, take_answers
from etl.mapping.identity import PseudonymKey
from etl.mapping.key_file import make_key_file, read_secrets
from etl.publish import write_quality
from etl.quality.answers import read_new_answers
from etl.rekey import rekey
from etl.settings import Settings
from etl.store.shape import declare_tables
from etl.store.trail import list_events, record_event
from etl.store.warehouse import open_for_reading, open_for_writing, read_frames
from etl.verify import verify

COLUMNS = clinic.COLUMNS + "patients,weight,field,baseline,body_weight_kg,,kg,\n"
COLUMNS += "labs,bilirubin,field,laboratory,value,test=bilirubin_umol_l,umol/L,\n"
NAMES = {"patient_id", "person_id", "finding_id"}
OF_THE_MOMENT = {"loaded_at", "taken_at", "file_hash", "path", "due_at", "changed_at"}
"""Columns that differ between two workspaces in which the same was done: when, where, and the bytes of a workbook."""
OF_THE_WAY = {"main.event", "main.change", "main.owed", "main.page", "main.former_id", "main.schema_column"}
"""Tables that tell how a database came to be what it is."""


@dataclass
class Workspace:
    settings: Settings

    @property
    def linkage_file(self) -> Path:
        return self.settings.locate_linkage_key(self.settings.key_file)

    def ingest(self, hospital="clinic"):
        return ingest(
            self.settings, hospital, extract=None, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
        )  # fmt: skip

    def deliver(self, hospital, name, **values):
        write_with_ids(self.settings.extracts_dir / hospital / name, **values)
        return self.ingest(hospital)

    def find_workbook(self, hospital="clinic") -> Path:
        return self.settings.reports_dir / "quality" / hospital / "queries.xlsx"

    def list_open(self) -> list[dict]:
        return [row for row in list_queries(self.find_workbook()) if "to be answered" in row["Kind"]]

    def answer(self, name, answers, workbook=None):
        answer(workbook or self.find_workbook(), self.settings.extracts_dir / "clinic" / "answers" / name, answers)

    def read_tables(self) -> dict[str, pl.DataFrame]:
        return read_frames_of(self.settings)

    def copy(self, folder: Path) -> "Workspace":
        """A copy with copies of its keys."""
        shutil.copytree(self.settings.workspace.parent, folder)
        return Workspace(replace(self.settings, workspace=folder / "workspace", key_file=folder / "key"))


def read_frames_of(settings) -> dict[str, pl.DataFrame]:
    with open_for_reading(settings.warehouse_path) as warehouse:
        return {table: warehouse.query(f"select * from {table}") for table in declare_tables()}


def write_with_ids(folder: Path, **values) -> None:
    write(folder, **values)
    path = folder / "patients.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, document in IDS.items():
        lines = [line.replace(",,", f",{document},", 1) if line.startswith(f"{number},") else line for line in lines]
    path.write_text("\n".join(lines), encoding="utf-8")


def begin(settings: Settings) -> Workspace:
    """Two hospitals, of which the first confirms one strange value, cannot give another, and delivers again."""
    workspace = Workspace(settings)
    for hospital in ("clinic", "other"):
        site = clinic.SITE.replace('"clinic"', f'"{hospital}"')
        clinic.write_site(settings.workspace / "sites" / hospital, columns=COLUMNS, site=site)
    workspace.deliver("clinic", "a")
    workspace.deliver("other", "a")
    write_quality(settings, "clinic")
    other = next(row["Query id"] for row in workspace.list_open() if row["Value"] != "300")
    workspace.answer("first.xlsx", {"300": (CONFIRMED, ""), other: (NOT_AVAILABLE, "see the chart")})
    workspace.deliver("clinic", "b", bilirubin={**BILIRUBIN, "001": "2.6"})
    return workspace


def redeliver(workspace: Workspace) -> None:
    workspace.deliver("clinic", "c", bilirubin={**BILIRUBIN, "001": "2.7"}, weights={**WEIGHTS, "001": "77"})
    workspace.deliver("other", "c", bilirubin={**BILIRUBIN, "003": "31"})


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Workspace:
    """Only read from."""
    folder = tmp_path_factory.mktemp("begun")
    workspace = begin(Settings(folder / "workspace", folder / "key", "en"))
    write_quality(workspace.settings)
    return workspace


@pytest.fixture(scope="module")
def rekeyed(begun, tmp_path_factory) -> Workspace:
    """Only read from."""
    workspace = begun.copy(tmp_path_factory.mktemp("rekeyed") / "copy")
    rekey(workspace.settings)
    return workspace


def list_names(tables) -> set[str]:
    return {
        name
        for frame in tables.values()
        for column in NAMES & set(frame.columns)
        for name in frame[column].drop_nulls()
    }


def test_no_name_of_before_is_left_in_any_table(begun, rekeyed):
    patientless = begun.read_tables()["versions.findings"].filter(pl.col("patient_id").is_null())["finding_id"]
    old = list_names(begun.read_tables()) - set(patientless)
    assert len(old) > 20
    tables = rekeyed.read_tables()
    assert not old & list_names(tables)
    told = {str(value) for frame in tables.values() for row in frame.iter_rows() for value in row}
    assert not [name for name in old if any(name in text for text in told)]


def test_names_are_those_of_both_secrets_one_after_the_other(begun, rekeyed):
    first, second = read_secrets(rekeyed.settings.key_file)
    assert (first,) == read_secrets(begun.settings.key_file)
    linkage = read_secrets(rekeyed.linkage_file)
    assert linkage[:1] == read_secrets(begun.linkage_file)
    assert len(linkage) == 2
    key = PseudonymKey(first, (second,), linkage)
    patient = rekeyed.read_tables()["versions.patient"]
    assert set(patient["patient_id"]) == {key.pseudonym(h, n) for h in ("clinic", "other") for n in IDS}
    assert set(patient["person_id"]) == {key.hash_person(one) for one in IDS.values()}


def test_nothing_else_changed_and_the_trail_holds(begun, rekeyed):
    before, after = begun.read_tables(), rekeyed.read_tables()
    for table in before.keys() - OF_THE_WAY - {"main.registry"}:
        columns = [name for name in before[table].columns if name not in NAMES | {"input_hash"}]
        assert sort(before[table].select(columns)).equals(sort(after[table].select(columns))), table
        named = [name for name in before[table].columns if name in NAMES]
        assert before[table].select(named).n_unique() == after[table].select(named).n_unique(), table
    verdict = verify(rekeyed.settings)
    assert not verdict.differences
    with open_for_reading(rekeyed.settings.warehouse_path) as warehouse:
        (event,) = [event for event in list_events(warehouse) if event["kind"] == "rekey"]
    detail = event["detail"]
    assert (event["rows_in"], detail["n_persons"]) == (6, 3)
    assert detail["before"]["versions.patient"].keys() == detail["tables"]["versions.patient"].keys() == {"1", "2", "3"}
    assert detail["before"]["versions.patient"] != detail["tables"]["versions.patient"]
    assert detail["keys_before"] != detail["keys_after"]


def sort(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(pl.all().cast(pl.String), nulls_last=True)


def test_the_same_delivery_is_nothing_new_and_an_open_workbook_is_taken(begun, rekeyed, tmp_path):
    workspace = rekeyed.copy(tmp_path / "copy")
    assert workspace.ingest("clinic").status == "nothing new"
    assert workspace.ingest("other").status == "nothing new"
    open_before = begun.find_workbook()
    asked = begun.list_open()
    id_before, value = asked[0]["Query id"], asked[0]["Value"]
    workspace.answer("late.xlsx", {id_before: (NOT_AVAILABLE, "late")}, workbook=open_before)
    assert workspace.ingest("clinic").answers == 1
    frames = read_frames(workspace.settings.warehouse_path, ["answers", "core.findings"])
    (last,) = frames["answers"].filter(comment="late")["finding_id"]
    assert last != id_before
    assert frames["findings"].filter(finding_id=last)["value"].to_list() == [value]
    assert rekey(workspace.settings).n_patients == 6  # ids from two keys ago are found too
    workspace.answer("later.xlsx", {asked[1]["Query id"]: (NOT_AVAILABLE, "later")}, workbook=open_before)
    assert workspace.ingest("clinic").answers == 1
    assert not verify(workspace.settings).differences


def test_in_whichever_order_it_is_done_everything_is_the_same(begun, rekeyed, tmp_path):
    """Rekey then redeliver, redeliver then rekey, and as if the keys had been there from the start: equal in every table, names too."""
    first = rekeyed.copy(tmp_path / "first")
    redeliver(first)
    second = begun.copy(tmp_path / "second")
    for one, other in ((second.settings.key_file, first.settings.key_file), (second.linkage_file, first.linkage_file)):
        one.write_bytes(other.read_bytes())  # appended, and not known to this database yet
    redeliver(second)
    assert set(second.read_tables()["versions.patient"]["patient_id"]) == set(
        begun.read_tables()["versions.patient"]["patient_id"]
    )
    rekey(second.settings)
    assert second.settings.key_file.read_bytes() == first.settings.key_file.read_bytes()
    third = Workspace(Settings(tmp_path / "third" / "workspace", tmp_path / "third" / "key", "en"))
    make_key_file(third.settings.key_file, read_secrets(first.settings.key_file))
    make_key_file(third.linkage_file, read_secrets(first.linkage_file))
    begin(third.settings)
    redeliver(third)
    tables = [workspace.read_tables() for workspace in (first, second, third)]
    for table in tables[0].keys() - OF_THE_WAY:
        columns = [name for name in tables[0][table].columns if name not in OF_THE_MOMENT]
        one, two, three = (sort(held[table].select(columns)) for held in tables)
        assert one.equals(two), table
        assert one.equals(three), table
    assert tables[0]["main.answers"].height == 2
    assert tables[0]["versions.confirmed"].height == 2  # in the two versions since it was confirmed


KILLED = """
import os, signal, sys
from pathlib import Path
from etl.keys import Renewal
from etl.rekey import rekey
from etl.settings import Settings
write = Renewal.write_files
def die(self):
    write(self)
    os.kill(os.getpid(), signal.SIGKILL)
Renewal.write_files = die
rekey(Settings(Path(sys.argv[1]), Path(sys.argv[2]), "en"))
"""


def test_killed_before_the_commit_it_has_changed_nothing_and_the_next_one_takes_the_same_secrets(begun, tmp_path):
    workspace = begun.copy(tmp_path / "copy")
    where = [str(workspace.settings.workspace), str(workspace.settings.key_file)]
    done = subprocess.run([sys.executable, "-c", KILLED, *where], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    after = workspace.read_tables()
    for table, frame in begun.read_tables().items():
        assert sort(frame).equals(sort(after[table])), table
    pending = read_secrets(workspace.settings.key_file)
    assert len(pending) == 2
    assert workspace.ingest().status == "nothing new"
    workspace.deliver("clinic", "c", bilirubin={**BILIRUBIN, "001": "2.7"})
    assert set(workspace.read_tables()["versions.patient"]["patient_id"]) == set(
        after["versions.patient"]["patient_id"]
    )
    rekey(workspace.settings)
    assert read_secrets(workspace.settings.key_file) == pending
    assert workspace.ingest().status == "nothing new"


def test_answers_that_were_read_before_it_are_read_again(begun, tmp_path):
    workspace = begun.copy(tmp_path / "copy")
    known = read_known(workspace.settings)
    workspace.answer("late.xlsx", {begun.list_open()[0]["Query id"]: (NOT_AVAILABLE, "late")}, begun.find_workbook())
    answers = read_new_answers(workspace.settings, "clinic")
    rekey(workspace.settings)
    with pytest.raises(OvertakenError):
        take_answers(workspace.settings, "clinic", answers, known)
    assert workspace.ingest().answers == 1


def test_a_copy_of_the_key_from_before_is_refused_and_a_copy_of_the_database_from_before_goes_on(
    begun, rekeyed, tmp_path
):
    workspace = rekeyed.copy(tmp_path / "copy")
    write_with_ids(workspace.settings.extracts_dir / "clinic" / "c", bilirubin={**BILIRUBIN, "001": "2.7"})
    whole = workspace.settings.key_file.read_bytes()
    workspace.settings.key_file.write_bytes(begun.settings.key_file.read_bytes())
    with pytest.raises(errors.IdentityError, match="as it is since the last rekey"):
        workspace.ingest()
    workspace.settings.key_file.write_bytes(whole)
    shutil.copy(begun.settings.warehouse_path, workspace.settings.warehouse_path)
    assert workspace.ingest().status == "loaded"


def test_a_database_of_before_moves_its_persons_to_a_key_of_their_own(begun, tmp_path):
    workspace = begun.copy(tmp_path / "copy")
    (secret,) = read_secrets(workspace.settings.key_file)
    rehash_by_study_key(workspace, secret)
    workspace.linkage_file.unlink()
    workspace.deliver("clinic", "c", bilirubin={**BILIRUBIN, "001": "2.7"})
    of_before = PseudonymKey(secret)
    persons = workspace.read_tables()["versions.patient"]["person_id"]
    assert set(persons) == {of_before.hash_person(one) for one in IDS.values()}
    with pytest.raises(errors.IdentityError, match="is missing"):
        rekey(replace(workspace.settings, linkage_key_file=tmp_path / "elsewhere"))
    assert rekey(workspace.settings).n_persons == 3
    tables = workspace.read_tables()
    linkage = read_secrets(workspace.linkage_file)
    assert set(tables["versions.patient"]["person_id"]) == {
        PseudonymKey(secret, linkage=linkage).hash_person(one) for one in IDS.values()
    }
    assert tables["main.cross_findings"].height == 6
    workspace.deliver("other", "c", bilirubin={**BILIRUBIN, "001": "2.8"})
    assert workspace.read_tables()["main.cross_findings"].height == 6


def rehash_by_study_key(workspace: Workspace, secret: bytes) -> None:
    """Make of a database what one from before the linkage key was."""
    now = PseudonymKey(secret, linkage=read_secrets(workspace.linkage_file))
    then = {now.hash_person(one): PseudonymKey(secret).hash_person(one) for one in IDS.values()}
    with open_for_writing(workspace.settings.warehouse_path) as warehouse, warehouse.transaction():
        for table, columns in declare_tables().items():
            if "person_id" in columns:
                warehouse.rewrite(table, lambda rows: rows.with_columns(pl.col("person_id").replace(then)))
        warehouse.execute("update registry set linkage_fingerprint = null")
        refresh(warehouse)
        record_event(warehouse, "upgrade")


def test_a_change_by_another_program_is_not_hidden_by_new_statements(begun, tmp_path):
    workspace = begun.copy(tmp_path / "copy")
    with duckdb.connect(str(workspace.settings.warehouse_path)) as connection:
        connection.execute("update versions.laboratory set value = value + 1 where ingest_id = 1")
    with pytest.raises(errors.DiffersError, match=r"versions\.laboratory, ingest 1"):
        rekey(workspace.settings)
    assert workspace.settings.key_file.read_bytes() == begun.settings.key_file.read_bytes()


def test_the_command_says_what_it_did_and_what_still_bears_the_old_names(begun, tmp_path):
    workspace = begun.copy(tmp_path / "copy")
    (workspace.settings.workspace / "frozen" / "lock1").mkdir(parents=True)
    environment = {
        "WORKSPACE": str(workspace.settings.workspace), "REGISTRY_KEY_FILE": str(workspace.settings.key_file), "REGISTRY_LANG": "en",
        "PATH": os.environ["PATH"], "HOME": str(tmp_path),
    }  # fmt: skip
    registry = Path(sys.executable).with_name("registry")
    done = subprocess.run([registry, "rekey"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "6 patients have new pseudonyms",
        "3 persons",
        f"{workspace.settings.key_file} holds the whole key now",
        "frozen/lock1",
    ):
        assert said in done.stdout, done.stdout
    asked = [row["Query id"] for row in list_queries(workspace.find_workbook())]
    assert not set(asked) & {row["Query id"] for row in list_queries(begun.find_workbook())}
