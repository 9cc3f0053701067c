"""Where additions meet the rest: months, dialects, shifted rows, extract days, records over several rows, questions of no record."""

import datetime as dt

import clinic
import polars as pl
import pytest
from answered_workbook import NOT_AVAILABLE, answer, list_queries

from etl import errors
from etl.ingest import ingest
from etl.publish import write_quality
from etl.quality.status import derive_query_status

ADDS = clinic.SITE.replace('name_zh = "测试医院"', 'name_zh = "测试医院"\ndeliveries = "additions"')
HEAD_LABS = clinic.LABS.splitlines()[0]
JUST_LABS = f"{HEAD_LABS}\n003,2020-03-09,4.4,20,ng/mL\n"


@pytest.fixture
def adding(desk):
    write_mapping(desk)
    return desk


def write_mapping(desk, *, patients="", labs="", **changes):
    """The clinic's mapping for additions; `patients` and `labs` are lines more of the two sources."""
    first, second = ADDS.split('[[source]]\nname = "labs"')
    first = first.replace("header_row = 1\n", f"header_row = 1\n{patients}\n")
    second = second.replace("header_row = 1\n", f"header_row = 1\n{labs}\n")
    site = f'{first}[[source]]\nname = "labs"{second}'
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site, **changes)


def add_labs(desk, name, labs=JUST_LABS, **told):
    folder = desk.extracts / name
    folder.mkdir(parents=True)
    (folder / "labs.csv").write_text(labs, encoding="utf-8")
    return take(desk, folder, **told)


def take(desk, folder, *, extracted=clinic.EXTRACTED, accept=False):
    return ingest(
        desk.settings, "clinic", extract=folder, extracted=extracted, check=False, accept=accept, progress=lambda *_: None
    )  # fmt: skip


def read_births(desk):
    return sorted(desk.read("core.patient")["birth_date"].drop_nulls().to_list())


MONTH = clinic.PATIENTS.replace("1955/12/31", "1955年12月")


def test_a_month_that_is_carried_over_stays_one(adding):
    write_mapping(adding, patients='written = ["only month"]')
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients=MONTH))
    assert dt.date(1955, 12, 15) in read_births(adding)
    add_labs(adding, "q2")
    assert dt.date(1955, 12, 15) in read_births(adding)
    assert sorted(adding.read("core.subject")["month_date_number"]) == [0, 0, 1]


def test_a_month_that_was_asked_about_is_read_once_the_mapping_says_that_no_more_is_known(adding):
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients=MONTH))
    add_labs(adding, "q2")
    assert adding.read("core.findings").filter(pl.col("rule_id") == "patient.birth_date.month").height == 1
    write_mapping(adding, patients='written = ["only month"]')
    add_labs(adding, "q3", JUST_LABS.replace("4.4", "4.5"))
    assert dt.date(1955, 12, 15) in read_births(adding)
    assert sorted(adding.read("core.subject")["month_date_number"]) == [0, 0, 1]
    write_mapping(adding)
    add_labs(adding, "q4", JUST_LABS.replace("4.4", "4.6"))
    assert dt.date(1955, 12, 15) not in read_births(adding)


def test_numbers_and_days_stay_as_their_own_file_wrote_them(adding):
    labs = f'{HEAD_LABS}\n001,03.04.2020,"3,9","3,275",ng/mL\n002,13.04.2020,"4,2",20,ng/mL\n'
    write_mapping(adding, labs='written = ["decimal comma", "day first"]')
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", labs=labs))
    before = adding.read("core.laboratory").drop("ingest_id").sort("source_row", "test")
    assert (before["value"].to_list()[:2], before["sample_date"][0]) == ([3.275, 39.0], dt.date(2020, 4, 3))
    # From now on the laboratory writes points and the month first.
    write_mapping(adding, labs='written = ["decimal point", "month first"]')
    add_labs(adding, "q2", f"{HEAD_LABS}\n003,04/13/2020,4.4,1.275,ng/mL\n")
    after = adding.read("core.laboratory").drop("ingest_id")
    assert after.filter(pl.col("delivery") == "q1").sort("source_row", "test").equals(before)
    assert sorted(after.filter(pl.col("delivery") == "q2")["value"]) == [1.275, 44.0]


