"""A date after the day of its delivery is asked about and not used: in every date field, wherever the day is known from."""

import datetime as dt
import os
import time
import zipfile
from pathlib import Path

import clinic
import example_hospital
import polars as pl
import pyreadstat
import pytest

from etl.errors import ExtractDayError, UsageError
from etl.ingest import ingest
from etl.mapping.delivery_day import find_named_day, find_stated_day, read_said_day
from etl.settings import Settings
from etl.store.warehouse import read_frames
from schemas.contract import read_contract
from schemas.tables import TABLES

DAY = dt.date(2022, 11, 20)
DATE_FIELDS = [
    (table, name)
    for table, model in TABLES.items()
    for name, spec in read_contract(model).items()
    if spec.dtype == pl.Date
]


class Hospital:
    """A hospital that sends every field of every table."""

    def __init__(self, tmp_path):
        self.settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
        self.extracts = self.settings.extracts_dir / "everything"
        example_hospital.write_site(self.settings.workspace / "sites" / "everything")

    def load(self, delivery=None, *, extracted=None, check=False):
        return ingest(
            self.settings,
            "everything",
            extract=delivery,
            check=check,
            accept=False,
            progress=lambda *_: None,
            extracted=extracted,
        )

    def read(self, relation):
        return read_frames(self.settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]

    def subject_of(self, edits, name=f"x_{DAY}"):
        """The first of two patients, changed as told, as the registry derives him; and what was asked about him."""
        self.load(example_hospital.write_delivery(self.extracts / name, {"A": edits, "B": ""}))
        findings = self.read("marts.finding")
        row = self.read("core.outcome").filter(pl.col("source_row") == 2).row(0, named=True)
        subject = self.read("core.subject").filter(pl.col("patient_id") == row["patient_id"]).row(0, named=True)
        return subject, findings.filter(pl.col("patient_id") == row["patient_id"])["rule_id"].to_list()


@pytest.fixture
def hospital(tmp_path):
    return Hospital(tmp_path)


@pytest.mark.parametrize("origin", ["name", "said"])
def test_in_every_date_field_the_day_itself_is_kept_and_the_next_is_set_aside(hospital, origin):
    """All fields are tried in one delivery: for each a patient with the day itself and one with the day after."""
    first = {
        table: next(i for i, row in enumerate(rows, 1)) for table, rows in example_hospital.make_rows({"": ""}).items()
    }
    edits = {}
    for table, name in DATE_FIELDS:
        edits[f"{table}.{name} on"] = f"{table}[{first[table]}].{name}={DAY}"
        edits[f"{table}.{name} after"] = f"{table}[{first[table]}].{name}={DAY + dt.timedelta(days=1)}"
    folder = example_hospital.write_delivery(hospital.extracts / (f"x_{DAY}" if origin == "name" else "x"), edits)
    summary = hospital.load(folder, extracted=DAY if origin == "said" else None)
    assert (summary.day.day, summary.day.origin) == (DAY, origin)
    assert hospital.read("ingests").select("extract_day", "extract_day_origin").row(0) == (DAY, origin)
    asked = hospital.read("versions.findings").filter(pl.col("rule_id").str.ends_with(".after_delivery"))
    assert sorted(asked["rule_id"]) == sorted(f"{table}.{name}.after_delivery" for table, name in DATE_FIELDS)
    assert set(asked["value"]) == {str(DAY + dt.timedelta(days=1))}
    assert all(asked["message_en"].str.contains("after the day of the delivery"))
    assert all(asked["message_zh"].str.contains("晚于"))
    assert asked["severity"].unique().to_list() == ["query"]
    quarantined = hospital.read("versions.quarantine").join(asked, on=["rule_id", "source_row", "value"], how="semi")
    assert quarantined.height == len(DATE_FIELDS)
    for table, name in DATE_FIELDS:
        days = hospital.read(f"core.{table}")[name]
        assert days.max() == DAY
        assert (days == DAY).sum() == 1
        place = asked.filter(pl.col("rule_id") == f"{table}.{name}.after_delivery").row(0, named=True)
        kept = hospital.read(f"core.{table}").filter(pl.col("source_row") == place["source_row"])
        assert kept[name].to_list() == [None]


