"""RECIST 1.1 and mRECIST as a walk over one reader's visits, in exact fractions of a millimetre.

Written from Eisenhauer 2009 (doi:10.1016/j.ejca.2008.10.026), Lencioni and Llovet 2010 and the study's protocol, above all
its "Response and evidence", "After a CR" and "Local treatment".
"""

from oracle.definition_oracle_lesions import (
    UNSEEN,
    Lesions,
    confirm_equivocal,
    confirm_node,
    find_locally_treated,
    has_grown,
    is_normal_node,
    is_small_node,
    make_exact,
    measure,
)
from oracle.definition_oracle_visits import choose_baseline_sum, has_only_older_images

EVIDENCE = ("targets", "non_targets", "new_lesion", "target_sum")
"""What alone shows a progression, in the order in which it is named."""


class Walk:
    """One reader's visits by one set of criteria; remembers nadir, smallest sizes and the last evaluable response.

    `existing_lesion_number`: the tumours and metastases that the baseline counts, None where not known.
    """

    def __init__(self, visits, lesions, responses, *, procedures, start, is_mrecist, existing_lesion_number, lists_all):
        self.visits, self.lesions, self.lists_all = visits, Lesions(lesions, start), lists_all
        self.existing_lesion_number = existing_lesion_number
        self.least_increase = 0 if is_mrecist else 5
        self.is_underivable = has_only_older_images(lesions, responses, start)
        self.treated_from = find_locally_treated(self.lesions, visits, procedures)
        at_baseline = {target: measure(self.lesions.baseline[target]) for target in self.lesions.targets}
        self.baseline = make_exact(choose_baseline_sum(responses, start))
        self.has_baseline = bool(at_baseline) or self.baseline is not None
        if at_baseline:
            self.baseline = None if None in at_baseline.values() else sum(at_baseline.values())
        self.nadir = self.baseline
        self.smallest = {target: size for target, size in at_baseline.items() if size is not None}
        self.last_evaluable = None

    def steps(self):
        return [
            self._judge(place, visit) if visit.is_follow_up else self._describe(Look(self, place))
            for place, visit in enumerate(self.visits)
        ]

    def _describe(self, look):
        """The columns of a reading without a response."""
        visit = look.visit
        is_listed = bool(visit.lesions)
        return {
            "imaging_date": visit.imaging_date,
            "imaging_days": visit.imaging_days,
            "target_sum_from_lesions_or_record_mm": _plain(look.total),
            "nadir_sum_mm": _plain(self.nadir) if visit.is_follow_up else None,
            "baseline_sum_mm": _plain(self.baseline),
            "target_response": None,
            "non_target_response": None,
            "has_new_lesion_listed_or_recorded": look.is_new_known(),
            "derived_response": None,
            "recorded_response": visit.recorded_response,
            "has_lesions": is_listed,
            "has_response_record": visit.has_response_record,
            "unlisted_target_number": sum(not look.records[t] for t in look.records) if is_listed else None,
            "treated_target_number": len(look.treated),
            "response": None,
            "response_source": None,
            "imaging_progression_date": None,
            "imaging_progression_days": None,
            "is_follow_up": visit.is_follow_up,
            "is_complete_list": False,
            "is_refuting_list": False,
            "is_recorded_set_aside": False,
        }

    def _judge(self, place, visit):
        look = Look(self, place)
        row = self._describe(look)
        target, non_target = look.judge_targets(), look.judge_non_targets()
        if self.is_underivable:
            target, non_target = None, None
        signs = look.find_progression(target, non_target)
        if "new_lesion" in signs:
            row["has_new_lesion_listed_or_recorded"] = True
        if self.is_underivable:
            signs = {}
        is_complete = not self.is_underivable and look.is_complete(non_target, is_new="new_lesion" in signs)
        derived, source = self._derive(look, target, non_target, signs, is_complete)
        is_refuting = is_complete and derived not in ("PD", "NE") and look.is_every_lesion_assessed(non_target)
        response, response_source = _choose_response(visit.reading, derived, source, target, look, is_refuting)
        row |= {
            "target_response": target,
            "non_target_response": non_target,
            "derived_response": derived,
            "response": response,
            "response_source": response_source,
            "is_complete_list": is_complete,
            "is_refuting_list": is_refuting,
            "is_recorded_set_aside": is_refuting and visit.reading.get("recorded_response") == "PD",
        }
        if response == "PD":
            row |= _date_progression(visit, [day for days in signs.values() for day in days])
        self._remember(look, response)
        return row

    def _derive(self, look, target, non_target, signs, is_complete):
        """PD whatever else is unknown; NE where a target was treated locally; the tables only from complete evidence."""
        if signs:
            return "PD", "complete_list" if is_complete else next(name for name in EVIDENCE if name in signs)
        if self.is_underivable or not (is_complete or look.treated):
            return None, None
        source = "complete_list" if is_complete else "target_sum" if look.is_by_sum else "targets"
        return ("NE" if look.treated else _combine(target, non_target)), source

    def _remember(self, look, response):
        if look.total is not None and (self.nadir is None or look.total < self.nadir):
            self.nadir = look.total
        for target, size in look.sizes.items():
            if size is not None:
                self.smallest[target] = min(size, self.smallest.get(target, size))
        if response not in (None, "NE"):
            # A CR that is recorded beside lesions that are there is none from which one could be back.
            self.last_evaluable = "not gone" if response == "CR" and look.find_returned() else response