def test_dates_are_held_to_the_extract_day_of_the_delivery_that_brought_them(adding):
    late = clinic.LABS.replace("2020-03-01", "2021-03-01")
    take(adding, clinic.write_delivery(adding.extracts / "q1", labs=late), extracted=dt.date(2020, 12, 31))
    rule = "laboratory.sample_date.after_delivery"
    found = add_labs(adding, "q2", extracted=dt.date(2022, 1, 1))
    assert adding.read("core.findings").filter(pl.col("rule_id") == rule)["value"].unique().to_list() == ["2021-03-01"]
    assert found.notices == ()
    # An addition may be older than what it is added to; that is told.
    summary = add_labs(adding, "q3", JUST_LABS.replace("4.4", "4.5"), extracted=dt.date(2020, 6, 1))
    assert (
        "taken out of the hospital's system on 2020-06-01, before those of ingest 2 ('q2', 2022-01-01)"
        in summary.notices[0][0]
    )
    assert adding.read("core.findings").filter(pl.col("rule_id") == rule)["value"].unique().to_list() == ["2021-03-01"]
    assert adding.read("ingests")["extract_day"].to_list() == [
        dt.date(2020, 12, 31), dt.date(2022, 1, 1), dt.date(2020, 6, 1),
    ]  # fmt: skip


def test_an_addition_of_which_no_record_of_a_table_can_be_loaded_is_refused_whatever_is_carried_over(adding):
    adding.ingest(clinic.write_delivery(adding.extracts / "q1"))
    with pytest.raises(errors.EmptyTableError, match="laboratory: 2 records made, none loaded"):
        add_labs(adding, "q2", f"{HEAD_LABS}\n777,2020-03-09,4.4,20,ng/mL\n")
    before = adding.read("core.laboratory").drop("ingest_id").sort(pl.all())
    assert take(adding, adding.extracts / "q2", accept=True).status == "loaded"
    # Meant all the same, the refused row is set aside and asked about, and takes nothing else away.
    assert adding.read("core.laboratory").drop("ingest_id").sort(pl.all()).equals(before)
    assert adding.read("core.quarantine").filter(delivery="q2")["source_row"].unique().to_list() == [2]


def test_a_small_addition_with_one_good_row_beside_a_refused_one_is_loaded(adding):
    adding.ingest(clinic.write_delivery(adding.extracts / "q1"))
    summary = add_labs(adding, "q2", f"{JUST_LABS}777,2020-03-09,4.4,20,ng/mL\n")
    assert summary.status == "loaded"
    labs = adding.read("core.laboratory")
    assert sorted(labs.filter(pl.col("delivery") == "q2")["value"]) == [20.0, 44.0]
    assert adding.read("core.quarantine").filter(delivery="q2")["source_row"].unique().to_list() == [3]


def test_a_box_that_says_neither_is_asked_about_until_its_row_is_sent_again(adding):
    adding.ingest(
        clinic.write_delivery(adding.extracts / "q1", patients=clinic.PATIENTS.replace("45,no,no", "45,perhaps,no"))
    )

    def list_asked():
        found = adding.read("core.findings").filter(pl.col("rule_id") == "metastasis.organ.code")
        return found.select("value", "delivery", "finding_id").rows()

    first = list_asked()
    assert [line[:2] for line in first] == [("perhaps", "q1")]
    add_labs(adding, "q2")
    assert list_asked() == first
    adding.ingest(clinic.write_delivery(adding.extracts / "q3"))
    assert list_asked() == []


def write_shifted(first_cell):
    """Laboratory rows of twenty patients, one of which has a comma too many: in its number, or in its albumin."""
    rows = [f"{n:03d},2020-03-{n:02d},{3 + n / 10:.1f},{20 + n},ng/mL" for n in range(1, 21)]
    rows[6] = "00,7,2020-03-07,3.7,27,ng/mL" if first_cell else "007,2020-03-07,3,7,27,ng/mL"
    return "\n".join([HEAD_LABS, *rows]) + "\n"


def write_patients(numbers):
    head = clinic.PATIENTS.splitlines()[0]
    return "\n".join([head, *(f"{n:03d},,,男,1960-03-05,无,{40 + n},no,no," for n in numbers)]) + "\n"


def derive_statuses(desk):
    frame = derive_query_status(desk.read("marts.finding"), desk.read("ingests"), desk.read("answers"))
    return {(row["rule_id"], row["delivery"], row["source_row"]): row["status"] for row in frame.to_dicts()}


def test_a_shifted_row_stays_asked_about_while_others_are_added(adding):
    adding.ingest(
        clinic.write_delivery(
            adding.extracts / "q1", patients=write_patients(range(1, 21)), labs=write_shifted(first_cell=True)
        )
    )
    place = ("row.shifted", "q1", 8)
    assert derive_statuses(adding)[place] == "new"
    add_labs(adding, "q2")
    assert derive_statuses(adding)[place] == "open"