def test_who_died_on_an_impossible_day_is_dead_and_the_day_of_death_is_asked_for(hospital):
    subject, asked = hospital.subject_of("outcome.death_date=2091-08-12")
    assert hospital.read("core.outcome")["vital_status"].to_list() == ["dead", "dead"]
    # Dead at the last contact on 2020-12-01, day 275; the close of follow-up is day 974.
    assert (subject["os_days"], subject["os_event"]) == (275.0, True)
    assert {"outcome.death_date.after_delivery", "death_has_date"} <= set(asked)


@pytest.mark.parametrize(
    ("edits", "os", "pfs"),
    [
        ("outcome.last_contact_date=2091-08-12", (275.0, True), (101.0, True)),
        ("outcome.death_date=2091-08-12; outcome.last_contact_date=2091-08-12", (None, None), (None, None)),
        (
            "outcome.vital_status=alive; outcome.death_date=; outcome.last_contact_date=2091-08-12",
            (None, None), (None, None),
        ),
        ("-lesion; -response; outcome.progression_date=2091-08-12", (275.0, True), (None, None)),
        ("outcome.progression_date=2091-08-12", (275.0, True), (101.0, True)),
        ("treatment[1].start_date=2091-08-12; treatment[2].start_date=2091-08-12", (None, None), (None, None)),
    ],
)  # fmt: skip
def test_what_an_impossible_day_leaves_unknown_is_no_survival_to_the_close(hospital, edits, os, pfs):
    """By hand, as in the spec of the endpoints: death on day 275, progression on the images of day 101."""
    subject, asked = hospital.subject_of(edits)
    assert (subject["os_days"], subject["os_event"]) == os
    assert (subject["pfs_days"], subject["pfs_event"]) == pfs
    assert any(rule.endswith(".after_delivery") for rule in asked)


NAMES = [
    ("hunan_2022-11-20", DAY),
    ("nanfang_20221120.xlsx", DAY),
    ("2022.11.20.xlsx", DAY),
    ("肝癌2022年11月20日.csv", DAY),
    ("肝癌 2022 年 11 月 20 日", DAY),
    ("x_2022_11_20_终版.xlsx", DAY),
    ("２０２２－１１－２０.xlsx", DAY),
    ("x 2022-1-2", dt.date(2022, 1, 2)),
    ("export_20221120153000.csv", DAY),
    ("HCC_DATA_2022-11-20_1530.csv", DAY),
    ("20190101-20211231_提取20221120.xlsx", DAY),
    ("数据2019-01-01至2022-11-20", DAY),
    ("住院号00310469_2022-11-20.xlsx", DAY),
    ("00310469.xlsx", None),
    ("20223111.xlsx", None),
    ("2022-02-30.xlsx", None),
    ("2022-11.xlsx", None),
    ("2022年11月.xlsx", None),
    ("202211.xlsx", None),
    ("19530417.xlsx", None),
    ("123420221120", None),
    ("2022-11.20", None),
    ("13912022112", None),
    ("", None),
]


@pytest.mark.parametrize(("name", "day"), NAMES)
def test_the_day_in_a_name(name, day):
    assert find_named_day([name]) == day


def write_properties(path: Path, properties: str) -> Path:
    """A workbook whose document properties are as given; None takes them out."""
    source = clinic.write_workbook(path.with_name("plain.xlsx"), [["number"], ["1"]])
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            if item != "docProps/core.xml":
                new.writestr(item, old.read(item))
            elif properties:
                new.writestr(
                    item, f'<cp:coreProperties xmlns:cp="c" xmlns:dcterms="t">{properties}</cp:coreProperties>'
                )
    source.unlink()
    return path


CREATED = "<dcterms:created>2006-09-16T00:00:00Z</dcterms:created>"


