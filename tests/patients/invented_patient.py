"""One invented patient as typed records, with what a clinician would call them. SYNTHETIC EXAMPLE DATA."""

from __future__ import annotations

import datetime as dt
from copy import deepcopy
from dataclasses import dataclass, field

from schemas.tables import TABLES

KINASE_INHIBITORS = ("lenvatinib", "sorafenib")
PD1_DOSES_MG = {"pembrolizumab": 200, "nivolumab": 240, "sintilimab": 200, "toripalimab": 240, "camrelizumab": 200}
LAST_DAY = dt.date(2022, 11, 20)
"""The day up to which the invented hospital can know anything."""

Row = dict[str, object]


class OnlyMonth(dt.date):
    """A true day of which the hospital knows month and year alone, and writes no more."""


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


@dataclass
class InventedPatient:
    """Records by table, each field with its typed value; `national_id` is what the hospital would write in that column."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    national_id: str | None = None
    twin: InventedPatient | None = None
    """A second patient of the hospital, where a kind or a fault needs two."""

    def copy(self) -> InventedPatient:
        return deepcopy(self)

    @property
    def patient(self) -> Row:
        return self.tables["patient"][0]

    @property
    def baseline(self) -> Row:
        return self.tables["baseline"][0]

    @property
    def outcome(self) -> Row:
        return self.tables["outcome"][0]

    @property
    def start(self) -> dt.date:
        return min(row["start_date"] for row in self.line(1))

    def line(self, number: int) -> list[Row]:
        return [row for row in self.tables["treatment"] if row["line_number"] == number]

    @property
    def kinase_inhibitor(self) -> Row:
        return next(row for row in self.line(1) if row["drug"] in KINASE_INHIBITORS)

    @property
    def antibody(self) -> Row:
        return next(row for row in self.line(1) if row["drug"] in PD1_DOSES_MG)

    def lesions(self, **said: object) -> list[Row]:
        return [row for row in self.tables["lesion"] if all(row.get(name) == value for name, value in said.items())]

    def responses(self, **said: object) -> list[Row]:
        return [row for row in self.tables["response"] if all(row.get(name) == value for name, value in said.items())]

    def samples(self, test: str) -> list[Row]:
        return [row for row in self.tables["laboratory"] if row["test"] == test]

    def sample(self, test: str, visit: int = 0) -> Row:
        return next(row for row in self.samples(test) if row["visit_number"] == visit)

    def set_sample(self, test: str, value: float | None, visit: int = 0, sign: str = "=") -> None:
        """Change or add a value; `value` None with a sign is a sign alone (`not_detected`)."""
        found = [row for row in self.samples(test) if row["visit_number"] == visit]
        if not found:
            others = [row for row in self.tables["laboratory"] if row["visit_number"] == visit]
            found = [{"visit_number": visit, "test": test, "sample_date": others[0]["sample_date"]}]
            self.tables["laboratory"] += found
        found[0] |= {"value": value, "value_comparator": sign}

    def drop_sample(self, test: str) -> None:
        self.tables["laboratory"] = [row for row in self.tables["laboratory"] if row["test"] != test]

    def add_procedure(self, procedure: str, date: dt.date, lesion_id: str | None = None) -> None:
        """Add a procedure in the order of the dates; one planned for 1 January is done the day after."""
        date = date + days(1) if (date.month, date.day) == (1, 1) else date
        rows = self.tables["procedure"]
        rows.append({"procedure": procedure, "procedure_date": date, "lesion_id": lesion_id})
        rows.sort(key=lambda row: row["procedure_date"])
        for number, row in enumerate(rows, start=1):
            row["procedure_number"] = number

    def drop_procedures(self) -> None:
        """No local treatment at all; no lesion was treated."""
        self.tables["procedure"] = []
        self.baseline["has_tace"] = False
        for row in self.tables["lesion"]:
            row["is_tace_treated"] = False

    def add_event(self, term: str, grade: int, onset: dt.date, resolved: dt.date | None = None) -> Row:
        rows = self.tables["adverse_event"]
        rows.append({"event_number": len(rows) + 1, "term": term, "grade": grade, "onset_date": onset})
        rows[-1] |= {"resolved_date": resolved, "ctcae_version": "5.0"}
        return rows[-1]

    def add_drug(self, line: int, drug: str, start: dt.date, end: dt.date | None, dose: float | None, why: str | None):
        start = start + days(1) if (start.month, start.day) == (1, 1) else start
        row = {"line_number": line, "drug": drug, "start_date": start, "end_date": end}
        self.tables["treatment"].append(row | {"initial_dose_mg": dose, "stop_reason": why})

    def cut_visits(self, last: int) -> None:
        """Keep the visits up to `last` of lesions, responses and samples."""
        for table in ("lesion", "response", "laboratory"):
            self.tables[table] = [row for row in self.tables[table] if row["visit_number"] <= last]

    def last_image(self) -> dt.date:
        return max(row["assessment_date"] for row in self.tables["response"])

    def list_dates(self) -> list[dt.date]:
        """Every clinical date but birth, diagnosis, death and last contact."""
        fields = ("start_date", "end_date", "sample_date", "assessment_date", "procedure_date", "onset_date")
        rows = [row for rows in self.tables.values() for row in rows]
        return [row[name] for row in rows for name in (*fields, "resolved_date") if row.get(name)]

    def die(self, date: dt.date) -> None:
        """Dead on a date: everything later did not happen, what was open ends with it."""
        for table, name in (
            ("laboratory", "sample_date"),
            ("lesion", "assessment_date"),
            ("procedure", "procedure_date"),
        ):
            self.tables[table] = [row for row in self.tables[table] if row[name] <= date]
        self.tables["response"] = [row for row in self.tables["response"] if row["assessment_date"] <= date]
        self.tables["adverse_event"] = [row for row in self.tables["adverse_event"] if row["onset_date"] <= date]
        self.tables["treatment"] = [row for row in self.tables["treatment"] if row["start_date"] <= date]
        for row in self.tables["adverse_event"]:
            if row["resolved_date"] and row["resolved_date"] > date:
                row["resolved_date"] = None
        for row in self.tables["treatment"]:
            if row["end_date"] is None or row["end_date"] > date:
                row |= {"end_date": date, "stop_reason": "death"}
        self.outcome.update({"vital_status": "dead", "death_date": date, "last_contact_date": date})
        if self.outcome["progression_date"] and self.outcome["progression_date"] > date:
            self.outcome.update({"has_progressed": False, "progression_date": None})
