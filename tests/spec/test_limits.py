"""Limits of every number, keys, and what is asked for: the tables' contract as one page a clinician can check.

A value outside `possible` cannot be a patient's; one outside `plausible` is asked about. Both ends are inside.
"""

import polars as pl
import pytest
from clinical_tables import read_rows

from schemas.contract import FieldContract, Table, read_contract, read_grain, read_key, read_sent_key, table_name
from schemas.tables import TABLES
from schemas.units import LAB_RANGES

# possible and plausible values, both ends included
LIMITS = """
| field                         | possible     | plausible | why                                                                    |
| adverse_event.event_number    | 1 1000       |           | counted from 1                                                         |
| adverse_event.grade           | 1 5          |           | CTCAE grades                                                           |
| baseline.ecog_status          | 0 5          |           | ECOG: 0 fully active to 5 dead                                         |
| baseline.encephalopathy_grade | 0 4          |           | West Haven: 0 none to 4 coma                                           |
| baseline.tumour_size_cm       | 0.1 40       | 0.5 25    | imaging resolves about 1 mm; a large liver spans some 25 cm            |
| baseline.tumour_number        | 0 200        | 0 50      | nobody counts more than 50 one by one                                  |
| baseline.metastasis_site_number | 0 500      | 0 100     | miliary spread is estimated, not counted                               |
| baseline.hvpg_mmhg            | 0 60         | 1 40      | normal 1-5, above 10 clinically significant, above 40 hardly reported  |
| baseline.body_weight_kg       | 20 250       | 35 130    | adults                                                                 |
| laboratory.repeat_number      | 1 1e6        |           | the first value of a test at a visit is 1                              |
| laboratory.visit_number       | 0 200        |           | 0 is the baseline                                                      |
| lesion.visit_number           | 0 200        |           | 0 is the baseline                                                      |
| lesion.diameter_mm            | 0 400        | 0 250     | as the tumour size; 0 is gone                                          |
| lesion.viable_diameter_mm     | 0 400        | 0 250     | as the diameter; 0 where nothing enhances                              |
| metastasis.lesion_number      | 1 500        | 1 60      | a listed organ holds at least one                                      |
| outcome.overall_survival_days | 0 20000      |           | 20000 days are 55 years                                                |
| outcome.progression_days      | 0 20000      |           | 20000 days are 55 years                                                |
| patient.age_years             | 0 120        | 18 95     | the study takes adults                                                 |
| procedure.procedure_number    | 1 500        |           | counted from 1                                                         |
| response.visit_number         | 0 200        |           | 0 is the baseline                                                      |
| response.assessment_days      | -3650 20000  |           | an image of more than ten years ago belongs to another disease              |
| response.target_sum_mm        | 0 2000       |           | five targets of 400 mm                                                 |
| treatment.line_number         | 1 20         |           | counted from 1                                                         |
| treatment.initial_dose_mg     | 0.1 2000     |           | sorafenib, the largest daily dose, is 800 mg                           |
| alt_u_l                       | 1 20000      | 3 2000    | ischaemic hepatitis exceeds 10000 U/L                                  |
| ast_u_l                       | 1 20000      | 3 2000    | ischaemic hepatitis exceeds 10000 U/L                                  |
| bilirubin_umol_l              | 1 1500       | 3 513     | 513 umol/L = 30 mg/dL                                                  |
| albumin_g_l                   | 10 70        | 18 55     | adults have 35-52 g/L                                                  |
| afp_ng_ml                     | 0 1e8        | 0 1e6     | diluted samples reach about 10^6 ng/mL                                 |
| hbv_dna_iu_ml                 | 0 1e11       | 0 1e10    | viraemia stays below 10^10 IU/mL                                       |
| hbv_dna_copies_ml             | 0 1e12       | 0 1e11    | 5-6 copies are one IU                                                  |
| inr                           | 0.5 20       | 0.7 5     | healthy 0.8-1.2; Child-Pugh gives 3 points above 2.3                   |
| pt_prolongation_s             | -10 100      | -3 30     | Child-Pugh gives 3 points above 6 s                                    |
| platelets_10e9_l              | 1 2000       | 10 1000   | CTCAE grade 4 is below 25                                              |
| creatinine_umol_l             | 10 3000      | 20 1000   | adults have 45-110 umol/L                                              |
"""
NUMBER_TYPES = {"Int64", "Float64"}


