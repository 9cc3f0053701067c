"""Small files from outside the example, each with its right answer: how numbers and dates are written, and what is no date."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from answered_workbook import CONFIRMED, answer, list_queries
from worksheet_desk import fill

from etl.errors import AnswerError
from etl.ingest import ingest
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.publish import write_quality
from etl.settings import Settings
from etl.store.warehouse import read_frames

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "files"
EXTRACTED = dt.date(2022, 1, 1)
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the cases do not lie beside the project")
CONSTANTS = {"all rows: laboratory": ("as proposed", "", "")}


class Hospital:
    """A hospital of which nobody knows more than one file."""

    def __init__(self, folder: Path):
        self.settings = Settings(folder / "workspace", folder / "key", "both")

    def load(self, name: str, **columns: tuple[str, str, str]):
        """Propose, fill in what is open (`columns`: decision, record, unit by the column's name), and load."""
        proposed = propose_hospital(self.settings, "unknown", CASES / name)
        self.asked = [c.item for c in proposed.draft.columns if c.is_open] + [
            c.code for c in proposed.draft.codes if c.is_open
        ]
        answers = CONSTANTS | columns
        as_found = ("", "", "")
        fill(
            proposed.worksheet, lambda _, column: answers.get(column, as_found), lambda _, code: {"死亡": "dead"}[code]
        )
        take_worksheet(self.settings.workspace / "sites" / "unknown")
        return self.ingest(name)

    def ingest(self, name: str):
        return ingest(
            self.settings, "unknown", extract=CASES / name, extracted=EXTRACTED, check=False, accept=False, progress=lambda *_: None
        )  # fmt: skip

    def read(self, relation: str) -> pl.DataFrame:
        return read_frames(self.settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]

    def find(self, *kinds: str) -> dict[tuple[int, str], str]:
        """{(row, column): value} of what was found of some kinds."""
        found = self.read("versions.findings").filter(pl.col("rule_id").str.split(".").list.last().is_in(kinds))
        return {
            (row, column): value for row, column, value in found.select("source_row", "source_column", "value").rows()
        }

    def values(self, test: str) -> list[float | None]:
        return self.read("core.laboratory").filter(pl.col("test") == test).sort("source_row")["value"].to_list()


@pytest.fixture
def hospital(tmp_path):
    return Hospital(tmp_path)


def test_a_file_of_decimal_commas_and_days_first_is_one_dialect_and_nothing_is_asked(hospital):
    summary = hospital.load("eu.csv")
    assert hospital.asked == ["all rows: laboratory"]
    assert summary.accounts["patients"] == 12
    assert not hospital.find("unreadable", "range", "month")
    assert hospital.values("afp_ng_ml")[:5] == [3.275, 12.5, 450, 1210, 1210.5]
    inr = hospital.values("inr")
    assert (min(inr), max(inr), len(inr)) == (1.0, 1.275, 12)
    births = hospital.read("core.patient").sort("source_row")["birth_date"]
    assert births[3] == dt.date(1953, 4, 13)
    assert births.null_count() == 0
    weights = hospital.read("core.baseline").sort("source_row")["body_weight_kg"]
    assert weights[0] == 60.5


def test_what_a_cell_shows_is_what_it_says(hospital):
    whole_days = dict.fromkeys(("确诊日期", "末次随访日期"), ("as proposed", "", "whole days"))
    hospital.load("monthfmt.xlsx", **whole_days)
    assert set(whole_days) <= set(hospital.asked)
    months = hospital.find("month")
    assert set(months) == {(row, name) for name in whole_days for row in range(2, 8)}
    assert set(months.values()) == {"2020-03", "2021-06"}
    asked = hospital.find("unreadable")
    assert asked[3, "体重(kg)"] == "62.5%"
    assert asked[3, "死亡日期"] == "12:00:00"
    assert asked[11, "AFP(ng/mL)"].startswith("2020-03-05")
    assert asked[12, "AFP(ng/mL)"] == "30:00:00"
    assert asked[13, "肿瘤数目"] == "true"
    assert len(asked) == 5
    assert set(hospital.find("placeholder")) == {(9, "末次随访日期"), (10, "末次随访日期")}


def test_where_only_the_month_is_known_its_middle_stands_in(hospital):
    only_month = dict.fromkeys(("确诊日期", "末次随访日期"), ("as proposed", "", "only month"))
    hospital.load("monthfmt.xlsx", **only_month)
    assert not hospital.find("month")
    diagnosed = hospital.read("core.patient").sort("source_row")["diagnosis_date"]
    assert diagnosed[:6].to_list() == [dt.date(2020, 3, 15)] * 6
    assert diagnosed[6] == dt.date(2020, 7, 11)


def test_placeholders_are_missing_and_who_is_dead_stays_dead(hospital):
    hospital.load("nulldates.xlsx")
    empty = {
        (2, "死亡日期"),
        (4, "末次随访日期"),
        (6, "确诊日期"),
        (5, "出生日期"),
        (3, "末次随访日期"),
        (5, "死亡日期"),
    }
    assert set(hospital.find("placeholder")) == empty
    assert hospital.find("unreadable") == {(7, "末次随访日期"): "20213"}
    assert set(hospital.find("after_delivery")) == {(9, "末次随访日期")}
    outcome = hospital.read("core.outcome").sort("source_row")
    assert outcome.filter(pl.col("source_row").is_in([2, 5]))["vital_status"].to_list() == ["dead", "dead"]
    findings = hospital.read("versions.findings")
    told = findings.filter(pl.col("rule_id").str.ends_with(".placeholder"))
    assert told["severity"].unique().to_list() == ["note"]
    dead = findings.filter(pl.col("rule_id") == "death_has_date")
    assert sorted(dead["source_row"]) == [2, 5]


def test_values_that_were_set_aside_count_once_confirmed_and_none_beyond_the_physical_limit(hospital):
    def ask(*wanted):
        write_quality(hospital.settings)
        workbook = hospital.settings.reports_dir / "quality" / "unknown" / "queries.xlsx"
        return workbook, {row["Value"]: row["Query id"] for row in list_queries(workbook) if row["Value"] in wanted}

    def confirm(workbook, name, *ids):
        return answer(
            workbook, hospital.settings.extracts_dir / "unknown" / "answers" / name, dict.fromkeys(ids, (CONFIRMED, ""))
        )

    hospital.load("setaside.xlsx")
    limits = ("134", "2.5", "60", "123456789")
    workbook, asked = ask(*limits)
    assert set(asked) == set(limits)
    assert hospital.read("core.baseline").filter(pl.col("source_row") == 3)["body_weight_kg"].to_list() == [None]
    assert 60 in hospital.read("core.baseline")["tumour_number"].to_list()
    impossible = confirm(workbook, "impossible.xlsx", asked["123456789"])
    with pytest.raises(AnswerError):
        hospital.ingest("setaside.xlsx")
    impossible.unlink()
    confirm(workbook, "confirmed.xlsx", asked["134"], asked["2.5"])
    assert hospital.ingest("setaside.xlsx").status == "loaded"
    assert hospital.read("core.baseline").filter(pl.col("source_row") == 3)["body_weight_kg"].to_list() == [134]
    assert 2.5 in hospital.values("bilirubin_umol_l")
    assert 123456789 not in hospital.values("afp_ng_ml")
    assert set(ask(*limits)[1]) == {"60", "123456789"}


@pytest.mark.parametrize(
    ("afp", "born", "asked"),
    [
        (("1.210", "450", "2.450"), "1953-04-13", {"AFP (ng/mL)"}),
        (("1.210", "12.5", "2.450"), "1953-04-13", set()),
        (("12", "450", "2450"), "03.04.1953", {"Date of birth"}),
        (("12", "450", "2450"), "04.04.1953", set()),
    ],
)
def test_what_nothing_in_the_file_proves_is_asked_about(hospital, tmp_path, afp, born, asked):
    rows = [f"P{n};m;{born};{afp[n % 3]}" for n in range(12)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["Patient ID;Sex;Date of birth;AFP (ng/mL)", *rows]), "utf-8")
    proposed = propose_hospital(hospital.settings, "unknown", path)
    assert {c.item for c in proposed.draft.columns if c.is_open} - {"all rows: laboratory"} == asked
