"""The oracle of tumour assessments and progression against patients worked by hand, each for one of the protocol's sentences.

Day 0 is the start of therapy. SYNTHETIC EXAMPLE DATA.
"""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from clinical_tables import make_case, make_frame
from oracle.definition_oracle_subject import derive_by_oracle
from oracle.hospitals import to_frames
from oracle.test_definition_oracle import KEYS, find_differences

from schemas.derive import derive
from schemas.tables import TABLES

START = date(2020, 3, 1)
CLINICAL_CASES = Path(__file__).parents[3] / "shared" / "cases" / "clinical.csv"
NAMES = {
    "lesion": ("visit_number", "lesion_id", "role", "organ", "status", "diameter_mm"),
    "response": ("visit_number", "has_new_lesion", "recorded_response", "target_sum_mm"),
    "procedure": ("procedure_number", "procedure", "lesion_id"),
}
DATES = {"lesion": "assessment_date", "response": "assessment_date", "procedure": "procedure_date"}
KNOWN = {
    "lesion": {"reader": "site"},
    "response": {"reader": "site", "criteria": "recist_1_1"},
    "procedure": {},
}


def read_course(text, lesion_number=0, outcome=""):
    """A patient's records by table; each line is a table's name, the day, and the fields of `NAMES`, `-` for none."""
    rows = {name: [] for name in NAMES}
    for line in text.strip().splitlines():
        table, day, *fields = line.split()
        extra = dict(field.split("=") for field in fields if "=" in field)
        values = [None if field == "-" else field for field in fields if "=" not in field]
        dated = {} if day == "-" else {DATES[table]: (START + timedelta(days=int(day))).isoformat()}
        named = dict(zip(NAMES[table], values, strict=False))
        rows[table].append(KNOWN[table] | dated | named | extra)
    rows["baseline"] = [{"tumour_number": str(lesion_number), "metastasis_site_number": "0"}]
    rows["treatment"] = [
        {"line_number": "1", "drug": drug, "start_date": START.isoformat()} for drug in ("lenvatinib", "sintilimab")
    ]
    dated = {"last_contact_date": (START + timedelta(days=600)).isoformat(), "vital_status": "alive"}
    stated = dict(field.split("=") for field in outcome.split())
    if "day" in stated:
        stated["progression_date"] = (START + timedelta(days=int(stated.pop("day")))).isoformat()
    rows["outcome"] = [dated | stated]
    rows["patient"] = [{}]
    return {name: make_frame(name, rows.get(name, [])).to_dicts() for name in TABLES}


def tell(hospital, **options):
    """The subject's row, and what counts at each follow-up in order: visit, response, source, day of the progression."""
    derived = derive_by_oracle(hospital, frozenset(TABLES), **options)
    visits = [row for row in derived["assessment"].values() if row["imaging_days"] is None or row["imaging_days"] > 0]
    said = []
    for row in visits:
        day = "" if row["imaging_progression_days"] is None else f"@{row['imaging_progression_days']:.0f}"
        said.append(f"{row['visit_number']} {row['response']}{day} {row['response_source']}")
    return derived["subject"]["p1"], ", ".join(said)


T1 = "lesion -10 0 T1 target liver measured 50\n"
N1 = "lesion -10 0 N1 non_target bone present\n"
CLEARED = (
    "lesion -9 0 T1 target liver measured 50\nlesion 50 1 T1 target liver absent\nresponse 50 1 no -\n"
    "lesion 100 2 T1 target liver absent\nresponse 100 2 no -\n"
).replace(" no ", " false ")

