"""Plain-Python verdicts of the rules on tumour assessments, from the catalogue's sentences, RECIST 1.1 and the protocol."""

from oracle.course_fact_oracle import has_open_sum
from oracle.logic import all_of, any_of, days_between, equal, is_known, negate, where
from oracle.rule_case import shows_progression


def _key(row, *names):
    return tuple(row[name] for name in names)


def _targets_of_reading(record, case):
    """The targets of the record's visit that were imaged before therapy, in the order in which they are listed."""
    return [row for row in _lesions_of(record, case) if row["role"] == "target" and case.is_before_start(row)]


def _names(rows):
    return [row["lesion_id"] for row in rows]


def at_most_five_targets(record, case):
    """The surplus ones, as listed, are named."""
    if not case.is_before_start(record):
        return True
    if record["role"] is None:
        return None
    return record["lesion_id"] not in _names(_targets_of_reading(record, case))[5:]


def at_most_two_targets_per_organ(record, case):
    if record["organ"] in (None, "other"):
        return None
    if not case.is_before_start(record):
        return True
    if record["role"] is None:
        return None
    same = [row for row in _targets_of_reading(record, case) if row["organ"] == record["organ"]]
    return record["lesion_id"] not in _names(same)[2:]


def _same_lesion(record, case):
    """The lesion's records in the order of the visits' days."""
    rows = [
        row for row in case.own["lesion"] if _key(row, "reader", "lesion_id") == _key(record, "reader", "lesion_id")
    ]
    return sorted(rows, key=lambda row: case.reading(row)["visit_position"])


def late_lesion_is_new(record, case):
    """Nothing is asked of a fragment, nor of a reader who lists nothing from before therapy."""
    if record["split_from_lesion_id"] is not None:
        return None
    is_late = not any(case.is_before_start(row) for row in _same_lesion(record, case))
    own = [row for row in case.own["lesion"] if row["reader"] == record["reader"]]
    has_baseline = any(case.is_before_start(row) for row in own)
    return where(is_late and has_baseline, equal(record["role"], "new"))


def _is_as_first(record, case, name):
    return equal(record[name], _same_lesion(record, case)[0][name])


def lesion_organ_is_constant(record, case):
    return _is_as_first(record, case, "organ")


def lesion_role_is_constant(record, case):
    return _is_as_first(record, case, "role")


def lesion_status_agrees_with_diameter(record, case):
    """Asks of a lesion that is measured or gone, of one too small to measure, and of a target that is there."""
    is_target_there = record["status"] in ("present", "progression") and record["role"] == "target"
    if record["status"] == "measured" or is_target_there:
        return record["diameter_mm"] is not None
    if record["status"] == "too_small":
        return record["diameter_mm"] != 0
    return not record["diameter_mm"] if record["status"] == "absent" else None


def new_lesion_not_at_baseline(record, case):
    if not case.is_before_start(record):
        return True
    return negate(equal(record["role"], "new"))


def tace_treated_lesion_has_tace(record, case):
    has_tace = any_of(case.baseline["has_tace"], None if case.tace is None else bool(case.tace))
    return where(record["is_tace_treated"], has_tace)


def target_is_measurable(record, case):
    if not case.is_before_start(record):
        return True
    is_target = equal(record["role"], "target")
    diameter = record["diameter_mm"]
    at_least_10 = None if diameter is None else diameter >= 10
    at_least_15 = None if diameter is None else diameter >= 15
    return where(is_target, all_of(at_least_10, any_of(negate(equal(record["organ"], "lymph_node")), at_least_15)))


def target_was_not_tace_treated(record, case):
    """A TACE-treated target of the baseline has grown since."""
    if not case.is_before_start(record):
        return True
    is_treated_target = all_of(equal(record["role"], "target"), record["is_tace_treated"])
    return where(is_treated_target, record["has_grown_since_tace"] is True)


