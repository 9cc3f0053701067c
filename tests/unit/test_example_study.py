"""The example study's generator: the same bytes every run, the published margins, every exclusion, honest identifiers."""

import csv
import hashlib
import math
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from etl.example import write_example
from etl.example.chinese import WORDS
from etl.example.cohort import draw_patients
from etl.example.grading import find_graded_value
from etl.example.model import ELIGIBLE, HOSPITALS, MARKER, SyntheticPatient
from etl.example.unusual import SITUATIONS
from etl.mapping.read_site import load_site
from etl.mapping.site import normalise_code
from etl.settings import PACKAGE_SITES
from schemas.definitions.study_period import FOLLOW_UP_CLOSE

ROOT = Path(__file__).parents[2]
MARGINS = ROOT / "etl" / "example" / "table1_margins.csv"
PUBLISHED = ROOT / "analysis" / "studies" / "len_vs_sora" / "published" / "table1.csv"
ARMS = ("sora_pd1", "len_pd1")


@pytest.fixture(scope="module")
def patients() -> list[SyntheticPatient]:
    return draw_patients()


@pytest.fixture(scope="module")
def analysed(patients: list[SyntheticPatient]) -> list[SyntheticPatient]:
    return [patient for patient in patients if patient.reason == ELIGIBLE]


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "extracts"
    write_example(folder)
    return folder


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def compute_age(patient: SyntheticPatient) -> int:
    born = patient.facts["birth_date"]
    return patient.start.year - born.year - ((patient.start.month, patient.start.day) < (born.month, born.day))


def number(value: float | str | None) -> float:
    """What Table 1 compares with its cut-points: a bound counts as the bound, nothing found as 0."""
    if isinstance(value, str):
        return 0.0 if value == "not_detected" else float(value[1:]) + (0.1 if value[0] == ">" else -0.1)
    return value or 0.0


def albi_grade(facts: dict) -> str:
    score = 0.66 * math.log10(facts["bilirubin_umol_l"]) - 0.085 * facts["albumin_g_l"]
    return "Grade 1" if score <= -2.60 else "Grade 2" if score <= -1.39 else "Grade 3"


def cut(value: float, limit: int) -> str:
    return f"<={limit}" if value <= limit else f">{limit}"


def levels_of(patient: SyntheticPatient) -> dict[str, str]:
    """Read the 17 characteristics off the values themselves, by the protocol's cut-points."""
    facts = patient.facts
    organs = set(facts["organs"])
    thrombus = {"0": "No", "I": "I-II", "II": "I-II", "III": "III-IV", "IV": "III-IV"}
    yes_no = {True: "Yes", False: "No"}
    return {
        "Age (years)": cut(compute_age(patient), 60),
        "Sex": facts["sex"].capitalize(),
        "ALT (U/L)": cut(facts["alt_u_l"], 40),
        "AST (U/L)": cut(facts["ast_u_l"], 40),
        "TACE": yes_no[facts["has_tace"]],
        "Tumor size (cm)": cut(facts["tumour_size_cm"], 10),
        "Tumor number": cut(facts["tumour_number"], 3),
        "AFP (ng/mL)": cut(number(facts["afp_ng_ml"]), 400),
        "PVTT type": thrombus[facts["pvtt_type"]],
        "ALBI grade": albi_grade(facts),
        "Metastasis organs": "Lung"
        if organs == {"lung"}
        else "Lung + other organs"
        if "lung" in organs
        else "Other organs",
        "Metastasis sites": cut(sum(facts["organs"].values()), 5),
        "HBsAg": facts["hbsag"].capitalize(),
        "HBV DNA (IU/mL)": cut(number(facts["hbv_dna_iu_ml"]), 2000),
        "Antiviral therapy": yes_no[facts["has_antiviral_therapy"]],
        "Cirrhosis": yes_no[facts["has_cirrhosis"]],
        "Portal hypertension": yes_no[facts["has_portal_hypertension"]],
    }


@pytest.mark.parametrize("hospital", ["nanfang", "hunan"])
def test_every_word_a_hospital_may_write_is_in_its_mapping(hospital: str) -> None:
    site = load_site(PACKAGE_SITES / hospital)
    mapped = {(column.table, column.field) for column in site.columns if column.role == "field"} & set(WORDS)
    assert len(mapped) >= 10
    for place in mapped:
        known = site.codes[place]
        assert {code: known.get(normalise_code(word), normalise_code(word)) for code, word in WORDS[place].items()} == {
            code: code for code in WORDS[place]
        }


