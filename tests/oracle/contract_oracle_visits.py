"""Visit numbers that an invented delivery's records get from their dates, in plain Python."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import floor

from oracle.visit_oracle import number_by_oracle

UNSCHEDULED = ("2.5",)
"""Of the texts that are no number those that hospitals write between two visits."""
NO_START = date(1900, 1, 1)


@dataclass(frozen=True)
class Reading:
    """A cell as read: its value, its sign, the rule it breaks, whether it is unusual."""

    value: object = None
    sign: str | None = None
    fault: str | None = None
    is_unusual: bool = False


def give_numbers(records, readings):
    """Put the number of its visit in place of a reading that is missing, or unscheduled, where a date tells it."""
    for record in records.get("laboratory", []):
        own = readings["laboratory", record.row]
        day = own.get("sample_date", Reading()).value
        if _is_lacking(record, own) and day is not None:
            own["visit_number"] = Reading(int(f"{day:%Y%m%d}"))
    series = {}
    for table in ("lesion", "response"):
        for record in records.get(table, []):
            told = _describe(table, record, readings, _find_start(records, readings, record.patient.value))
            if told is not None:
                series.setdefault((record.patient.value, readings[table, record.row]["reader"].value), []).append(told)
    for own in series.values():
        targets = {record["lesion"] for record in own if record["lesion"] is not None and record["target"]}
        named = [r | {"target": r["lesion"] in targets if r["lesion"] is not None else r["target"]} for r in own]
        for place, number in number_by_oracle(named).items():
            readings[place]["visit_number"] = Reading(number)


def _is_lacking(record, own):
    visit = own.get("visit_number", Reading())
    is_word = visit.fault == "unreadable" and record.cells["visit_number"].text in UNSCHEDULED
    return record.patient.value is not None and visit.value is None and (visit.fault is None or is_word)


def _describe(table, record, readings, start):
    """A lesion or response as the oracle of visits takes it; None for one whose visit, reader or patient is not known."""
    own = readings[table, record.row]
    number = own.get("visit_number", Reading()).value
    if record.patient.value is None or own["reader"].value is None or (number is None and not _is_lacking(record, own)):
        return None
    day, days = (own.get(name, Reading()).value for name in ("assessment_date", "assessment_days"))
    if day is None and days is not None:
        day = (start or NO_START) + timedelta(days=floor(days))
    is_sum = own.get("target_sum_mm", Reading()).value is not None
    return {
        "row": (table, record.row), "number": number, "day": day, "start": start,
        "lesion": own["lesion_id"].value if table == "lesion" else None,
        "target": own.get("role", Reading()).value == "target" if table == "lesion" else is_sum,
        "unscheduled": own.get("visit_number", Reading()).fault == "unreadable",
    }  # fmt: skip


def _find_start(records, readings, patient):
    own = [readings["treatment", r.row] for r in records.get("treatment", []) if r.patient.value == patient]
    starts = [row.get("start_date", Reading()).value for row in own if row["line_number"].value == 1]
    return None if None in starts else min(starts, default=None)
