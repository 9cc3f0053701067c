"""Lets an invented patient's statements agree where chance drew them apart; nothing is drawn here, so that nobody else changes."""

from __future__ import annotations

from etl.example.model import ELIGIBLE, Record, SyntheticPatient

_NORMAL_ALBUMIN_G_L = 35
_CLASS_A_POINTS = 6


def let_facts_agree(patient: SyntheticPatient) -> None:
    """Diagnose by histology whom images cannot, give a liver disease its cause, and take away an ascites that has none.

    An analysed patient's characteristics stay as they were drawn, since Table 1 rests on them.
    """
    facts = patient.facts
    facts["has_portal_vein_thrombosis"] = facts["pvtt_type"] != "0"
    has_risk = facts["has_cirrhosis"] or facts["hbsag"] == "positive"
    if facts["diagnosis_basis"] == "clinical_aasld" and (facts["tumour_type"] != "hcc" or not has_risk):
        facts["diagnosis_basis"] = "histology"
    is_unexplained = facts["encephalopathy_grade"] > 0 or (
        facts["has_portal_hypertension"] and facts["hvpg_mmhg"] is None
    )
    if patient.reason != ELIGIBLE and _is_without_cause(facts) and is_unexplained:
        facts["has_cirrhosis"] = True
    if facts["ascites"] != "none" and _is_without_cause(facts) and not _explains_ascites(facts):
        facts["ascites"] = "none"
        facts["child_pugh_class"] = "A" if _count_points(facts) <= _CLASS_A_POINTS else "B"


def _is_without_cause(facts: Record) -> bool:
    return not facts["has_cirrhosis"] and facts["pvtt_type"] == "0"


def _explains_ascites(facts: Record) -> bool:
    has_low_albumin = facts["albumin_g_l"] < _NORMAL_ALBUMIN_G_L
    return facts["has_portal_hypertension"] or has_low_albumin or "peritoneum" in facts["organs"]


def _count_points(facts: Record) -> int:
    """Child-Pugh points without ascites; the INR drawn is always below 1.7."""
    bilirubin, albumin = facts["bilirubin_umol_l"], facts["albumin_g_l"]
    by_bilirubin = 1 + (bilirubin >= 34) + (bilirubin > 51)
    by_albumin = 1 + (albumin <= 35) + (albumin < 28)
    return by_bilirubin + by_albumin + 1 + 1 + 1 + (facts["encephalopathy_grade"] > 0)
