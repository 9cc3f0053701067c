"""Plain-Python verdicts of the rules on completeness, written from the rule catalogue's sentences and the protocol."""

from oracle.logic import at_most, is_known, where

MONTHS_3_DAYS = 3 * 365.25 / 12


def baseline_imaging_is_recorded(record, case):
    if not case.sent & {"lesion", "response"}:
        return None
    return any(row["reader_has_baseline_imaging"] for row in case.counted_readings)


def baseline_imaging_near_start(record, case):
    imaging, start = case.facts["baseline_imaging_date"], case.start_date
    return 0 <= (start - imaging).days <= 14 if is_known(imaging, start) else None


def baseline_is_recorded(record, case):
    return bool(case.own["baseline"]) if "baseline" in case.sent else None


def baseline_laboratory_is_complete(record, case):
    if "laboratory" not in case.sent:
        return None
    needed = ["alt_u_l", "ast_u_l", "bilirubin_umol_l", "albumin_g_l", "afp_ng_ml"]
    has_all = all(_is_there(case.sample(test)) for test in needed)
    has_virus = any(_is_there(case.sample(test)) for test in ("hbv_dna_iu_ml", "hbv_dna_copies_ml"))
    return has_all and (case.baseline["hbsag"] != "positive" or has_virus)


def _is_there(sample):
    return sample["value"] is not None or sample["value_comparator"] == "not_detected"


def first_line_is_recorded(record, case):
    return bool(case.first_line) if "treatment" in case.sent else None


def outcome_is_recorded(record, case):
    return bool(case.own["outcome"]) if "outcome" in case.sent else None


def response_is_followed(record, case):
    is_sent = bool(case.sent & {"lesion", "response"})
    is_followed = any(row["is_follow_up"] for row in case.counted_readings) if is_sent else None
    return where(at_most(MONTHS_3_DAYS, case.facts["treatment_days"]), is_followed)
