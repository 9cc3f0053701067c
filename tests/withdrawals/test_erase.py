"""A patient who withdrew is gone from every table, version, page and byte of the registry, and nobody else is."""

import pytest

from withdrawals.conftest import NUMBER, TOKEN, copy, holds, write_delivery

RECORDS = ("patient", "baseline", "metastasis", "laboratory")
ERASE = ("withdraw", "clinic", "--erase", "--numbers", "numbers.txt")


def erase(place, *options, numbers=NUMBER):
    (place.folder / "numbers.txt").write_text(numbers + "\n", encoding="utf-8")
    return place.run(*ERASE, *options)


@pytest.fixture(scope="module")
def erased(loaded, tmp_path_factory):
    """A place from which the first patient was erased, and what the command said."""
    place = copy(loaded, tmp_path_factory.mktemp("erased") / "place")
    done = erase(place, "--reason", "letter of 13800138000")
    assert done["code"] == 0, done["told"]
    return place, done["told"]


def find_token(place):
    return sorted(
        path.relative_to(place.workspace).parts[0]
        for path in place.workspace.rglob("*")
        if path.is_file() and holds(path, TOKEN)
    )


def list_tables(place):
    rows = place.query(
        "select schema_name || '.' || table_name, list(column_name) from duckdb_columns() "
        "where schema_name in ('versions', 'landing') and not internal group by all order by all"
    )
    return {table: columns for table, columns in rows if "patient_id" in columns}


def read_others(place, patient_id):
    """Every record of every version but those of one patient, with its seal."""
    return {
        table: place.query(f"select * from {table} where patient_id <> '{patient_id}' order by all")
        for table in list_tables(place)
    }


def find_owed(place):
    return [effect for (effect,) in place.query("select effect from owed order by all")]


def find_patient(place):
    ((patient_id,),) = place.query(
        f"select distinct patient_id from versions.baseline where pvtt_text like '%{TOKEN}%'"
    )
    return patient_id


def test_nothing_of_the_patient_is_left_and_everything_of_the_others(loaded, erased):
    patient_id, before = find_patient(loaded), read_others(loaded, find_patient(loaded))
    assert "registry.duckdb" in find_token(loaded)
    place, said = erased
    assert set(find_token(place)) == {"extracts"}
    assert not any(holds(path, patient_id) for path in place.workspace.rglob("*.duckdb*"))
    for table in list_tables(place):
        assert place.query(f"select count(*) from {table} where patient_id = '{patient_id}'") == [(0,)], table
    assert read_others(place, patient_id) == before
    assert place.query("select count(*) from answers") == [(0,)]
    verified = place.run("verify")
    assert verified["code"] == 0, verified["told"]
    told = "\n".join(map(str, place.list_events()))
    assert patient_id not in told
    assert "13800138000" not in told + said
    assert "from ingests 1, 2, 3" in said
    for named in ("extracts/clinic/march", "extracts/clinic/may", "answers/queries_", "exported"):
        assert named in said, named


def test_accounts_and_completeness_are_those_of_what_is_left(erased):
    place, _ = erased
    for ingest_id, loaded, set_aside, erased, patients in place.query(
        "select ingest_id, records_loaded, records_quarantined, records_erased, patients_erased from ingests order by all"
    ):
        held = sum(
            n
            for name in RECORDS
            for (n,) in place.query(f"select count(*) from versions.{name} where ingest_id = {ingest_id}")
        )
        assert (held + erased, patients) == (loaded + set_aside, 1)
    for table, field, n_records, n_filled in place.query(
        "select table_name, field, n_records, n_filled from core.completeness order by all"
    ):
        assert place.query(f'select count(*), count("{field}") from core.{table}') == [(n_records, n_filled)]


def test_no_delivery_answer_or_revert_brings_the_patient_back(erased, tmp_path):
    place = copy(erased[0], tmp_path / "place")
    done = place.ingest()
    assert done["code"] == 0, done["told"]
    assert "loaded as ingest 4" in done["told"]
    assert "2 rows of this delivery are of patients who withdrew" in done["told"]
    assert place.query("select patients, rows_ignored from ingests where ingest_id = 4") == [(19, 4)]
    write_delivery(place, "june", albumin="3.5", text=f"右支癌栓 {TOKEN}")
    assert place.ingest()["code"] == 0
    assert place.query("select count(*) from answers") == [(0,)]
    assert place.run("revert", "clinic", "--to", "1")["code"] == 0
    assert place.query("select count(*) from core.patient") == [(19,)]
    assert set(find_token(place)) == {"extracts"}
    assert place.run("verify")["code"] == 0


