"""Every reading of one patient's tumour assessments: series by reader and criteria, what counts, what came before."""

from oracle.definition_oracle_recist import Walk
from oracle.definition_oracle_visits import describe_baseline_imaging, find_days, make_visits


def make_assessments(patient, own, start, existing_lesion_number, *, lists_every_new_lesion):
    """(patient, visit, reader, criteria) -> the columns of the assessment frame, of one patient's records by table."""
    assessments = []
    for reader, criteria in sorted(_find_series(own["lesion"], own["response"])):
        lesions = _select_lesions([row for row in own["lesion"] if row["reader"] == reader], criteria)
        responses = [row for row in own["response"] if (row["reader"], row["criteria"]) == (reader, criteria)]
        lesions = date_by_visit(lesions, responses, start)
        visits = make_visits(lesions, responses, start)
        walk = Walk(
            visits,
            lesions,
            responses,
            procedures=own["procedure"],
            start=start,
            is_mrecist=criteria == "mrecist",
            existing_lesion_number=existing_lesion_number,
            lists_all=lists_every_new_lesion,
        )
        series = [
            {"hospital": "h1", "patient_id": patient, "visit_number": visit.number, "reader": reader, **row}
            | {"criteria": criteria}
            | {f"reader_{name}": said for name, said in describe_baseline_imaging(lesions, responses, start).items()}
            for visit, row in zip(visits, walk.steps(), strict=True)
        ]
        _add_course(series)
        assessments += series
    _choose_reader(assessments)
    return {
        tuple(row[name] for name in ("patient_id", "visit_number", "reader", "criteria")): row for row in assessments
    }


def choose_reader(readers):
    """The hospital's own reader speaks for the patient; where there is none, the first by name."""
    return "site" if "site" in readers else min(readers, default=None)


def _choose_reader(readings):
    speaker = choose_reader({row["reader"] for row in readings if row["criteria"] == "recist_1_1"})
    for row in readings:
        row["is_counted"] = row["criteria"] == "recist_1_1" and row["reader"] == speaker


def _add_course(series):
    """What the earlier visits of the series hold; they stand in order."""
    for place, row in enumerate(series):
        before = series[:place]
        recorded = [earlier["recorded_response"] for earlier in before if earlier["recorded_response"] is not None]
        row["visit_position"] = place
        row["recorded_response_before"] = recorded[-1] if recorded else None
        later = [earlier for earlier in before if earlier["is_follow_up"]]
        row["has_partial_response_before"] = any(
            (earlier["derived_response"] or earlier["target_response"]) == "PR" for earlier in later
        )
        row["has_progressed_before"] = any(
            "PD" in (earlier["derived_response"], earlier["recorded_response"]) for earlier in later
        )
        row["assessment_gap_days"] = _count_gap(before[-1], row) if before else None


def _count_gap(before, now):
    if before["imaging_date"] is not None and now["imaging_date"] is not None:
        return float((now["imaging_date"] - before["imaging_date"]).days)
    if before["imaging_days"] is not None and now["imaging_days"] is not None:
        return now["imaging_days"] - before["imaging_days"]
    return None


def date_by_visit(lesions, responses, start):
    """A record without a date is of the day of its visit's other images, else of the visit's response."""
    dated = []
    for row in lesions:
        visit = [other for other in lesions if other["visit_number"] == row["visit_number"]]
        days = [day for other in visit if (day := find_days(other, start)) is not None]
        read = [find_days(other, start) for other in responses if other["visit_number"] == row["visit_number"]]
        fallback = min(days) if days else next(iter(read), None)
        dated.append({**row, "assessment_days": fallback})
    return dated


def _find_series(lesions, responses):
    series = {(row["reader"], row["criteria"]) for row in responses}
    series |= {(row["reader"], "recist_1_1") for row in lesions}
    return series | {(row["reader"], "mrecist") for row in lesions if row["viable_diameter_mm"] is not None}


def _select_lesions(own, criteria):
    """The reader's lesions with the diameter that the criteria look at; none where mRECIST measured nothing."""
    if criteria == "recist_1_1":
        return [{**row, "mm": row["diameter_mm"]} for row in own]
    if all(row["viable_diameter_mm"] is None for row in own):
        return []
    return [{**row, "mm": row["viable_diameter_mm"] if row["organ"] == "liver" else row["diameter_mm"]} for row in own]