def test_two_writes_are_the_same_bytes(extracts: Path, tmp_path: Path) -> None:
    write_example(tmp_path / "extracts")
    again = digest(tmp_path)
    assert again == digest(extracts.parent)
    assert {name.split("/")[0] for name in again} == {"extracts", "ledger.csv"}
    assert len(again) == 1 + 1 + 8 + 2  # ledger, workbook, Hunan's files, export with dictionary


def test_another_seed_gives_other_patients() -> None:
    assert [p.facts["albumin_g_l"] for p in draw_patients(1)] != [p.facts["albumin_g_l"] for p in draw_patients(2)]


def test_values_have_exactly_the_published_margins(analysed: list[SyntheticPatient]) -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    for patient in analysed:
        counts.update((patient.arm, name, level) for name, level in levels_of(patient).items())
    with MARGINS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {(arm, row["characteristic"], row["level"]): int(row[arm]) for row in rows for arm in ARMS}
    assert len({row["characteristic"] for row in rows}) == 17
    assert dict(counts) == wanted


def test_margins_are_the_published_ones() -> None:
    with PUBLISHED.open(encoding="utf-8") as file:
        published = [(r["characteristic"], r["level"], r["sora_all_n"], r["len_all_n"]) for r in csv.DictReader(file)]
    with MARGINS.open(encoding="utf-8") as file:
        own = [(r["characteristic"], r["level"], r["sora_pd1"], r["len_pd1"]) for r in csv.DictReader(file)]
    assert own == published


def test_229_are_analysed_over_three_hospitals(analysed: list[SyntheticPatient]) -> None:
    assert Counter(p.arm for p in analysed) == {"sora_pd1": 127, "len_pd1": 102}
    assert min(Counter((p.hospital, p.arm) for p in analysed).values()) >= 20
    assert len({p.hospital for p in analysed}) == 3


def test_every_reason_for_exclusion_is_there_several_times(patients: list[SyntheticPatient]) -> None:
    reasons = Counter(p.reason for p in patients)
    assert 550 <= len(patients) <= 580
    assert reasons.pop("seen_elsewhere") == 2
    assert set(reasons) == {
        ELIGIBLE, "not_hcc", "resectable", "diagnosis_not_accepted", "no_metastasis", "child_pugh_c", "ecog_above_0",
        "other_malignancy", "recurrent", "under_18", "over_75", "vena_cava_or_atrium", "incomplete", "lost_early",
        "treated_briefly", "other_regimen", "before_window", "after_window",
    }  # fmt: skip
    assert min(reasons.values()) >= 3


def test_the_excluded_fail_their_criterion(patients: list[SyntheticPatient]) -> None:
    by_reason: dict[str, list[SyntheticPatient]] = {}
    for patient in patients:
        by_reason.setdefault(patient.reason, []).append(patient)
    assert all(compute_age(p) < 18 for p in by_reason["under_18"])
    assert all(compute_age(p) > 75 for p in by_reason["over_75"])
    assert max(compute_age(p) for p in by_reason[ELIGIBLE]) == 75
    assert all(p.course.last_contact_days < 91.3 and not p.course.is_dead for p in by_reason["lost_early"])
    assert all(p.start < date(2019, 1, 1) for p in by_reason["before_window"])
    assert all(p.start > date(2021, 12, 31) for p in by_reason["after_window"])
    brief = by_reason["treated_briefly"]
    assert all(p.course.treatment_days < 91 for p in brief)
    for arm in ARMS:
        assert sum(p.arm == arm for p in brief) >= 10
        assert any(p.arm == arm and p.course.is_dead for p in brief)


def test_the_course_of_the_analysed(analysed: list[SyntheticPatient]) -> None:
    outcomes = [p.records["outcome"][0] for p in analysed]
    deaths = [o for o in outcomes if o["death_date"] is not None and o["death_date"] <= FOLLOW_UP_CLOSE]
    assert 160 <= len(deaths) <= 180
    assert any(o["last_contact_date"] > FOLLOW_UP_CLOSE for o in outcomes)
    months = {arm: [p.course.treatment_days * 12 / 365.25 for p in analysed if p.arm == arm] for arm in ARMS}
    assert sum(months["sora_pd1"]) / 127 == pytest.approx(6.2, abs=0.4)
    assert sum(months["len_pd1"]) / 102 == pytest.approx(7.5, abs=0.4)
    assert min(map(min, months.values())) >= 4.0
    assert max(months["sora_pd1"]) <= 12.0
    assert max(months["len_pd1"]) <= 20.0
    assert all(p.course.last_contact_days >= 122 for p in analysed)
    assert {p.course.visit_gap_days for p in analysed} == set(range(42, 57))


