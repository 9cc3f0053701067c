"""Plain-Python verdicts of the rules on tumour assessments, from the catalogue's sentences, RECIST 1.1 and the protocol."""

from oracle.logic import all_of, any_of, equal, is_known, negate, where


def _key(row, *names):
    return tuple(row[name] for name in names)


def _targets_of_reading(record, case):
    return sorted(
        (
            row
            for row in case.own["lesion"]
            if row["visit_number"] == 0 and row["reader"] == record["reader"] and row["role"] == "target"
        ),
        key=lambda row: row["lesion_id"],
    )


def at_most_five_targets(record, case):
    """The surplus ones, by name, are named."""
    if record["visit_number"] != 0:
        return True
    if record["role"] is None:
        return None
    if record["role"] != "target":
        return True
    surplus = [row["lesion_id"] for row in _targets_of_reading(record, case)][5:]
    return record["lesion_id"] not in surplus


def at_most_two_targets_per_organ(record, case):
    if record["organ"] in (None, "other"):
        return None
    if record["visit_number"] != 0:
        return True
    if record["role"] is None:
        return None
    if record["role"] != "target":
        return True
    same = [row["lesion_id"] for row in _targets_of_reading(record, case) if row["organ"] == record["organ"]]
    return record["lesion_id"] not in same[2:]


def _same_lesion(record, case):
    rows = [
        row for row in case.own["lesion"] if _key(row, "reader", "lesion_id") == _key(record, "reader", "lesion_id")
    ]
    return sorted(rows, key=lambda row: row["visit_number"])


def late_lesion_is_new(record, case):
    is_late = _same_lesion(record, case)[0]["visit_number"] > 0
    has_baseline = any(row["visit_number"] == 0 and row["reader"] == record["reader"] for row in case.own["lesion"])
    return where(is_late and has_baseline, equal(record["role"], "new"))


def _is_as_first(record, case, name):
    return equal(record[name], _same_lesion(record, case)[0][name])


def lesion_organ_is_constant(record, case):
    return _is_as_first(record, case, "organ")


def lesion_role_is_constant(record, case):
    return _is_as_first(record, case, "role")


def lesion_status_agrees_with_diameter(record, case):
    """Asks of a lesion that is measured or gone, of one too small to measure, and of a target that is there."""
    if record["status"] == "measured" or (record["status"], record["role"]) == ("present", "target"):
        return record["diameter_mm"] is not None
    if record["status"] == "too_small":
        return record["diameter_mm"] != 0
    return not record["diameter_mm"] if record["status"] == "absent" else None


def new_lesion_not_at_baseline(record, case):
    if record["visit_number"] != 0:
        return True
    return negate(equal(record["role"], "new"))


def tace_treated_lesion_has_tace(record, case):
    has_tace = any_of(case.baseline["has_tace"], None if case.tace is None else bool(case.tace))
    return where(record["is_tace_treated"], has_tace)


def target_is_measurable(record, case):
    if record["visit_number"] != 0:
        return True
    is_target = equal(record["role"], "target")
    diameter = record["diameter_mm"]
    at_least_10 = None if diameter is None else diameter >= 10
    at_least_15 = None if diameter is None else diameter >= 15
    return where(is_target, all_of(at_least_10, any_of(negate(equal(record["organ"], "lymph_node")), at_least_15)))


def target_was_not_tace_treated(record, case):
    """A TACE-treated target of the baseline has grown since."""
    if record["visit_number"] != 0:
        return True
    is_treated_target = all_of(equal(record["role"], "target"), record["is_tace_treated"])
    return where(is_treated_target, record["has_grown_since_tace"] is True)


def viable_diameter_within_lesion(record, case):
    if not is_known(record["viable_diameter_mm"], record["diameter_mm"]):
        return None
    return record["viable_diameter_mm"] <= record["diameter_mm"] + 1


def progression_agrees_with_lesions(record, case):
    derived, recorded = case.facts["derived_progression_date"], record["progression_date"]
    seen = derived or case.facts["read_progression_date"]
    return abs((recorded - seen).days) <= 14 if is_known(seen, recorded) else None


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
        if row["visit_number"] > 0
        and row["imaging_days"] is not None
        and (row["derived_response"] or row["recorded_response"]) in ("CR", "PR", "SD")
    ]
    if not stable or not is_known(case.start_date, record["progression_date"]):
        return None
    return max(stable) < (record["progression_date"] - case.start_date).days - 14


def baseline_has_no_response(record, case):
    return record["visit_number"] != 0 or record["recorded_response"] is None


def new_lesion_is_progression(record, case):
    return where(record["has_new_lesion"], equal(record["recorded_response"], "PD"))


def recorded_response_agrees_with_lesions(record, case):
    recorded, derived = record["recorded_response"], case.reading(record)["derived_response"]
    if record["visit_number"] == 0 or not is_known(recorded, derived) or "NE" in (recorded, derived):
        return None
    before = [row for row in case.series(record) if row["visit_number"] < record["visit_number"]]
    if any("PD" in (row["derived_response"], row["recorded_response"]) for row in before):
        return None
    has_partial = any(row["derived_response"] == "PR" for row in before)
    return recorded == derived or (recorded == "PR" and derived == "SD" and has_partial)


def reading_has_baseline(record, case):
    sums = {row["visit_number"]: row["target_sum_from_lesions_or_record_mm"] for row in case.series(record)}
    if record["visit_number"] == 0:
        return True
    if sums.get(record["visit_number"]) is None:
        return None
    return sums.get(0) is not None


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
    is_listed = record["visit_number"] > 0 and any(
        row["role"] == "new" and row["status"] not in ("absent", "not_assessed") for row in _lesions_of(record, case)
    )
    return where(is_listed, record["has_new_lesion"])


def targets_are_listed(record, case):
    if record["visit_number"] == 0:
        return True
    number = case.reading(record)["unlisted_target_number"]
    return None if number is None else number == 0
