"""Dates of which only the month is known: by hand, the example patient starts on 2020-03-01 and died on 2020-12-01."""

import datetime as dt

import example_hospital
import polars as pl
import pytest

from etl.ingest import ingest
from etl.settings import Settings
from etl.store.warehouse import read_frames


class Hospital:
    """A hospital that says of some columns that only the month is known."""

    def __init__(self, tmp_path):
        self.settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")

    def load(self, fields, **edits):
        folder = self.settings.workspace / "sites" / "everything"
        example_hospital.write_site(folder)
        lines = folder.joinpath("columns.csv").read_text("utf-8").splitlines()
        named = [f"{table},{name},field,{table},{name},,," for table, name in (f.split(".") for f in fields)]
        said = [f"{line[:-1]}only month," if line in named else line for line in lines]
        assert said.count("") == 0
        assert sum(line.endswith("only month,") for line in said) == len(fields)
        folder.joinpath("columns.csv").write_text("\n".join(said) + "\n", "utf-8")
        delivery = example_hospital.write_delivery(self.settings.extracts_dir / "everything" / "x_2022-11-20", edits)
        ingest(self.settings, "everything", extract=delivery, check=False, accept=False, progress=lambda *_: None)

    def read(self, relation):
        return read_frames(self.settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]


@pytest.fixture
def hospital(tmp_path):
    return Hospital(tmp_path)


ENDS = ("outcome.death_date", "outcome.last_contact_date", "outcome.progression_date")


@pytest.mark.parametrize(
    ("fields", "edits", "field", "day"),
    [
        (ENDS, "outcome.death_date=2020-11; outcome.last_contact_date=2020-11", "outcome.death_date", dt.date(2020, 11, 15)),
        # Known alive on 10 November: the middle of the month would lie after the last contact.
        (ENDS, "outcome.death_date=2020年11月; outcome.last_contact_date=2020-11-10", "outcome.death_date", dt.date(2020, 11, 10)),
        (ENDS, "outcome.progression_date=2020-11; outcome.last_contact_date=2020-11-20", "outcome.progression_date", dt.date(2020, 11, 15)),
        # The therapy began on 20 March: nothing that came after it lies before it, and the diagnosis does not lie after it.
        (ENDS, "treatment[1].start_date=2020-03-20; treatment[2].start_date=2020-03-20; outcome.progression_date=2020-03",
         "outcome.progression_date", dt.date(2020, 3, 20)),
        (("patient.diagnosis_date",), "treatment[1].start_date=2020-03-10; treatment[2].start_date=2020-03-10; patient.diagnosis_date=2020-03",
         "patient.diagnosis_date", dt.date(2020, 3, 10)),
        (("patient.diagnosis_date",), "patient.diagnosis_date=2020-01", "patient.diagnosis_date", dt.date(2020, 1, 15)),
    ],
)  # fmt: skip
def test_the_middle_of_the_month_within_what_is_known_to_the_day(hospital, fields, edits, field, day):
    hospital.load(fields, A=edits, B="")
    table, name = field.split(".")
    assert hospital.read(f"core.{table}").filter(pl.col("source_row") == 2)[name].to_list() == [day]
    subjects = hospital.read("core.subject").sort("source_row")
    assert (subjects["month_date_number"] > 0).to_list() == [True, False]


def test_a_month_where_nobody_said_so_is_asked_for_and_set_aside(hospital):
    hospital.load((), A="outcome.death_date=2020-11", B="")
    assert hospital.read("core.outcome").filter(pl.col("source_row") == 2)["death_date"].to_list() == [None]
    found = hospital.read("versions.findings")
    assert found.filter(pl.col("rule_id") == "outcome.death_date.month")["value"].to_list() == ["2020-11"]
    assert hospital.read("core.subject")["month_date_number"].to_list() == [0, 0]


@pytest.mark.parametrize(("resolved", "n_fail"), [("2020-05", 0), ("2020-04", 1)])
def test_a_question_that_hangs_on_the_day_is_not_asked_and_counts_as_not_evaluable(hospital, resolved, n_fail):
    """The event began on 20 May: it may have ended in May, though the 15th stands in, but not in April."""
    edits = f"adverse_event[1].onset_date=2020-05-20; adverse_event[1].resolved_date={resolved}"
    hospital.load(("adverse_event.resolved_date",), A=edits, B="")
    found = hospital.read("versions.findings").filter(pl.col("rule_id") == "event_resolved_after_onset")
    outcome = hospital.read("versions.rule_outcomes").filter(pl.col("rule_id") == "event_resolved_after_onset")
    assert found.height == n_fail
    counts = outcome.select("n_pass", "n_fail", "n_not_evaluable").row(0)
    other = hospital.read("core.adverse_event").height - 1
    assert counts[1] == n_fail
    assert sum(counts) == other + 1