def test_accrual_rises_linearly(analysed: list[SyntheticPatient]) -> None:
    # A density that rises linearly from 0 over three years puts 1/9, 3/9 and 5/9 of the patients into them.
    by_year = Counter(p.start.year for p in analysed)
    assert [round(by_year[year] / 229 * 9) for year in (2019, 2020, 2021)] == [1, 3, 5]


def test_all_patients_with_albi_grade_3_are_class_b(analysed: list[SyntheticPatient]) -> None:
    third = [p.facts["child_pugh_class"] for p in analysed if albi_grade(p.facts) == "Grade 3"]
    assert third == ["B"] * 33


def test_no_identifier_can_belong_to_anybody(patients: list[SyntheticPatient]) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    for patient in patients:
        identity = patient.known_identity
        digits = [int(digit) for digit in identity.national_id[:17]]
        # GB 11643-1999: the check digit is looked up by the weighted sum modulo 11.
        assert "10X98765432"[sum(w * d for w, d in zip(weights, digits, strict=True)) % 11] == identity.national_id[17]
        assert identity.national_id.startswith("999999")  # no province begins with 99
        assert identity.telephone.startswith("000-")
    shared = [n for n, times in Counter(p.known_identity.national_id for p in patients).items() if times > 1]
    assert len(shared) == 2


def test_national_ids_agree_with_birth_date_and_sex(patients: list[SyntheticPatient]) -> None:
    # GB 11643-1999: digits 7-14 are the date of birth, the seventeenth is odd for men.
    for patient in patients:
        number = patient.known_identity.national_id
        assert number[6:14] == patient.facts["birth_date"].strftime("%Y%m%d")
        assert int(number[16]) % 2 == (patient.facts["sex"] == "male")


def test_what_is_unusual_and_right_lies_in_patients_who_are_not_analysed(patients: list[SyntheticPatient]) -> None:
    situations = Counter(p.situation for p in patients if p.situation)
    assert set(situations) == {situation.name for situation in SITUATIONS}
    assert set(situations.values()) == {1}
    assert not any(p.situation for p in patients if p.reason == ELIGIBLE)


@pytest.mark.parametrize(
    ("version", "test", "baseline", "grade", "value"),
    [  # CTCAE 4.03: ALT 5-20 x 40 U/L is grade 3; 5.0 with a baseline of 100: > 3-5 x 100 is grade 2
        ("4.03", "alt_u_l", 100.0, 3, 400.0),
        ("5.0", "alt_u_l", 100.0, 2, 400.0),
        ("5.0", "alt_u_l", 30.0, 2, 160.0),
        ("5.0", "bilirubin_umol_l", 12.0, 1, 21.4),  # > 1-1.5 x 17.1 umol/L
        ("5.0", "platelets_10e9_l", 180.0, 3, 40.0),  # 25-50 x 10^9/L
    ],
)
def test_a_value_beside_an_event_has_its_grade(
    patients: list[SyntheticPatient], version: str, test: str, baseline: float, grade: int, value: float
) -> None:
    terms = {
        "alt_u_l": "alt_increased",
        "bilirubin_umol_l": "bilirubin_increased",
        "platelets_10e9_l": "platelets_decreased",
    }
    day = date(2020, 5, 10)
    event = {"term": terms[test], "grade": grade, "onset_date": date(2020, 5, 12), "ctcae_version": version}
    patient = replace(patients[0], facts={test: baseline}, records={"adverse_event": [event]})
    assert find_graded_value(patient, test, day) == value
    assert find_graded_value(patient, test, date(2020, 5, 16)) is None


def test_every_file_says_that_it_is_synthetic(extracts: Path) -> None:
    paths = [path for path in extracts.parent.rglob("*") if path.is_file()]
    for path in paths:
        if path.suffix == ".xlsx":
            book = CalamineWorkbook.from_path(str(path))
            for sheet in book.sheet_names:
                assert any(MARKER in str(cell) for row in book.get_sheet_by_name(sheet).to_python() for cell in row), (
                    sheet
                )
        else:
            assert MARKER in path.read_bytes().decode("gb18030" if "hunan" in path.parts else "utf-8"), path
    export = next((extracts / "sysu").rglob("*export.csv")).read_text(encoding="utf-8-sig")
    assert all(MARKER in line for line in export.splitlines()[1:])


def test_ledger_is_large_and_varied(extracts: Path) -> None:
    with (extracts.parent / "ledger.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == [
        "hospital", "file", "sheet", "row", "column", "kind", "expected_rule", "consequence_rules", "data_origin",
    ]  # fmt: skip
    assert len(lines) >= 300
    assert len({line["kind"] for line in lines}) >= 100
    assert {line["hospital"] for line in lines} == set(HOSPITALS)
    assert all(int(line["row"]) > 1 for line in lines)
