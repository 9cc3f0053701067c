"""Plain-Python verdicts of the rules on responses, evidence and recorded progression, from their sentences and the protocol."""

from oracle.course_fact_oracle import has_open_sum
from oracle.logic import days_between, is_known
from oracle.rule_case import shows_progression


def recorded_progression_is_shown(record, case):
    """A PD that nothing of its visit shows; asked of the first PD, where lesions or a sum with a baseline could show it."""
    reading = case.reading(record)
    if record["recorded_response"] != "PD" or not reading["is_follow_up"] or reading["is_recorded_set_aside"]:
        return None
    if shows_progression(case.before(record)) or has_open_sum(reading["imaging_date"], case.own):
        return None
    could_show = reading["target_response"] is not None or reading["non_target_response"] is not None
    return reading["derived_response"] == "PD" if could_show else None


def progression_is_not_taken_back(record, case):
    """The last response that is recorded before was PD, and no later line has begun by this visit."""
    reading = case.reading(record)
    earlier = [row["recorded_response"] for row in case.before(record) if row["recorded_response"] is not None]
    if not reading["is_follow_up"] or not earlier:
        return None
    if earlier[-1] != "PD":
        return True
    if is_known(_next_line_start(case), reading["imaging_date"]) and _next_line_start(case) <= reading["imaging_date"]:
        return True
    return None if record["recorded_response"] is None else record["recorded_response"] in ("PD", "NE")


def _next_line_start(case):
    starts = [row["start_date"] for row in case.own["treatment"] if row["line_number"] > 1]
    return min((date for date in starts if date is not None), default=None)


def lesion_has_baseline_image(record, case):
    """Asked at the lesion's last record before therapy, where another one of the reader was imaged in the last 42 days."""
    own_days = days_between(case.start_date, record["assessment_date"])
    of_reader = [row for row in case.own["lesion"] if row["reader"] == record["reader"]]
    of_lesion = [row for row in of_reader if row["lesion_id"] == record["lesion_id"]]
    before = [day for day in _days(of_lesion, case) if day <= 0]
    if own_days is None or own_days > 0 or own_days != max(before):
        return None
    if not any(-42 <= day <= 0 for day in _days(of_reader, case)):
        return None
    return max(before) >= -42


def _days(rows, case):
    days = [days_between(case.start_date, row["assessment_date"]) for row in rows]
    return [day for day in days if day is not None]


def merged_lesion_names_the_other(record, case):
    """The other one has a record at the visit, and the same role."""
    if record["status"] != "merged":
        return None
    roles = [
        row["role"] for row in _lesions_of_visit(record, case) if row["lesion_id"] == record["merged_into_lesion_id"]
    ]
    return record["role"] is not None and roles == [record["role"]]


def fragment_names_a_baseline_lesion(record, case):
    whole = record["split_from_lesion_id"]
    if whole is None:
        return None
    return any(
        row["lesion_id"] == whole and row["reader"] == record["reader"] and case.is_before_start(row)
        for row in case.own["lesion"]
    )


def _lesions_of_visit(record, case):
    place = (record["visit_number"], record["reader"])
    return [row for row in case.own["lesion"] if (row["visit_number"], row["reader"]) == place]


def _is_first_by_name(record, case):
    return record["lesion_id"] == min(row["lesion_id"] for row in _lesions_of_visit(record, case))


def visit_lists_every_target(record, case):
    """Asked at the first lesion by name of a visit of which the reader sends no response by RECIST 1.1."""
    reading = case.reading(record)
    if _has_response(record, case) or not _is_first_by_name(record, case) or not reading["is_follow_up"]:
        return None
    return reading["unlisted_target_number"] == 0


def lesion_dates_follow_visits(record, case):
    """Held to the last visit before by number that has a dated image, unless both were sent with a response."""
    own = _first_image(record, case)
    before = [
        row
        for row in case.own["lesion"]
        if row["reader"] == record["reader"]
        and row["visit_number"] < record["visit_number"]
        and (row["visit_number"] > 200) == (record["visit_number"] > 200)  # numbers that the registry gives
        and _first_image(row, case) is not None
    ]
    if not before or own is None or not _is_first_by_name(record, case):
        return None
    last = max(before, key=lambda row: row["visit_number"])
    if _has_response(record, case) and _has_response(last, case):
        return None
    return own > _first_image(last, case)


def _has_response(lesion, case):
    """Whether the reader sends a response by RECIST 1.1 of the lesion's visit."""
    place = (lesion["visit_number"], lesion["reader"], "recist_1_1")
    return place in [(row["visit_number"], row["reader"], row["criteria"]) for row in case.own["response"]]


def _first_image(record, case):
    dates = [row["assessment_date"] for row in _lesions_of_visit(record, case)]
    return min((date for date in dates if date is not None), default=None)


def treated_lesion_is_named(record, case):
    """Asked of what removes, ablates or irradiates a lesion between the baseline images and a recorded CR or PR."""
    if record["procedure"] not in ("resection", "ablation", "radiotherapy"):
        return None
    day, baseline = record["procedure_date"], case.facts["baseline_imaging_date"]
    responses = [
        row["imaging_date"]
        for row in case.counted_readings
        if row["is_follow_up"] and row["recorded_response"] in ("CR", "PR") and row["imaging_date"] is not None
    ]
    if not is_known(day, baseline) or not responses or not baseline < day <= max(responses):
        return None
    return record["lesion_id"] is not None


def progression_agrees_with_lesions(record, case):
    """The earlier of what images show and what was read; a clinical progression needs no image."""
    dates = [case.facts[name] for name in ("derived_progression_date", "read_progression_date")]
    seen, recorded = min((date for date in dates if date is not None), default=None), record["progression_date"]
    if record["progression_basis"] == "clinical" or not is_known(seen, recorded):
        return None
    return abs((recorded - seen).days) <= 14


def progression_flag_agrees_with_lesions(record, case):
    return record["has_progressed"] if _shows_progression(case) else None


def _shows_progression(case):
    read = (case.facts["read_progression_date"], case.facts["read_progression_days"])
    return bool(case.facts["is_progression_derived"]) or read != (None, None)


def progression_is_not_contradicted(record, case):
    """A later image of someone without any PD shows none; a progression seen otherwise may follow the last image."""
    if _shows_progression(case):
        return True
    stable = [
        row["imaging_days"]
        for row in case.counted_readings
        if row["is_follow_up"] and row["imaging_days"] is not None and row["response"] in ("CR", "PR", "SD")
    ]
    if (
        record["progression_basis"] == "clinical"
        or not stable
        or has_open_sum(record["progression_date"], case.own)
        or not is_known(case.start_date, record["progression_date"])
    ):
        return None
    return max(stable) < (record["progression_date"] - case.start_date).days - 14
