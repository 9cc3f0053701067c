"""Texts that faulty cells read, made from the patient's own record, and conditions on the record that takes a fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from etl.example.care import LATER_TESTS
from etl.example.chinese import PVTT_WORDS
from etl.example.faults import CellChange, Wanted
from etl.example.model import Record, SyntheticPatient
from etl.example.sheets import date_text, number_text

NEW_LESION_RULES = (
    "recorded_response_agrees_with_lesions",
    "progression_agrees_with_lesions",
    "progression_flag_agrees_with_lesions",
)
"""What else may fire where a lesion is called new that the course does not know."""

LESION_RULES = (
    "recorded_response_agrees_with_lesions",
    "progression_agrees_with_lesions",
    "progression_flag_agrees_with_lesions",
    "progression_is_not_contradicted",
    "target_sum_agrees_with_lesions",
    "targets_are_listed",
    "diameter_change_is_plausible",
    "lesion_growth_is_plausible",
    "lesion_status_agrees_with_diameter",
)
"""What else may fire where a target of one visit is not there, or not as large as it was."""

AFTER_LAST_CONTACT = (
    "sample_not_after_last_contact",
    "lesion_not_after_last_contact",
    "response_not_after_last_contact",
    "treatment_not_after_last_contact",
    "procedure_not_after_last_contact",
    "event_not_after_last_contact",
    "event_resolved_not_after_last_contact",
    "progression_not_after_last_contact",
)
"""What else may fire where the last contact lies too early."""

PARENT_RULES = tuple(
    f"{table}.parent"
    for table in (
        "baseline", "metastasis", "laboratory", "lesion", "response", "treatment", "procedure", "adverse_event", "outcome",
    )
)  # fmt: skip
"""What fires at a patient's other records where the patient's own was set aside."""

_DATE_FORMS = {"hunan": "slash", "sysu": "iso"}


def write_date(patient: SyntheticPatient, day: date) -> object:
    """Return a date as the patient's hospital writes it."""
    form = _DATE_FORMS.get(patient.hospital)
    return date_text(day, form) if form else day


def moved(name: str, days: int) -> CellChange:
    """Return the record's date so many days later."""
    return lambda patient, record: write_date(patient, record[name] + timedelta(days=days))


def from_start(days: int) -> CellChange:
    """Return the date so many days after the start of therapy."""
    return lambda patient, _record: write_date(patient, patient.day(days))


def from_last_contact(days: int) -> CellChange:
    """Return the date so many days after the last contact."""
    return lambda patient, _record: write_date(patient, patient.day(patient.course.last_contact_days + days))


def has(**values: object) -> Wanted:
    """Accept a record whose fields have these values."""
    return lambda _patient, record: all(record.get(name) == value for name, value in values.items())


def filled(*names: str) -> Wanted:
    """Accept a record in which these fields are filled."""
    return lambda _patient, record: all(record.get(name) is not None for name in names)


def facts(check: Callable[[Record], bool]) -> Wanted:
    """Accept a patient whose facts at the start meet a condition."""
    return lambda patient, _record: check(patient.facts)


def both(*conditions: Wanted) -> Wanted:
    """Accept what every condition accepts."""
    return lambda patient, record: all(condition(patient, record) for condition in conditions)


def is_alive(patient: SyntheticPatient, _record: Record) -> bool:
    """Accept a patient who is alive at the last contact."""
    return not patient.course.is_dead


def is_dead(patient: SyntheticPatient, _record: Record) -> bool:
    """Accept a patient who has died."""
    return patient.course.is_dead


def is_stable(_patient: SyntheticPatient, record: Record) -> bool:
    """Accept an assessment recorded as stable disease."""
    return record["recorded_response"] == "SD"


def ends_with_progression(patient: SyntheticPatient, record: Record) -> bool:
    """Accept the last assessment of a patient, a PD that no later line follows, six weeks before the last contact."""
    is_last = record["visit_number"] == max(r["visit_number"] for r in patient.records["response"])
    has_later_line = any(r["line_number"] > 1 for r in patient.records["treatment"])
    days = (record["assessment_date"] - patient.start).days
    is_seen_later = patient.course.last_contact_days - days >= 42
    return record["recorded_response"] == "PD" and is_last and not has_later_line and is_seen_later


def is_later_visit(_patient: SyntheticPatient, record: Record) -> bool:
    """Accept a record of the second assessment after the baseline, on which no baseline value rests."""
    return record["visit_number"] == 2


def is_second_or_third(_patient: SyntheticPatient, record: Record) -> bool:
    """Accept a record of the second or third assessment after the baseline."""
    return record["visit_number"] in (2, 3)


def thrombus_words(addition: str) -> CellChange:
    """Return the words for the patient's portal vein tumour thrombus with something behind that does not belong there."""
    return lambda patient, _record: PVTT_WORDS[patient.facts["pvtt_type"]][0] + addition


