"""Every command that changes a database tells of it, in the change's own transaction; `registry trail` shows it."""

import json
import re

import clinic
import pytest
from answered_workbook import CORRECTED, answer

from etl.errors import InternalError
from etl.store.trail import hash_event, record_event
from etl.store.warehouse import open_for_reading, open_for_writing
from trail.conftest import forget_trail


def kinds(place):
    return [event[0] for event in place.list_events()]


def read_details(place):
    return [json.loads(row[0]) for row in place.query("select detail from event order by number")]


def test_an_ingest_with_answers_is_told_whole(make_place):
    place = make_place("ingest")
    assert kinds(place) == ["database", "ingest", "pages"]
    assert place.ingest()["code"] == 0
    assert kinds(place)[3:] == ["answers", "ingest", "pages"]
    answers, ingest, pages = place.list_events()[3:]
    assert answers == ("answers", "clinic", 1, 1, None, None)
    assert ingest[:4] == ("ingest", "clinic", 42, 100)
    assert pages == ("pages", None, None, 4, None, None)
    who = place.query(
        "select distinct account, host, code_version, length(code_commit), happened_at like '20%+00:00' from event"
    )
    assert len(who) == 1
    assert None not in who[0][:3]
    (hashes,) = place.query(
        "select input_hash, mapping_hash from event where kind = 'ingest' order by number desc limit 1"
    )
    assert hashes == place.query("select input_hash, mapping_hash from ingests where ingest_id = 2")[0]
    tables = read_details(place)[4]["tables"]
    assert tables["versions.patient"] == {"2": [20, tables["versions.patient"]["2"][1]]}
    assert tables["main.ingests"][""][0] == 2


def test_what_is_done_again_and_changes_nothing_is_no_event(make_place):
    place = make_place("revert")
    before = kinds(place)
    for command in (["quality"], ["ingests"], ["trail"], ["verify"], ["revert", "clinic", "--to", "2"]):
        done = place.run(*command)
        assert done["code"] == 0, done["told"]
    assert "ingest 2 is current already; nothing was changed" in done["told"]
    assert place.ingest()["code"] == 0
    assert kinds(place) == before


def test_a_revert_to_a_version_is_repeatable_and_told_once(make_place):
    place = make_place("revert")
    first, again = (place.run("revert", "clinic", "--to", "1") for _ in range(2))
    assert first["code"] == again["code"] == 0
    assert "ingest 1 is again" in first["told"]
    assert "ingest 1 is current already" in again["told"]
    assert kinds(place).count("revert") == 1
    assert [detail["to_ingest_id"] for detail in read_details(place) if "to_ingest_id" in detail] == [1]
    for gone in ("2", "9"):
        refused = place.run("revert", "clinic", "--to", gone)
        assert refused["code"] == 2
        assert f"no ingest {gone} that stands; it can go back to: 1." in refused["told"]


def test_a_refusal_and_an_acceptance_with_its_reason_are_told(make_place):
    place = make_place("quality")
    clinic.write_delivery(place.workspace / "extracts" / "clinic" / "april")  # three patients instead of twenty
    refused = place.ingest()
    assert refused["code"] == 6, refused["told"]
    assert place.ingest("--check")["code"] == 6
    assert place.run("ingest", "clinic", "--reason", "moved")["code"] == 2
    assert place.run("ingest", "nowhere")["code"] == 2
    assert kinds(place)[3:] == ["refused"]
    assert read_details(place)[-1]["exit_code"] == 6
    accepted = place.ingest("--accept", "--reason", "the clinic split, call 13812345678")
    assert accepted["code"] == 0, accepted["told"]
    told = place.query("select reason, detail from event where kind = 'ingest' order by number")
    assert told[0][0] is None
    assert "accepted" not in told[0][1]
    assert told[1][0].startswith("the clinic split, call ")
    assert "13812345678" not in told[1][0]
    assert json.loads(told[1][1])["accepted"] is True
    assert place.run("verify")["code"] == 0


def test_the_trail_is_shown_filtered_and_in_the_language_that_is_asked_for(make_place):
    place = make_place("revert")
    assert place.run("revert", "clinic")["code"] == 0
    told = place.run("trail")["told"].splitlines()
    assert [int(line.split()[0]) for line in told[:-1]] == list(range(1, len(told)))
    assert re.fullmatch(r"The trail holds: \d+ events, each bound to the one before; head [0-9a-f]{64}\.", told[-1])
    assert "from_ingest_id 2; to_ingest_id 1" in "\n".join(told)
    only = place.run("trail", "--kind", "ingest", "--hospital", "clinic", "--since", "2000-01-01")["told"].splitlines()
    assert len(only) == 3
    assert all("  ingest  clinic  [" in line for line in only[:-1])
    assert len(place.run("trail", "--since", "2999-01-01")["told"].splitlines()) == 1
    assert place.run("trail", "--since", "yesterday")["code"] == 2
    slip = place.run("trail", "--kind", "ingst")
    assert slip["code"] == 2
    assert "ingest" in slip["told"]
    place.warm.language = "zh"
    assert "记录完整" in place.run("trail")["told"]
    place.warm.language = "en"


def test_no_change_is_made_that_is_not_told(tmp_path):
    path = tmp_path / "w.duckdb"
    untold = pytest.raises(InternalError, match="not told in the trail")
    with untold, open_for_writing(path) as warehouse, warehouse.transaction():
        warehouse.execute("insert into registry by name select 'x' as key_fingerprint")
    with open_for_writing(path) as warehouse, warehouse.transaction():
        assert warehouse.query("select * from registry").is_empty()
        record_event(warehouse, "withdrawal", hospital="clinic", n_refused=1, patients=3)
    with open_for_reading(path) as warehouse:
        told = warehouse.query("select * from event order by number").rows(named=True)
    assert [line["kind"] for line in told] == ["database", "withdrawal"]
    assert json.loads(told[1]["detail"])["patients"] == 3
    assert told[1]["hash_before"] == told[0]["hash"] == hash_event(told[0])


def test_a_database_from_before_the_trail_gets_one_opening_event_and_is_sealed(make_place):
    place = make_place("revert")
    forget_trail(place)
    assert place.run("ingests")["code"] == 0
    assert kinds(place) == ["opening"]
    assert read_details(place)[0]["found"] == {"ingests": 2, "answers": 1}
    done = place.run("verify")
    assert done["code"] == 0, done["told"]
    assert place.query("select count(*), count(distinct row_salt) from versions.patient") == [(40, 40)]
    assert place.query("select * from marts.unfilled_column") == []
    place.edit("update versions.patient set age_years = 99 where ingest_id = 1 and source_row = 3")
    assert "versions.patient, ingest 1: values were changed" in place.run("verify")["told"]


def test_an_answer_that_changes_keeps_its_earlier_value(make_place):
    place = make_place("ingest")
    workbook = place.workspace / "reports" / "quality" / "clinic" / "queries.xlsx"
    second = answer(workbook, place.folder / "second.xlsx", {"size": (CORRECTED, "looked again")})
    assert place.ingest()["code"] == 0
    second.rename(place.workspace / "extracts" / "clinic" / "answers" / "second.xlsx")
    assert place.ingest()["code"] == 0
    held = place.query("select answer_id, answer, comment from answers order by answer_id")
    assert held == [(1, "confirmed", "seen"), (2, "corrected", "looked again")]
    assert kinds(place).count("answers") == 2
    assert place.run("verify")["code"] == 0
