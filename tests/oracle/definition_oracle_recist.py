"""RECIST 1.1 and mRECIST as a walk over one reader's visits, in exact fractions of a millimetre.

Written from Eisenhauer 2009 (doi:10.1016/j.ejca.2008.10.026), Lencioni and Llovet 2010 and the study's protocol.
"""

from fractions import Fraction

NOT_THERE = ("absent", "not_assessed")


def make_assessments(patient, lesion_records, response_records, start):
    """(patient, visit, reader, criteria) -> the columns of the assessment frame, of one patient's records."""
    assessments = {}
    for reader, criteria in sorted(_find_series(lesion_records, response_records)):
        lesions = _select_lesions([row for row in lesion_records if row["reader"] == reader], criteria)
        readings = {
            row["visit_number"]: row
            for row in response_records
            if (row["reader"], row["criteria"]) == (reader, criteria)
        }
        walk = Walk(lesions, is_mrecist=criteria == "mrecist")
        for visit in sorted({row["visit_number"] for row in lesions} | set(readings)):
            key = (patient, visit, reader, criteria)
            assessments[key] = {
                **dict(zip(("patient_id", "visit_number", "reader", "criteria"), key, strict=True)),
                "hospital": "h1",
                **walk.step(visit, readings.get(visit, {})),
            }
            _add_day(assessments[key], start, readings.get(visit, {}))
        _add_course([row for key, row in assessments.items() if key[2:] == (reader, criteria)])
    _choose_reader(assessments.values())
    return assessments


def _choose_reader(readings):
    """The hospital's own reader speaks for the patient, by RECIST 1.1; where there is none, the first by name."""
    readers = {row["reader"] for row in readings if row["criteria"] == "recist_1_1"}
    speaker = "site" if "site" in readers else min(readers, default=None)
    for row in readings:
        row["is_counted"] = row["criteria"] == "recist_1_1" and row["reader"] == speaker
        row["response"] = row["recorded_response"] if row["derived_response"] is None else row["derived_response"]


def _add_course(visits):
    """What the earlier visits of the series hold; `visits` are in order."""
    for place, row in enumerate(visits):
        before = visits[:place]
        row["has_partial_response_before"] = any(earlier["derived_response"] == "PR" for earlier in before)
        row["has_progressed_before"] = any(
            "PD" in (earlier["derived_response"], earlier["recorded_response"]) for earlier in before
        )
        row["assessment_gap_days"] = _count_gap(before[-1], row) if before else None


def _count_gap(before, now):
    if before["imaging_date"] is not None and now["imaging_date"] is not None:
        return float((now["imaging_date"] - before["imaging_date"]).days)
    if before["imaging_days"] is not None and now["imaging_days"] is not None:
        return now["imaging_days"] - before["imaging_days"]
    return None


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


def _add_day(assessment, start, reading):
    day = assessment["imaging_date"]
    has_dates = day is not None and start is not None
    assessment["imaging_days"] = float((day - start).days) if has_dates else reading.get("assessment_days")


