"""Which results hang on a field: worked by hand from the study's protocol, and the committed list held to the code."""

import pytest

from schemas.contract import read_contract, read_key
from schemas.field_effects import EFFECTS, Result, list_field_effects, read_field_effects, write_field_effects
from schemas.tables import TABLES

ELIGIBILITY, BASELINE, OS, PFS, RESPONSE, SAFETY = Result
WITHOUT_EFFECT = {
    # Asked for to judge other values, to describe the patients, or for mRECIST; the study's results need none of them.
    ("baseline", "has_portal_vein_thrombosis"), ("baseline", "body_weight_kg"), ("patient", "diagnosis_date"),
    ("patient", "person_id"), ("patient", "birth_date_is_of_national_id"), ("patient", "sex_is_of_national_id"),
    ("lesion", "modality"), ("lesion", "viable_diameter_mm"), ("lesion", "has_grown_since_tace"),
    ("treatment", "initial_dose_mg"), ("lesion", "split_from_lesion_id"), ("lesion", "merged_into_lesion_id"),
    ("procedure", "lesion_id"), ("outcome", "progression_basis"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "field", "results"),
    [
        ("patient", "is_recurrent", {ELIGIBILITY}),  # E1
        ("patient", "birth_date", {ELIGIBILITY, BASELINE}),  # E2, age in Table 1
        ("baseline", "ecog_status", {ELIGIBILITY}),  # I3
        ("baseline", "ascites", {ELIGIBILITY}),  # I3, by Child-Pugh
        ("baseline", "has_cirrhosis", {ELIGIBILITY, BASELINE}),  # E4, Table 1
        ("baseline", "pvtt_text", {ELIGIBILITY, BASELINE}),
        ("laboratory", "albumin_g_l", {ELIGIBILITY, BASELINE}),  # E4, ALBI in Table 1
        ("laboratory", "inr", {ELIGIBILITY}),  # I3, by Child-Pugh
        ("outcome", "death_date", {OS, PFS, RESPONSE}),  # a death by the nominal day is PD at 3 and 6 months
        ("lesion", "diameter_mm", {PFS, RESPONSE}),
        ("lesion", "organ", {RESPONSE}),  # a node is gone below 10 mm, another lesion at 0
        ("response", "target_sum_mm", {PFS, RESPONSE}),
        ("adverse_event", "grade", {SAFETY}),
        ("adverse_event", None, {SAFETY}),
        ("patient", None, set(Result)),
    ],
)
def test_results_that_hang_on_a_field(table, field, results):
    assert set(list_field_effects(table, field)) == results


def test_a_start_date_moves_everything_but_the_adverse_events():
    assert set(list_field_effects("treatment", "start_date")) == set(Result) - {SAFETY}


def test_committed_list_is_current(tmp_path):
    write_field_effects(tmp_path / "effects.csv")
    assert EFFECTS.read_text(encoding="utf-8") == (tmp_path / "effects.csv").read_text(encoding="utf-8"), (
        "run `make docs`"
    )


def test_every_field_that_is_no_key_is_in_the_list_and_few_are_without_effect():
    known = read_field_effects()
    for table, model in TABLES.items():
        if table != "laboratory":
            listed = {name for owner, name in known if owner == table}
            assert listed == set(read_contract(model)) - set(read_key(model)), "run `make docs`"
    assert {variation for variation, results in known.items() if not results} == WITHOUT_EFFECT, (
        "a field on which no result hangs stands in WITHOUT_EFFECT (above), where somebody has meant it so; a result that "
        "hangs on a new field is found by `make docs`"
    )
