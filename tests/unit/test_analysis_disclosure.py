"""A study with a threshold: who knows everything that is printed cannot compute a count of few patients.

The attacker is a linear programme: what is printed is known, what is hidden is a number from 0 on, and all sums hold that a reader of the
tables knows. A hidden count is found where its least and its largest possible value are the same whole number.
"""

import json
import math
import random
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from analysis.run import INDIVIDUAL, compute_study, run_study
from analysis.study.disclosure import STEP_OF_CHANGES, choose_levels, coarsen_courses, protect
from analysis.study.numbers import NOT_SHOWN, NOT_SHOWN_SIGN
from analysis.study.outcome import StudyOutcome
from analysis.study.read_spec import read_spec, read_study
from analysis.study.results import COLUMNS, HIDDEN, Key, ResultsBuilder
from etl.errors import AnalysisError, UsageError

SPEC = replace(read_study("len_vs_sora"), subgroups=(), sensitivity=())
ARMS = ("sora", "len")
K = 5
EMPTY_CURVES = pl.DataFrame(
    schema={
        "cohort": pl.String, "endpoint": pl.String, "subgroup": pl.String, "arm": pl.String, "time": pl.Float64, "n_risk": pl.Int64,
        "n_event": pl.Int64, "n_censor": pl.Int64, "survival": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64,
    }
)  # fmt: skip


class Attacker:
    """Knows what a protected table prints, and every sum that holds in it."""

    def __init__(self, printed: pl.DataFrame):
        self.rows = printed
        self.known = {row["result_id"]: row["value"] for row in printed.iter_rows(named=True) if not row[HIDDEN]}
        self.sums: list[tuple[dict[str, float], float]] = []
        self.places: dict[str, int] = {}

    def add(self, parts, whole):
        """`parts` (coefficients by name of a result) add up to `whole`, a number or the name of a result."""
        left = dict(parts)
        total = 0.0
        if isinstance(whole, str):
            left[whole] = left.get(whole, 0) - 1
        else:
            total = whole
        unknown = {}
        for name, factor in left.items():
            if name in self.known:
                total -= factor * self.known[name]
            else:
                unknown[name] = factor
                self.places.setdefault(name, len(self.places))
        if unknown:
            self.sums.append((unknown, total))

    def find(self, name):
        """The least and the largest value that a hidden count can have."""
        if name not in self.places:
            return 0.0, math.inf
        matrix = np.zeros((len(self.sums), len(self.places)))
        for row, (unknown, _) in enumerate(self.sums):
            for other, factor in unknown.items():
                matrix[row, self.places[other]] = factor
        totals = [total for _, total in self.sums]
        aim = np.zeros(len(self.places))
        aim[self.places[name]] = 1
        least, most = (
            linprog(sign * aim, A_eq=matrix, b_eq=totals, bounds=(0, None), method="highs") for sign in (1, -1)
        )
        assert least.status == 0
        return least.fun, -most.fun if most.status == 0 else math.inf

    def find_exactly(self, names):
        """Those of the counts that are found."""
        found = []
        for name in names:
            least, most = self.find(name)
            if math.isfinite(most) and math.ceil(least - 1e-6) == math.floor(most + 1e-6):
                found.append(name)
        return found


def count(key, statistic="n"):
    return key.result_id(statistic)


