"""Courses of the analysed patients: stratified quantiles of target survival curves, shared out by prognosis.

Within arm x matched or not x TACE the death times are the quantiles (i - 0.5) / n of a curve, so that chance moves the
curves little; who gets which time depends on prognosis and luck. The arms' curves separate after month 12: hazards
are not proportional. The curves, and how many progress at which assessment, are constants of `calibration.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from etl.example.calibration import SURVIVAL_MONTHS, Calibration
from etl.example.margins import ARM_SIZES, Levels
from etl.example.model import Course
from schemas.definitions.study_period import DAYS_PER_MONTH, FOLLOW_UP_CLOSE

_ACCRUAL_START = date(2019, 1, 2)
_ACCRUAL_DAYS = (date(2021, 12, 30) - _ACCRUAL_START).days
_MIN_TREATMENT_DAYS = 122
_MAX_TREATMENT_DAYS = {"sora_pd1": 365, "len_pd1": 608}
_EXTRA_TREATMENT_DAYS = {"sora_pd1": 42, "len_pd1": 28}
_LOSS_RATE = 0.05
_DEATH_PULL = 1.6


def draw_start_days(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw days from the first possible start: accrual rises linearly from 2019 to the end of 2021."""
    quantiles = (np.arange(size) + 0.5) / size
    return rng.permutation(np.round(_ACCRUAL_DAYS * np.sqrt(quantiles)).astype(int))


def to_start_date(days: float) -> date:
    """Return the start date so many days after accrual began."""
    return _ACCRUAL_START + timedelta(days=int(days))


def draw_courses(
    calibration: Calibration, arm: str, patients: Sequence[Levels], starts: Sequence[date]
) -> list[Course]:
    """Draw the course of every analysed patient of one arm, in order."""
    rng = np.random.default_rng([calibration.course_seed, tuple(ARM_SIZES).index(arm)])
    gaps = rng.integers(42, 57, size=len(patients))
    followed = [_draw_follow_up(rng, start) for start in starts]
    death_luck, progression_luck = np.log(rng.exponential(size=(2, len(patients))))
    death_days = np.zeros(len(patients))
    nearness = np.zeros(len(patients))
    for curve, members in _list_strata(calibration, arm, patients):
        order = _put_in_order(death_luck[members] - np.array([_survival_log_hazard(patients[i]) for i in members]))
        death_days[members[order]] = _quantiles(curve, len(members))
        nearness[members[order]] = 1 - np.arange(len(members)) / len(members)
    risk = np.array([_progression_log_hazard(levels) for levels in patients]) + _DEATH_PULL * nearness
    visits = _share_progressions(calibration, arm, progression_luck - risk)
    courses = []
    for death, follow_up, gap, visit in zip(death_days, followed, gaps, visits, strict=True):
        last_contact_days = int(min(death, follow_up))
        progression_visit = int(visit) if visit * gap + 3 < last_contact_days else 0
        courses.append(_make_course(rng, arm, last_contact_days, bool(death <= follow_up), int(gap), progression_visit))
    for is_matched, members in _list_parts(calibration, arm):
        responders = calibration.responders[arm, is_matched]
        _choose_responders(rng, [courses[i] for i in members], responders)
    _follow_past_closing(courses, starts)
    return courses


def _list_parts(calibration: Calibration, arm: str) -> Iterator[tuple[bool, np.ndarray]]:
    """Yield the positions of an arm's matched patients, then of the others."""
    is_matched = np.array(calibration.is_matched[arm])
    for value in (True, False):
        yield value, np.flatnonzero(is_matched == value)


def _list_strata(
    calibration: Calibration, arm: str, patients: Sequence[Levels]
) -> Iterator[tuple[Sequence[float], np.ndarray]]:
    """Yield every stratum of an arm: its survival curve and the positions of its patients."""
    tace = np.array([levels["TACE"] for levels in patients])
    for is_matched, members in _list_parts(calibration, arm):
        for value in ("Yes", "No"):
            yield calibration.survival[arm, is_matched, value], members[tace[members] == value]


