"""What to fix first: worked by hand for five patients of one hospital."""

import polars as pl
from quality_frames import ANSWER_SCHEMA, FINDING_SCHEMA, INGEST_SCHEMA, make_finding, make_ingest

from etl.quality.priorities import derive_standing, rank_questions
from etl.quality.status import derive_query_status

CRITERIA = ("i1_primary_unresectable_hcc", "e2_age_18_to_75", "e4_complete_data")
ELIGIBILITY = {
    "analysed": (True, True, True),
    "second": (True, True, True),
    "waiting": (True, None, False),
    "excluded": (False, True, True),
    "excluded and incomplete": (False, None, False),
}


def make_eligibility():
    rows = [
        {"hospital": "h", "patient_id": patient, "criterion_id": criterion, "is_met": is_met}
        for patient, verdicts in ELIGIBILITY.items()
        for criterion, is_met in zip(CRITERIA, verdicts, strict=True)
    ]
    return pl.DataFrame(rows)


def make_own(*findings):
    rows = [make_finding(1, "h", f"{number:016x}", **finding) for number, finding in enumerate(findings)]
    frames = {
        "findings": pl.DataFrame(rows, schema=FINDING_SCHEMA),
        "ingests": pl.DataFrame([make_ingest(1, "h", 5, is_current=True)], schema=INGEST_SCHEMA),
        "answers": pl.DataFrame(schema=ANSWER_SCHEMA),
        "eligibility": make_eligibility(),
        "patient": pl.DataFrame({"hospital": "h", "patient_id": list(ELIGIBILITY)}),
    }
    frames["status"] = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    return frames


def ask(rule_id, patient, table, field, **changes):
    return {
        "rule_id": rule_id,
        "patient_id": patient,
        "table_name": table,
        "field": field,
        "message_en": rule_id,
        **changes,
    }


def test_standing_of_a_patient():
    standing = dict(derive_standing(make_eligibility()).select("patient_id", "standing").iter_rows())
    assert standing == {
        "analysed": "analysed", "second": "analysed", "waiting": "waiting", "excluded": "excluded",
        "excluded and incomplete": "excluded",
    }  # fmt: skip


def test_questions_are_ranked_by_the_patients_that_hang_on_them():
    own = make_own(
        ask("age", "waiting", "patient", "birth_date"),
        ask("age", "excluded", "patient", "birth_date"),
        ask("death", "analysed", "outcome", "death_date"),
        ask("death", "analysed", "outcome", "death_date"),
        ask("death", "second", "outcome", "death_date"),
        ask("lost", "nobody's", "patient", None, severity="reject"),
        ask("grade", "excluded", "adverse_event", "grade"),
    )
    ranked = rank_questions(own).select("rule_id", "n_findings", "n_analysed", "n_waiting").rows()
    assert ranked == [("death", 3, 2, 0), ("lost", 1, 0, 1), ("age", 2, 0, 1), ("grade", 1, 0, 0)]


def test_results_that_hang_on_a_question():
    own = make_own(
        ask("death", "analysed", "outcome", "death_date"),
        ask("albumin", "analysed", "laboratory", "value", record_key="visit_number=0;test=albumin_g_l"),
    )
    results = {row["rule_id"]: set(row["results"]) for row in rank_questions(own).to_dicts()}
    assert results == {"death": {"os", "pfs", "response"}, "albumin": {"eligibility", "baseline"}}


def test_what_no_result_hangs_on_is_not_ranked():
    own = make_own(
        ask("weight", "analysed", "baseline", "body_weight_kg"),
        ask("later albumin", "analysed", "laboratory", "value", record_key="visit_number=1;test=albumin_g_l"),
        ask("laboratory.parent", "nobody's", "laboratory", None, severity="reject"),
        ask("a note", "analysed", "outcome", "death_date", severity="note"),
    )
    assert rank_questions(own).is_empty()


def test_a_progression_that_is_missing_brings_nobody_in():
    own = make_own(ask("progression", "waiting", "outcome", "progression_date"))
    assert rank_questions(own).select("n_analysed", "n_waiting").row(0) == (0, 0)