class Walk:
    """One reader's visits in order; remembers baseline, nadir and whether there was a complete response."""

    def __init__(self, lesions, *, is_mrecist):
        self.lesions = lesions
        self.least_increase = 0 if is_mrecist else 5
        at_baseline = [row for row in lesions if row["visit_number"] == 0]
        self.targets = [row for row in at_baseline if row["role"] == "target"]
        self.non_targets = [row for row in at_baseline if row["role"] == "non_target"]
        self.baseline = self.nadir = None
        self.was_complete = False

    def step(self, visit, reading):
        listed = {row["lesion_id"]: row for row in self.lesions if row["visit_number"] == visit}
        has_lesions = bool(listed)
        sizes = [_measure(listed.get(target["lesion_id"])) for target in self.targets] if has_lesions else []
        nodes = [target["organ"] == "lymph_node" for target in self.targets]
        if not has_lesions:
            sent = _exact(reading.get("target_sum_mm"))
            sizes, nodes = ([] if sent is None else [sent]), [False]
        total = sum(sizes) if sizes and None not in sizes else None
        if visit == 0:
            self.baseline = total
        is_follow_up = visit > 0
        target = self._judge_targets(sizes, nodes, total) if is_follow_up and sizes else None
        non_target = self._judge_non_targets(listed) if is_follow_up and has_lesions and self.non_targets else None
        is_new = _find_new(visit, listed, reading)
        overall = _combine(target, non_target, is_new) if is_follow_up else None
        if is_follow_up and self.was_complete and self._is_back(listed, sizes, nodes):
            overall = "PD"
        row = {
            "imaging_date": _first_day(listed, reading),
            "target_sum_from_lesions_or_record_mm": _plain(total),
            "nadir_sum_mm": _plain(self.nadir),
            "baseline_sum_mm": _plain(self.baseline),
            "target_response": target,
            "non_target_response": non_target,
            "has_new_lesion_listed_or_recorded": is_new,
            "derived_response": overall,
            "recorded_response": reading.get("recorded_response"),
            "has_lesions": has_lesions,
            "unlisted_target_number": sum(t["lesion_id"] not in listed for t in self.targets) if has_lesions else None,
        }
        if total is not None and (self.nadir is None or total < self.nadir):
            self.nadir = total
        self.was_complete = self.was_complete or overall == "CR"
        return row

    def _judge_targets(self, sizes, nodes, total):
        seen = [size for size in sizes if size is not None]
        is_gone = total is not None and all(
            size < 10 if node else size == 0 for size, node in zip(sizes, nodes, strict=True)
        )
        if is_gone and self.baseline is not None:
            return "CR"
        if seen and self.nadir is not None and self._has_grown(sum(seen)):
            return "PD"
        if total is None or self.baseline is None:
            return "NE"
        return "PR" if (self.baseline - total) * 100 >= self.baseline * 30 else "SD"

    def _has_grown(self, now):
        growth = now - self.nadir
        return growth > 0 and growth * 100 >= self.nadir * 20 and growth >= self.least_increase

    def _judge_non_targets(self, listed):
        found = [listed.get(lesion["lesion_id"]) for lesion in self.non_targets]
        if any(row is not None and row["status"] == "progression" for row in found):
            return "PD"
        if any(row is None or row["status"] in (None, "not_assessed") for row in found):
            return "NE"
        is_gone = all(
            _is_gone(row, lesion["organ"] == "lymph_node") for row, lesion in zip(found, self.non_targets, strict=True)
        )
        return "CR" if is_gone else "non_cr_non_pd"

    def _is_back(self, listed, sizes, nodes):
        """Something other than a node is seen again, target or non-target."""
        if any(size and not node for size, node in zip(sizes, nodes, strict=False)):
            return True
        for lesion in self.non_targets:
            row = listed.get(lesion["lesion_id"])
            is_assessed = row is not None and row["status"] not in (None, "not_assessed")
            if is_assessed and lesion["organ"] != "lymph_node" and not _is_gone(row, is_node=False):
                return True
        return False


def _exact(number):
    return None if number is None else Fraction(str(number))


def _plain(number):
    return None if number is None else float(number)


def _measure(row):
    """What a lesion adds to the sum; None where it was not assessed."""
    if row is None or row["status"] == "not_assessed":
        return None
    if row["status"] == "absent":
        return Fraction(0)
    if row["status"] == "too_small" and not row["mm"]:
        return Fraction(5)
    return _exact(row["mm"])


def _is_gone(row, is_node):
    size = _measure(row)
    if row["status"] == "absent":
        return True
    return size is not None and (size < 10 if is_node else size == 0)


def _find_new(visit, listed, reading):
    is_listed = visit > 0 and any(row["role"] == "new" and row["status"] not in NOT_THERE for row in listed.values())
    is_recorded = reading.get("has_new_lesion")
    if is_listed or is_recorded:
        return True
    return False if listed or is_recorded is False else None


def _first_day(listed, reading):
    days = [row["assessment_date"] for row in listed.values() if row["assessment_date"] is not None]
    return min(days) if days else reading.get("assessment_date")


def _combine(target, non_target, is_new):
    """Eisenhauer 2009, tables 1 and 2; None where there is neither target, non-target nor new lesion."""
    if is_new or "PD" in (target, non_target):
        return "PD"
    if target is None:
        return "SD" if non_target == "non_cr_non_pd" else non_target
    if target == "CR" and non_target not in (None, "CR"):
        return "PR"
    return target