def on(day: date) -> CellChange:
    """Return a date as the hospital writes it."""
    return lambda patient, _record: write_date(patient, day)


def lists_lesions(number: int, **values: object) -> Wanted:
    """Accept a patient with at least so many lesions at the baseline whose fields have these values."""

    def check(patient: SyntheticPatient, _record: Record) -> bool:
        at_baseline = [r for r in patient.records["lesion"] if r["visit_number"] == 0]
        return sum(all(r[name] == value for name, value in values.items()) for r in at_baseline) >= number

    return check


def is_first_lesion(patient: SyntheticPatient, record: Record) -> bool:
    """Accept the lesion of a visit that comes first by its number; a rule about the whole visit points there."""
    at_visit = [r["lesion_id"] for r in patient.records["lesion"] if r["visit_number"] == record["visit_number"]]
    return record["lesion_id"] == min(at_visit)


def is_first_beside(lesion_id: str) -> Wanted:
    """Accept the lesion of a visit that comes first by its number where one of them is not listed."""

    def check(patient: SyntheticPatient, record: Record) -> bool:
        at_visit = [r["lesion_id"] for r in patient.records["lesion"] if r["visit_number"] == record["visit_number"]]
        return record["lesion_id"] == min((name for name in at_visit if name != lesion_id), default=None)

    return check


def is_followed(days: int) -> Wanted:
    """Accept a patient who is followed at least so many days."""
    return lambda patient, _record: patient.course.last_contact_days >= days


def has_progressed(patient: SyntheticPatient, _record: Record) -> bool:
    """Accept a patient whose progression was seen."""
    return patient.course.progression_visit > 0


def is_treated(patient: SyntheticPatient, _record: Record) -> bool:
    """Accept a patient who had TACE."""
    return patient.facts["has_tace"]


def find_later_platelets(patient: SyntheticPatient) -> float:
    """Return the platelets of the first assessment after the baseline; 0 where there are none."""
    at_visit = (r for r in patient.records["laboratory"] if (r["visit_number"], r["test"]) == (1, "platelets_10e9_l"))
    return next((record["value"] for record in at_visit), 0.0)


def find_lasting_response(patient: SyntheticPatient) -> date | None:
    """Return the day of a PR after the first assessment at which no target is 30 % smaller than at the one before."""
    sizes: dict[int, dict[str, float]] = {}
    for record in patient.records["lesion"]:
        if record["role"] == "target":
            sizes.setdefault(record["visit_number"], {})[record["lesion_id"]] = record["diameter_mm"] or 0
    for response in patient.records["response"]:
        before, now = (sizes.get(response["visit_number"] - back, {}) for back in (1, 0))
        is_lasting = all(0.75 * mm < now.get(name, 0) for name, mm in before.items())
        if response["recorded_response"] == "PR" and response["visit_number"] > 1 and is_lasting:
            return response["assessment_date"]
    return None


def before_lasting_response(patient: SyntheticPatient, _record: Record) -> object:
    """Return the day before the response that `find_lasting_response` finds."""
    day = find_lasting_response(patient)
    if day is None:
        raise LookupError(f"no PR of {patient.hospital} lasts")
    return write_date(patient, day - timedelta(days=1))


def copied_value(test: str) -> CellChange:
    """Return a test's value of the visit before."""
    return lambda patient, record: number_text(_list_values(patient, record["visit_number"] - 1)[test])


def has_copyable_values(patient: SyntheticPatient, record: Record) -> bool:
    """Accept a visit at which every test of later visits has an exact value, as at the one before."""
    visit = record["visit_number"]
    return all(set(LATER_TESTS) <= _list_values(patient, number).keys() for number in (visit - 1, visit))


def _list_values(patient: SyntheticPatient, visit: int) -> dict[str, float]:
    at_visit = (r for r in patient.records["laboratory"] if r["visit_number"] == visit)
    return {r["test"]: r["value"] for r in at_visit if isinstance(r["value"], float)}


def copied_diameter(patient: SyntheticPatient, record: Record) -> object:
    """Return the lesion's diameter of the visit before, in cm."""
    size = _list_sizes(patient, record["visit_number"] - 1).get(record["lesion_id"])
    return number_text(None if size is None else size / 10, 2)


def has_copyable_diameters(patient: SyntheticPatient, record: Record) -> bool:
    """Accept a stable visit at which the lesions are measured that were at the one before, three or more."""
    visit = record["visit_number"]
    now, before = (_list_sizes(patient, number) for number in (visit, visit - 1))
    is_stable_here = patient.records["response"][visit - 1]["recorded_response"] == "SD"
    return is_stable_here and now.keys() == before.keys() and len(now) > 2


def _list_sizes(patient: SyntheticPatient, visit: int) -> dict[str, float]:
    at_visit = (r for r in patient.records["lesion"] if r["visit_number"] == visit)
    return {r["lesion_id"]: r["diameter_mm"] for r in at_visit if r["diameter_mm"]}
