"""One patient as the rules' oracle sees it: the patient's plain records, and the definitions that rest on them.

`facts` and `assessments` are the patient's rows of the derived frames. The oracle takes from them only what
has an oracle of its own: liver function, portal vein, RECIST, endpoints. Everything else it reads from the records.
"""

from dataclasses import dataclass, field
from functools import cached_property

from oracle.definition_oracle_laboratory import choose_samples, find_disagreeing
from oracle.logic import days_between

KINASE_INHIBITORS = ("sorafenib", "lenvatinib")
PD1_INHIBITORS = ("pembrolizumab", "nivolumab", "sintilimab", "toripalimab", "camrelizumab")


class Row(dict):
    """A record; what it does not hold is missing."""

    def __missing__(self, name):
        return None


@dataclass(frozen=True)
class Case:
    """`own`: the patient's records by table; `sent`: which tables the hospital sends; `persons`: patients by person;
    `alike`: person and start of those who share sex, birth and diagnosis."""

    own: dict
    sent: frozenset
    facts: Row
    assessments: list
    patients_of_person: dict = field(default_factory=dict)
    alike: dict = field(default_factory=dict)

    def first(self, table):
        return self.own[table][0] if self.own[table] else Row()

    @property
    def patient(self):
        return self.first("patient")

    @property
    def baseline(self):
        return self.first("baseline")

    @property
    def outcome(self):
        return self.first("outcome")

    @property
    def first_line(self):
        return [row for row in self.own["treatment"] if row["line_number"] == 1]

    @property
    def start_date(self):
        """Time zero: the earliest first dose of line 1; not known where a drug of it has none."""
        starts = [row["start_date"] for row in self.first_line]
        return min(starts) if starts and None not in starts else None

    @property
    def next_line_date(self):
        """The first dose of the earliest later line."""
        later = [row["start_date"] for row in self.own["treatment"] if row["line_number"] > 1]
        return min((day for day in later if day is not None), default=None)

    @property
    def is_dead(self):
        status = self.outcome["vital_status"]
        return None if status is None else status == "dead"

    @property
    def last_contact_date(self):
        """The last contact as recorded; of a dead patient without one the death."""
        recorded = self.outcome["last_contact_date"]
        return self.outcome["death_date"] if recorded is None and self.is_dead else recorded

    @property
    def tace(self):
        """TACE procedures listed; None where the hospital sends no procedures."""
        listed = [row for row in self.own["procedure"] if row["procedure"] == "tace"]
        return listed if "procedure" in self.sent else None

    @cached_property
    def baseline_samples(self):
        """The records of each laboratory test from the day that is its baseline."""
        return choose_samples(self.own["laboratory"], self.baseline, self.start_date)

    @cached_property
    def disagreeing_tests(self):
        """The tests of which values of that day lead to different results, so that none counts."""
        return find_disagreeing(self.baseline_samples, self.baseline)

    def sample(self, test):
        """The record of a laboratory test that is the baseline."""
        rows = [] if test in self.disagreeing_tests else self.baseline_samples[test]
        return rows[-1] if rows else Row()

    def is_baseline_sample(self, record):
        """Whether a laboratory record is of the day that is its test's baseline."""
        return any(row is record for row in self.baseline_samples.get(record["test"], []))

    @property
    def counted_readings(self):
        """The readings that count for the patient: by RECIST 1.1, of reader `site`, else of the first by name."""
        readings = [row for row in self.assessments if row["criteria"] == "recist_1_1"]
        reader = min((row["reader"] for row in readings), key=lambda name: (name != "site", name), default=None)
        return [row for row in readings if row["reader"] == reader]

    def reading(self, record):
        """The assessment by RECIST 1.1 that a record of a lesion or a response belongs to."""
        key = (record["visit_number"], record["reader"], record["criteria"] or "recist_1_1")
        return next(
            (row for row in self.assessments if (row["visit_number"], row["reader"], row["criteria"]) == key), Row()
        )

    def series(self, record):
        """The assessments of a record's reader and criteria, in the order of their days."""
        key = (record["reader"], record["criteria"] or "recist_1_1")
        rows = [row for row in self.assessments if (row["reader"], row["criteria"]) == key]
        return sorted(rows, key=lambda row: row["visit_position"])

    def before(self, record):
        """The assessments of the series before that of the record."""
        position = self.reading(record)["visit_position"]
        return [row for row in self.series(record) if row["visit_position"] < position]

    def is_before_start(self, lesion):
        """Whether the image of a lesion's record is from day 0 or earlier; without any day visit 0 is."""
        day = self.image_day(lesion)
        return lesion["visit_number"] == 0 if day is None else day <= 0

    def image_day(self, lesion):
        """Its own day, else the first of its visit's other images, else that of the visit's response."""
        visit = [row for row in self.own["lesion"] if _visit_of(row) == _visit_of(lesion)]
        days = [days_between(self.start_date, row["assessment_date"]) for row in (lesion, *visit)]
        if days[0] is not None:
            return days[0]
        if known := [day for day in days if day is not None]:
            return min(known)
        responses = (row for row in self.own["response"] if _visit_of(row) == _visit_of(lesion))
        response = next((row for row in responses if row["criteria"] == "recist_1_1"), Row())
        day = days_between(self.start_date, response["assessment_date"])
        return response["assessment_days"] if day is None else day


def shows_progression(before):
    """Whether a PD of one of these assessments under therapy is derived or recorded."""
    return any(row["is_follow_up"] and "PD" in (row["derived_response"], row["recorded_response"]) for row in before)


def _visit_of(row):
    return row["visit_number"], row["reader"]


def make_cases(hospital, derived, sent):
    """One case a patient from a hospital's plain records, the rows of its derived frames, and the tables that it sends."""
    own = {}
    for table, rows in hospital.items():
        for row in rows:
            own.setdefault(row["patient_id"], {name: [] for name in hospital})[table].append(Row(row))
    persons = {}
    for row in hospital["patient"]:
        if row.get("person_id") is not None:
            persons.setdefault(row["person_id"], set()).add(row["patient_id"])
    assessments = {}
    for row in derived["assessment"].to_dicts():
        assessments.setdefault(row["patient_id"], []).append(Row(row))
    facts = {row["patient_id"]: Row(row) for row in derived["subject"].to_dicts()}
    alike = {}
    for row in hospital["patient"]:
        starts = facts[row["patient_id"]]["first_line_start_date"]
        key = tuple(row.get(name) for name in ("sex", "birth_date", "diagnosis_date"))
        alike.setdefault(key, []).append((row.get("person_id"), starts))
    return {
        patient: Case(tables, frozenset(sent), facts[patient], assessments.get(patient, []), persons, alike)
        for patient, tables in own.items()
    }
