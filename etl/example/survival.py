"""Courses of the analysed patients: stratified quantiles of target survival curves, shared out by prognosis.

Within an arm (and TACE yes or no) the death times are the quantiles (i - 0.5) / n of a target curve, so that chance moves
the curves little; who gets which time depends on prognosis and luck. The arms' curves separate after month 12: hazards
are not proportional.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from etl.example.margins import Levels
from etl.example.model import Course
from schemas.definitions.study_period import DAYS_PER_MONTH, FOLLOW_UP_CLOSE

_ACCRUAL_START = date(2019, 1, 2)
_ACCRUAL_DAYS = (date(2021, 12, 30) - _ACCRUAL_START).days
_MIN_TREATMENT_DAYS = 122
_MAX_TREATMENT_DAYS = {"sora_pd1": 365, "len_pd1": 608}
_EXTRA_TREATMENT_DAYS = {"sora_pd1": 42, "len_pd1": 28}
_SURVIVAL_CURVES = {  # (arm, TACE): months and the share still alive
    ("sora_pd1", "Yes"): ((4.3, 1.0), (6, 0.97), (9, 0.89), (12, 0.75), (14.1, 0.5), (17, 0.26), (24, 0.07), (32, 0.002)),
    ("sora_pd1", "No"): ((4.1, 1.0), (6, 0.81), (8.3, 0.5), (12, 0.17), (18, 0.03), (22, 0.004)),
    ("len_pd1", "Yes"): ((4.3, 1.0), (6, 0.97), (9, 0.89), (12, 0.79), (15.9, 0.5), (18, 0.44), (24, 0.33), (36, 0.18), (60, 0.03)),
    ("len_pd1", "No"): ((4.1, 1.0), (6, 0.83), (8.9, 0.5), (12, 0.24), (18, 0.06), (24, 0.02), (30, 0.002)),
}  # fmt: skip
_PROGRESSION_AT_VISIT = {  # share of the arm whose progression shows at visit 1, 2, ...
    "sora_pd1": (0.185, 0.205, 0.289, 0.18, 0.06, 0.04, 0.025, 0.012, 0.004),
    "len_pd1": (0.085, 0.215, 0.11, 0.26, 0.085, 0.065, 0.045, 0.035, 0.03, 0.025, 0.025, 0.02),
}
_RESPONDERS = {"sora_pd1": 10, "len_pd1": 22}
_LOSS_RATE = 0.05


def draw_start_days(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw days from the first possible start: accrual rises linearly from 2019 to the end of 2021."""
    quantiles = (np.arange(size) + 0.5) / size
    return rng.permutation(np.round(_ACCRUAL_DAYS * np.sqrt(quantiles)).astype(int))


def to_start_date(days: float) -> date:
    """Return the start date so many days after accrual began."""
    return _ACCRUAL_START + timedelta(days=int(days))


def draw_courses(
    rng: np.random.Generator, arm: str, patients: Sequence[Levels], starts: Sequence[date]
) -> list[Course]:
    """Draw the course of every analysed patient of one arm, in order."""
    death_days = np.zeros(len(patients))
    for tace in ("Yes", "No"):
        members = np.array([i for i, levels in enumerate(patients) if levels["TACE"] == tace])
        prognosis = np.array([_survival_log_hazard(patients[i]) for i in members])
        luck = np.log(rng.exponential(size=len(members))) - prognosis
        curve = _SURVIVAL_CURVES[arm, tace]
        death_days[members[np.argsort(luck, kind="stable")]] = _quantiles(curve, len(members))
    gaps = rng.integers(42, 57, size=len(patients))
    visits = _draw_progression_visits(rng, arm, patients, death_days)
    courses = []
    for start, death, gap, visit in zip(starts, death_days, gaps, visits, strict=True):
        followed = _draw_follow_up(rng, start)
        is_dead = bool(death <= followed)
        last_contact_days = int(min(death, followed))
        progression_visit = int(visit) if visit * gap + 3 < last_contact_days else 0
        courses.append(_make_course(rng, arm, last_contact_days, is_dead, int(gap), progression_visit))
    _choose_responders(rng, courses, _RESPONDERS[arm])
    _follow_past_closing(courses, starts)
    return courses


def _survival_log_hazard(levels: Levels) -> float:
    return 0.9 * (levels["PVTT type"] == "III-IV") + 0.45 * (levels["Metastasis sites"] == ">5")


def _progression_log_hazard(levels: Levels) -> float:
    return 0.9 * (levels["PVTT type"] == "III-IV") + 1.0 * (levels["Metastasis sites"] == ">5")


def _quantiles(curve: Sequence[tuple[float, float]], size: int) -> np.ndarray:
    """Return ascending death times in days: the curve is exponential between its points."""
    months, alive = np.array(curve).T
    share_alive = 1 - (np.arange(size) + 0.5) / size
    return np.interp(-np.log(share_alive), -np.log(alive), months) * DAYS_PER_MONTH


def _draw_progression_visits(
    rng: np.random.Generator, arm: str, patients: Sequence[Levels], death_days: np.ndarray
) -> np.ndarray:
    """Share the visits at which progression shows: earlier where the prognosis is worse and death comes sooner."""
    size = len(patients)
    cumulative = np.cumsum(_PROGRESSION_AT_VISIT[arm])
    visits = np.searchsorted(cumulative / cumulative[-1], (np.arange(size) + 0.5) / size) + 1
    nearness = 1 - np.argsort(np.argsort(death_days)) / size
    prognosis = np.array([_progression_log_hazard(levels) for levels in patients])
    luck = np.log(rng.exponential(size=size)) - prognosis - 1.6 * nearness
    result = np.empty(size, dtype=int)
    result[np.argsort(luck, kind="stable")] = visits
    return result


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
    """Let the given number of patients respond; nearly all are among those who progress late."""
    time_to_progression = [c.progression_visit or 20 for c in courses]
    order = np.argsort(-(np.array(time_to_progression) + rng.normal(0, 1.5, size=len(courses))), kind="stable")
    for position in order[:number]:
        course = courses[int(position)]
        last_visit = course.progression_visit or course.last_contact_days // course.visit_gap_days
        if last_visit > 2:
            course.responds_from_visit = int(rng.integers(1, 3))
