"""The lesions of one reader: their roles and sizes, what is gone, what is new, and what was treated locally.

Written from Eisenhauer 2009 and the protocol's "Response and evidence", "Its date" and "Local treatment".
"""

from fractions import Fraction

from oracle.definition_oracle_visits import choose_baseline_lesions, is_after_start

UNSEEN = ("absent", "not_assessed")
LOCAL_TREATMENTS = ("resection", "ablation", "radiotherapy")


def make_exact(number):
    return None if number is None else Fraction(str(number))


def measure(row):
    """What one record adds to the sum; None where the lesion was not measured."""
    if row["status"] in ("not_assessed", "merged"):
        return None
    if row["status"] == "absent":
        return Fraction(0)
    if row["status"] == "too_small" and not row["mm"]:
        return Fraction(5)
    return make_exact(row["mm"])


def has_grown(now, before, least_mm):
    """At least 20 % and `least_mm` above, and larger at all."""
    growth = now - before
    return growth > 0 and growth * 100 >= before * 20 and growth >= least_mm


class Lesions:
    """What one reader's lesion records say at each visit. Roles are those at the baseline."""

    def __init__(self, records, start):
        self.start = start
        self.baseline = choose_baseline_lesions(records, start)
        self.targets, self.non_targets, self.of_unknown_role = _assign_roles(self.baseline)
        earlier = [row for row in records if not is_after_start(row, start)]
        self.old = {row["lesion_id"] for row in earlier if row["role"] in ("target", "non_target")}

    def find(self, lesion, visit):
        """The visit's records of a lesion: its own, and those of its fragments."""
        return [row for row in visit.lesions if self.name(row) == lesion]

    def name(self, row):
        """The lesion that a record measures: that of the baseline of which it is a fragment, else its own."""
        parent = row["split_from_lesion_id"] if is_after_start(row, self.start) else None
        return parent if parent in self.baseline or parent in self.old else row["lesion_id"]

    def size(self, lesion, visit):
        """Fragments are added up; None where the lesion, or a part of it, was not measured."""
        sizes = [self._measure(row, visit) for row in self.find(lesion, visit)]
        return None if not sizes or None in sizes else sum(sizes)

    def _measure(self, row, visit):
        """Of a merged lesion nothing is known where that with which it is measured is not."""
        if row["status"] != "merged":
            return measure(row)
        hosts = [measure(other) for other in visit.lesions if other["lesion_id"] == row["merged_into_lesion_id"]]
        return Fraction(0) if hosts and None not in hosts else None

    def is_node(self, lesion, visit=None):
        row = self.baseline.get(lesion) or self.find(lesion, visit)[0]
        return row["organ"] == "lymph_node"

    def is_gone(self, lesion, visit, passed=()):
        """Nothing is left, or a node below 10 mm; what has merged is gone only if that with which it merged is."""
        records, size = self.find(lesion, visit), self.size(lesion, visit)
        if size is None or lesion in passed:
            return False
        hosts = [row["merged_into_lesion_id"] for row in records if row["status"] == "merged"]
        if not all(self.is_gone(host, visit, (*passed, lesion)) for host in hosts):
            return False
        return size < 10 if self.is_node(lesion, visit) else size == 0

    def is_evaluated(self, lesion, visit):
        """A non-target of which something is said."""
        records = self.find(lesion, visit)
        return bool(records) and all(row["status"] not in (None, "not_assessed") for row in records)

    def is_in_progression(self, lesion, visit):
        return any(row["status"] == "progression" for row in self.find(lesion, visit))

    def list_new(self, visit):
        """Records of lesions called new. One that was a target or non-target up to day 0, or is a part of one, is not."""
        return [row for row in visit.lesions if row["role"] == "new" and self.name(row) not in self.old]


def _assign_roles(baseline):
    """Lesions that are targets, that are non-targets, and those of which the baseline does not say either."""
    listed = sorted(baseline.values(), key=lambda row: (row["source_row"], row["lesion_id"]))
    named = [row for row in listed if row["role"] == "target" and not _is_treated_before(row)]
    targets = _take_five(named)
    others = [row for row in listed if row["role"] in ("target", "non_target") and row not in targets]
    unknown = [row for row in listed if row["role"] not in ("target", "non_target")]
    return tuple([row["lesion_id"] for row in rows] for rows in (targets, others, unknown))


