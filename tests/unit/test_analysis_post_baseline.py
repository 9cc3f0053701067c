"""The post-baseline finder in the results: what it names, of how many patients, and what the report says of it."""

from dataclasses import replace

import polars as pl
import pytest
from clinical_tables import make_case

from analysis.run import compute_study
from analysis.study.at_start import AT_START, Item, derive_study_at_start, describe_moment, list_items
from analysis.study.read_spec import read_study
from analysis.study.results import Results
from analysis.study.spec import Sensitivity, StudySpec
from analysis.tables.post_baseline import build
from schemas.known_at_start import AFTER_START, NOTHING, REMOVED, UNDATED, Moment

SPEC = replace(
    read_study("len_vs_sora"), regression=None, subgroups=(), evaluations=(), evidence=(), response_alternatives=(),
    grade_bands=(), follow_up=None, courses=None, sensitivity=(),
)  # fmt: skip
N = 260


def make_at_start(subjects: pl.DataFrame, spec: StudySpec, removed: dict[str, dict[str, pl.Expr]]) -> pl.DataFrame:
    """What is asked of everybody, once with nothing removed and once for each removal, with the columns it changes."""
    columns = list(dict.fromkeys(name for item in list_items(spec) for name in item.columns))
    own = subjects.select("patient_id", *columns)
    variants = {NOTHING: {}, AFTER_START: {}, UNDATED: {}, **removed}
    parts = [own.with_columns(pl.lit(name).alias(REMOVED), **changes) for name, changes in variants.items()]
    return pl.concat([part.select(REMOVED, "patient_id", *columns) for part in parts])


def compute(frames: dict[str, pl.DataFrame], spec: StudySpec, removed: dict[str, dict[str, pl.Expr]] | None) -> Results:
    given = {} if removed is None else {AT_START: make_at_start(frames["analysis_subject"], spec, removed)}
    return compute_study({**frames, **given}, spec).results


def empty(column: str, rows: pl.Expr | None = None) -> pl.Expr:
    return pl.lit(None) if rows is None else pl.when(~rows).then(column)


def read_found(results: Results) -> dict[str, float]:
    found = results.select(analysis="post_baseline").filter(pl.col("value") > 0)
    return dict(
        found.select(pl.col("result_id").str.strip_prefix("post_baseline.").str.strip_suffix(".n"), "value").iter_rows()
    )


def read_report(results: Results, spec: StudySpec) -> tuple[str, list[list[str]], str]:
    """The first sentence, the other rows, and the notes of the report's table."""
    (table,) = build(results, spec)
    rows = [
        "".join(part if isinstance(part, str) else part.text for part in cell.parts)
        for row in table.rows
        for cell in row[:1]
    ]
    numbers = [[c if isinstance(c, str) else c.text for cell in row for c in cell.parts] for row in table.rows]
    assert table.section == "patients"
    assert all(len(row) in (1, len(table.header)) for row in table.rows)
    return rows[0], numbers[1:], " ".join(table.notes)


def test_a_clean_study_names_nothing(frames):
    results = compute(frames, SPEC, {})
    assert read_found(results) == {"examined": N}
    sentence, _, notes = read_report(results, SPEC)
    assert sentence == "No criterion, characteristic or arm uses what happened after the start of therapy."
    assert "immortal" not in notes
    assert "Known at the start of therapy: " in notes
    assert "TACE" in notes
    changed = results.select(analysis="post_baseline", level="changed", cohort=None)
    assert set(changed["variable"]) == {item.id for item in list_items(SPEC)}
    assert set(changed["value"]) == {0}
    assert set(changed["n"]) == {N}


def test_without_the_records_the_results_say_that_nobody_was_examined(frames):
    results = compute(frames, SPEC, None)
    row = results.named("post_baseline.examined.n")
    assert (row["value"], row["n"]) == (0, N)
    assert row["method"].startswith("not examined")
    sentence, _, notes = read_report(results, SPEC)
    assert sentence.startswith("Not examined")
    assert "Known at the start" not in notes


def test_a_criterion_that_looks_at_the_treatment_duration_is_named_with_the_patients(frames, subjects):
    is_late = pl.col("patient_id") < "p0100"
    x1 = "x1_treated_3_months"
    alone, later = {x1: empty(x1, pl.col("patient_id") < "p0030")}, {x1: empty(x1, is_late)}
    results = compute(frames, SPEC, {AFTER_START: later, "treatment.end_date": alone})
    analysed = results.named("flow.analysed.n")["value"]
    found = read_found(results)
    assert found[f"{x1}.changed"] == 100
    assert found[f"{x1}.treatment_end_date"] == 30
    assert found[f"{x1}.several"] == 70
    by_arm = [found[f"all.{arm}.{x1}.changed"] for arm in ("sora", "len")]
    assert sum(by_arm) == found[f"all.{x1}.changed"] < 100
    assert results.named(f"post_baseline.all.{x1}.changed.n")["n"] == analysed
    assert "treatment: end date, stop reason (30)" in results.named(f"post_baseline.{x1}.changed.n")["method"]
    sentence, rows, notes = read_report(results, SPEC)
    assert sentence == (
        "These criteria and covariates use what happened after the start of therapy: Treated for at least 3 months (X1)."
    )
    assert ["\u2003through treatment: end date, stop reason", "30", "", ""] in rows
    assert "immortal time" in notes
    assert subjects.height == N