def read_limits(text):
    low, high = (float(end) for end in text.split()) if text else (None, None)
    return low, high


def find_limits(name):
    if "." not in name:
        return LAB_RANGES[name].possible, LAB_RANGES[name].plausible
    table, field = name.split(".")
    contract = read_contract(TABLES[table])[field]
    return contract.possible, contract.plausible


@pytest.mark.parametrize("case", read_rows(LIMITS), ids=lambda case: case["field"])
def test_limits(case):
    assert find_limits(case["field"]) == (read_limits(case["possible"]), read_limits(case["plausible"]))


def test_every_number_has_its_line():
    numbers = {
        f"{table}.{field.name}"
        for table, model in TABLES.items()
        for field in read_contract(model).values()
        if str(field.dtype) in NUMBER_TYPES and not field.is_censored
    }
    lines, needed = {row["field"] for row in read_rows(LIMITS)}, numbers | {test.value for test in LAB_RANGES}
    assert sorted(needed - lines) == [], "write a line of LIMITS (above) for each, with limits from outside and why"
    assert sorted(lines - needed) == [], "these lines of LIMITS are of no number: take them out"


# Beyond possible, and still some patient's: what was set aside counts within these once the hospital confirms it. Of all other numbers nothing
# beyond what is possible can be confirmed: a scale ends there, or the quantity does.
PHYSICAL = """
| field                           | physical | why                                                                       |
| baseline.body_weight_kg         | 15 450   | few people ever weighed more, none of them in a trial                     |
| baseline.tumour_number          | 0 1000   | a program may count what nobody counts by hand                            |
| baseline.metastasis_site_number | 0 2000   | as the tumours, in the whole body                                         |
| laboratory.visit_number         | 0 99991231 | a visit without a number gets its day as one; nobody confirms it        |
| lesion.visit_number             | 0 99991231 | as above                                                                |
| response.visit_number           | 0 99991231 | as above                                                                |
| alt_u_l                         | 1 100000 | acute liver failure has been reported above 20000                         |
| ast_u_l                         | 1 100000 | as ALT                                                                    |
| bilirubin_umol_l                | 1 2500   | some 80 mg/dL (1370) have been reported; below 1 no assay measures        |
| inr                             | 0.5 50   | blood that hardly clots                                                   |
| pt_prolongation_s               | -10 300  | analysers stop at 300 s                                                   |
| platelets_10e9_l                | 0 6000   | thrombocythaemia; none are left in marrow failure                         |
| creatinine_umol_l               | 5 8000   | uraemia has been reported above 50 mg/dL (4400)                           |
"""


def test_limits_beyond_which_nothing_can_be_confirmed():
    stated = {row["field"]: read_limits(row["physical"]) for row in read_rows(PHYSICAL)}
    found = {
        f"{table}.{name}": field.physical
        for table, model in TABLES.items()
        for name, field in read_contract(model).items()
        if field.physical != field.possible
    }
    found |= {test.value: limits.physical for test, limits in LAB_RANGES.items() if limits.physical is not None}
    assert found == stated
    for name, (low, high) in stated.items():
        possible, _ = find_limits(name)
        assert low <= possible[0] < possible[1] <= high, name


def test_pandera_refuses_what_is_physically_impossible():
    for table, model in TABLES.items():
        columns = model.to_schema().columns
        for name, field in read_contract(model).items():
            limits = [check.statistics for check in columns[name].checks]
            low, high = field.physical
            stated = {key: value for statistics in limits for key, value in statistics.items()}
            assert (stated.get("min_value"), stated.get("max_value")) == (low, high), (table, name)


