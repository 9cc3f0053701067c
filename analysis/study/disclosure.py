"""Hides what would tell of few patients, before anything of a study is printed: what leaves is what is left in results and curves.

A study with `disclosure = k` prints no count of 1 to k - 1 patients or events, and nothing from which one could be computed: levels are hidden
by rows, in every arm, cohort and analysis alike and never one alone, so that neither a margin nor another table gives them back
(complementary suppression: Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). Steps of the flow chart are hidden in the same
way. Curves end where fewer than k are at risk, and fall only by k events at a time. What cannot be hidden is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from analysis.study.outcome import StudyOutcome
from analysis.study.protected_curves import find_hidden_counts, find_hidden_rates, protect_curves
from analysis.study.results import HIDDEN, Results
from analysis.study.spec import StudySpec
from etl.errors import AnalysisError

COUNTS = ("n", "n_before", "n_removed", "n_unknown", "n_after")
PARTED = ("table1", "therapy", "evidence", "response", "matching")
"""Analyses of which the levels of a variable add up to patients that are printed too."""
DESCRIBED = ("table1", "balance", "therapy", "evidence", "response")
RATES = ("orr", "dcr")
NOT_KNOWN = ""
"""Stands for the level of those of whom a variable is not known."""
BLOCKS = {"response": (("CR", "PR"), ("SD",), ("PD", "NE"))}
"""Levels whose sums are printed beside them: ORR is CR and PR, DCR these and SD."""
TESTS = ("p", "chi_square")
MODELS = (
    "cox_treatment", "cox_alternative", "logrank", "logrank_alternative", "restricted_mean", "cox_univariable", "cox_full", "cox_multivariable",
    "cox_multivariable_naive", "pairwise", "time_varying", "interaction", "propensity", "sensitivity", "weighting", "matching",
)  # fmt: skip
"""Analyses of everybody together: of what rests on few patients the counts are hidden, the estimates stay."""
STEP_OF_CHANGES = 10
"""Per cent points in which the change of single patients' tumours is told."""
_COUNT, _SMALL = "_count", "_small"


def protect(outcome: StudyOutcome, spec: StudySpec, *, with_individuals: bool = False) -> StudyOutcome:
    """Return what may be printed of a study; where it has no threshold, all of it as it is.

    A hidden row of the results has no value, no n and no n_event, and is marked as `HIDDEN`. An estimate of a model (`MODELS`) that rests on few
    stays, without n and n_event.

    Raises:
        AnalysisError: an arm, a matched or unmatched part of one, or a step of everybody has 1 to k - 1 patients.
    """
    k = spec.fewest_patients
    if k is None:
        return outcome
    frame = _mark_small(outcome.results.frame, k)
    _refuse_small_arms(frame, k)
    few_unknown = _find_few_unknown(frame, k)
    chosen = _choose_hidden(frame, few_unknown)
    hidden = set[str]().union(*_list_hidden(frame, outcome.curves, spec, chosen, k))
    few_events, few_timed = _find_endpoints_of_few(frame)
    is_found = pl.col("result_id").is_in(sorted(hidden))
    is_hidden = is_found & ~(
        pl.col("analysis").is_in(MODELS) & ~pl.col("statistic").is_in([*COUNTS, "pct", "expected"])
    )
    beside = pl.col("variable").is_in(sorted(chosen)) & ~pl.col("analysis").is_in(PARTED)
    loses_n = pl.any_horizontal(
        is_found, beside, pl.col("variable").is_in(few_unknown), pl.col("endpoint").is_in(few_timed)
    ).fill_null(value=False)
    loses_n_event = pl.any_horizontal(is_found, beside, pl.col("endpoint").is_in(few_events)).fill_null(value=False)
    shown = outcome.results.frame.with_columns(
        pl.when(~is_hidden).then("value").alias("value"),
        pl.when(~loses_n).then("n").alias("n"),
        pl.when(~loses_n_event).then("n_event").alias("n_event"),
        is_hidden.alias(HIDDEN),
    )
    curves = protect_curves(outcome.curves, outcome.results.frame, spec, k)
    courses = coarsen_courses(outcome.courses, spec) if with_individuals else outcome.courses.clear()
    return StudyOutcome(Results(shown), curves, courses)