def test_a_characteristic_and_the_arm_are_named_and_a_covariate_is_marked(frames):
    removed = {
        AFTER_START: {"tace_level": empty("tace_level"), "arm": pl.lit("other")},
        "procedure": {"tace_level": empty("tace_level")},
    }
    results = compute(frames, SPEC, removed)
    assert {name.partition(".")[0] for name in read_found(results)} == {"examined", "all", "tace", "arm"}
    sentence, rows, _ = read_report(results, SPEC)
    assert sentence.endswith(": TACE; Arm.")
    assert next(row for row in rows if row[0].startswith("TACE"))[:2] == ["TACE, in the propensity score", "260"]
    assert ["\u2003through later procedure records and the flag 'has tace'", "260", "", ""] in rows


def test_an_undated_flag_is_listed_and_not_named(frames):
    results = compute(
        frames, SPEC, {UNDATED: {"cirrhosis_level": empty("cirrhosis_level", pl.col("patient_id") < "p0200")}}
    )
    assert read_found(results) == {"examined": N, "cirrhosis.undated": 200}
    sentence, _, notes = read_report(results, SPEC)
    assert sentence.startswith("No criterion")
    assert "nothing tells whether it was known then: Cirrhosis." in notes


def test_the_analyses_that_do_without_it_are_pointed_to(frames):
    others = (
        Sensitivity("kept", "Early stops kept", population={"without_criteria": ["x1_treated_3_months"]}),
        Sensitivity("no_tace", "Score without TACE", matching={"covariates": ["age", "sex", "ast", "pvtt"]}),
        Sensitivity("narrow", "Narrow caliper", matching={"caliper_sd": 0.1}),
    )
    spec = replace(SPEC, sensitivity=others)
    later = {
        name: empty(name) for name in ("x1_treated_3_months", "e5_followed_3_months", "tace_level", "cirrhosis_level")
    }
    notes = read_report(compute(frames, spec, {AFTER_START: later}), spec)[2]
    assert "Treated for at least 3 months (X1): what it does is shown by “Early stops kept”, among" in notes
    assert "TACE: what it does is shown by “Score without TACE”, among" in notes
    assert "(E5): no sensitivity analysis of this study leaves it out." in notes
    assert "Cirrhosis: no sensitivity analysis" in notes


def test_only_what_the_study_asks_for_is_examined():
    without = replace(SPEC, population=replace(SPEC.population, without_criteria=("x1_treated_3_months",)))
    assert "x1_treated_3_months" not in {item.id for item in list_items(without)}
    everybody = replace(SPEC, population=replace(SPEC.population, eligible_only=False))
    assert {item.kind for item in list_items(everybody)} == {"characteristic", "arm"}
    assert list_items(replace(everybody, arms=(), characteristics=(), matching=None)) == []
    by_id = {item.id: item for item in list_items(SPEC)}
    age = ("criterion", "e2_age_18_to_75", "Age 18 to 75 years at the start (E2)", ("e2_age_18_to_75",))
    assert by_id["e2_age_18_to_75"] == Item(*age, "治疗开始时年龄18–75岁 (E2)")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (Moment("outcome", "last_contact_date"), "through outcome: vital status, last contact date"),
        (Moment("treatment", "end_date"), "through treatment: end date, stop reason"),
        (Moment("procedure"), "through later procedure records and the flag 'has tace'"),
        (Moment("adverse_event"), "through later adverse event records"),
    ],
)
def test_the_facts_are_said_in_words(moment, words):
    assert describe_moment(moment) == words


def make_records(edits: dict[str, str]) -> dict[str, pl.DataFrame]:
    """The records of two correct patients in each hospital, the first one changed; as the store keeps them."""
    parts = [
        {
            name: frame.with_columns(
                hospital=pl.lit(hospital), patient_id=pl.format("{}-{}", pl.lit(hospital), "patient_id")
            )
            for name, frame in make_case(text).items()
        }
        for hospital, text in edits.items()
    ]
    return {name: pl.concat([part[name] for part in parts]).with_columns(ingest_id=1) for name in parts[0]}


def test_the_records_of_the_studys_hospitals_are_examined_each_by_what_it_sends():
    frames = make_records({"hunan": "", "sysu": "-procedure!; baseline.has_tace=", "other": ""})
    spec = replace(SPEC, population=replace(SPEC.population, hospitals=("hunan", "sysu")))
    found = derive_study_at_start(frames, spec)
    assert set(found["patient_id"]) == {"hunan-p1", "hunan-p2", "sysu-p1", "sysu-p2"}
    level = {
        (removed, patient): value
        for removed, patient, value in found.select(REMOVED, "patient_id", "tace_level").iter_rows()
    }
    assert [level[NOTHING, patient] for patient in ("hunan-p1", "sysu-p1")] == ["Yes", None]
    assert [level[AFTER_START, patient] for patient in ("hunan-p1", "sysu-p1")] == [None, None]
    assert (UNDATED, "sysu-p1") in level


def test_a_study_of_nobody_or_of_other_columns_is_left_to_the_choice_of_patients():
    records = {name: frame.clear() for name, frame in make_records({"hunan": ""}).items()}
    assert derive_study_at_start(records, SPEC).is_empty()
    unknown = replace(SPEC, arm_column="no_such_column")
    assert "no_such_column" not in derive_study_at_start(make_records({"hunan": ""}), unknown).columns


def test_many_patients_are_derived_in_parts_with_the_same_answer(monkeypatch):
    frames = make_records({"hunan": "", "sysu": "treatment[1].end_date="})
    together = derive_study_at_start(frames, SPEC)
    monkeypatch.setattr("analysis.study.at_start._PEOPLE_AT_ONCE", 1)
    in_parts = derive_study_at_start(frames, SPEC)
    order = [REMOVED, "patient_id"]
    found = in_parts.join(together, on=order, how="semi").sort(order)
    assert found.equals(together.join(in_parts, on=order, how="semi").sort(order))
    assert set(in_parts["patient_id"]) == {"hunan-p1", "hunan-p2", "sysu-p1", "sysu-p2"}