def viable_diameter_within_lesion(record, case):
    if not is_known(record["viable_diameter_mm"], record["diameter_mm"]):
        return None
    return record["viable_diameter_mm"] <= record["diameter_mm"] + 1


def baseline_has_no_response(record, case):
    """Neither the response nor all that was seen at its visit may be from before therapy; another rule asks of its date."""
    days = days_between(case.start_date, record["assessment_date"])
    if record["visit_number"] > 0 and days is not None and days < 0:
        return None
    days = record["assessment_days"] if days is None else days
    is_before = days is not None and days <= 0
    return record["recorded_response"] is None or (case.reading(record)["is_follow_up"] and not is_before)


def new_lesion_is_progression(record, case):
    return where(record["has_new_lesion"], equal(record["recorded_response"], "PD"))


def recorded_response_agrees_with_lesions(record, case):
    """What is recorded, against what a complete list shows, or against the targets of one that is not complete."""
    recorded, reading = record["recorded_response"], case.reading(record)
    derived, target = reading["derived_response"], reading["target_response"]
    before = case.before(record)
    if recorded is None or shows_progression(before):
        return None
    if recorded == "PD" and derived != "PD" and not reading["is_recorded_set_aside"]:
        return None  # it counts: what shows it is asked by another rule
    if derived == "NE" and reading["unlisted_target_number"]:
        return None  # the target that is not listed is asked by another rule
    if recorded in ("CR", "PR") and reading["treated_target_number"] and _has_unnamed_treatment(reading, case):
        return None  # which lesion was treated is asked by another rule
    shown = target if derived is None else derived
    if shown is None:
        return None
    if has_open_sum(reading["imaging_date"], case.own) and (recorded == "PD" or shown == "NE"):
        return None  # the missing diameter is asked by another rule
    accepted = {shown}
    if shown == "SD" and any((row["derived_response"] or row["target_response"]) == "PR" for row in before):
        accepted.add("PR")  # a PR that holds while the sum drifts back
    if derived is None and target == "CR":
        accepted.add("PR")  # Eisenhauer 2009, table 1: targets gone, others left
    if derived is not None and reading["response"] == "NE":
        accepted.add("NE")  # it stands where a target was treated locally or not assessed
    return recorded in accepted


def _has_unnamed_treatment(reading, case):
    return any(
        row["procedure"] in ("resection", "ablation", "radiotherapy")
        and row["lesion_id"] is None
        and is_known(row["procedure_date"], reading["imaging_date"])
        and row["procedure_date"] <= reading["imaging_date"]
        for row in case.own["procedure"]
    )


def reading_has_baseline(record, case):
    reading = case.reading(record)
    if not reading["is_follow_up"]:
        return True
    if reading["target_sum_from_lesions_or_record_mm"] is None:
        return None
    if reading["baseline_sum_mm"] is None and has_open_sum(reading["imaging_date"], case.own):
        return None  # the missing diameter is asked by another rule
    return reading["baseline_sum_mm"] is not None


def _lesions_of(record, case):
    key = ("visit_number", "reader")
    return [row for row in case.own["lesion"] if _key(row, *key) == _key(record, *key)]


def target_sum_agrees_with_lesions(record, case):
    reading = case.reading(record)
    if not reading["has_lesions"]:
        return None
    sent, listed = record["target_sum_mm"], reading["target_sum_from_lesions_or_record_mm"]
    return abs(sent - listed) <= 1 if is_known(sent, listed) else None


def new_lesion_flag_agrees_with_lesions(record, case):
    """After the baseline, where no lesion can be new."""
    unseen = ("absent", "not_assessed", "equivocal")
    is_listed = case.reading(record)["is_follow_up"] and any(
        row["role"] == "new" and row["status"] not in unseen for row in _lesions_of(record, case)
    )
    return where(is_listed, record["has_new_lesion"])


def targets_are_listed(record, case):
    if not case.reading(record)["is_follow_up"]:
        return True
    number = case.reading(record)["unlisted_target_number"]
    return None if number is None else number == 0