class Look:
    """What one visit shows, beside what was known before it."""

    def __init__(self, walk, place):
        self.walk, self.place, self.visit, self.lesions = walk, place, walk.visits[place], walk.lesions
        self.records = {target: self.lesions.find(target, self.visit) for target in self.lesions.targets}
        self.sizes = {target: self.lesions.size(target, self.visit) for target in self.lesions.targets}
        self.treated = [t for t in self.sizes if walk.treated_from.get(t, place + 1) <= place]
        self.has_equivocal_node = False
        self.recorded_sum = make_exact(self.visit.reading.get("target_sum_mm"))
        self.has_targets_listed = any(self.records.values())
        self.is_by_sum = not self.has_targets_listed and self.recorded_sum is not None
        self.total = self._add_up()

    def _add_up(self):
        """Sum of all targets where the visit lists one of them, else the recorded sum; None if one does not count."""
        if self.treated:
            return None
        if not self.has_targets_listed:
            return self.recorded_sum
        return None if None in self.sizes.values() else sum(self.sizes.values())

    def judge_targets(self):
        """The target response follows from the targets or their sum."""
        walk = self.walk
        is_looked_at = self.has_targets_listed or self.is_by_sum or (self.sizes and self.visit.lesions)
        if not ((walk.has_baseline or self.is_by_sum) and is_looked_at):
            return "NE" if self.treated else None
        if self.treated:
            return "PD" if self._is_sum_progression() or self._find_treated_growth() else "NE"
        is_gone = self.total == 0 if self.is_by_sum else all(self.lesions.is_gone(t, self.visit) for t in self.sizes)
        if self.total is not None and is_gone and walk.baseline is not None:
            return "CR"
        if self._is_sum_progression():
            return "PD"
        if self.total is None or walk.baseline is None:
            return "NE"
        return "PR" if (walk.baseline - self.total) * 100 >= walk.baseline * 30 else "SD"

    def _is_sum_progression(self):
        """The sum of what was measured and not treated, against the nadir of all targets."""
        seen = [size for target, size in self.sizes.items() if size is not None and target not in self.treated]
        if not self.has_targets_listed:
            seen = [] if self.recorded_sum is None else [self.recorded_sum]
        nadir = self.walk.nadir
        return bool(seen) and nadir is not None and has_grown(sum(seen), nadir, self.walk.least_increase)

    def _find_treated_growth(self):
        """Locally treated lesions that are called progression, or have grown from their own smallest size before."""
        found = []
        for target in self.treated:
            size, before = self.sizes[target], self.walk.smallest.get(target)
            has_size = size is not None and before is not None
            is_larger = has_size and has_grown(size, before, self.walk.least_increase)
            if is_larger or self.lesions.is_in_progression(target, self.visit):
                found.append(target)
        return found

    def judge_non_targets(self):
        """Eisenhauer 2009, table 1; None where none is listed, at the baseline or at this visit."""
        names = self.lesions.non_targets
        if not any(self.lesions.find(lesion, self.visit) for lesion in names):
            return None
        if any(self.lesions.is_in_progression(lesion, self.visit) for lesion in names):
            return "PD"
        if not all(self.lesions.is_evaluated(lesion, self.visit) for lesion in names):
            return "NE"
        return "CR" if all(self.lesions.is_gone(lesion, self.visit) for lesion in names) else "non_cr_non_pd"

    def find_progression(self, target, non_target):
        """What alone shows PD -> the dates of the images that show it (None: of an image without a date)."""
        signs = {}
        if target == "PD":
            name = "targets" if self.has_targets_listed else "target_sum"
            signs[name] = self._date_target_progression()
        if non_target == "PD":
            records = [row for lesion in self.lesions.non_targets for row in self.lesions.find(lesion, self.visit)]
            signs["non_targets"] = [row["assessment_date"] for row in records if row["status"] == "progression"]
        if self.walk.last_evaluable == "CR" and not self.walk.is_underivable:
            for name, lesions in self.find_returned().items():
                signs.setdefault(name, []).extend(day for lesion in lesions for day in self._dates(lesion))
        new = self._find_new(has_other_sign=bool(signs))
        return signs | ({"new_lesion": new} if new else {})

    def _dates(self, lesion):
        return [row["assessment_date"] for row in self.lesions.find(lesion, self.visit)]

    def _date_target_progression(self):
        """Last image of the targets whose sum shows it; a treated lesion's own image shows its own growth."""
        if not self.has_targets_listed:
            return [self.visit.reading.get("assessment_date")]
        dates = [day for target in self._find_treated_growth() for day in self._dates(target)]
        if self._is_sum_progression():
            summed = [t for t, size in self.sizes.items() if size is not None and t not in self.treated]
            known = [day for target in summed for day in self._dates(target) if day is not None]
            dates.append(max(known, default=None))
        return dates

    def find_returned(self):
        """After a CR a target node of >= 10 mm is PD, and any other lesion that is back."""
        targets = [
            t
            for t, size in self.sizes.items()
            if size is not None and size >= 10 * self.lesions.is_node(t) and size > 0
        ]
        non_targets = [
            lesion
            for lesion in self.lesions.non_targets
            if not self.lesions.is_node(lesion)
            and self.lesions.is_evaluated(lesion, self.visit)
            and not self.lesions.is_gone(lesion, self.visit)
        ]
        return {name: found for name, found in (("targets", targets), ("non_targets", non_targets)) if found}

    def _find_new(self, *, has_other_sign):
        """Dates of the images of new lesions; of the reading, where it says that there is one and none is listed."""
        listed = self._list_new()
        is_after_complete = self.walk.last_evaluable == "CR" and not has_other_sign
        if is_after_complete and listed and all(is_small_node(row) for row in listed):
            confirmed = [row for row in listed if confirm_node(row, self.place, self.walk.visits)]
            self.has_equivocal_node = not confirmed
            return [row["assessment_date"] for row in confirmed]
        if not listed and self.visit.reading.get("has_new_lesion"):
            return [self.visit.reading["assessment_date"]]
        return [row["assessment_date"] for row in listed]

    def _list_new(self):
        """New lesions that are seen (a node below 10 mm is none); an equivocal one only where this is its first image and a
        later one confirms it."""
        return [
            row
            for row in self.lesions.list_new(self.visit)
            if not is_normal_node(row)
            if row["status"] not in (*UNSEEN, "equivocal")
            or (row["status"] == "equivocal" and confirm_equivocal(row, self.place, self.walk.visits))
        ]

    def is_new_known(self):
        """False where it is said that there is none, None where nothing is said; the walk says where there is one."""
        flag = self.visit.reading.get("has_new_lesion")
        if flag is not None:
            return flag and not self.visit.is_follow_up
        return False if self.walk.lists_all and self.visit.lesions else None

    def is_complete(self, non_target, *, is_new):
        """The overall response is derived only where targets, non-targets and new lesions are known."""
        lesions, existing = self.lesions, self.walk.existing_lesion_number
        has_targets = bool(self.visit.lesions) and bool(lesions.targets or lesions.non_targets)
        has_non_targets = not lesions.of_unknown_role and (
            non_target is not None if lesions.non_targets else existing is not None and existing <= len(lesions.targets)
        )
        return has_targets and has_non_targets and (is_new or self.is_new_known() is not None)

    def is_every_lesion_assessed(self, non_target):
        """Every target measured and none treated or in progression, every non-target evaluated, and "no" to new lesions, also equivocal nodes."""
        flag = self.visit.reading.get("has_new_lesion")
        return (
            None not in self.sizes.values()
            and not self.treated
            and not any(self.lesions.is_in_progression(target, self.visit) for target in self.sizes)
            and (bool(self.sizes) or self.recorded_sum is None)
            and non_target != "NE"
            and not flag
            and not self.has_equivocal_node
        )