def _mark_small(frame: pl.DataFrame, k: int) -> pl.DataFrame:
    """Add the patients or events that a row counts, and whether it, or what it rests on, is 1 to k - 1 of them."""
    share = (pl.col("value") * pl.col("n") / 100).round(0)
    is_count = pl.col("statistic").is_in(COUNTS) & pl.col("unit").is_in(["patients", "events", "pairs"])
    counted = pl.when(is_count).then("value").when(pl.col("statistic") == "pct").then(share)
    is_small = [pl.col(name).is_between(1, k - 1).fill_null(value=False) for name in (_COUNT, "n", "n_event")]
    return frame.with_columns(counted.alias(_COUNT)).with_columns(pl.any_horizontal(is_small).alias(_SMALL))


def _refuse_small_arms(frame: pl.DataFrame, k: int) -> None:
    """Refuse what no hiding protects: sizes that every table shows, and their differences."""
    sizes = frame.filter(
        ((pl.col("analysis") == "table1") & (pl.col("variable") == "patients"))
        | ((pl.col("analysis") == "matching") & (pl.col("variable") == "unmatched") & pl.col("level").is_null())
        | (
            (pl.col("analysis") == "flow")
            & pl.col("hospital").is_null()
            & pl.col("statistic").is_in(["n", "n_before", "n_after"])
        ),
        pl.col(_COUNT).is_between(1, k - 1),
    )
    if sizes.height:
        named = ", ".join(sizes["result_id"].head(5))
        raise AnalysisError(
            f"the specification asks that no count of fewer than {k} patients be shown (disclosure = {k}), and the study rests on one: {named}. Hiding it would "
            "hide the study. Change arms, filters or matching, or the threshold.",
            f"说明文件要求不显示少于 {k} 名患者的计数（disclosure = {k}），而本研究以此类计数为基础：{named}。请调整分组、筛选、匹配或阈值。",
        )


def _list_hidden(
    frame: pl.DataFrame, curves: pl.DataFrame, spec: StudySpec, chosen: Mapping[str, set[str]], k: int
) -> Iterator[set[str]]:
    yield _name(frame.filter(_SMALL))
    yield from _hide_levels(frame, spec, chosen)
    yield from _hide_families(frame)
    yield from _hide_flow(frame)
    few_events, few_timed = _find_endpoints_of_few(frame)
    of_few = pl.col("endpoint").is_in([*few_events, *few_timed])
    yield _name(frame.filter(of_few, pl.col("statistic").is_in(COUNTS)))
    yield _name(frame.filter(of_few, pl.col("statistic") == "expected"))
    yield find_hidden_counts(frame, k)
    yield find_hidden_rates(frame, curves, spec, k)
    # One patient's own value.
    extremes = pl.col("statistic").is_in(["min", "max"]) & pl.col("analysis").is_in(["table1", "treatment"])
    yield _name(frame.filter(extremes))


def _name(rows: pl.DataFrame) -> set[str]:
    return set(rows["result_id"])


def _find_few_unknown(frame: pl.DataFrame, k: int) -> list[str]:
    """Return the variables that are not known of 1 to k - 1 patients of an arm: what they rest on would tell how many."""
    sizes = frame.filter(pl.col("analysis") == "table1", pl.col("variable") == "patients", pl.col("arm").is_not_null())
    rests = frame.filter(pl.col("endpoint").is_null(), pl.col("hospital").is_null(), pl.col("variable") != "patients")
    compared = rests.join(sizes.select("cohort", "arm", size="value"), on=["cohort", "arm"])
    return sorted(set[str](compared.filter((pl.col("size") - pl.col("n")).is_between(1, k - 1))["variable"]))