def draw_table(seed):
    """A results table of random counts, many of them small: a characteristic of two to five levels, responses, flow chart."""
    chance = random.Random(seed)
    results = ResultsBuilder("drawn")
    sums = []
    levels = [f"L{i}" for i in range(chance.randint(2, 5))]
    matched_n = chance.randint(20, 40)
    for cohort in ("all", "matched"):
        cells = {}
        for arm in ARMS:
            n = matched_n if cohort == "matched" else matched_n + chance.choice([0, *range(K, 40)])
            parts = draw_parts(chance, n, len(levels))
            whole = Key(analysis="table1", cohort=cohort, variable="patients", arm=arm)
            results.add(whole, "n", n, unit="patients")
            for level, part in zip(levels, parts, strict=True):
                key = Key(analysis="table1", cohort=cohort, variable="albi", arm=arm, level=level)
                results.add(key, "n", part, unit="patients", n=n)
                results.add(key, "pct", 100 * part / n, unit="%", n=n)
                cells[arm, level] = count(key), part
            sums.append(({cells[arm, level][0]: 1 for level in levels}, count(whole)))
        if cohort == "matched":
            for level in levels:
                n = sum(cells[arm, level][1] for arm in ARMS)
                key = Key(analysis="cox_univariable", cohort=cohort, endpoint="OS", variable="albi", level=level)
                results.add(key, "n", n, unit="patients", n=n, n_event=n)
                sums.append(({cells[arm, level][0]: 1 for arm in ARMS}, count(key)))
        for arm in ARMS:
            draw_responses(chance, results, sums, cohort, arm)
    draw_flow(chance, results, sums)
    return StudyOutcome(results.build({}), EMPTY_CURVES, pl.DataFrame()), sums


def draw_parts(chance, n, size):
    weights = [chance.choice([0, 0.02, 0.05, 1, 2]) for _ in range(size)]
    weights[chance.randrange(size)] = 2
    drawn = chance.choices(range(size), weights, k=n)
    return [drawn.count(i) for i in range(size)]


def draw_responses(chance, results, sums, cohort, arm):
    names = ("CR", "PR", "SD", "PD", "NE")
    patients = Key(analysis="table1", cohort=cohort, variable="patients", arm=arm)
    n = int(results.get_value(patients, "n"))
    parts = dict(zip(names, draw_parts(chance, n, 5), strict=True))
    response = Key(analysis="response", cohort=cohort, arm=arm, variable="response", time=SPEC.at(3))
    for name in names:
        results.add(response.of(level=name), "n", parts[name], unit="patients", n=n)
        results.add(response.of(level=name), "pct", 100 * parts[name] / n, unit="%", n=n)
    for rate, of in (("orr", names[:2]), ("dcr", names[:3])):
        key = response.of(variable=rate)
        results.add(key, "pct", 100 * sum(parts[name] for name in of) / n, unit="%", n=n)
        sums.append(({**{count(response.of(level=name)): 1 for name in of}, count(key, "pct"): -n / 100}, 0.0))
    sums.append(({count(response.of(level=name)): 1 for name in names}, count(patients)))


def draw_flow(chance, results, sums):
    steps, hospitals = [f"step {i}" for i in range(chance.randint(2, 5))], ("north", "south")
    told = {}
    for hospital in hospitals:
        left = chance.randint(60, 90)
        for step in steps:
            removed = chance.choice([0, 0, 1, 3, 6, 9])
            told[hospital, step] = (left, removed, left - removed)
            left -= removed
    names = ("n_before", "n_removed", "n_after")
    for whose in (*hospitals, None):
        for step in steps:
            numbers = told.get((whose, step)) or tuple(sum(told[h, step][i] for h in hospitals) for i in range(3))
            told[whose, step] = numbers
            key = Key(analysis="flow", hospital=whose, variable=step)
            results.add_all(key, dict(zip(names, numbers, strict=True)), unit="patients")
            before, removed, after = (count(key, name) for name in names)
            sums.append(({before: 1, removed: -1, after: -1}, 0.0))
        for step, following in pairwise(steps):
            here, there = (Key(analysis="flow", hospital=whose, variable=one) for one in (step, following))
            sums.append(({count(here, "n_after"): 1, count(there, "n_before"): -1}, 0.0))
        analysed = Key(analysis="flow", hospital=whose, variable="analysed")
        results.add(analysed, "n", told[whose, steps[-1]][2], unit="patients")
        sums.append(
            ({count(Key(analysis="flow", hospital=whose, variable=steps[-1]), "n_after"): 1, count(analysed): -1}, 0.0)
        )
    for step in steps:
        for name in names:
            parts = {count(Key(analysis="flow", hospital=hospital, variable=step), name): 1 for hospital in hospitals}
            sums.append((parts, count(Key(analysis="flow", variable=step), name)))