def test_an_addition_goes_on_from_what_is_left(place):
    """A hospital that sends additions: its texts are kept, and the next addition carries over everybody but the erased."""
    site = place.workspace / "sites" / "clinic" / "site.toml"
    site.write_text('deliveries = "additions"\n' + site.read_text(encoding="utf-8"), encoding="utf-8")
    assert place.ingest()["code"] == 0
    assert place.query("select count(*) > 0 from landing.kept_record where ingest_id = 4") == [(True,)]
    assert erase(place)["code"] == 0
    assert set(find_token(place)) == {"extracts"}
    write_delivery(place, "june", albumin="3.5")
    done = place.ingest("--accept")
    assert done["code"] == 0, done["told"]
    assert place.query("select count(*) from core.patient") == [(19,)]
    assert place.run("verify")["code"] == 0


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ("099", "No. 1: no version of clinic holds a patient"),
        ("001\n1.2E+17", "No. 2: this is no patient's number"),
        ("", "holds no patient number"),
    ],
)
def test_what_cannot_be_meant_is_refused_whole_and_names_no_number(place, numbers, said):
    done = erase(place, numbers=numbers)
    assert done["code"] == 2
    assert said in done["told"]
    assert "099" not in done["told"]
    assert place.query("select count(*) from core.patient") == [(20,)]
    assert [kind for kind, *_ in place.list_events()].count("withdrawal") == 0


def test_a_patient_of_whom_nothing_was_loaded_is_left_out_of_what_comes(place):
    assert erase(place, "--not-loaded", numbers="021")["code"] == 0
    folder = place.workspace / "extracts" / "clinic" / "june"
    write_delivery(place, "june", albumin="3.4")
    path = folder / "patients.csv"
    path.write_text(path.read_text(encoding="utf-8") + "021,王二一,,男,1950-01-01,无,40,yes,no,\n", encoding="utf-8")
    assert place.ingest()["code"] == 0
    assert place.query("select patients from ingests where is_current") == [(20,)]


def test_a_command_that_was_killed_after_the_erasing_leaves_a_debt_that_the_next_one_pays(place, loaded, tmp_path):
    steps = place.run(*ERASE)["steps"]
    killed = copy(loaded, tmp_path / "killed")
    done = killed.warm.run(killed.folder, *ERASE, kill_at=steps.index("commit") + 2)
    assert done["code"] < 0
    assert find_owed(killed) == ["pages", "rewriting"]
    assert "bytes of what was erased or replaced" in killed.run("ingests")["told"]
    assert killed.run("quality")["code"] == 0
    assert set(find_token(killed)) == {"extracts"}
    assert killed.run("verify")["code"] == 0


def test_several_are_erased_at_once_and_what_was_changed_before_is_told(place):
    place.edit("update versions.laboratory set value = value * 10 where ingest_id = 2 and source_row = 9")
    assert erase(place, numbers="001\n004\n005")["code"] == 0
    assert place.query("select distinct patients_erased from ingests") == [(3,)]
    assert place.query("select count(*) from core.patient") == [(17,)]
    done = place.run("verify")
    told = [line for line in done["told"].splitlines() if "DIFFERS" in line]
    assert "versions.laboratory: another program had changed it before event" in told[0]
    assert [line for line in told[1:] if "versions.laboratory, ingest 2: values were changed" not in line] == []


def test_it_is_noted_once_and_can_be_taken_back(erased, tmp_path):
    place = copy(erased[0], tmp_path / "place")
    assert "noted already" in erase(place)["told"]
    assert place.run("withdraw", "clinic", "--undo", "--numbers", "numbers.txt")["code"] == 0
    assert place.ingest()["code"] == 0
    assert place.query("select count(*) from core.patient") == [(20,)]
    assert place.run("verify")["code"] == 0
