"""Plain-Python verdicts of the rules on unlikely values, from the catalogue's sentences, CTCAE and the protocol."""

from oracle.definition_oracle_subject import is_between
from oracle.logic import all_of, at_most, days_between, equal, is_known, negate, one_of, where
from oracle.rule_case import PD1_INHIBITORS

# CTCAE 4.03 (2010) and 5.0 (2017): the terms without a grade 5 (death), and without a grade 4. "Rash" is several terms.
WITHOUT_GRADE_5 = {"alt_increased", "ast_increased", "bilirubin_increased", "platelets_decreased"}
WITHOUT_GRADE_4 = {"hand_foot_skin_reaction", "fatigue", "proteinuria", "nausea"}


def grade_exists_for_term(record, case):
    """A term with all five grades asks nothing."""
    if record["grade"] is None or record["term"] not in WITHOUT_GRADE_5 | WITHOUT_GRADE_4:
        return None
    return record["grade"] <= (4 if record["term"] in WITHOUT_GRADE_5 else 3)


def albi_3_is_not_child_pugh_a(record, case):
    points = case.facts["child_pugh_points"]
    is_derived_a = points is not None and points <= 6
    is_doubtful = False if is_derived_a else equal(case.facts["albi_grade"], 3)
    return where(is_doubtful, negate(equal(record["child_pugh_class"], "A")))


def ecog_is_not_death(record, case):
    return one_of(record["ecog_status"], range(5))


def encephalopathy_agrees_with_ecog(record, case):
    is_stuporous = one_of(record["encephalopathy_grade"], (3, 4))
    return where(is_stuporous, negate(equal(record["ecog_status"], 0)))


def not_detected_is_possible(record, case):
    can_be_none = record["test"] in ("hbv_dna_iu_ml", "hbv_dna_copies_ml", "afp_ng_ml")
    return where(equal(record["value_comparator"], "not_detected"), can_be_none)


def diameter_change_is_plausible(record, case):
    """A lesion that is gone (0 mm) or too small is not measured."""

    def place(row):
        return case.reading(row)["visit_position"]

    same = [
        row
        for row in case.own["lesion"]
        if (row["reader"], row["lesion_id"]) == (record["reader"], record["lesion_id"])
        and place(row) < place(record)
        and row["diameter_mm"]
        and row["status"] != "too_small"
    ]
    if not record["diameter_mm"] or record["status"] == "too_small" or not same:
        return None
    before = max(same, key=place)["diameter_mm"]
    after = record["diameter_mm"]
    has_grown, has_shrunk = after >= 30 and after >= 7 * before, before >= 50 and before >= 7 * after
    return not has_grown and not has_shrunk


def _completed_years(birth, day):
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def age_is_plausible(record, case):
    if not is_known(record["birth_date"], case.start_date):
        return None
    return 10 <= _completed_years(record["birth_date"], case.start_date) <= 100


def diagnosis_date_is_plausible(record, case):
    if not is_known(record["diagnosis_date"], case.start_date):
        return None
    return (case.start_date - record["diagnosis_date"]).days <= 20 * 365.25


def tace_near_therapy(record, case):
    if record["procedure"] != "tace":
        return None
    if not is_known(record["procedure_date"], case.start_date):
        return None
    return (record["procedure_date"] - case.start_date).days >= -90


def assessment_gap_is_plausible(record, case):
    """The assessment before may have been sent as lesions alone."""
    before = case.before(record)
    if not before or not case.reading(record)["is_follow_up"]:
        return None
    previous, own = before[-1], case.reading(record)
    days = days_between(previous["imaging_date"], own["imaging_date"])
    if days is None and is_known(previous["imaging_days"], own["imaging_days"]):
        days = own["imaging_days"] - previous["imaging_days"]
    return at_most(days, 16 * 7)


def ast_alt_ratio_is_plausible(record, case):
    alt, ast = case.sample("alt_u_l"), case.sample("ast_u_l")
    if not is_known(alt["value"], ast["value"]):
        return None
    small, large = sorted((alt["value"], ast["value"]))
    return large <= 20 * small if small > 0 else None


def antibody_dose_is_plausible(record, case):
    dose = record["initial_dose_mg"]
    if record["drug"] not in PD1_INHIBITORS:
        return None
    return None if dose is None else 80 <= dose <= 480


