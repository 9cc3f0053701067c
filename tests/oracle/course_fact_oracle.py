"""Plain-Python facts about treatments, procedures and lesions, drug by drug and lesion by lesion, from the dictionary's sentences."""

from oracle.hospitals import split_by_patient
from oracle.logic import all_of, any_of, below
from oracle.rule_case import Case, Row

IN_LIVER = ("liver", "portal_vein")


def make_course_facts(hospital):
    """The frames of facts about courses, each as rows by their key."""
    frames = {name: {} for name in ("patient_facts", "treatment_facts", "procedure_facts", "metastasis_facts")}
    for patient, own in split_by_patient(hospital).items():
        frames["patient_facts"][(patient,)] = {"patient_id": patient, **describe_patient(own)}
        for row in own["treatment"]:
            key = (patient, row["line_number"], row["drug"])
            named = dict(zip(("patient_id", "line_number", "drug"), key, strict=True))
            frames["treatment_facts"][key] = named | describe_drug(row, own["treatment"])
        for row in own["procedure"]:
            if row["lesion_id"] is not None and own["lesion"]:
                key = (patient, row["procedure_number"])
                named = {"patient_id": patient, "procedure_number": row["procedure_number"]}
                frames["procedure_facts"][key] = named | describe_named_lesion(row, own["lesion"])
        for organ, number in count_listed(own).items():
            fact = {"patient_id": patient, "organ": organ, "listed_lesion_number": number}
            frames["metastasis_facts"][patient, organ] = fact
    return frames


def _first(rows, name):
    return min((row[name] for row in rows if row[name] is not None), default=None)


def describe_patient(own):
    """First procedures, first event, lesions of the baseline by the reader with fewest."""
    procedures, organs = own["procedure"], [row["organ"] for row in own["metastasis"]]
    readings = list_baseline_readings(own)
    outside = [sum(organ is not None and organ not in IN_LIVER for organ in placed) for placed in readings]
    known = [n for n, placed in zip(outside, readings, strict=True) if n or None not in placed]
    return {
        "first_procedure_date": _first(procedures, "procedure_date"),
        "first_resection_date": _first([r for r in procedures if r["procedure"] == "resection"], "procedure_date"),
        "first_ablation_date": _first([r for r in procedures if r["procedure"] == "ablation"], "procedure_date"),
        "first_unnamed_treatment_date": _first(
            [
                row
                for row in procedures
                if row["procedure"] in ("resection", "ablation", "radiotherapy") and row["lesion_id"] is None
            ],
            "procedure_date",
        ),
        "first_event_onset_date": _first(own["adverse_event"], "onset_date"),
        "has_bilirubin_event": any(row["term"] == "bilirubin_increased" for row in own["adverse_event"])
        if own["adverse_event"]
        else None,
        "baseline_outside_lesion_number": min(known, default=None),
        "first_missing_diameter_date": _first([row for row in own["lesion"] if lacks_diameter(row)], "assessment_date"),
        "baseline_non_target_number": min(count_non_targets(own), default=None),
        "baseline_portal_vein_lesion_number": min((r.count("portal_vein") for r in readings), default=None),
        "has_peritoneal_metastasis": "peritoneum" in organs if organs else None,
    }


def list_at_baseline(own):
    """The lesions there before therapy: each reader's last image up to day 0 that says whether the lesion is there."""
    case = Case(own, frozenset(), Row(), [])
    last = {}
    for row in own["lesion"]:
        if case.is_before_start(row) and row["status"] != "not_assessed" and row["role"] != "new":
            day = case.image_day(row)
            place = (float("-inf") if day is None else day, row["visit_number"])
            name = (row["reader"], row["lesion_id"])
            last[name] = max(last.get(name, (place, row)), (place, row), key=lambda image: image[0])
    return [row for _, row in last.values() if row["status"] != "absent"]


