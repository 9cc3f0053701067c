"""What a specification says is what is done: conditions, filters, arms, cuts, days, unknown values, empty columns, landmarks, limits."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from analysis.run import compute_study
from analysis.study.characteristic import Characteristic, name_intervals
from analysis.study.cohort import select_cohort, type_values
from analysis.study.conditions import meet_all
from analysis.study.endpoint_times import compute_event, compute_is_timed, compute_time_days
from analysis.study.population import Condition, Filter, Population
from analysis.study.read_spec import read_spec, read_study
from analysis.study.spec import Endpoint, TimeVarying
from analysis.tables.model import build_tables
from etl.errors import AnalysisError, UsageError

SPEC = read_study("len_vs_sora")
SMALL = replace(
    SPEC, matching=None, regression=None, subgroups=(), courses=None, grade_bands=(), sensitivity=(), evaluations=(),
    response_alternatives=(), evidence=(), time_varying=(), follow_up=None,
)  # fmt: skip
DAY = dt.date(2020, 1, 15)
VALUES = pl.DataFrame(
    {
        "number": [1.0, 2.0, 3.0, None],
        "day": [dt.date(2020, 1, 14), DAY, dt.date(2020, 1, 16), None],
        "text": ["a", "b", "c", None],
        "flag": [True, False, True, None],
    }
)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"column": "number", "at_least": 2}, [False, True, True, None]),
        ({"column": "number", "above": 2}, [False, False, True, None]),
        ({"column": "number", "at_most": 2}, [True, True, False, None]),
        ({"column": "number", "below": 2}, [True, False, False, None]),
        ({"column": "number", "above": 1, "below": 3}, [False, True, False, None]),
        ({"column": "day", "at_least": DAY}, [False, True, True, None]),
        ({"column": "day", "below": DAY}, [True, False, False, None]),
        ({"column": "text", "any_of": ("a", "c")}, [True, False, True, None]),
        ({"column": "text", "none_of": ("a",)}, [False, True, True, None]),
        ({"column": "flag", "any_of": ("true",)}, [True, False, True, None]),
    ],
)
def test_a_condition_is_met_by_whom_it_says_and_unknown_where_the_value_is(condition, met):
    assert VALUES.select(meet_all(VALUES, [Condition(**condition)], "x")).to_series().to_list() == met


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"column": "text", "at_least": 2}, "x.at_least: column 'text' does not hold numbers"),
        ({"column": "number", "below": DAY}, "x.below: column 'number' does not hold dates"),
        ({"column": "text", "any_of": ("a", "d")}, "x.any_of: nobody has the value d in column 'text'"),
    ],
)
def test_a_condition_that_its_column_cannot_meet_is_refused(condition, said):
    with pytest.raises(AnalysisError, match=said):
        meet_all(VALUES, [Condition(**condition)], "x")


def test_values_of_few_patients_are_not_named_in_a_message():
    many = pl.DataFrame({"text": ["often"] * 5 + ["seldom"] * 4})
    with pytest.raises(AnalysisError, match=r"patients: often$"):
        meet_all(many, [Condition("text", any_of=("never",))], "x")


def test_cuts_name_their_intervals_and_say_where_a_value_on_the_cut_belongs():
    assert name_intervals((20.0, 400.0), "below") == ("<=20", ">20 to <=400", ">400")
    assert name_intervals((20.0, 400.0), "above") == ("<20", ">=20 to <400", ">=400")
    frame = pl.DataFrame({"afp": [19.9, 20.0, 20.1, 400.0, 401.0, None]})
    found = {
        side: frame.select(type_values(frame, Characteristic("afp", "AFP", "afp", cuts=(20, 400), at_cut=side), SPEC))
        for side in ("below", "above")
    }
    assert found["below"].to_series().to_list() == ["<=20", "<=20", ">20 to <=400", ">20 to <=400", ">400", None]
    assert found["above"].to_series().to_list() == ["<20", ">=20 to <400", ">=20 to <400", ">=400", ">=400", None]


BOUNDED = pl.DataFrame(
    {
        "afp_ng_ml": [30.0, 1210.0, 1210.0, 5.0, 400.0, None],
        "afp_comparator": ["=", ">", "=", "<", ">=", "not_detected"],
    }
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cuts": (20, 2000)}, [">20 to <=2000", None, ">20 to <=2000", "<=20", None, "<=20"]),
        ({"cuts": (400,)}, ["<=400", ">400", ">400", "<=400", ">400", "<=400"]),
        ({}, [30.0, None, 1210.0, None, None, None]),
        ({"at_bound": "value"}, [30.0, 1210.0, 1210.0, 5.0, 400.0, None]),
    ],
)
def test_of_a_bound_a_study_takes_what_it_settles_and_no_value(given, expected):
    item = Characteristic("afp", "AFP", "afp_ng_ml", **given)
    assert BOUNDED.select(type_values(BOUNDED, item, SPEC)).to_series().to_list() == expected


@pytest.mark.parametrize(
    ("limits", "met"),
    [
        ({"at_least": 1000}, [False, True, True, False, None, False]),
        ({"at_least": 2000}, [False, None, False, False, None, False]),
        ({"below": 1000}, [True, False, False, True, None, True]),
    ],
)
def test_a_bound_meets_a_condition_only_where_it_settles_it(limits, met):
    conditions = [Condition("afp_ng_ml", **limits)]
    assert BOUNDED.select(meet_all(BOUNDED, conditions, "x")).to_series().to_list() == met


def test_a_study_of_a_quantity_with_bounds_is_refused_until_it_says_what_they_are(frames):
    is_bound = pl.int_range(pl.len()) % 7 == 0
    sign = pl.when(is_bound).then(pl.lit(">")).otherwise(pl.lit("="))
    subjects = frames["analysis_subject"].with_columns(afp_ng_ml=pl.lit(1210.0), afp_comparator=sign)
    item = Characteristic("afp", "AFP", "afp_ng_ml")
    with pytest.raises(
        AnalysisError, match=r"AFP is not known of (\d+) patients, \1 of them since only a bound is known"
    ):
        select_cohort(subjects, replace(SMALL, characteristics=(item,)))
    taken = replace(item, at_bound="value")
    assert select_cohort(subjects, replace(SMALL, characteristics=(taken,))).frame["afp_ng_ml"].null_count() == 0


def test_what_happened_by_a_day_counts_up_to_that_day():
    """The start is 15 January; day 91 is 15 April."""
    days = [DAY, DAY + dt.timedelta(91), DAY + dt.timedelta(92), None]
    frame = pl.DataFrame({"first_line_start_date": [DAY] * 4, "tace": days})
    item = Characteristic("tace", "TACE", "tace", is_by_day=True)
    for landmark, expected in ((0.0, ["Yes", "No", "No", "No"]), (91.0, ["Yes", "Yes", "No", "No"])):
        spec = replace(SPEC, population=Population(landmark_day=landmark))
        assert frame.select(type_values(frame, item, spec)).to_series().to_list() == expected


def test_where_nothing_happened_an_empty_day_is_censored_and_a_day_without_a_word_is_not_known():
    endpoint = Endpoint("TTP", "Time to progression", "ttp", "progressed", not_happened="censored at follow_up")
    frame = pl.DataFrame(
        {
            "ttp": [50.0, None, None, 70.0, None],
            "progressed": [True, False, None, None, True],
            "follow_up": [200.0, 300.0, 400.0, 500.0, 600.0],
        }
    )
    columns = frame.select(
        time=compute_time_days(endpoint), event=compute_event(endpoint), known=compute_is_timed(endpoint)
    )
    known = columns.filter("known").drop("known").rows()
    assert known == [(50.0, True), (300.0, False), (400.0, False)]
    assert columns["known"].to_list() == [True, True, True, False, False]


def test_an_endpoint_that_is_empty_where_nothing_happened_is_refused_until_it_says_so(frames):
    """Nobody is on record without progression: empty may mean that there was none."""
    subjects = frames["analysis_subject"].with_columns(
        only_events=pl.when("pfs_event").then("pfs_event"), only_days=pl.when("pfs_event").then("pfs_days")
    )
    endpoint = Endpoint("TTP", "Time to progression", "only_days", "only_events")
    spec = replace(SMALL, endpoints=(endpoint,))
    with pytest.raises(AnalysisError, match=r"endpoints\.TTP: 'only_days' or 'only_events' is empty for \d+ of 242"):
        select_cohort(subjects, spec)
    declared = replace(endpoint, not_happened="censored at pfs_days")
    events = {
        name: compute_study({"analysis_subject": subjects}, replace(spec, endpoints=(one,))).results
        for name, one in (
            ("whole", replace(endpoint, time_column="pfs_days", event_column="pfs_event")),
            ("empty", declared),
        )
    }
    for statistic in ("hr", "ci_low", "ci_high", "p"):
        name = f"cox_treatment.all.ttp.arm.len.{statistic}"
        assert events["empty"].named(name)["value"] == events["whole"].named(name)["value"]


def test_one_patient_on_record_without_the_event_does_not_make_the_others_events(subjects):
    """A day is empty wherever there was no progression, but for one: the rest may not be left out as unknown."""
    is_one = pl.int_range(pl.len()) == 0
    odd = subjects.with_columns(days=pl.when(pl.col("pfs_event") | is_one).then("pfs_days"))
    for eligible_only in (True, False):
        population = replace(SPEC.population, eligible_only=eligible_only)
        spec = replace(SMALL, population=population, endpoints=(Endpoint("TTP", "Time", "days", "pfs_event"),))
        with pytest.raises(AnalysisError, match=r"endpoints\.TTP: 'days' or 'pfs_event' is empty for \d+ of"):
            select_cohort(odd, spec)


def test_a_day_that_the_event_column_denies_is_refused(subjects):
    endpoint = Endpoint("TTP", "Time", "pfs_days", "pfs_event", not_happened="censored at os_days")
    with pytest.raises(
        AnalysisError, match=r"\d+ patients have a day in 'pfs_days' while 'pfs_event' says that it did not happen"
    ):
        select_cohort(subjects, replace(SMALL, endpoints=(endpoint,)))
    alone = replace(endpoint, event_column="")
    frame = select_cohort(subjects, replace(SMALL, endpoints=(alone,))).frame
    assert frame.select(compute_event(alone)).to_series().all()


def test_who_never_came_under_observation_is_left_out_of_that_model_and_counted(frames):
    """Every fifth patient has no day of entry."""
    entry = pl.when(pl.int_range(pl.len()) % 5 > 0).then(pl.lit(10.0)).alias("entry")
    subjects = frames["analysis_subject"].with_columns(entry)
    item = TimeVarying("late", "Late entry", "OS", entry_column="entry")
    found = compute_study({"analysis_subject": subjects}, replace(SMALL, time_varying=(item,))).results
    known = select_cohort(subjects, SMALL).frame["entry"].is_not_null().sum()
    row = found.named("time_varying.all.os.late_patients.n")
    assert (row["value"], row["n"]) == (known, 242)
    assert found.named("time_varying.all.os.late.len.hr")["n"] == known


def test_filters_are_steps_of_the_flow_chart_and_the_unknown_are_counted(frames):
    old = frames["analysis_subject"].with_columns(age=pl.when(pl.col("source_row") > 20).then("age_at_start_years"))
    item = Filter("older", "50 years or more", (Condition("age", at_least=50),))
    spec = replace(SMALL, population=replace(SPEC.population, filters=(item,)))
    before = select_cohort(old, SMALL).frame
    cohort = select_cohort(old, spec)
    assert cohort.frame.height == before.filter(pl.col("age") >= 50).height
    step = cohort.attrition.filter(criterion_id="older")
    assert step["n_before"].sum() == 242
    assert step["n_unknown"].sum() == before["age"].null_count() > 0
    assert step["n_after"].sum() == cohort.frame.height


def test_who_is_in_both_arms_or_in_none_is_counted(subjects):
    young, old = Condition("age_at_start_years", at_most=50), Condition("age_at_start_years", at_least=50)
    arms = tuple(replace(arm, code="", where=(one,)) for arm, one in zip(SPEC.arms, (young, old), strict=True))
    frame = select_cohort(subjects, SMALL).frame
    n_both = frame.filter(pl.col("age_at_start_years") == 50).height
    assert n_both > 0
    with pytest.raises(AnalysisError, match=rf"{n_both} of 242 patients .* in none: 0, in several: {n_both}"):
        select_cohort(subjects, replace(SMALL, arms=arms))


def test_a_hospital_that_is_not_loaded_is_refused(subjects):
    spec = replace(SMALL, population=Population(hospitals=("hunan", "zhujiang")))
    with pytest.raises(AnalysisError, match=r"population\.hospitals: zhujiang is not loaded\. Loaded: hunan"):
        select_cohort(subjects, spec)


def test_at_a_landmark_of_day_0_nothing_changes(subjects):
    first = replace(SMALL, endpoints=SMALL.endpoints[:1])
    at_0 = replace(first, population=replace(first.population, landmark_day=0.0))
    assert select_cohort(subjects, first).frame.equals(select_cohort(subjects, at_0).frame)


def test_who_has_the_event_on_the_landmark_day_has_a_time_of_0(subjects):
    day = select_cohort(subjects, SMALL).frame["os_days"][0]
    spec = replace(SMALL, endpoints=SMALL.endpoints[:1], population=replace(SPEC.population, landmark_day=float(day)))
    cohort = select_cohort(subjects, spec)
    before = select_cohort(subjects, SMALL).frame
    assert cohort.frame.height == before.filter(pl.col("os_days") >= day).height
    assert cohort.frame.select(compute_time_days(spec.endpoints[0], day)).min().item() == 0


def test_a_landmark_past_the_follow_up_leaves_nobody_and_says_so(subjects):
    spec = replace(SMALL, endpoints=SMALL.endpoints[:1], population=replace(SPEC.population, landmark_day=9999.0))
    with pytest.raises(
        AnalysisError, match=r"no patient is left to analyse\. Removed by criterion: .*at_risk_at_landmark: 242"
    ):
        select_cohort(subjects, spec)


def test_unknown_values_are_a_level_of_the_score_and_left_out_of_models_and_tests(frames):
    is_lost = pl.int_range(pl.len()) % 9 == 0
    subjects = frames["analysis_subject"].with_columns(age_level=pl.when(~is_lost).then("age_level"))
    with pytest.raises(
        AnalysisError, match=r"characteristics.age: Age \(years\) is not known of \d+ patients. Say missing"
    ):
        select_cohort(subjects, SMALL)
    kept = tuple(replace(item, missing="level") if item.id == "age" else item for item in SPEC.characteristics)
    spec = replace(SMALL, characteristics=kept, matching=SPEC.matching, regression=SPEC.regression)
    outcome = compute_study(frames | {"analysis_subject": subjects}, spec).results
    frame = select_cohort(subjects, spec).frame
    n_lost = frame["age_level"].null_count()
    assert n_lost > 0
    assert outcome.named("table1.all.age.missing.n")["value"] == n_lost
    assert outcome.named("table1.all.age.p")["n"] == frame.height - n_lost
    shares = [outcome.named(f"table1.all.age.{level}.pct")["value"] for level in ("le60", "gt60", "missing")]
    assert sum(shares) == pytest.approx(100)
    assert outcome.named("propensity.all.age.missing.coefficient")["value"] is not None
    matched = outcome.named("table1.matched.patients.n")["value"]
    lost = outcome.named("table1.matched.age.missing.n")["value"]
    assert outcome.named("cox_univariable.matched.os.age.p")["n"] == matched - lost
    assert outcome.named("balance.all.age.missing.smd")["value"] is not None


def test_a_reference_that_nobody_has_is_not_replaced_in_silence(frames):
    """Nobody is without thrombosis: the model would silently compare with the next level."""
    changed = pl.when(pl.col("pvtt_level") == "No").then(pl.lit("I-II")).otherwise("pvtt_level").alias("pvtt_level")
    subjects = frames["analysis_subject"].with_columns(changed)
    spec = replace(SMALL, regression=SPEC.regression)
    outcome = compute_study(frames | {"analysis_subject": subjects}, spec).results
    row = outcome.named("cox_univariable.all.os.pvtt.p")
    assert row["value"] is None
    assert "nobody has the level 'No'" in row["method"]
    assert "cox_univariable.all.os.pvtt.iii_iv.hr" not in outcome


def test_limits_follow_alpha_and_every_heading_says_so(frames):
    wide, narrow = (compute_study(frames, replace(SMALL, alpha=alpha)).results for alpha in (0.01, 0.10))
    for name in (
        "cox_treatment.all.os.arm.len",
        "kaplan_meier.all.os.len.survival.12m",
        "kaplan_meier.all.os.len.median",
    ):
        limits = [
            (found.named(f"{name}.ci_low")["value"], found.named(f"{name}.ci_high")["value"])
            for found in (wide, narrow)
        ]
        assert limits[0][0] < limits[1][0] < limits[1][1] < limits[0][1]
    headings = " ".join(
        part if isinstance(part, str) else "" for table in build_tables(narrow, replace(SMALL, alpha=0.10))
        for row in ((*table.header,), *[cell.parts for one in table.rows for cell in one]) for part in row
    )  # fmt: skip
    assert "90 % CI" in headings
    assert "95 % CI" not in headings


HEAD = """
title = "x"
alpha = {alpha}
[[endpoints]]
id = "OS"
label = "Overall survival"
time_column = "os_days"
event_column = "os_event"
{endpoint}
"""
TWO = """
[[arms]]
id = "a"
code = "a"
label = "A"
role = "control"
[[arms]]
id = "b"
code = "b"
label = "B"
role = "treated"
"""
AGE = """
[[characteristics]]
id = "age"
label = "Age"
column = "age_at_start_years"
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"alpha": "5.0"}, "alpha: 5 must lie between 0 and 0.5"),
        ({"endpoint": 'not_happened = "censored"'}, r'endpoints.OS.not_happened: "censored at <column of days>"'),
        ({"parts": "[population]\nlandmark_day = -1"}, "population.landmark_day: a day after the start"),
        ({"parts": '[[population.filters]]\nid = "f"\nlabel = "F"\nwhere = []'}, r"population.filters.f.where: at least one"),
        (
            {"parts": '[[population.filters]]\nid = "f"\nlabel = "F"\nwhere = [{ column = "sex" }]'},
            r"population.filters.f.where.sex: asks for nothing",
        ),
        ({"parts": TWO.replace('code = "b"', "")}, "arms.b: either a code or conditions"),
        ({"parts": TWO + AGE + "cuts = [60, 50]"}, "characteristics.age.cuts: must ascend"),
        ({"parts": TWO + AGE + "knots = 2"}, "characteristics.age.knots: 3 to 7"),
        ({"parts": TWO + AGE + 'missing = "level"'}, "characteristics.age.missing: only levels"),
        ({"parts": TWO + AGE + 'cuts = [60]\nlevels = ["x"]'}, "characteristics.age.levels: only one of"),
        ({"parts": TWO + AGE + '[matching]\ncovariates = ["age"]\nexact = ["age"]'}, "matching.exact: age is a quantity"),
        ({"parts": TWO + AGE + '[matching]\ncovariates = ["age", "age"]'}, "matching.covariates: age occurs twice"),
        ({"parts": TWO + AGE + '[weighting]\ncovariates = ["age"]\nmethod = "att"'}, "weighting.method: 'att' is none of"),
        (
            {"parts": TWO + AGE + '[weighting]\ncovariates = ["age"]\nmethod = "overlap"\ncut_percentiles = [1, 99]'},
            "weighting.cut_percentiles: overlap weights need no cutting",
        ),
        ({"parts": AGE + '[matching]\ncovariates = ["age"]'}, "matching: needs arms"),
        ({"parts": TWO + AGE + '[[subgroups]]\ncharacteristic = "age"\nendpoint = "OS"'}, "subgroups.characteristic: age is a quantity"),
        ({"parts": TWO + '[[time_varying]]\nid = "t"\nlabel = "T"\nendpoint = "OS"'}, "time_varying.t: needs a day_column or an entry_column"),
        (
            {"parts": TWO + AGE + '[[sensitivity]]\nid = "s"\nlabel = "S"\nweighting = { method = "overlap", covariates = ["agee"] }'},
            "sensitivity.s.weighting.covariates: agee is not declared. Did you mean age?",
        ),
    ],
)  # fmt: skip
def test_a_part_that_does_not_fit_is_told_with_its_key(tmp_path: Path, more, said):
    content = HEAD.format(alpha=more.get("alpha", "0.05"), endpoint=more.get("endpoint", "")) + more.get("parts", "")
    path = tmp_path / "study" / "spec.toml"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_spec(path)