def lenvatinib_dose_agrees_with_weight(record, case):
    if record["drug"] != "lenvatinib" or record["line_number"] != 1:
        return None
    dose, weight = record["initial_dose_mg"], case.baseline["body_weight_kg"]
    if dose is None:
        return None
    return all_of(dose % 4 == 0, dose <= 12, None if weight is None else dose <= (8 if weight < 60 else 12))


def sorafenib_dose_is_plausible(record, case):
    if record["drug"] != "sorafenib":
        return None
    return one_of(record["initial_dose_mg"], (200, 400, 600, 800))


def grade_agrees_with_value(record, case):
    """Needs version and onset; the nearest sample, at most 3 days away, a tie takes the worse value."""
    if not is_known(record["term"], record["grade"]):
        return None
    if record["term"] not in _TEST_OF_TERM:
        return True
    test = _TEST_OF_TERM[record["term"]]
    if not is_known(record["onset_date"], record["ctcae_version"]):
        return None
    sample = _nearest_sample(record, case, test)
    base = case.sample(test)
    is_by_baseline = record["ctcae_version"] == "5.0" and test in _UPPER_LIMITS
    if is_by_baseline and (base["value"] is None or (base["value_comparator"] or "=") != "="):
        return None
    reference = base["value"] if is_by_baseline and base["value"] > _UPPER_LIMITS[test] else None
    # An event has the highest grade it reached, between its onset and its resolution.
    during = [_grade(test, value, reference) for value in _exact_values_during(record, case, test)]
    others = (row["onset_date"] for row in case.own["adverse_event"] if row["term"] == record["term"])
    is_lone = record["resolved_date"] is not None and not any(
        is_between(record["onset_date"], onset, record["resolved_date"]) for onset in others
    )
    if is_lone and during and max(during) - record["grade"] >= 2:
        return False
    if sample is None or (sample["value_comparator"] or "=") != "=":
        return None
    at_onset = _grade(test, sample["value"], reference)
    if record["grade"] <= at_onset:
        return at_onset - record["grade"] < 2
    return record["grade"] - max([at_onset, *during]) < 2


def _exact_values_during(record, case, test):
    """From 3 days before the onset to the resolution; an event that is not resolved goes on."""
    end = record["resolved_date"]
    return [
        row["value"]
        for row in case.own["laboratory"]
        if row["test"] == test
        and is_known(row["sample_date"], row["value"])
        and (row["value_comparator"] or "=") == "="
        if (row["sample_date"] - record["onset_date"]).days >= -3 and (end is None or row["sample_date"] <= end)
    ]


_TEST_OF_TERM = {
    "alt_increased": "alt_u_l",
    "ast_increased": "ast_u_l",
    "bilirubin_increased": "bilirubin_umol_l",
    "platelets_decreased": "platelets_10e9_l",
}
_UPPER_LIMITS = {"alt_u_l": 40, "ast_u_l": 40, "bilirubin_umol_l": 17.1}


def _nearest_sample(record, case, test):
    near = [
        (abs((row["sample_date"] - record["onset_date"]).days), row)
        for row in case.own["laboratory"]
        if row["test"] == test and row["sample_date"] is not None and row["value"] is not None
    ]
    near = [(days, row) for days, row in near if days <= 3]
    if not near:
        return None
    nearest = [row for days, row in near if days == min(near, key=lambda pair: pair[0])[0]]
    nearest.sort(key=lambda row: (row["visit_number"], row["repeat_number"]))
    worse = min if test == "platelets_10e9_l" else max
    return worse(nearest, key=lambda row: row["value"])


def _grade(test, value, abnormal_baseline):
    """The CTCAE grade of a value: the number of limits it is beyond."""
    if test == "platelets_10e9_l":
        return sum(value < limit for limit in (150, 75, 50, 25))
    if test == "bilirubin_umol_l":
        return sum(value > factor * (abnormal_baseline or _UPPER_LIMITS[test]) for factor in (1, 1.5, 3, 10))
    if abnormal_baseline is None:
        return sum(value > factor * _UPPER_LIMITS[test] for factor in (1, 3, 5, 20))
    return (value >= 1.5 * abnormal_baseline) + sum(value > factor * abnormal_baseline for factor in (3, 5, 20))