def list_small(before, k):
    """The counts of 1 to k - 1 patients of a table, by name; of a share, by the patients behind it."""
    counted = (
        pl.when(pl.col("statistic") == "pct").then((pl.col("value") * pl.col("n") / 100).round(0)).otherwise("value")
    )
    is_count = pl.col("statistic").str.starts_with("n") | (pl.col("statistic") == "pct")
    found = before.filter(
        is_count, pl.col("unit").is_in(["patients", "events", "pairs", "%"]), counted.is_between(1, k - 1)
    )
    return found["result_id"].to_list()


@pytest.mark.parametrize("seed", range(40))
def test_no_hidden_count_of_generated_tables_can_be_computed(seed):
    outcome, sums = draw_table(seed)
    try:
        printed = protect(outcome, replace(SPEC, disclosure=K)).results.frame
    except AnalysisError:
        small = {name for name in list_small(outcome.results.frame, K) if "patients" in name or name.startswith("flow")}
        assert small
        return
    attacker = Attacker(printed)
    for parts, whole in sums:
        attacker.add(parts, whole)
    small = list_small(outcome.results.frame, K)
    assert not set(small) & set(attacker.known)
    counts = [name for name in small if not name.endswith("pct")]
    assert attacker.find_exactly(counts) == []
    basis = printed.filter(pl.col("n").is_between(1, K - 1) | pl.col("n_event").is_between(1, K - 1))
    assert basis.is_empty()


@pytest.mark.parametrize("unknown", [(2, 0), (4, 3), (9, 1)])
def test_how_many_are_not_known_cannot_be_computed(unknown):
    """Neither from what levels rest on, nor from a count and its per cent, nor from what a model of the characteristic rests on."""
    results = ResultsBuilder("drawn")
    parts = {"sora": (30, 20, 15), "len": (25, 18, 12)}
    for arm, missing in zip(ARMS, unknown, strict=True):
        n = sum(parts[arm])
        results.add(
            Key(analysis="table1", cohort="all", variable="patients", arm=arm), "n", n + missing, unit="patients"
        )
        for level, part in zip("abc", parts[arm], strict=True):
            key = Key(analysis="table1", cohort="all", variable="albi", arm=arm, level=level)
            results.add(key, "n", part, unit="patients", n=n)
            results.add(key, "pct", 100 * part / n, unit="%", n=n)
    known = sum(map(sum, parts.values()))
    for analysis, statistic in (("balance", "smd"), ("cox_univariable", "hr")):
        results.add(
            Key(analysis=analysis, cohort="all", variable="albi", level="a"), statistic, 0.5, n=known, n_event=known
        )
    outcome = StudyOutcome(results.build({}), EMPTY_CURVES, pl.DataFrame())
    printed = protect(outcome, replace(SPEC, disclosure=K)).results.frame
    of_levels = printed.filter(pl.col("variable") == "albi")
    assert of_levels["n"].null_count() == of_levels.height
    counts = of_levels.filter(pl.col("statistic") == "n")
    for arm in ARMS:
        own = counts.filter(pl.col("arm") == arm)
        assert own["value"].null_count() >= 1
        assert own["value"].null_count() < own.height
        shares = of_levels.filter(pl.col("arm") == arm, pl.col("statistic") == "pct")
        assert shares["value"].null_count() == shares.height


def test_the_attacker_finds_what_is_hidden_alone():
    """The attacker is one: with only the small cells hidden he finds most of them."""
    found = hidden = 0
    for seed in range(10):
        outcome, sums = draw_table(seed)
        small = list_small(outcome.results.frame, K)
        attacker = Attacker(outcome.results.frame.with_columns(pl.col("result_id").is_in(small).alias(HIDDEN)))
        for parts, whole in sums:
            attacker.add(parts, whole)
        counts = [name for name in small if not name.endswith("pct")]
        found, hidden = found + len(attacker.find_exactly(counts)), hidden + len(counts)
    assert found > hidden / 2 > 10


@pytest.fixture(scope="module")
def computed(frames):
    spec = replace(read_study("len_vs_sora"), sensitivity=())
    return spec, compute_study(frames, spec)