@pytest.mark.parametrize(
    ("properties", "day"),
    [
        (f"{CREATED}<dcterms:modified>2022-11-20T02:00:00Z</dcterms:modified>", DAY),
        (f"{CREATED}<dcterms:modified>2022-11-19T16:30:00Z</dcterms:modified>", DAY),  # half past midnight in China
        (f"{CREATED}<dcterms:modified>2022-11-20T10:00:00+08:00</dcterms:modified>", DAY),
        (CREATED, None),
        (f"{CREATED}<dcterms:modified>yesterday</dcterms:modified>", None),
        ("", None),
    ],
)
def test_a_workbook_knows_when_it_was_saved_and_neither_its_template_nor_the_disk_counts(tmp_path, properties, day):
    path = write_properties(tmp_path / "x.xlsx", properties)
    os.utime(path, (time.time(), time.time()))
    stated = find_stated_day(path)
    assert (stated.day if stated else None) == day


def test_of_several_workbooks_the_last_saved_counts_and_a_name_goes_before(tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name, day in (("a.xlsx", "2022-11-18"), ("b.xlsx", "2022-11-20"), ("c.xlsx", "2022-11-19")):
        write_properties(folder / name, f"<dcterms:modified>{day}T02:00:00Z</dcterms:modified>")
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 rest")
    assert str(find_stated_day(folder)) == "2022-11-20"
    (folder / "a.xlsx").rename(folder / "a_2022-11-21.xlsx")
    assert str(find_stated_day(folder)) == "2022-11-21"
    named = folder.rename(tmp_path / "delivery_2022-11-22")
    assert str(find_stated_day(named)) == "2022-11-22"


def test_a_name_before_most_dates_is_refused_and_says_what_to_do(hospital):
    folder = example_hospital.write_delivery(hospital.extracts / "x_2012-11-20", {"A": "", "B": ""})
    with pytest.raises(ExtractDayError) as caught:
        hospital.load(folder)
    for words in ("2012-11-20", "x_2012-11-20", "name", "Nothing was loaded", "--extracted YYYY-MM-DD"):
        assert words in caught.value.en
    assert "未载入任何数据" in caught.value.zh
    assert not hospital.settings.warehouse_path.exists()
    assert hospital.load(folder, extracted=DAY).day.origin == "said"


def test_a_name_before_most_last_contacts_is_refused_though_other_dates_lie_before_it(hospital):
    """A slip of a year: images and laboratory are of the spring, the last contacts of December."""
    patients = {f"{n}": "" for n in range(12)}
    with pytest.raises(ExtractDayError, match=r"12 of 12 dates \(last day"):
        hospital.load(example_hospital.write_delivery(hospital.extracts / "x_2020-11-20", patients))


def test_a_workbook_saved_long_before_its_dates_was_saved_by_no_person(tmp_path):
    clinic.write_site(tmp_path / "w" / "sites" / "clinic", site=clinic.SITE.replace("labs*.csv", "labs*.xlsx"))
    folder = clinic.write_delivery(tmp_path / "w" / "extracts" / "clinic" / "x")
    (folder / "labs.csv").unlink()
    rows = [line.split(",") for line in clinic.LABS.splitlines()]
    source = clinic.write_workbook(folder / "plain.xlsx", rows)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(folder / "labs.xlsx", "w") as new:
        for item in old.namelist():
            text = old.read(item)
            new.writestr(item, b"<c><modified>2006-09-16T00:00:00Z</modified></c>" if "core.xml" in item else text)
    source.unlink()
    settings = Settings(tmp_path / "w", tmp_path / "key", "both")
    with pytest.raises(ExtractDayError, match=r"2006-09-16 .when its file was last saved"):
        ingest(settings, "clinic", extract=None, check=True, accept=False, progress=lambda *_: None)


def test_a_delivery_of_which_nobody_knows_the_day_is_refused_with_the_command_to_repeat(hospital):
    folder = example_hospital.write_delivery(hospital.extracts / "x", {"A": "", "B": ""})
    with pytest.raises(ExtractDayError) as caught:
        hospital.load()
    assert f"registry ingest everything --extract {folder} --extracted YYYY-MM-DD" in caught.value.en
    assert not hospital.settings.warehouse_path.exists()
    assert hospital.load(extracted=DAY).status == "loaded"


def test_of_a_delivery_of_2022_loaded_in_2026_a_death_of_2023_or_2091_is_asked_about_and_nobody_lives_to_the_close(
    hospital,
):
    edits = {"A": "outcome.death_date=2023-01-05", "B": "outcome.death_date=2091-08-12", "C": ""}
    hospital.load(example_hospital.write_delivery(hospital.extracts / f"x_{DAY}", edits))
    asked = hospital.read("versions.findings").filter(pl.col("rule_id") == "outcome.death_date.after_delivery")
    assert sorted(asked["value"]) == ["2023-01-05", "2091-08-12"]
    # Dead, on a day that is not known: dead at the last contact on 2020-12-01, day 275.
    subjects = hospital.read("core.subject").sort("source_row")
    assert subjects.select("os_days", "os_event").rows() == [(275.0, True)] * 3


def test_what_was_said_of_a_delivery_holds_when_it_is_read_again_and_may_be_said_anew(hospital):
    example_hospital.write_delivery(hospital.extracts / "x", {"A": "outcome.death_date=2022-11-25", "B": ""})
    # Of A's death two; and of each, who are alike in all but their numbers, whether they are one patient.
    assert hospital.load(extracted=DAY).findings["query"] == 4
    assert hospital.load().status == "nothing new"
    assert hospital.load(extracted=DAY).status == "nothing new"
    mapping = hospital.settings.workspace / "sites" / "everything" / "columns.csv"
    mapping.write_text(mapping.read_text("utf-8").replace("not a field", "no field"), "utf-8")
    again = hospital.load()
    assert (again.status, again.day.day, again.day.origin) == ("loaded", DAY, "said")
    later = hospital.load(extracted=dt.date(2022, 11, 30))
    assert (later.status, later.day.day) == ("loaded", dt.date(2022, 11, 30))
    assert hospital.load().status == "nothing new"


@pytest.mark.parametrize("text", ["2022-11-20", "20221120", "2022/11/20", "2022年11月20日"])
def test_the_day_is_said_in_any_form_that_can_mean_one_day(text):
    assert read_said_day(text) == DAY


@pytest.mark.parametrize("text", ["2022-11", "20/11/2022", "today", "1953-04-17", "2022-02-30", "YYYY-MM-DD"])
def test_what_is_said_and_is_no_day_of_this_century_is_refused(text):
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        read_said_day(text)


def test_a_workbook_of_excel_97_knows_when_it_was_saved(tmp_path):
    stated = find_stated_day(Path(__file__).parent / "excel97" / "clinic.xls")
    assert (stated.origin, stated.day.year) == ("saved", 2026)
    page = tmp_path / "x.xls"
    page.write_text("<html><table><tr><td>1</td></tr></table></html>")
    assert find_stated_day(page) is None


@pytest.mark.parametrize("suffix", [".sav", ".xpt"])
def test_an_export_knows_when_it_was_made(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    write = pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_xport
    write(pl.DataFrame({"number": ["1"]}), path)
    os.utime(path, (0, 0))
    stated = find_stated_day(path)
    assert stated.origin == "saved"
    assert abs((stated.day - dt.date.today()).days) <= 1  # the program that exported asked its own clock


def test_a_delivery_renamed_to_another_day_is_read_again_and_else_not(hospital):
    folder = example_hospital.write_delivery(
        hospital.extracts / f"x_{DAY}", {"A": "outcome.death_date=2022-11-25", "B": ""}
    )
    assert hospital.load().status == "loaded"
    assert hospital.load().status == "nothing new"
    renamed = folder.rename(hospital.extracts / f"renamed {DAY:%Y%m%d}")
    assert hospital.load().status == "nothing new"
    renamed.rename(hospital.extracts / "x_2022-11-30")
    assert hospital.load().status == "loaded"
    assert hospital.load().status == "nothing new"
    findings = hospital.read("marts.finding")
    current = findings.filter(pl.col("ingest_id") == findings["ingest_id"].max())
    assert "outcome.death_date.after_delivery" not in current["rule_id"].to_list()


def test_of_two_copies_the_one_with_the_later_day_counts_once(hospital):
    for name in ("y_2022-12-20", f"x_{DAY}", "z"):
        example_hospital.write_delivery(hospital.extracts / name, {"A": "", "B": ""})
    assert str(hospital.load().day) == "2022-12-20"
    assert hospital.load().status == "nothing new"