def test_a_row_that_slipped_in_part_takes_away_only_what_it_replaces(adding):
    whole = write_shifted(first_cell=False).replace("007,2020-03-07,3,7,27,ng/mL", "007,2020-03-07,3.7,27,ng/mL")
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients=write_patients(range(1, 21)), labs=whole))
    assert adding.read("core.laboratory").height == 40
    add_labs(adding, "q2", write_shifted(first_cell=False))
    labs = adding.read("core.laboratory")
    assert adding.read("core.findings")["rule_id"].to_list().count("row.shifted") == 1
    assert labs.filter(pl.col("delivery") == "q1")["source_row"].to_list() == [8, 8]
    assert labs.height == 40


def test_an_answer_about_a_row_of_which_nothing_was_kept_is_about_no_other_row(adding):
    patients, labs = write_patients(range(1, 21)), write_shifted(first_cell=True)
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients=patients, labs=labs))
    write_quality(adding.settings)
    workbook = adding.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"
    (asked,) = [
        query["Query id"] for query in list_queries(workbook) if "beside their columns" in query["What is asked"]
    ]
    answer(workbook, adding.extracts / "answers" / "a.xlsx", {asked: (NOT_AVAILABLE, "")})
    add_labs(adding, "q2", labs.replace("00,7,2020", "00,8,2020"))
    assert derive_statuses(adding)["row.shifted", "q1", 8] == "answered"
    assert derive_statuses(adding)["row.shifted", "q2", 8] in ("new", "open")


def test_a_follow_up_event_takes_no_baseline_away(adding):
    columns = clinic.COLUMNS.replace(
        "patients,remark,ignore,,,,,not a field", "patients,remark,field,outcome,last_contact_date,,,"
    )
    columns = columns.replace("patients,lung", "patients,organs___1").replace("patients,bone", "patients,organs___2")
    write_mapping(adding, patients='patient_rows = "joined"', columns=columns)
    told = clinic.PATIENTS.replace("first visit", "").replace("lung,bone", "organs___1,organs___2")
    head, *rows = told.splitlines()[:4]
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients="\n".join([head, *rows])))
    names = ("patient", "baseline", "metastasis", "laboratory")
    before = {name: adding.read(f"core.{name}").drop("ingest_id").sort(pl.all()) for name in names}
    folder = adding.extracts / "q2"
    folder.mkdir()
    events = f"{head}\n001,,,,,,,no,no,2021-02-03\n004,,,,,,,,,2021-02-04\n"
    (folder / "patients.csv").write_text(events, encoding="utf-8")
    assert take(adding, folder).accounts["records_replaced"] == 0
    for name in ("baseline", "metastasis", "laboratory"):
        assert adding.read(f"core.{name}").drop("ingest_id").sort(pl.all()).equals(before[name])
    patients = adding.read("core.patient").drop("ingest_id")
    assert patients.filter(pl.col("delivery") == "q1").sort(pl.all()).equals(before["patient"])
    assert patients.filter(pl.col("delivery") == "q2").height == 1  # a patient whom only the event names
    assert adding.read("core.outcome")["delivery"].to_list() == ["q2", "q2"]


def test_a_cell_of_a_joined_record_keeps_its_row_when_it_is_carried_over(adding):
    write_mapping(adding, patients='patient_rows = "joined"')
    head = clinic.PATIENTS.splitlines()[0]
    patients = f"{head}\n001,,,男,1960-03-05,,,no,no,\n001,,,,,无,9999,no,no,\n"
    adding.ingest(
        clinic.write_delivery(
            adding.extracts / "q1", patients=patients, labs=f"{HEAD_LABS}\n001,2020-03-01,3.9,20,ng/mL\n"
        )
    )

    def find_place():
        found = adding.read("core.findings").filter(pl.col("value") == "9999")
        return found.select("source_row", "source_column", "delivery").rows()

    first = find_place()
    assert first == [(3, "size", "q1")]
    add_labs(adding, "q2", f"{HEAD_LABS}\n001,2020-03-09,4.4,20,ng/mL\n")
    assert find_place() == first


def test_what_was_asked_about_a_row_that_was_joined_to_another_goes_with_its_record(adding):
    write_mapping(adding, patients='patient_rows = "joined"')
    head = clinic.PATIENTS.splitlines()[0]
    patients = f"{head}\n001,,,男,1960-03-05,,,no,no,\n001,,,,,无,45,perhaps,yes,\n"
    labs = f"{HEAD_LABS}\n001,2020-03-01,3.9,20,ng/mL\n"
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients=patients, labs=labs))
    rule = "metastasis.organ.code"
    assert adding.read("core.findings")["rule_id"].to_list().count(rule) == 1
    adding.ingest(clinic.write_delivery(adding.extracts / "q2", patients=patients.replace("perhaps", "yes"), labs=labs))
    assert adding.read("core.findings")["rule_id"].to_list().count(rule) == 0
