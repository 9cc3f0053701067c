"""One patient as the rules' oracle sees it: the patient's plain records, and the definitions that rest on them.

`facts` and `assessments` are the patient's rows of the derived frames. The oracle takes from them only what
has an oracle of its own: liver function, portal vein, RECIST, endpoints. Everything else it reads from the records.
"""

from dataclasses import dataclass, field

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

    def sample(self, test):
        """The record of a laboratory test of visit 0."""
        return next((row for row in self.own["laboratory"] if row["test"] == test and row["visit_number"] == 0), Row())

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
        """The assessments of a record's reader and criteria, in the order of the visits."""
        key = (record["reader"], record["criteria"] or "recist_1_1")
        rows = [row for row in self.assessments if (row["reader"], row["criteria"]) == key]
        return sorted(rows, key=lambda row: row["visit_number"])


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
