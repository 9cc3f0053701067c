"""A patient of whom no further data are taken stays as the current version held the patient, is asked nothing, and is told by nobody's number."""

import json

import pytest

from withdrawals.conftest import NUMBER, TOKEN, copy, holds, write_delivery

RECORDS = ("patient", "baseline", "metastasis", "laboratory", "subject", "eligibility")


@pytest.fixture(scope="module")
def stopped(loaded, tmp_path_factory):
    """A place in which no further data of the first patient are taken, and one more delivery that tells otherwise of everybody."""
    place = copy(loaded, tmp_path_factory.mktemp("stopped") / "place")
    asked = count_asked(place, 3)
    done = place.run("withdraw", "clinic", "--stop", "--numbers", "numbers.txt")
    assert done["code"] == 0, done["told"]
    assert (asked > 0, count_asked(place, 3)) == (True, 0)
    write_delivery(place, "june", albumin="2.9", text="右支癌栓")
    return place, place.ingest()["told"]


def count_asked(place, ingest_id):
    patient_id, _ = read_patient(place)
    sql = f"select count(*) from marts.finding where patient_id = '{patient_id}' and ingest_id = {ingest_id}"
    return place.query(sql)[0][0]


def read_patient(place):
    """What the current version holds of the first patient, but for the version's own number."""
    ((patient_id,),) = place.query(f"select patient_id from core.baseline where pvtt_text like '%{TOKEN}%'")
    rows = {
        name: place.query(
            f"select * exclude (ingest_id) from core.{name} where patient_id = '{patient_id}' order by all"
        )
        for name in RECORDS
    }
    return patient_id, rows


def test_later_deliveries_change_nothing_of_the_patient_and_all_of_the_others(loaded, stopped):
    place, told = stopped
    patient_id, before = read_patient(loaded)
    assert read_patient(place) == (patient_id, before)
    of_others = "select distinct value from core.laboratory where test = 'albumin_g_l' and patient_id <> '{}'"
    assert place.query(of_others.format(patient_id)) == [(29.0,)]
    assert "2 rows of this delivery are of patients who withdrew" in told
    assert "Of 1 such patients the data stay" in told
    assert place.query("select patients, records_carried from ingests where is_current") == [(20, 5)]
    assert count_asked(place, 4) == 0
    assert place.run("verify")["code"] == 0


def test_additions_carry_the_patient_as_the_current_version_holds_the_patient(loaded, tmp_path):
    """Read again, the last addition would be put on the version before, which knows less; and taken back, the texts are gone."""
    place = copy(loaded, tmp_path / "place")
    site = place.workspace / "sites" / "clinic" / "site.toml"
    site.write_text('deliveries = "additions"\n' + site.read_text(encoding="utf-8"), encoding="utf-8")
    assert place.ingest()["code"] == 0
    write_delivery(place, "june", albumin="3.3")
    assert place.ingest()["code"] == 0
    before = read_patient(place)
    assert place.run("withdraw", "clinic", "--stop", "--numbers", "numbers.txt")["code"] == 0
    assert place.ingest()["code"] == 0
    assert read_patient(place) == before
    write_delivery(place, "july", albumin="3.1", text="右支癌栓")
    done = place.ingest()
    assert (done["code"], read_patient(place)) == (0, before), done["told"]
    assert place.run("withdraw", "clinic", "--undo", "--numbers", "numbers.txt")["code"] == 0
    write_delivery(place, "august", albumin="3.0")
    leave_out(place, "august")
    done = place.ingest()
    assert (done["code"], read_patient(place)) == (0, before), done["told"]
    write_delivery(place, "september", albumin="2.7", text="右支癌栓")
    assert place.ingest()["code"] == 0
    assert place.query("select count(*), count(distinct value) from core.laboratory where test = 'albumin_g_l'") == [
        (20, 1)
    ]
    assert place.run("verify")["code"] == 0


def leave_out(place, name):
    """Take the first patient's rows out of a delivery."""
    for path in (place.workspace / "extracts" / "clinic" / name).iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*(line for line in lines if not line.startswith(NUMBER)), ""]), encoding="utf-8")


def test_a_patient_whom_the_next_delivery_leaves_out_stays(loaded, stopped, tmp_path):
    place = copy(stopped[0], tmp_path / "place")
    write_delivery(place, "july", albumin="2.8")
    leave_out(place, "july")
    done = place.ingest()
    assert done["code"] == 0, done["told"]
    assert read_patient(place) == read_patient(loaded)
    assert "nothing new" in place.ingest()["told"]


def test_a_stop_becomes_an_erasing_and_the_trail_tells_both_without_the_patient(stopped, tmp_path):
    place = copy(stopped[0], tmp_path / "place")
    patient_id, _ = read_patient(place)
    done = place.run("withdraw", "clinic", "--erase", "--numbers", "numbers.txt")
    assert done["code"] == 0, done["told"]
    assert place.query("select kind, patient_id from withdrawn") == [("erase", None)]
    details = [
        json.loads(detail)
        for (detail,) in place.query("select detail from event where kind = 'withdrawal' order by number")
    ]
    assert [(each["of"], each["patients"]) for each in details] == [("stop", 1), ("erase", 1)]
    assert patient_id not in str(place.query("select * from event"))
    assert place.query("select count(*) from core.patient") == [(19,)]


def test_new_keys_know_the_patients_who_withdrew(stopped, tmp_path):
    place = copy(stopped[0], tmp_path / "place")
    (place.folder / "second.txt").write_text("002\n", encoding="utf-8")
    assert place.run("withdraw", "clinic", "--erase", "--numbers", "second.txt")["code"] == 0
    assert place.ingest()["code"] == 0
    _, before = read_patient(place)
    (old,) = {row[1] for row in before["patient"]}
    done = place.run("rekey")
    assert done["code"] == 0, done["told"]
    assert "nothing new" in place.ingest()["told"]
    assert not any(holds(path, old) for path in place.workspace.glob("registry.duckdb*"))
    write_delivery(place, "july", albumin="2.8", text="右支癌栓")
    assert "4 rows of this delivery are of patients who withdrew" in place.ingest()["told"]
    assert place.query("select count(*) from core.patient") == [(19,)]
    assert [row[2:] for row in read_patient(place)[1]["laboratory"]] == [row[2:] for row in before["laboratory"]]
    assert place.run("verify")["code"] == 0


@pytest.mark.parametrize("options", [(), ("--stop", "--erase")])
def test_one_of_the_three_is_said(stopped, options):
    done = stopped[0].run("withdraw", "clinic", *options, "--numbers", "numbers.txt")
    assert done["code"] == 2
    assert "--stop" in done["told"]


def test_a_number_is_typed_at_a_terminal_or_stands_in_a_file(stopped):
    done = stopped[0].run("withdraw", "clinic", "--stop")
    assert done["code"] == 2
    assert "--numbers FILE" in done["told"]


def test_a_stop_that_is_taken_back_lets_the_patient_be_read_again(stopped, tmp_path):
    place = copy(stopped[0], tmp_path / "place")
    assert place.run("withdraw", "clinic", "--undo", "--numbers", "numbers.txt")["code"] == 0
    assert place.ingest()["code"] == 0
    assert place.query("select distinct value from core.laboratory where test = 'albumin_g_l'") == [(29.0,)]
    assert place.query(f"select count(*) from core.baseline where pvtt_text like '%{TOKEN}%'") == [(0,)]