def list_baseline_readings(own):
    """Per reader the organs of the lesions at the baseline."""
    readings = {}
    for row in list_at_baseline(own):
        readings.setdefault(row["reader"], []).append(row["organ"])
    return list(readings.values())


def lacks_diameter(row):
    """A target that is there and has no diameter."""
    return (
        row["role"] == "target"
        and row["status"] in ("measured", "present", "progression")
        and row["diameter_mm"] is None
    )


def has_open_sum(day, own):
    """Whether a target has no diameter on an image up to a day."""
    days = [
        row["assessment_date"] for row in own["lesion"] if lacks_diameter(row) and row["assessment_date"] is not None
    ]
    return day is not None and any(own_day <= day for own_day in days)


def count_non_targets(own):
    """Per reader with lesions at the baseline, the non-targets among them."""
    rows = list_at_baseline(own)
    return [
        sum(row["role"] == "non_target" for row in rows if row["reader"] == reader)
        for reader in {r["reader"] for r in rows}
    ]


def count_listed(own):
    """Per organ outside the liver the lesions listed at the baseline, by the reader who lists the fewest there."""
    readings = list_baseline_readings(own)
    organs = {organ for placed in readings for organ in placed} - {None, *IN_LIVER}
    return {organ: min(placed.count(organ) for placed in readings if organ in placed) for organ in organs}


def describe_drug(row, treatments):
    """What the other drugs say of one."""
    earlier = [other for other in treatments if other["line_number"] < row["line_number"]]
    later = [other for other in treatments if other["line_number"] > row["line_number"]]
    starts = [
        _first([o for o in earlier if o["line_number"] == n], "start_date") for n in {o["line_number"] for o in earlier}
    ]
    ends = [other["end_date"] for other in earlier if other["end_date"] is not None]
    own = sorted(other["drug"] for other in treatments if other["line_number"] == row["line_number"])
    before = None
    if earlier:
        last = max(other["line_number"] for other in earlier)
        before = sorted(other["drug"] for other in earlier if other["line_number"] == last)
    return {
        "earlier_line_start_date": max((day for day in starts if day is not None), default=None),
        "earlier_line_end_date": max(ends, default=None),
        "later_line_start_date": _first(later, "start_date"),
        "is_in_earlier_line_too": any_of(
            *(_shares_days(row, other) for other in earlier if other["drug"] == row["drug"] != "other")
        ),
        "repeats_line_before": False if "other" in own else None if before is None else own == before,
    }


def _shares_days(row, earlier):
    """Whether a drug began before it had ended in the earlier line, and that line's had begun before it ended; one without an end goes on."""
    is_begun = True if row["end_date"] is None else below(earlier["start_date"], row["end_date"])
    return all_of(below(row["start_date"], earlier["end_date"]), is_begun)


def describe_named_lesion(row, lesions):
    """Whether the lesion is listed; its organ as first listed."""
    named = [other for other in lesions if other["lesion_id"] == row["lesion_id"]]
    first = min(named, key=lambda other: (other["visit_number"], other["reader"]), default=None)
    return {
        "named_lesion_organ": first and first["organ"],
        "is_named_lesion_listed": bool(named),
        "named_lesion_share_left": find_share_left(row["procedure_date"], named),
    }


def find_share_left(day, named):
    """The largest share of the lesion that a reader measures at the first image 17 days or more after one."""
    shares = []
    for reader in {row["reader"] for row in named}:
        dated = [row for row in named if row["reader"] == reader and None not in (day, row["assessment_date"])]
        dated.sort(key=lambda row: (row["assessment_date"], row["visit_number"]))
        before = [row["diameter_mm"] for row in dated if row["assessment_date"] <= day]
        before = [size for size in before if size is not None]
        after = [row["diameter_mm"] for row in dated if (row["assessment_date"] - day).days >= 17]
        if before and before[-1] and after and after[0] is not None:
            shares.append(after[0] / before[-1])
    return max(shares, default=None)
