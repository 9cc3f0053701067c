"""Plain-Python verdicts of the rules on images and local treatment, from the catalogue's sentences, RECIST 1.1 and the protocol."""

from oracle.course_fact_oracle import describe_named_lesion
from oracle.logic import all_of, at_most, days_between, equal, is_known, negate, one_of, where

IN_LIVER = ("liver", "portal_vein")


def _same_lesion(record, case):
    return [r for r in case.own["lesion"] if (r["reader"], r["lesion_id"]) == (record["reader"], record["lesion_id"])]


def _before(record, case):
    """The lesion's record of the visit before, by the order of the days; None at its first."""
    before = [row for row in _same_lesion(record, case) if _place(row, case) < _place(record, case)]
    return max(before, key=lambda row: _place(row, case), default=None)


def _place(record, case):
    return case.reading(record)["visit_position"]


def modality_is_constant(record, case):
    before = _before(record, case)
    return equal(record["modality"], before["modality"]) if before else None


def response_is_dated_with_its_lesions(record, case):
    visit = (record["visit_number"], record["reader"])
    days = [
        r["assessment_date"]
        for r in case.own["lesion"]
        if (r["visit_number"], r["reader"]) == visit and r["assessment_date"] is not None
    ]
    if record["assessment_date"] is None or not days:
        return None
    return (min(days) - record["assessment_date"]).days <= 21 and (record["assessment_date"] - max(days)).days <= 21


def progressing_target_has_diameter(record, case):
    is_asked = all_of(equal(record["role"], "target"), equal(record["status"], "progression"))
    return where(is_asked, record["diameter_mm"] is not None)


def new_lesion_is_seen_first(record, case):
    is_first = _place(record, case) == min(_place(row, case) for row in _same_lesion(record, case))
    return where(all_of(is_first, equal(record["role"], "new")), negate(equal(record["status"], "absent")))


def lesion_growth_is_plausible(record, case):
    before, size = _before(record, case), record["diameter_mm"]
    if size is not None and size < 100:
        return True
    if size is None or before is None or not before["diameter_mm"]:
        return None
    is_large = 3 <= size / before["diameter_mm"] < 7
    days = days_between(before["assessment_date"], record["assessment_date"])
    return where(is_large, None if days is None else days > 70)


def procedure_not_before_diagnosis(record, case):
    return at_most(days_between(record["procedure_date"], case.patient["diagnosis_date"]), 14)


def tace_is_not_within_a_week(record, case):
    if record["procedure"] != "tace" or record["procedure_date"] is None:
        return None
    own = (record["procedure_date"], record["procedure_number"])
    dated = [r for r in case.own["procedure"] if r["procedure"] == "tace" and r["procedure_date"] is not None]
    before = [r["procedure_date"] for r in dated if (r["procedure_date"], r["procedure_number"]) < own]
    return not 1 <= (record["procedure_date"] - max(before)).days <= 6 if before else None


def treated_lesion_is_listed(record, case):
    if record["lesion_id"] is None or not case.own["lesion"]:
        return None
    return describe_named_lesion(record, case.own["lesion"])["is_named_lesion_listed"]


def _is_sized(row):
    return bool(row["diameter_mm"]) and row["status"] != "too_small"


def images_are_not_copied(record, case):
    changes = {}
    for row in case.own["lesion"]:
        before = _before(row, case)
        is_of_visit = (row["reader"], row["visit_number"]) == (record["reader"], record["visit_number"])
        if not is_of_visit or before is None or not (_is_sized(row) and _is_sized(before)):
            continue
        if days_between(before["assessment_date"], row["assessment_date"]):
            changes[row["lesion_id"]] = row["diameter_mm"] - before["diameter_mm"]
    if len(changes) < 3 or record["lesion_id"] != min(changes):
        return None
    return any(change != 0 for change in changes.values())


def tace_treats_the_liver(record, case):
    organ = (
        describe_named_lesion(record, case.own["lesion"])["named_lesion_organ"]
        if is_known(record["lesion_id"])
        else None
    )
    return where(one_of(record["procedure"], ("tace", "haic")), one_of(organ, IN_LIVER))


def resected_lesion_is_gone(record, case):
    if record["procedure"] is None:
        return None
    if record["procedure"] != "resection":
        return True
    if record["lesion_id"] is None or not case.own["lesion"]:
        return None
    named = describe_named_lesion(record, case.own["lesion"])
    share, organ = named["named_lesion_share_left"], named["named_lesion_organ"]
    return None if share is None or organ in (None, "bone") else share < 0.5


def tace_treated_lesion_is_in_liver(record, case):
    return where(record["is_tace_treated"], one_of(record["organ"], IN_LIVER))
