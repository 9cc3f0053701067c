"""Nobody leaves unasked: whoever is unknown at a criterion, or leaves for incomplete data (E4), is asked at what is missing.

Stated from the protocol's list of criteria and of complete data, on generated patients whose delivery is judged as an ingest
judges it: values missing or unreadable, records and whole tables gone, columns that the hospital does not have, rows shuffled.
"""

from datetime import date
from random import Random

import polars as pl
import pytest
from hypothesis import settings
from judged_delivery import PLACE, SITE, judge_mapped, wrap_texts
from oracle.edited_hospital import draw_hospital, join_hospitals
from oracle.hospitals import make_hospital

from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT, UNIT_SUFFIX
from schemas.contract import read_contract, read_key
from schemas.derived_columns import DERIVED_COLUMNS
from schemas.requirements import list_requirements
from schemas.tables import TABLES
from schemas.units import LAB_RANGES

UNITS = {test: limits.unit for test, limits in LAB_RANGES.items()}
LIVER = ("bilirubin_umol_l", "albumin_g_l", "inr", "pt_prolongation_s")
TIMES = {
    "outcome": ("last_contact_date", "death_date", "overall_survival_days", "vital_status", "patient_id"),
    "treatment": ("start_date", "line_number", "end_date", "stop_reason", "drug"),
    "patient": ("patient_id", None),
}
"""Where the days and the arm stand; a record that is not there is asked about at the patient."""
ASKED_AT = {
    "i1_primary_unresectable_hcc": {"patient": ("is_unresectable", "tumour_type", "diagnosis_basis")},
    "i2_bclc_c_with_metastasis": {"baseline": ("bclc_stage", "has_extrahepatic_metastasis"), "patient": (None,)},
    "i3_liver_function_and_ecog": {
        "baseline": ("child_pugh_class", "ascites", "encephalopathy_grade", "ecog_status"), "laboratory": LIVER, "patient": (None,),
    },
    "i4_no_other_malignancy": {"patient": ("has_other_malignancy",)},
    "e1_not_recurrent": {"patient": ("is_recurrent",)},
    "e2_age_18_to_75": {"patient": ("birth_date", "age_years", None), "treatment": ("start_date", "line_number")},
    "e3_no_vena_cava_or_atrium_tumour": {"baseline": ("has_vena_cava_or_atrium_tumour", "pvtt_text"), "patient": (None,)},
    "e5_followed_3_months": TIMES,
    "x1_treated_3_months": TIMES,
    "arm_is_compared": TIMES,
    "start_in_enrolment_window": TIMES,
}  # fmt: skip
ORDER = list(ASKED_AT)
BEFORE_E4 = ORDER[:7]
TABLES_LEFT_OUT = (
    (),
    (),
    ("laboratory",),
    ("metastasis", "procedure"),
    ("lesion", "response"),
    ("baseline",),
    ("outcome",),
    ("treatment",),
)
BATCH = 250 if settings().max_examples > 1000 else 60


def write_cell(table, name, row):
    """A value as text, a laboratory value with its sign."""
    value = row.get(name)
    if (table, name) == ("laboratory", "value"):
        sign = row.get("value_comparator")
        if sign == "not_detected":
            return "未检出"
        return None if value is None else f"{'' if sign in (None, '=') else sign}{value!r}"
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:g}" if isinstance(value, float) and value == int(value) else str(value)


def make_mapped(hospital, random, left_out):
    """The hospital's records as mapping hands them over, without some columns, a few cells not readable, rows shuffled."""
    columns, texts = [], {}
    for group, (table, model) in enumerate(TABLES.items(), start=1):
        contract = read_contract(model)
        names = [name for name, spec in contract.items() if not spec.is_made]
        is_poor = random.random() < 0.4
        sent = [n for n in names if n in read_key(model) or not is_poor or random.random() < 0.8]
        is_sent = table not in left_out
        columns += [(group, name, name) for name in sent if is_sent]
        rows = []
        for row in hospital[table] if is_sent else ():
            cells = {name: write_cell(table, name, row) for name in sent}
            for name in sent:
                if name not in read_key(model) and random.random() < 0.01:
                    cells[name] = random.choice(("", "xyz", "1900-01-01"))
            own = {"source_file": table, GROUP: group, PATIENT_TEXT: row["patient_id"], PERSON_TEXT: None}
            if table == "laboratory":
                own["value" + UNIT_SUFFIX] = UNITS.get(row.get("test"))
            rows.append({**own, **cells})
        random.shuffle(rows)
        numbered = [{**row, "source_row": number} for number, row in enumerate(rows, start=2)]
        schema = dict.fromkeys((*PLACE, PATIENT_TEXT, PERSON_TEXT, GROUP, *names), pl.String) | {
            "source_row": pl.Int64,
            GROUP: pl.Int64,
        }
        if table == "laboratory":
            schema["value" + UNIT_SUFFIX] = pl.String
        texts[table] = pl.DataFrame(numbered, schema=schema)
    return wrap_texts(texts, columns)