def _is_treated_before(row):
    """Treated by TACE before the baseline image, a lesion is a target only if it has grown since."""
    return row["is_tace_treated"] is True and row["has_grown_since_tace"] is not True


def _take_five(named):
    """The first five as listed, at most two per organ (all nodes are one; `other`, or none, is not one organ)."""
    taken, per_organ = [], {}
    for row in named:
        organ = row["organ"]
        is_full = organ not in (None, "other") and per_organ.get(organ, 0) == 2
        if not is_full and len(taken) < 5:
            taken.append(row)
            per_organ[organ] = per_organ.get(organ, 0) + 1
    return taken


def is_normal_node(row):
    """A node measured below 10 mm."""
    size = measure(row)
    return row["organ"] == "lymph_node" and size is not None and size < 10


def confirm_equivocal(row, place, visits):
    """An equivocal new lesion that is seen later: the visit of its first image is PD."""

    def is_imaged(visit, unseen):
        return any(
            other["lesion_id"] == row["lesion_id"] and other["status"] not in unseen and not is_normal_node(other)
            for other in visit.lesions
        )

    return any(is_imaged(visit, (*UNSEEN, "equivocal")) for visit in visits[place + 1 :])


def is_small_node(row):
    """A node of 10 to < 15 mm that is not called progression."""
    size = measure(row)
    is_node = row["organ"] == "lymph_node" and row["status"] != "progression"
    return is_node and size is not None and 10 <= size < 15


def confirm_node(row, place, visits):
    """A new node after a CR: now or before, the next visit that looked at it found it still there."""
    return any(
        is_small_node(other) and _is_there_next(other, before, visits)
        for before in range(place + 1)
        for other in visits[before].lesions
        if other["lesion_id"] == row["lesion_id"]
    )


def _is_there_next(row, place, visits):
    """At the next visit that looks at it still >= 10 mm, or called progression."""
    for visit in visits[place + 1 :]:
        for other in visit.lesions:
            is_looked_at = other["status"] != "not_assessed" and (other["status"], other["mm"]) != (None, None)
            if other["lesion_id"] == row["lesion_id"] and is_looked_at:
                size = measure(other)
                return other["status"] == "progression" or (size is not None and size >= 10)
    return False


def find_locally_treated(lesions, visits, procedures):
    """Target -> place in `visits` of the first visit at which it counts as treated; from there on it stays so."""
    treated = {}
    for procedure in procedures:
        day = procedure["procedure_date"]
        if procedure["procedure"] not in LOCAL_TREATMENTS or day is None:
            continue
        for target in lesions.targets:
            baseline_day = lesions.baseline[target]["assessment_date"] or lesions.start
            if baseline_day is None or day <= baseline_day or procedure["lesion_id"] not in (None, target):
                continue
            place = _find_next_image(lesions, target, visits, day, is_named=procedure["lesion_id"] is not None)
            if place is None:
                continue
            if procedure["lesion_id"] == target or _looks_treated(lesions, target, visits, place):
                since = _find_next_image(lesions, target, visits, day, is_named=True)
                treated[target] = min(since, treated.get(target, since))
    return treated


def _find_next_image(lesions, target, visits, day, *, is_named):
    """The first visit whose image of the target (of the visit, where the target has none) is not before the procedure.

    Where no lesion is named the next visit must list lesions: one that lists none shows nothing of a treatment.
    """
    for place, visit in enumerate(visits):
        if not visit.is_follow_up or not (is_named or visit.lesions):
            continue
        dates = [row["assessment_date"] for row in lesions.find(target, visit) if row["assessment_date"] is not None]
        image = max(dates) if dates else visit.day
        if image is not None and image >= day:
            return place
    return None


def _looks_treated(lesions, target, visits, place):
    """Absent, not assessed, not listed, or at least 30 % smaller than before."""
    records, size = lesions.find(target, visits[place]), lesions.size(target, visits[place])
    if size is None or all(row["status"] == "absent" for row in records):
        return True
    hosts = [row["merged_into_lesion_id"] for row in records if row["status"] == "merged"]
    if not all(lesions.is_gone(host, visits[place]) for host in hosts):
        return False
    if size == 0:
        return True
    sizes = [measure(lesions.baseline[target])]
    sizes += [lesions.size(target, visit) for visit in visits[:place] if visit.is_follow_up]
    known = [before for before in sizes if before is not None]
    return bool(known) and size < known[-1] and size * 10 <= known[-1] * 7