# What tells one record from another within a patient, and what may be empty without a question, with the reason.
FIELDS = """
| table         | key                            | not asked for                                                                             |
| adverse_event | event_number                   | resolved_date ctcae_version                                                               |
| baseline      |                                | pvtt_type pvtt_text has_portal_vein_thrombosis tumour_size_text hvpg_mmhg                                         |
| laboratory    | visit_number test repeat_number | value value_comparator                                                                    |
| lesion        | visit_number reader lesion_id  | modality diameter_mm viable_diameter_mm is_tace_treated has_grown_since_tace split_from_lesion_id merged_into_lesion_id |
| metastasis    | organ                          | lesion_number                                                                             |
| outcome       |                                | death_date has_progressed progression_date progression_basis overall_survival_days progression_days         |
| patient       |                                | person_id birth_date_is_of_national_id sex_is_of_national_id age_years                    |
| procedure     | procedure_number               | lesion_id                                                                                 |
| response      | visit_number reader criteria   | assessment_date assessment_days target_sum_mm has_new_lesion recorded_response            |
| treatment     | line_number drug               | end_date initial_dose_mg stop_reason                                                      |
"""


@pytest.mark.parametrize("case", read_rows(FIELDS), ids=lambda case: case["table"])
def test_keys_and_what_is_asked_for(case):
    model = TABLES[case["table"]]
    contract = read_contract(model)
    key = (case["key"] or "").split()
    assert read_key(model) == ("patient_id", *key)
    assert [contract[name].key_place for name in key] == list(range(1, len(key) + 1))
    optional = {name for name, field in contract.items() if not field.is_expected and not field.is_key}
    assert optional == set((case["not asked for"] or "").split()), (
        f"a field that may be empty without a question stands in FIELDS (above) under 'not asked for' of {case['table']}; "
        "any other is declared with expected=True"
    )
    columns = model.to_schema().columns
    assert {name for name in contract if not columns[name].nullable} == set(key)
    assert {name for name in contract if contract[name].is_censored} == ({"value"} & set(contract))


def test_a_field_is_no_key_and_not_asked_for_unless_it_says_so():
    plain = FieldContract("x", pl.Int64(), "meaning", "含义")
    assert not any((plain.is_key, plain.is_expected, plain.is_censored, plain.is_made))
    assert all(field.meaning and field.zh for model in TABLES.values() for field in read_contract(model).values())


def test_what_no_hospital_sends():
    made = {
        f"{table}.{field.name}"
        for table, model in TABLES.items()
        for field in read_contract(model).values()
        if field.is_made
    }
    of_national_id = {f"patient.{name}_is_of_national_id" for name in ("birth_date", "sex")}
    assert made == {"laboratory.repeat_number", "laboratory.value_comparator", "patient.person_id"} | of_national_id


def test_the_key_that_a_hospital_sends_leaves_out_what_the_registry_counts():
    assert read_sent_key(TABLES["laboratory"]) == ("patient_id", "visit_number", "test")
    assert read_sent_key(TABLES["treatment"]) == ("patient_id", "line_number", "drug")


def test_the_dates_by_which_a_statement_is_dated():
    """What is said of a progression was known at the last contact, or at the death, whichever is told."""
    dated = {
        f"{table}.{field.name}": set(field.dated_by)
        for table, model in TABLES.items()
        for field in read_contract(model).values()
        if field.dated_by
    }
    progression = {"progression_date", "last_contact_date", "death_date", "progression_days"}
    assert dated == {
        "outcome.vital_status": {"last_contact_date", "death_date", "overall_survival_days"},
        "outcome.has_progressed": progression,
        "outcome.progression_basis": progression,
        "treatment.stop_reason": {"end_date"},
    }


def test_a_tables_names():
    lines = {row["table"] for row in read_rows(FIELDS)}
    assert {table_name(model) for model in TABLES.values()} == lines, "write a line of FIELDS (above) for each table"
    assert read_grain(TABLES["adverse_event"]) == ("one patient and event", "不良反应")


def test_the_columns_that_every_record_has():
    columns = Table.to_schema().columns
    assert [name for name, column in columns.items() if column.nullable] == ["source_sheet", "source_column"]
    assert [check.statistics for check in columns["source_row"].checks] == [{"min_value": 1}]
    assert Table.to_schema().strict is True
