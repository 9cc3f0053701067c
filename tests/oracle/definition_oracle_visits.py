"""Which record is baseline and which follow-up, and the order of one reader's visits, from the protocol's "Visits".

A visit groups what has one number; dates order visits and choose the baseline.
"""

from dataclasses import dataclass
from datetime import date, timedelta

OLDEST_BASELINE_DAY = -42


@dataclass
class Visit:
    """One reading. Of a follow-up only what was imaged after day 0 counts, of a baseline only what was imaged up to it."""

    number: int
    is_follow_up: bool
    lesions: list
    reading: dict
    has_response_record: bool
    recorded_response: str | None
    imaging_date: date | None
    imaging_days: float | None
    start: date | None

    @property
    def day(self):
        """The date of the images, also where only days from the start are sent."""
        if self.imaging_date is None and None not in (self.start, self.imaging_days):
            return self.start + timedelta(days=self.imaging_days)
        return self.imaging_date


def find_days(record, start):
    """Days from the start: of the date where it and the start are known, else as sent."""
    day = record["assessment_date"]
    if day is not None and start is not None:
        return float((day - start).days)
    return record.get("assessment_days")


def is_after_start(record, start):
    """An image after day 0 is never baseline, one on or before it never follow-up; without a day the number decides."""
    days = find_days(record, start)
    return record["visit_number"] > 0 if days is None else days > 0


def make_visits(lesions, responses, start):
    """One reader's visits by one set of criteria, the baseline first, then in the order of their images."""
    visits = []
    for number in sorted({row["visit_number"] for row in (*lesions, *responses)}):
        listed = [row for row in lesions if row["visit_number"] == number]
        read = [row for row in responses if row["visit_number"] == number]
        is_follow_up = any(is_after_start(row, start) for row in listed + read)
        counted = [row for row in listed if is_after_start(row, start) == is_follow_up]
        reading = next((row for row in read if is_after_start(row, start) == is_follow_up), {})
        images = [row["assessment_date"] for row in counted if row["assessment_date"] is not None]
        first = min(images) if images else reading.get("assessment_date")
        is_dated = None not in (first, start)
        visits.append(
            Visit(
                number=number,
                is_follow_up=is_follow_up,
                lesions=counted,
                reading=reading,
                has_response_record=bool(read),
                recorded_response=read[0]["recorded_response"] if read else None,
                imaging_date=first,
                imaging_days=float((first - start).days) if is_dated else reading.get("assessment_days"),
                start=start,
            )
        )
    before, after = ([v for v in visits if v.is_follow_up is later] for later in (False, True))
    return _order(before) + _order(after)


def _order(visits):
    """By day. A visit without any date keeps its place by number: behind the visit that is numbered before it."""
    has_dates = any(visit.day is not None for visit in visits)
    placed, last = [], None
    for visit in sorted(visits, key=lambda visit: visit.number):
        day = visit.day.toordinal() if visit.day is not None else None
        own = day if has_dates else visit.imaging_days
        last = last if own is None else own
        placed.append((last is not None, 0 if last is None else last, visit.number, visit))
    return [visit for *_, visit in sorted(placed, key=lambda place: place[:3])]


def _select_baseline(records, start):
    return [row for row in records if not is_after_start(row, start)]


def _is_recent(record, start):
    days = find_days(record, start)
    return days is None or days >= OLDEST_BASELINE_DAY


def _take_last(records, start):
    """The last that shows anything; one without a date (visit 0) only where no other is."""

    def rank(row):
        days = find_days(row, start)
        is_image = row.get("status", "read") not in (None, "not_assessed")
        return (is_image, days is not None, 0 if days is None else days, row["visit_number"], row["source_row"])

    return max(records, key=rank)


def choose_baseline_lesions(lesions, start):
    """Lesion by lesion the last image in days -42 to 0; a lesion whose images are all older is left out."""
    recent = {}
    for row in _select_baseline(lesions, start):
        if _is_recent(row, start):
            recent.setdefault(row["lesion_id"], []).append(row)
    return {lesion: _take_last(rows, start) for lesion, rows in recent.items()}


def choose_baseline_sum(responses, start):
    """The last sum in days -42 to 0."""
    recent = [
        row for row in _select_baseline(responses, start) if _is_recent(row, start) and row["target_sum_mm"] is not None
    ]
    return _take_last(recent, start)["target_sum_mm"] if recent else None


def has_only_older_images(lesions, responses, start):
    """Where only images before day -42 exist, nothing is derived and recorded responses stand."""
    sums = [row for row in responses if row["target_sum_mm"] is not None]
    for records in (lesions, sums, responses):
        baseline = _select_baseline(records, start)
        if baseline:
            return not any(_is_recent(row, start) for row in baseline)
    return False


def describe_baseline_imaging(lesions, responses, start):
    """Whether there is any image up to day 0, and how old the baseline is: the earliest of the images that the lesions have as
    their baseline, else the last reading, else the last older image."""
    baseline = _select_baseline(lesions, start), _select_baseline(responses, start)
    own = [row["assessment_date"] for row in choose_baseline_lesions(lesions, start).values()]
    recent = [row["assessment_date"] for row in baseline[1] if _is_recent(row, start)]
    older = [row["assessment_date"] for row in baseline[1]], [row["assessment_date"] for row in baseline[0]]
    found = {"has_baseline_imaging": bool(baseline[0] + baseline[1]), "baseline_imaging_date": None}
    for days, choose in ((own, min), (recent, max), (older[0], max), (older[1], max)):
        if known := [day for day in days if day is not None]:
            return {**found, "baseline_imaging_date": choose(known)}
    return found