def _choose_response(reading, derived, source, target, look, is_refuting):
    """The response that counts, and the evidence that it rests on."""
    recorded = reading.get("recorded_response")
    is_unassessed = bool(look.visit.lesions) and None in look.sizes.values()
    if derived == "PD":
        return derived, source
    if recorded == "PD" and not is_refuting:
        return recorded, "recorded_response"
    if derived is not None and recorded == "NE" and (look.treated or is_unassessed):
        return recorded, "recorded_response"
    if derived is not None:
        return derived, source
    if recorded is not None:
        return recorded, "recorded_response"
    if target is None:
        return None, None
    return "PR" if target == "CR" else target, "target_sum" if look.is_by_sum else "targets"


def _date_progression(visit, dates):
    """The earliest image that suffices alone; of a recorded PD the reading's; else the first image of the visit."""
    known = [day for day in dates or [visit.reading.get("assessment_date")] if day is not None]
    if not known:
        return {"imaging_progression_date": visit.imaging_date, "imaging_progression_days": visit.imaging_days}
    days = visit.reading.get("assessment_days") if visit.start is None else float((min(known) - visit.start).days)
    return {"imaging_progression_date": min(known), "imaging_progression_days": days}


def _plain(number):
    return None if number is None else float(number)


def _combine(target, non_target):
    """Eisenhauer 2009, tables 1 and 2, where nothing shows a progression."""
    if target is None:
        return "SD" if non_target == "non_cr_non_pd" else non_target
    if target == "CR" and non_target not in (None, "CR"):
        return "PR"
    return target