VISITS = {
    "the last image of each lesion up to day 0 is the baseline": (
        "lesion -40 0 T1 target liver measured 100\nlesion -5 1 T1 target liver measured 50\nlesion 60 2 T1 target liver measured 60",
        "2 PD@60 targets",
    ),
    "an image before day -42 is left out where others are recent": (
        f"lesion -43 0 T2 target liver measured 100\n{T1}lesion 60 2 T1 target liver measured 50\nlesion 60 2 T2 target liver measured 200",
        "2 SD targets",
    ),
    "where only older images exist nothing is derived": (
        "lesion -43 0 T1 target liver measured 50\nlesion 60 1 T1 target liver measured 90\nresponse 60 1 - SD",
        "1 SD recorded_response",
    ),
    "an image after day 0 is never baseline, whatever its number": (
        "lesion -50 0 X1 non_target bone present\nlesion 2 0 T1 target liver measured 50\nresponse 2 0 - SD\n",
        "0 SD recorded_response",
    ),
    "dates order visits: the nadir of 30 is before the 40": (
        f"{T1}lesion 120 1 T1 target liver measured 40\nlesion 60 2 T1 target liver measured 30",
        "2 PR targets, 1 PD@120 targets",
    ),
    "the last image of the targets whose sum shows it": (
        f"{T1}lesion -10 0 T2 target lung measured 50\nlesion 60 1 T1 target liver measured 80\nlesion 66 1 T2 target lung measured 50",
        "1 PD@66 targets",
    ),
    "the earliest image that suffices alone": (
        f"{T1}lesion 60 1 T1 target liver measured 80\nlesion 58 1 X1 new brain present",
        "1 PD@58 complete_list",
    ),
    "a target CR alone stands in as PR": (f"{T1}lesion 60 1 T1 target liver absent", "1 PR targets"),
    "no more lesions than targets, and no new one: the list is complete": (
        f"{T1}lesion 60 1 T1 target liver absent\nresponse 60 1 false PR",
        "1 CR complete_list",
    ),
    "a complete list sets a recorded PD aside": (
        f"{T1}{N1}lesion 60 1 T1 target liver measured 50\nlesion 60 1 N1 non_target bone present\nresponse 60 1 false PD",
        "1 SD complete_list",
    ),
    "a non-target that is not evaluated does not": (
        f"{T1}{N1}lesion 60 1 T1 target liver measured 50\nlesion 60 1 N1 non_target bone not_assessed\nresponse 60 1 false PD",
        "1 PD@60 recorded_response",
    ),
    "nor does a list without a word on new lesions": (
        f"{T1}{N1}lesion 60 1 T1 target liver measured 50\nlesion 60 1 N1 non_target bone present\nresponse 62 1 - PD",
        "1 PD@62 recorded_response",
    ),
    "TACE before the baseline: no target unless grown since": (
        f"lesion -10 0 T1 target liver measured 50 is_tace_treated=true\n{T1.replace('T1', 'T2')}"
        "lesion 60 1 T1 target liver measured 90\nlesion 60 1 T2 target liver measured 50",
        "1 SD targets",
    ),
    "a new lesion that is equivocal and never confirmed": (
        f"{T1}lesion 60 1 T1 target liver measured 50\nlesion 60 1 X1 new lung equivocal",
        "1 SD targets",
    ),
    "once confirmed, the visit of its first image is PD": (
        f"{T1}lesion 60 1 T1 target liver measured 50\nlesion 61 1 X1 new lung equivocal\nlesion 120 2 X1 new lung present",
        "1 PD@61 new_lesion, 2 PD@120 new_lesion",
    ),
    "by a record in whatever role": (
        f"{T1}lesion 60 1 T1 target liver measured 50\nlesion 61 1 X1 new lung equivocal\nlesion 120 2 X1 - lung present",
        "1 PD@61 new_lesion, 2 NE targets",
    ),
    "fragments are added up": (
        f"{T1}lesion 60 1 T1 target liver measured 40\nlesion 60 1 T1b new liver measured 20 split_from_lesion_id=T1",
        "1 PD@60 targets",
    ),
    "merged lesions are measured as one": (
        f"{T1}{T1.replace('T1', 'T2')}lesion 60 1 T1 target liver measured 60\n"
        "lesion 60 1 T2 target liver merged merged_into_lesion_id=T1",
        "1 PR targets",
    ),
    "what has merged is gone only if the other is, as that one is gone": (
        "lesion -10 0 T1 target lymph_node measured 20\nlesion 60 1 T1 target lymph_node merged merged_into_lesion_id=X1\n"
        "lesion 60 1 X1 new liver equivocal 9\nresponse 60 1 false -",
        "1 PR complete_list",
    ),
    "after a CR a new node of 12 mm is equivocal, and PD once it is still there": (
        f"{CLEARED}lesion 101 2 X1 new lymph_node measured 12\nlesion 150 3 T1 target liver absent\nlesion 150 3 X1 new lymph_node measured 10",
        "1 CR complete_list, 2 PD@101 complete_list, 3 PD@150 complete_list",
    ),
    "and none where it is smaller": (
        f"{CLEARED}lesion 101 2 X1 new lymph_node measured 12\nlesion 150 3 T1 target liver absent\nlesion 150 3 X1 new lymph_node measured 9.9",
        "1 CR complete_list, 2 CR complete_list, 3 PR targets",
    ),
    "a new node of 15 mm is PD": (
        f"{CLEARED}lesion 101 2 X1 new lymph_node measured 15",
        "1 CR complete_list, 2 PD@101 complete_list",
    ),
    "after a CR a lesion of any size that is back is PD": (
        CLEARED.replace("100 2 T1 target liver absent", "100 2 T1 target liver measured 3"),
        "1 CR complete_list, 2 PD@100 complete_list",
    ),
    "once it is PD, what is there is not back again": (
        f"{CLEARED.replace('100 2 T1 target liver absent', '100 2 T1 target liver measured 3')}lesion 150 3 T1 target liver measured 3",
        "1 CR complete_list, 2 PD@100 complete_list, 3 PR targets",
    ),
    "an equivocal node sets no recorded PD aside": (
        f"{CLEARED.replace('100 2 false -', '100 2 false PD')}lesion 101 2 X1 new lymph_node measured 12",
        "1 CR complete_list, 2 PD@100 recorded_response",
    ),
    "a target that a named procedure treated": (
        f"{T1}procedure 40 1 ablation T1\nlesion 60 1 T1 target liver measured 45\nlesion 120 2 T1 target liver measured 45\nresponse 120 2 false PR",
        "1 NE targets, 2 NE complete_list",
    ),
    "a procedure without a name touches what is 30 % smaller": (
        f"{T1}{T1.replace('T1', 'T2')}procedure 60 1 radiotherapy -\n"
        "lesion 60 1 T1 target liver measured 35\nlesion 60 1 T2 target liver measured 50",
        "1 NE targets",
    ),
    "and nothing where nothing is": (
        f"{T1}procedure 60 1 radiotherapy -\nlesion 60 1 T1 target liver measured 35.1",
        "1 SD targets",
    ),
    "and nothing on or before the baseline image or after the visit": (
        f"{T1}procedure -10 1 resection -\nprocedure 61 2 resection -\nlesion 60 1 T1 target liver absent",
        "1 PR targets",
    ),
    "the image of the target decides, not that of the visit": (
        f"{T1}{T1.replace('T1', 'T2')}procedure 63 1 ablation -\nlesion 60 1 T1 target liver measured 30\n"
        "lesion 66 1 T2 target liver measured 50\nlesion 120 2 T1 target liver measured 30\nlesion 120 2 T2 target liver measured 50",
        "1 SD targets, 2 SD targets",
    ),
    "what has merged was not treated": (
        f"{T1}{T1.replace('T1', 'T2')}procedure 40 1 ablation -\nlesion 60 1 T1 target liver measured 60\n"
        "lesion 60 1 T2 target liver merged merged_into_lesion_id=T1",
        "1 PR targets",
    ),
    "once treated, also at a visit without a date": (
        f"{T1}procedure 40 1 ablation T1\nlesion 60 1 T1 target liver measured 45\nlesion - 2 T1 target liver measured 30",
        "1 NE targets, 2 NE targets",
    ),
    "where only days are sent, these date the image": (
        f"{T1}procedure 45 1 ablation T1\nlesion - 1 T1 target liver measured 45\nresponse - 1 - - assessment_days=60",
        "1 NE targets",
    ),
    "an image before the baseline is no smallest size": (
        f"lesion -60 1 T1 target liver absent\n{T1}procedure 40 1 ablation T1\nlesion 60 2 T1 target liver measured 45",
        "2 NE targets",
    ),
    "a sum that holds a treated target shows nothing but PD": (
        f"{T1}procedure 40 1 ablation T1\nresponse 60 1 - - 30\nresponse 120 2 - - 60",
        "1 NE target_sum, 2 PD@120 target_sum",
    ),
    "the others' sum against the nadir of all": (
        f"{T1}{T1.replace('T1', 'T2')}procedure 40 1 resection T1\nlesion 60 1 T1 target liver absent\nlesion 60 1 T2 target liver measured 119\n"
        "lesion 120 2 T2 target liver measured 120",
        "1 NE targets, 2 PD@120 targets",
    ),
    "the treated lesion itself": (
        f"{T1}procedure 40 1 ablation T1\nlesion 60 1 T1 target liver measured 30\nlesion 120 2 T1 target liver measured 36",
        "1 NE targets, 2 PD@120 targets",
    ),
    "sums give the target response": (
        "response -10 0 - - 50\nresponse 60 1 false - 35\nresponse 120 2 - PD 36\nresponse 180 3 - SD 42",
        "1 PR target_sum, 2 PD@120 recorded_response, 3 PD@180 target_sum",
    ),
    "has_new_lesion alone is PD": ("response -10 0 - -\nresponse 60 1 true SD", "1 PD@60 new_lesion"),
}