def _put_in_order(luck: np.ndarray) -> np.ndarray:
    return np.argsort(luck, kind="stable")


def _survival_log_hazard(levels: Levels) -> float:
    return 0.9 * (levels["PVTT type"] == "III-IV") + 0.6 * (levels["Metastasis sites"] == ">5")


def _progression_log_hazard(levels: Levels) -> float:
    return 0.5 * (levels["PVTT type"] == "III-IV") + 1.1 * (levels["Metastasis sites"] == ">5")


def _quantiles(cumulative_hazard: Sequence[float], size: int) -> np.ndarray:
    """Return ascending death times in days: the hazard is constant between the months of the curve."""
    wanted = -np.log(1 - (np.arange(size) + 0.5) / size)
    return np.interp(wanted, (0, *cumulative_hazard), SURVIVAL_MONTHS) * DAYS_PER_MONTH


def _share_progressions(calibration: Calibration, arm: str, luck: np.ndarray) -> np.ndarray:
    """Return the assessment that shows each patient's progression (0: none): the unluckiest progress first."""
    visits = np.zeros(len(luck), dtype=int)
    for is_matched, members in _list_parts(calibration, arm):
        numbers = calibration.progressions[arm, is_matched]
        progressing = np.repeat(np.arange(len(numbers)) + 1, numbers)
        visits[members[_put_in_order(luck[members])][: len(progressing)]] = progressing
    return visits


def _draw_follow_up(rng: np.random.Generator, start: date) -> int:
    """Draw the day of the last possible contact: shortly before the closing date, or earlier for a lost patient."""
    until_closing = (FOLLOW_UP_CLOSE - start).days
    if rng.random() < _LOSS_RATE:
        return int(rng.integers(150, max(until_closing, 151)))
    return until_closing - int(rng.integers(0, 25))


def _follow_past_closing(courses: Sequence[Course], starts: Sequence[date]) -> None:
    """Let some patients be seen again after the closing date, one of the arm's dying then: that must not count."""
    has_late_death = False
    for course, start in zip(courses, starts, strict=True):
        until_closing = (FOLLOW_UP_CLOSE - start).days
        if course.is_dead or course.is_ongoing or until_closing - course.last_contact_days > 3:
            continue
        course.last_contact_days = until_closing + 8
        course.is_dead = not has_late_death
        has_late_death = True


def _make_course(
    rng: np.random.Generator,
    arm: str,
    last_contact_days: int,
    is_dead: bool,
    visit_gap_days: int,
    progression_visit: int,
) -> Course:
    longest_days = min(_MAX_TREATMENT_DAYS[arm], last_contact_days)
    until_progression_days = progression_visit * visit_gap_days if progression_visit else last_contact_days
    wanted_days = until_progression_days + rng.exponential(_EXTRA_TREATMENT_DAYS[arm])
    treatment_days = int(np.clip(wanted_days, _MIN_TREATMENT_DAYS + int(rng.integers(0, 3)), longest_days))
    is_ongoing = not is_dead and treatment_days == last_contact_days
    return Course(last_contact_days, is_dead, visit_gap_days, progression_visit, treatment_days, is_ongoing)


def _choose_responders(rng: np.random.Generator, courses: Sequence[Course], number: int) -> None:
    """Let so many of the patients respond; nearly all are among those who progress late."""
    time_to_progression = [c.progression_visit or 20 for c in courses]
    order = np.argsort(-(np.array(time_to_progression) + rng.normal(0, 1.5, size=len(courses))), kind="stable")
    for position in order[:number]:
        course = courses[int(position)]
        last_visit = course.progression_visit or course.last_contact_days // course.visit_gap_days
        if last_visit > 2:
            course.responds_from_visit = int(rng.integers(1, 3))