def judge(seed):
    """A batch of patients: half of them around every cut-point, half correct but for some edits."""
    random = Random(seed)
    left_out = TABLES_LEFT_OUT[seed % len(TABLES_LEFT_OUT)]
    hospital = make_hospital(seed, patients=BATCH // 2)
    edited = join_hospitals(draw_hospital(random) for _ in range(BATCH // 4))
    joined = {table: [*hospital[table], *edited[table]] for table in TABLES}
    mapped = make_mapped(joined, random, left_out)
    return judge_mapped(mapped, SITE, tables=TABLES.keys() - set(left_out))


def find_unasked(validated):
    """(patient, what is unknown) of which nothing asks the hospital; and how many unknown answers there were."""
    asked, verdicts = list_asked(validated), {}
    for row in validated.derived["eligibility"].iter_rows(named=True):
        verdicts.setdefault(row["patient_id"], {})[row["criterion_id"]] = row["is_met"]
    unknown = [(patient, step) for patient, own in verdicts.items() for step in list_unknown(own)]
    return [
        (patient, step)
        for patient, step in unknown
        if not any(is_about(step, *each) for each in asked.get(patient, []))
    ], len(unknown)


def list_asked(validated):
    """Of each patient the rules that ask and where; of the laboratory the test stands for the field. A note asks nothing."""
    tests = {
        (row["patient_id"], row["source_row"]): row["test"]
        for row in validated.tables["laboratory"].iter_rows(named=True)
    }
    asked = {}
    for row in validated.findings.filter(pl.col("severity") != "note").iter_rows(named=True):
        field = row["field"]
        if row["table_name"] == "laboratory":
            field = tests.get((row["patient_id"], row["source_row"]))
        asked.setdefault(row["patient_id"], []).append((row["rule_id"], row["table_name"], field))
    return asked


def list_unknown(verdicts):
    """The criteria without an answer, and E4 where it is the step at which the patient leaves."""
    unknown = [step for step in ORDER if verdicts[step] is None]
    leaves = verdicts["e4_complete_data"] is False and not any(verdicts[step] is False for step in BEFORE_E4)
    return [*unknown, *(["e4_complete_data"] if leaves else [])]


def is_about(step, rule, table, field):
    """Whether a question is about what is unknown: at its field, or about all that the hospital does not send. E4: about anything."""
    return step == "e4_complete_data" or rule == "study.not_sent" or field in ASKED_AT[step].get(table, ())


# All deliveries once that lack a table, with a few hundred patients; by `make nightly` 10,000 patients.
N_BATCHES = max(settings().max_examples // BATCH, len(TABLES_LEFT_OUT))


@pytest.mark.parametrize("seed", range(N_BATCHES))
def test_nobody_leaves_unasked(seed):
    unasked, n_unknown = find_unasked(judge(seed))
    assert n_unknown > BATCH // 4, "so few unknown answers show too little"
    assert unasked == []


def test_every_characteristic_is_required():
    levels = {name for name in DERIVED_COLUMNS["subject"] if name.endswith("_level")}
    required = {requirement.name for requirement in list_requirements()}
    assert levels - required == {"age_level"}, "write where it stands in `_LEVELS` of schemas/requirements.py"


def test_one_empty_cell_is_asked_about_once():
    """What the contract asks for already is not asked for again."""
    validated = judge(0)
    places = validated.findings.filter(pl.col("rule_id").str.ends_with(".missing")).select(
        "patient_id", "table_name", "field"
    )
    again = validated.findings.filter(pl.col("rule_id").str.starts_with("study."), pl.col("field").is_not_null())
    assert again.join(places, on=["patient_id", "table_name", "field"], how="semi").is_empty()
