"""Laboratory values that go with the grade of an adverse event, by CTCAE 4.03 and 5.0."""

from __future__ import annotations

from datetime import date

from etl.example.model import SyntheticPatient

_SAME_TIME_DAYS = 3
_TESTS = {
    "alt_increased": "alt_u_l",
    "ast_increased": "ast_u_l",
    "bilirubin_increased": "bilirubin_umol_l",
    "platelets_decreased": "platelets_10e9_l",
}
_UPPER_LIMITS = {"alt_u_l": 40.0, "ast_u_l": 40.0, "bilirubin_umol_l": 17.1}
_LARGEST = {"alt_u_l": 1900.0, "ast_u_l": 1900.0, "bilirubin_umol_l": 500.0}
_MULTIPLES = {  # times the upper limit (or, in version 5, times an abnormal baseline) for grades 1 to 4
    "alt_u_l": (2, 4, 10, 25),
    "ast_u_l": (2, 4, 10, 25),
    "bilirubin_umol_l": (1.25, 2, 5, 12),
}
_PLATELETS = (100.0, 60.0, 40.0, 20.0)
_GRADE_2_TO_4_ABOVE = {  # times the upper limit, CTCAE 4.03
    "alt_u_l": (3, 5, 20),
    "ast_u_l": (3, 5, 20),
    "bilirubin_umol_l": (1.5, 3, 10),
}
_GRADE_2_TO_4_BELOW_10E9_L = (75.0, 50.0, 25.0)


def find_lowest_grade(patient: SyntheticPatient, term: str, version: str) -> int:
    """Return the lowest grade that an event can have: that of the baseline, unless the version grades against the baseline."""
    test = _TESTS.get(term, "")
    baseline = patient.facts.get(test)
    if not isinstance(baseline, int | float):
        return 1
    if test not in _MULTIPLES:
        return 1 + sum(baseline < limit for limit in _GRADE_2_TO_4_BELOW_10E9_L)
    if version == "5.0":
        return 1
    return 1 + sum(baseline > times * _UPPER_LIMITS[test] for times in _GRADE_2_TO_4_ABOVE[test])


def find_graded_value(patient: SyntheticPatient, test: str, day: date) -> float | None:
    """Return the value that explains an event which begins within three days of a sample; None where there is none."""
    for event in patient.records["adverse_event"]:
        is_near = abs((event["onset_date"] - day).days) <= _SAME_TIME_DAYS
        if is_near and _TESTS.get(event["term"]) == test:
            return _value_of_grade(patient, test, event["grade"], event["ctcae_version"])
    return None


def _value_of_grade(patient: SyntheticPatient, test: str, grade: int, version: str) -> float:
    if test not in _MULTIPLES:
        return _PLATELETS[grade - 1]
    limit, baseline = _UPPER_LIMITS[test], patient.facts[test]
    reference = baseline if version == "5.0" and baseline > limit else limit
    return min(round(reference * _MULTIPLES[test][grade - 1], 1), _LARGEST[test])