@pytest.mark.parametrize("name", VISITS)
def test_visits(name):
    text, expected = VISITS[name]
    lesion_number = 1 if "complete_list" in expected else 99
    assert tell(read_course(text, lesion_number))[1] == expected


@pytest.mark.parametrize("name", VISITS)
def test_the_definitions_say_of_these_patients_what_the_oracle_says(name):
    hospital = read_course(VISITS[name][0], 99)
    derived, expected = derive(to_frames(hospital), sent=TABLES), derive_by_oracle(hospital, frozenset(TABLES))
    assert [line for frame in KEYS for line in find_differences(frame, derived[frame], expected[frame])] == []


SIX = "".join(
    f"lesion -10 0 T{n} target {organ} measured 20\nlesion 60 1 T{n} target {organ} measured {size}\n"
    for n, organ, size in (
        (1, "liver", 20), (2, "liver", 20), (3, "liver", 90), (4, "lung", 20), (5, "other", 20), (6, "other", 20), (7, "other", 90)
    )
)  # fmt: skip


def test_more_than_five_targets():
    """The third of the liver and the sixth that is left are non-targets: they grow and the sum does not."""
    subject, said = tell(read_course(SIX, 99))
    assert said == "1 SD targets"
    assert subject["best_change_percent"] == 0