def add_sums_of_a_study(attacker, before):
    """Every sum that a reader of the tables knows, from the table as it was before anything was hidden."""
    key = ["analysis", "cohort", "arm", "hospital", "variable", "time_months"]
    parted = before.filter(
        pl.col("analysis").is_in(["table1", "therapy", "response", "evidence"]),
        pl.col("level").is_not_null(),
        pl.col("statistic") == "n",
    )
    for rows in parted.partition_by(key):
        if rows.height > 1:
            attacker.add(dict.fromkeys(rows["result_id"], 1), float(rows["n"].max()))
    for analysis in ("flow", "flow_by_arm"):
        for rows in before.filter(
            pl.col("analysis") == analysis, pl.col("statistic").str.starts_with("n_")
        ).partition_by("variable", "hospital", "arm", "level"):
            names = dict(rows.select("statistic", "result_id").iter_rows())
            attacker.add({names["n_before"]: 1, names["n_removed"]: -1, names["n_after"]: -1}, 0.0)
    flow = before.filter(pl.col("analysis") == "flow", pl.col("statistic").str.starts_with("n_"))
    for rows in flow.partition_by("variable", "statistic"):
        whole = rows.filter(pl.col("hospital").is_null())["result_id"][0]
        attacker.add(dict.fromkeys(rows.filter(pl.col("hospital").is_not_null())["result_id"], 1), whole)
    for rows in flow.partition_by("hospital", maintain_order=True):
        steps = rows["variable"].unique(maintain_order=True).to_list()
        name = dict(zip(rows.select("variable", "statistic").rows(), rows["result_id"], strict=True))
        for here, there in pairwise(steps):
            attacker.add({name[here, "n_after"]: 1, name[there, "n_before"]: -1}, 0.0)
    ticks = before.filter(
        pl.col("analysis") == "kaplan_meier", pl.col("time_months").is_not_null(), pl.col("statistic") == "n"
    )
    for rows in ticks.partition_by("cohort", "endpoint", "subgroup", "arm", "time_months"):
        attacker.add(dict.fromkeys(rows["result_id"], 1), float(rows["n"].max()))
    by_arm = before.filter(pl.col("analysis") == "flow_by_arm")
    for rows in by_arm.partition_by("variable", "statistic"):
        variable, statistic = rows.select("variable", "statistic").row(0)
        attacker.add(dict.fromkeys(rows["result_id"], 1), count(Key(analysis="flow", variable=variable), statistic))


@pytest.mark.parametrize("k", [5, 12])
def test_no_hidden_count_of_a_study_can_be_computed(computed, k):
    spec, outcome = computed
    before = outcome.results.frame
    printed = protect(outcome, replace(spec, disclosure=k)).results.frame
    attacker = Attacker(printed)
    add_sums_of_a_study(attacker, before)
    small = list_small(before, k)
    assert len(small) > 50
    assert not set(small) & set(attacker.known)
    assert attacker.find_exactly([name for name in small if not name.endswith("pct")]) == []
    for column in ("n", "n_event"):
        assert printed.filter(pl.col(column).is_between(1, k - 1)).is_empty()


def test_curves_end_where_few_are_at_risk_and_fall_by_several_events(computed):
    spec, outcome = computed
    drawn = protect(outcome, replace(spec, disclosure=K)).curves
    curve = ["cohort", "endpoint", "subgroup", "arm"]
    assert drawn.height < outcome.curves.height / 3
    assert drawn.select("n_risk", "n_event", "n_censor").null_count().row(0) == (drawn.height,) * 3
    for points in drawn.partition_by(curve):
        own = points.row(0, named=True)
        same = [pl.col(name).eq_missing(pl.lit(own[name], dtype=pl.String)) for name in curve]
        before = outcome.curves.filter(*same)
        assert before.filter(pl.col("time") == points["time"].max())["n_risk"][0] >= K
        falls = points.filter(pl.col("survival") < pl.col("survival").shift(1))["time"].to_list()
        for earlier, later in pairwise([-1.0, *falls]):
            assert before.filter(pl.col("time").is_between(earlier, later, closed="right"))["n_event"].sum() >= K


