"""Plain-Python verdicts of the rules on dates, written from the rule catalogue's sentences and the protocol."""

from datetime import date

from oracle.logic import all_of, at_most, below, days_between, is_known, one_of, where
from oracle.rule_case import PD1_INHIBITORS, Row


def _seen_by_last_contact(observed, case):
    """By the last contact; a death before it, but not one before the start, is the last day."""
    last, death = case.last_contact_date, case.outcome["death_date"]
    is_early = is_known(death, case.start_date) and death < case.start_date
    known = [day for day in (last, death if case.is_dead and not is_early else None) if day is not None]
    return at_most(observed, min(known, default=None))


def _previous(record, records, order):
    """The record before this one; an empty record where this is the first."""
    before = [row for row in records if row[order] < record[order]]
    return max(before, key=lambda row: row[order], default=Row())


def event_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["onset_date"], case)


def event_not_before_start(record, case):
    return at_most(case.start_date, record["onset_date"])


def event_resolved_after_onset(record, case):
    return at_most(record["onset_date"], record["resolved_date"])


def event_resolved_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["resolved_date"], case)


def baseline_sample_near_start(record, case):
    days = days_between(record["sample_date"], case.start_date)
    most = 90 if record["test"] in ("afp_ng_ml", "hbv_dna_iu_ml", "hbv_dna_copies_ml") else 28
    return where(record["visit_number"] == 0, days if days is None else 0 <= days <= most)


def baseline_values_agree(record, case):
    """The values of the baseline's day are named, all of them, where they lead to different results."""
    return not (case.is_baseline_sample(record) and record["test"] in case.disagreeing_tests)


def sample_dates_follow_visits(record, case):
    """Numbers from 201 on are days, which the registry gave."""
    same = [
        row
        for row in case.own["laboratory"]
        if row["test"] == record["test"] and (row["visit_number"] > 200) == (record["visit_number"] > 200)
    ]
    ordered = sorted(same, key=lambda row: (row["visit_number"], row["sample_date"] or date.min))
    place = next(place for place, row in enumerate(ordered) if row is record)
    return at_most(ordered[place - 1]["sample_date"] if place else None, record["sample_date"])


def sample_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["sample_date"], case)


def lesion_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["assessment_date"], case)


def visit_has_one_imaging_period(record, case):
    """The images that come too late are named; visits that the registry made of dates are as the protocol has them."""
    if record["visit_number"] > 200:
        return True
    if record["assessment_date"] is None:
        return None
    dates = [
        row["assessment_date"]
        for row in case.own["lesion"]
        if (row["visit_number"], row["reader"]) == (record["visit_number"], record["reader"])
        and row["assessment_date"] is not None
    ]
    return (record["assessment_date"] - min(dates)).days <= 14


def death_is_last_contact(record, case):
    return at_most(record["death_date"], record["last_contact_date"])


def death_not_before_start(record, case):
    return at_most(case.start_date, record["death_date"])


def durations_agree_with_dates(record, case):
    """Survival runs to the death, else to the last contact."""
    end = (record["death_date"] if case.is_dead else None) or case.last_contact_date
    counted = days_between(case.start_date, end)
    sent = record["overall_survival_days"]
    return abs(sent - counted) <= 3 if is_known(sent, counted) else None


def progression_days_agree_with_date(record, case):
    return _agree(record["progression_days"], days_between(case.start_date, record["progression_date"]))


def assessment_days_agree_with_date(record, case):
    return _agree(record["assessment_days"], days_between(case.start_date, record["assessment_date"]))


def _agree(sent, counted):
    return abs(sent - counted) <= 3 if is_known(sent, counted) else None


def last_contact_not_before_start(record, case):
    return at_most(case.start_date, record["last_contact_date"])


def progression_after_start(record, case):
    return below(case.start_date, record["progression_date"])


def progression_days_not_after_survival(record, case):
    return at_most(record["progression_days"], record["overall_survival_days"])