SHOWN = (
    f"{T1}{N1}lesion 60 1 T1 target liver measured 50\nresponse 60 1 - SD\nlesion 100 2 T1 target liver measured 90\n"
)
REFUTED = (
    f"{T1}{N1}lesion 60 1 T1 target liver measured 50\nresponse 60 1 - SD\n"
    "lesion 100 2 T1 target liver measured 50\nlesion 100 2 N1 non_target bone present\nresponse 100 2 false -"
)
PROGRESSIONS = [
    (SHOWN, "has_progressed=true day=72", "100 targets"),
    (SHOWN, "has_progressed=true day=71", "71 outcome"),
    (SHOWN, "has_progressed=true day=128", "100 targets"),
    (SHOWN, "has_progressed=true day=129", "100 targets"),
    (SHOWN, "progression_basis=clinical day=71", "71 clinical"),
    (SHOWN, "has_progressed=false day=71", "100 targets"),
    (SHOWN, "has_progressed=true progression_days=71", "71 outcome"),
    (SHOWN, "has_progressed=true", "100 targets"),
    (REFUTED, "has_progressed=true day=70", "censored"),
    (REFUTED, "has_progressed=true day=100", "censored"),
    (REFUTED, "has_progressed=true day=101", "101 outcome"),
    (REFUTED, "has_progressed=true progression_basis=clinical day=70", "70 clinical"),
    (REFUTED, "has_progressed=true", "unknown"),
    (T1, "has_progressed=true day=0", "unknown"),
    (f"{T1}response - 1 - PD", "", "unknown"),
    (f"{T1}response - 1 - PD", "has_progressed=true day=90", "90 outcome"),
    (f"{T1}response - 1 - PD\nresponse 100 2 - PD", "", "unknown"),
    (f"{T1}response 50 1 - PD\nresponse - 2 - PD", "", "50 recorded_response"),
]