def _choose_hidden(frame: pl.DataFrame, few_unknown: Sequence[str]) -> dict[str, set[str]]:
    """Return the hidden levels of every variable that has some; those not known count as a level."""
    parted = frame.filter(pl.col("analysis").is_in(PARTED), pl.col("level").is_not_null())
    chosen: dict[str, set[str]] = {}
    for (name,), rows in parted.group_by("variable", maintain_order=True):
        variable = str(name)
        counts = _count_levels(rows, "level")
        if variable in few_unknown:
            counts[NOT_KNOWN] = (True, 0)
        if levels := choose_levels(counts, BLOCKS.get(variable, ())):
            chosen[variable] = levels
    return chosen


def _count_levels(rows: pl.DataFrame, column: str) -> dict[str, tuple[bool, float]]:
    """Return of each level whether it is small anywhere, and its patients altogether."""
    by_level = rows.group_by(column, maintain_order=True).agg(pl.col(_SMALL).any(), pl.col(_COUNT).sum())
    return {str(level): (bool(small), float(total or 0)) for level, small, total in by_level.iter_rows()}


def _hide_levels(frame: pl.DataFrame, spec: StudySpec, chosen: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Yield the rows of hidden levels in every analysis, and the tests and differences of their variables."""
    in_subgroups = {item.characteristic for item in spec.subgroups}
    for variable, levels in chosen.items():
        of_variable = frame.filter(pl.col("variable") == variable)
        yield _name(of_variable.filter(pl.col("level").is_in(sorted(levels))))
        described = of_variable.filter(pl.col("analysis").is_in(DESCRIBED))
        yield _name(described.filter(pl.col("level").is_null(), pl.col("statistic").is_in(TESTS)))
        if NOT_KNOWN in levels:  # a count and its per cent tell what they rest on
            yield _name(of_variable.filter(pl.col("statistic") == "pct"))
        if variable in in_subgroups:
            yield _name(frame.filter(pl.col("subgroup").is_not_null(), pl.col("endpoint").is_not_null()))
        if variable in BLOCKS and not _is_blocked(levels, BLOCKS[variable]):
            yield _hide_responses(frame)
    if chosen:
        yield _name(frame.filter(pl.col("analysis") == "balance", pl.col("variable").str.starts_with("largest")))
    if frame.filter(pl.col("analysis") == "response", pl.col("variable").is_in(RATES), _SMALL).height:
        yield _hide_responses(frame)


def choose_levels(counts: dict[str, tuple[bool, float]], blocks: Sequence[Sequence[str]]) -> set[str]:
    """Return the levels to hide, whose sums alone are then known, two of a sum at least; none where no level is small.

    `counts` tells of each level whether it is small anywhere, and its patients altogether; `blocks` whose sums are printed. Added is what has
    fewest patients, and nobody last; where a block has no second level all levels are hidden.
    """
    chosen = {level for level, (small, _) in counts.items() if small}
    if not chosen:
        return chosen
    for block in blocks or (tuple(counts),):
        own = [level for level in block if level in counts]
        if not chosen & set(own):
            continue
        for level in sorted(own, key=lambda one: (counts[one][1] == 0, counts[one][1])):
            if len(chosen & set(own)) < 2:
                chosen.add(level)
        if len(chosen & set(own)) < 2:
            return set(counts)
    return chosen


def _is_blocked(levels: set[str], blocks: Sequence[Sequence[str]]) -> bool:
    """Whether the sums of blocks may stay: every block with a hidden level has two, and they are all patients."""
    return all(len(levels & set(block)) != 1 for block in blocks) and NOT_KNOWN not in levels


def _hide_responses(frame: pl.DataFrame) -> set[str]:
    """Return all rows of responses at evaluations, of which each is the others' difference."""
    of_response = (pl.col("analysis") == "response") & pl.col("variable").is_in(["response", *RATES])
    return _name(frame.filter(of_response | (pl.col("analysis") == "response_alternative")))


def _hide_families(frame: pl.DataFrame) -> Iterator[set[str]]:
    """Yield what is shown whole or not at all, since its parts overlap."""
    events = pl.col("analysis").is_in(["adverse_events", "adverse_event_rate"])
    family = pl.when(pl.col("variable") == "none recorded").then(pl.lit("any_event")).otherwise("variable")
    yield _hide_where_small(frame.filter(events), family)
    # None is told of none: what is hidden here is always of some.
    yield _hide_where_small(frame.filter(pl.col("analysis") == "post_baseline", pl.col(_COUNT) > 0), pl.col("variable"))
    for analysis in ("propensity", "time_varying"):
        counted = frame.filter(pl.col("analysis") == analysis, pl.col("statistic").is_in(COUNTS))
        yield _hide_where_small(counted, pl.col("analysis"))


def _hide_where_small(rows: pl.DataFrame, family: pl.Expr) -> set[str]:
    named = rows.with_columns(family.alias("_family"))
    small = named.filter(_SMALL)["_family"].unique()
    return _name(named.filter(pl.col("_family").is_in(small.implode())))


def _hide_flow(frame: pl.DataFrame) -> Iterator[set[str]]:
    """Yield the steps that removed few, with one more and all that is between them, in every column of the flow chart."""
    flow = frame.filter(pl.col("analysis").is_in(["flow", "flow_by_arm"]))
    removed = flow.filter(pl.col("statistic") == "n_removed")
    counts = _count_levels(removed, "variable")
    hidden = choose_levels(counts, ())
    places = [place for place, step in enumerate(counts) if step in hidden]
    if places:
        steps = list(counts)
        yield _name(flow.filter(pl.col("variable").is_in(sorted(hidden)), pl.col("statistic") == "n_removed"))
        left, came = steps[places[0] : places[-1]], steps[places[0] + 1 : places[-1] + 1]
        yield _name(flow.filter(pl.col("variable").is_in(left), pl.col("statistic") == "n_after"))
        yield _name(flow.filter(pl.col("variable").is_in(came), pl.col("statistic") == "n_before"))
    unknown = flow.filter(pl.col("statistic") == "n_unknown")
    yield _hide_where_small(unknown, pl.col("variable"))
    yield _name(unknown.filter(pl.col("variable").is_in(sorted(hidden))))
    sizes = pl.col("statistic").is_in(["n", "n_before", "n_after"])
    if flow.filter(pl.col("hospital").is_not_null(), sizes, _SMALL).height:
        yield _name(frame.filter(pl.col("hospital").is_not_null()))
    if flow.filter(pl.col("analysis") == "flow_by_arm", sizes, _SMALL).height:
        yield _name(flow.filter(pl.col("analysis") == "flow_by_arm"))


def _find_endpoints_of_few(frame: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Return the endpoints with few events in an arm, and those of which the time of few patients is not known.

    The one is the difference of events that are printed all over, the other that of patients.
    """
    of_curves = frame.filter(pl.col("analysis") == "kaplan_meier", pl.col("time_months").is_null(), _SMALL)
    unknown = frame.filter(pl.col("analysis") == "evidence", pl.col("endpoint").is_not_null(), _SMALL)
    few_timed = _list_endpoints(unknown)
    return sorted({*_list_endpoints(of_curves), *few_timed}), few_timed


def _list_endpoints(rows: pl.DataFrame) -> list[str]:
    return sorted(set[str](rows["endpoint"].drop_nulls()))


def coarsen_courses(courses: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    """Return the courses of patients with times in whole months, begun ones left out, and changes in steps of ten per cent points.

    Their order is that of what is left, so that it tells nothing more.
    """
    if courses.is_empty():
        return courses
    months = spec.at_month(1).value
    times = [(pl.col(name) / months).floor() * months for name in courses.columns if name.endswith("time")]
    changes = (pl.col("best_change_percent") / STEP_OF_CHANGES).round(0) * STEP_OF_CHANGES
    coarse = courses.with_columns(*times, changes)
    descending = [False, True, *[False] * (coarse.width - 2)]
    return coarse.sort("arm", "time", *coarse.columns[2:], descending=descending, nulls_last=True)
