"""Plain-Python verdicts of the rules on lines of therapy and on default dates, from the catalogue's sentences and the protocol."""

from oracle.course_fact_oracle import describe_drug
from oracle.logic import all_of, any_of, at_most, days_between, equal, is_known, negate, where


def _about(record, case):
    return describe_drug(record, case.own["treatment"])


def line_numbers_have_no_gap(record, case):
    lines = {row["line_number"] for row in case.own["treatment"]}
    if 1 not in lines:
        return None
    return lines >= set(range(1, record["line_number"] + 1))


def _is_in_order(record, case):
    """Whether the line begins after the earlier ones began; what is not known is not held against it."""
    return at_most(_about(record, case)["earlier_line_start_date"], record["start_date"]) is not False


def line_begins_after_line_before(record, case):
    fact = _about(record, case)
    if record["line_number"] == 1 or fact["is_in_earlier_line_too"] or not _is_in_order(record, case):
        return True
    return at_most(days_between(record["start_date"], fact["earlier_line_end_date"]), 14)


def drug_is_in_one_line_at_a_time(record, case):
    is_asked = record["line_number"] > 1 and _is_in_order(record, case)
    return where(is_asked, negate(_about(record, case)["is_in_earlier_line_too"]))


def line_is_not_repeated(record, case):
    fact = _about(record, case)
    gap = days_between(fact["earlier_line_end_date"], record["start_date"])
    is_repeated = all_of(fact["repeats_line_before"], not fact["is_in_earlier_line_too"])
    return where(is_repeated, None if gap is None else gap > 90)


def earlier_line_has_ended(record, case):
    has_end = record["end_date"] is not None
    if not has_end and (case.is_dead or record["stop_reason"] is not None):
        return None
    return has_end or _about(record, case)["later_line_start_date"] is None


def stop_for_progression_is_near_progression(record, case):
    is_asked = all_of(record["line_number"] == 1, equal(record["stop_reason"], "progression"))
    return where(is_asked, at_most(days_between(record["end_date"], case.facts["first_progression_date"]), 42))


def stop_for_death_is_near_death(record, case):
    days = days_between(record["end_date"], case.outcome["death_date"])
    return where(equal(record["stop_reason"], "death"), at_most(days, 90))


def stop_for_toxicity_has_event_by_then(record, case):
    onsets = [row["onset_date"] for row in case.own["adverse_event"] if row["onset_date"] is not None]
    days = days_between(record["end_date"], min(onsets, default=None))
    return where(equal(record["stop_reason"], "toxicity"), at_most(days, 7))


def _is_new_year(day):
    return None if day is None else (day.month, day.day) == (1, 1)


def diagnosis_is_not_on_new_year(record, case):
    return negate(_is_new_year(record["diagnosis_date"]))


def first_dose_is_not_on_new_year(record, case):
    """Told by images in the 14 days before a first line, or by a line's end in the 60 days before a later one."""
    if record["start_date"] is None:
        return None
    is_first = record["line_number"] == 1
    before = case.facts["baseline_imaging_date"] if is_first else _about(record, case)["earlier_line_end_date"]
    days = days_between(before, record["start_date"])
    is_told = days is not None and 0 <= days <= (14 if is_first else 60)
    return not _is_new_year(record["start_date"]) or is_told


def earlier_procedure_is_not_on_new_year(record, case):
    if not is_known(record["procedure_date"], case.start_date):
        return None
    return record["procedure_date"] >= case.start_date or not _is_new_year(record["procedure_date"])


def late_therapy_has_a_reason(record, case):
    lead = days_between(record["diagnosis_date"], case.start_date)
    if lead is None:
        return None
    dates = [row["procedure_date"] for row in case.own["procedure"] if row["procedure_date"] is not None]
    is_late = 2 * 365.25 < lead <= 20 * 365.25
    return where(is_late, any_of(record["is_recurrent"], any(day < case.start_date for day in dates)))