@pytest.mark.parametrize(("text", "outcome", "expected"), PROGRESSIONS)
def test_first_progression(text, outcome, expected):
    subject, _ = tell(read_course(text, 99, outcome))
    if expected == "unknown":
        assert subject["pfs_days"] is None
    elif expected == "censored":
        assert (subject["pfs_days"], subject["pfs_event"]) == (600, False)
    else:
        assert f"{subject['pfs_days']:.0f} {subject['first_progression_source']}" == expected


def test_responses_at_three_months_and_up_to_the_first_progression():
    text = f"{T1}response 65 1 - PR\nresponse 91 2 - NE\nresponse 117 3 - SD\nresponse 180 4 - CR"
    subject, _ = tell(read_course(text, 99))
    assert [subject[f"response_{n}_months"] for n in (3, 6)] == ["SD", "CR"]
    assert subject["best_response"] == "CR"
    progressed, _ = tell(read_course(text, 99, "has_progressed=true day=150"))
    assert [progressed[f"response_{n}_months"] for n in (3, 6)] == ["SD", "PD"]
    assert progressed["best_response"] == "PR"


def test_two_visits_of_one_day_and_what_follows_a_progression():
    twice, _ = tell(read_course(f"{T1}response 91 1 - SD\nresponse 91 2 - PR", 99))
    assert (twice["response_3_months"], twice["response_3_months_source"]) == ("PR", "recorded_response")
    after, _ = tell(read_course(f"{T1}response 100 1 - PD\nresponse - 2 - PR", 99, "has_progressed=true day=60"))
    assert (after["best_response"], after["first_progression_source"]) == (None, "outcome")


def test_progression_by_other_readings():
    text = f"{T1}response 50 1 - PD\nlesion 100 2 T1 target liver measured 90"
    subject, _ = tell(read_course(text, 99))
    assert [subject[f"pfs_{name}_days"] for name in ("images_only", "recorded_only", "mrecist")] == [100, 50, 50]
    undated, _ = tell(read_course(f"{T1}lesion - 1 T1 target liver measured 90", 99, "has_progressed=true day=90"))
    assert (undated["pfs_days"], undated["pfs_images_only_days"], undated["pfs_recorded_only_days"]) == (90, None, 600)
    drifting, _ = tell(read_course(f"{T1}response 60 1 - PR\nresponse 91 2 - SD", 99))
    assert (drifting["response_3_months"], drifting["response_3_months_ongoing"]) == ("SD", "PR")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (T1, (True, -10)),
        ("lesion -43 0 T1 target liver measured 50", (True, -43)),
        ("lesion -43 0 T1 target liver measured 50\nresponse -42 1 - -", (True, -42)),
        ("lesion 1 0 T1 target liver measured 50", (False, None)),
        ("lesion - 0 T1 target liver measured 50", (True, None)),
        (f"{T1}lesion 0 1 T2 target lung measured 20", (True, -10)),
    ],
)
def test_baseline_imaging(text, expected):
    subject, _ = tell(read_course(text, 99))
    day = subject["baseline_imaging_date"]
    assert (subject["has_baseline_imaging"], None if day is None else (day - START).days) == expected


CASES = {
    "P1": {"pfs_days": 101, "pfs_event": True, "first_progression_source": "recorded_response"},
    "P2": {"pfs_days": 45, "pfs_event": True, "response_3_months": "PD"},
    "P3n": {"pfs_days": 45, "pfs_event": True},
    "P6": {"pfs_days": 101, "pfs_event": True},
    "P8": {"first_progression_date": date(2020, 6, 24), "first_progression_source": "new_lesion"},
    "A48": {"pfs_days": 275, "pfs_event": False, "best_response": "PR", "response_3_months": "NE"},
    "A48b": {"best_response": "PR", "response_3_months": "NE"},
}


@pytest.mark.skipif(not CLINICAL_CASES.exists(), reason="the cases from outside lie beside the checkout, in ../shared")
@pytest.mark.parametrize("name", CASES)
def test_cases_from_outside(name):
    with CLINICAL_CASES.open(encoding="utf-8") as lines:
        edits = next(line["edits"] for line in csv.DictReader(lines) if line["case"] == name)
    hospital = {
        table: [row for row in frame.to_dicts() if row["patient_id"] == "p1"]
        for table, frame in make_case(edits).items()
    }
    subject, _ = tell(hospital)
    assert {column: subject[column] for column in CASES[name]} == CASES[name]