def test_single_patients_leave_only_when_asked_for_and_in_months(computed, frames, tmp_path, monkeypatch):
    spec, outcome = computed
    monkeypatch.setattr("analysis.run.compute_study", lambda *_: outcome)
    with_threshold = replace(spec, disclosure=K)
    files = {}
    for asked in (False, True):
        folder = tmp_path / str(asked)
        run_study(frames, with_threshold, folder, {}, with_individuals=asked)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        files[asked] = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.stem in INDIVIDUAL}
        assert set(manifest["individual_data"]) == files[asked]
    assert files[False] == set()
    assert {"courses.parquet", "figures/swimmer.svg", "figures/waterfall.svg"} <= files[True]
    courses = pl.read_parquet(tmp_path / "True" / "courses.parquet")
    months = courses.select(pl.col("^.*time$")).to_numpy()
    told = months[~np.isnan(months)]
    assert np.allclose(told, np.round(told))
    assert (courses["best_change_percent"].drop_nulls() % STEP_OF_CHANGES == 0).all()
    assert outcome.courses["time"].round(6).is_in(courses["time"].round(6).implode()).mean() < 0.5
    page = (tmp_path / "False" / "index.html").read_text(encoding="utf-8")
    assert NOT_SHOWN_SIGN in page
    assert f"a count of fewer than {K} patients" in page
    saved = pl.read_csv(tmp_path / "False" / "results.csv", infer_schema_length=None)
    assert saved.columns == [column.name for column in COLUMNS]
    hidden = saved.filter(pl.col("method").str.starts_with(NOT_SHOWN))
    assert hidden.height > 50
    assert hidden["value"].null_count() == hidden.height
    small = {
        name: value
        for name, value in outcome.results.frame.select("result_id", "value").iter_rows()
        if name in set(hidden["result_id"])
    }
    printed = dict(re.findall(r'<span data-result="([^"]+)"[^>]*>([^<]*)</span>', page))
    assert {printed[name] for name in small if name in printed} == {NOT_SHOWN_SIGN}


def test_without_a_threshold_nothing_changes(computed):
    spec, outcome = computed
    assert spec.disclosure == "none"
    assert protect(outcome, spec) is outcome


def test_courses_are_ordered_by_what_is_left(computed):
    spec, outcome = computed
    shuffled = outcome.courses.sample(fraction=1, shuffle=True, seed=3)
    assert coarsen_courses(shuffled, spec).equals(coarsen_courses(outcome.courses, spec))


@pytest.mark.parametrize(
    ("counts", "blocks", "expected"),
    [
        ({"a": (False, 9), "b": (False, 8)}, (), set()),
        ({"a": (True, 3), "b": (False, 8), "c": (False, 20)}, (), {"a", "b"}),
        ({"a": (True, 3), "b": (False, 0), "c": (False, 20)}, (), {"a", "c"}),
        ({"a": (True, 3), "b": (True, 2), "c": (False, 20)}, (), {"a", "b"}),
        ({"a": (True, 3)}, (), {"a"}),
        ({"CR": (True, 1), "PR": (False, 20), "SD": (False, 9)}, (("CR", "PR"), ("SD",)), {"CR", "PR"}),
        ({"CR": (False, 9), "PR": (False, 20), "SD": (True, 2)}, (("CR", "PR"), ("SD",)), {"CR", "PR", "SD"}),
    ],
)
def test_a_level_is_never_hidden_alone(counts, blocks, expected):
    assert choose_levels(counts, blocks) == expected


@pytest.mark.parametrize("value", ["1", "0", "-3", '"some"', "2.5"])
def test_a_threshold_that_is_none_is_told(tmp_path, value):
    path = tmp_path / "small" / "spec.toml"
    path.parent.mkdir()
    path.write_text(
        f'title = "T"\nalpha = 0.05\ndisclosure = {value}\n[[endpoints]]\nid = "OS"\nlabel = "Overall survival"\ntime_column = "os_days"\n'
        'event_column = "os_event"\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="disclosure"):
        read_spec(path)