def progression_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["progression_date"], case)


def _completed_years(birth, day):
    if not is_known(birth, day):
        return None
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def age_agrees_with_birth_date(record, case):
    stated, birth = record["age_years"], record["birth_date"]
    youngest = _completed_years(birth, record["diagnosis_date"])
    oldest = _completed_years(birth, case.start_date)
    if stated is None:
        return None
    return all_of(
        None if youngest is None else youngest - 1 <= stated,
        None if oldest is None else stated <= oldest + 2,
    )


def birth_before_diagnosis(record, case):
    return below(record["birth_date"], record["diagnosis_date"])


def diagnosis_not_after_start(record, case):
    return at_most(record["diagnosis_date"], case.start_date)


def procedure_dates_follow_numbers(record, case):
    before = _previous(record, case.own["procedure"], "procedure_number")
    return at_most(before["procedure_date"], record["procedure_date"])


def procedure_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["procedure_date"], case)


def response_dates_follow_visits(record, case):
    same = [
        row
        for row in case.own["response"]
        if (row["reader"], row["criteria"]) == (record["reader"], record["criteria"])
        and (row["visit_number"] > 200) == (record["visit_number"] > 200)
    ]
    before = _previous(record, same, "visit_number")
    by_date = below(before["assessment_date"], record["assessment_date"])
    return below(_reading_days(before, case), _reading_days(record, case)) if by_date is None else by_date


def _reading_days(record, case):
    """Days from the start by the date, else as sent."""
    days = days_between(case.start_date, record["assessment_date"])
    return record["assessment_days"] if days is None else days


def response_not_after_last_contact(record, case):
    return _seen_by_last_contact(record["assessment_date"], case)


def lines_in_order(record, case):
    """A line begins with the first of its drugs."""
    starts = {}
    for row in case.own["treatment"]:
        if row["line_number"] < record["line_number"] and row["start_date"] is not None:
            starts[row["line_number"]] = min(row["start_date"], starts.get(row["line_number"], row["start_date"]))
    return where(record["line_number"] > 1, at_most(max(starts.values(), default=None), record["start_date"]))


def later_line_has_first_line(record, case):
    return where(record["line_number"] > 1, bool(case.first_line))


def response_not_before_start(record, case):
    return True if record["visit_number"] == 0 else at_most(case.start_date, record["assessment_date"])


def lesion_not_before_start(record, case):
    """One lesion of a visit speaks for all: the first by name."""
    same = [
        row["lesion_id"]
        for row in case.own["lesion"]
        if (row["reader"], row["visit_number"]) == (record["reader"], record["visit_number"])
    ]
    if record["visit_number"] == 0 or record["lesion_id"] != min(same):
        return True
    return at_most(case.start_date, record["assessment_date"])


def start_date_is_plausible(record, case):
    """China approved PD-1 inhibitors and lenvatinib in 2018; the study's follow-up ends on 2022-10-31."""
    start = record["start_date"]
    if start is None:
        return None
    is_later_drug = one_of(record["drug"], ("lenvatinib", *PD1_INHIBITORS))
    is_in_time = record["line_number"] > 1 or start.isoformat() <= "2022-10-31"
    return all_of(is_in_time, where(is_later_drug, start.year >= 2018))


def treatment_end_not_before_start(record, case):
    return at_most(record["start_date"], record["end_date"])


def treatment_not_after_last_contact(record, case):
    """Every dose that has a date; a drug that goes on has no last one."""
    doses = [record[name] for name in ("start_date", "end_date") if record[name] is not None]
    return _seen_by_last_contact(max(doses), case) if doses else None


def treatment_ends_with_death(record, case):
    """A reason for stopping without a last dose is asked about elsewhere."""
    if record["end_date"] is None and record["stop_reason"] is not None:
        return None
    return where(case.is_dead, record["end_date"] is not None)
