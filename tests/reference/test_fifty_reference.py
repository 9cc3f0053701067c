"""Fifty specifications computed in R from the documentation alone (`fifty.R`), against ours, number by number.

The specifications are drawn once (`fifty_draw.R`), so that what a specification can say occurs in combinations nobody thought of. Cox models stop in R, and
here, some 1e-8 short of the maximum unless told otherwise; they are compared both as they are and at the maximum.
"""

import csv
import math
import re
from collections import defaultdict
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import polars as pl
import pytest

from analysis.estimators import cox
from analysis.run import compute_study
from analysis.steps import alternatives
from analysis.study.cohort import PATIENT_ORDER
from analysis.study.read_spec import read_spec

HERE = Path(__file__).parent
CONDITION = ("column", "any_of", "none_of", "at_least", "below")
LISTS = ("any_of", "none_of", "levels", "covariates", "exact", "hospitals")
NUMBER_LISTS = ("cuts", "rate_times", "cut_percentiles")
NUMBERS = (
    "alpha",
    "at_least",
    "below",
    "knots",
    "per",
    "ratio",
    "caliper_sd",
    "caliper_width",
    "landmark_day",
    "p_enter",
)
REPEATED = ("arms", "endpoints", "characteristics", "time_varying")
RELATIVE, ABSOLUTE = 1e-8, 1e-10
NOT_IN_R = {
    r"propensity\.\w+\.(old|new)\.score\.": "the score's distribution in bins is drawn, not printed",
    r"flow\.(east|north|south)\.\w+\.n_": "steps by hospital add up to those over all",
    r"flow(_by_arm)?\.[\w.]+\.n_unknown": "of whom a condition is not known",
    r"flow_by_arm\.\w+\.in_no_arm\.n_": "with the arms they add up to all",
    r"restricted_mean\.(matched|weighted)\..*\.(se|ci_low|ci_high|p)$": "weighted: errors of a bootstrap",
    r"(evidence|post_baseline)\.": "what results rest on",
}
"""Results that R does not compute, and why or what they are."""
KEPT = 6e-10  # of a result ten digits are kept


@cache
def read_subjects():
    subjects = pl.read_csv(HERE / "fifty.csv", try_parse_dates=True)
    absent = [pl.lit(None).alias(name) for name in PATIENT_ORDER if name not in subjects.columns]
    return subjects.with_columns(absent)


@cache
def read_specifications():
    """By number, part and item (empty where a part has none): the values by their key."""
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    with (HERE / "fifty_specs.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[int(row["specification"])][row["part"]][row["item"]][row["key"]] = row["value"]
    return found


@cache
def read_expected():
    """By number and result: R's value at the maximum of the likelihood, and by coxph unless told."""
    found = defaultdict(dict)
    with (HERE / "fifty_results.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            texts = (row["value"], row["as_default"] or row["value"])
            values = tuple(None if text == "NA" else float(text) for text in texts)
            found[int(row["specification"])][row["result_id"]] = values
    return found


def write_value(key, value):
    if key in LISTS or key in NUMBER_LISTS:
        texts = value.split("|")
        return f"[{', '.join(texts if key in NUMBER_LISTS else map(write_text, texts))}]"
    return value if key in NUMBERS or value == "true" else write_text(value)


def write_text(value):
    return f'"{value}"'


def write_keys(values, *, with_where=False):
    """The lines of a table; conditions are set apart where the part has them in a list of their own."""
    asked = {key: value for key, value in values.items() if with_where and key in CONDITION}
    lines = [f"{key} = {write_value(key, value)}" for key, value in values.items() if key not in asked]
    inside = ", ".join(f"{key} = {write_value(key, value)}" for key, value in asked.items())
    return [*lines, f"where = [{{ {inside} }}]"] if asked else lines


def write_toml(parts):
    """A specification as its file would say it."""
    lines = ['title = "Drawn"', *write_keys(parts["study"][""]), "[population]", "eligible_only = false"]
    lines += write_keys(parts["population"][""]) if "population" in parts else []
    for name in ("matching", "weighting", "regression", "follow_up"):
        if name in parts:
            given = {key: value for key, value in parts[name][""].items() if value != "none"}
            lines += [f"[{name}]", *write_keys(given)]
    for name, table in (*((name, name) for name in REPEATED), ("filters", "population.filters")):
        for item, values in parts[name].items() if name in parts else ():
            label = [] if name == "arms" and "label" in values else [f'label = "{item}"']
            with_where = name in {"arms", "filters"}
            lines += [f"[[{table}]]", f'id = "{item}"', *label, *write_keys(values, with_where=with_where)]
    for values in parts["subgroups"].values() if "subgroups" in parts else ():
        lines += ["[[subgroups]]", *write_keys(values)]
    return "\n".join(lines) + "\n"


def read_specification(number, folder):
    """The specification as read from its file. No caliper at all is said in code only."""
    parts = read_specifications()[number]
    path = folder / f"drawn_{number}" / "spec.toml"
    path.parent.mkdir()
    path.write_text(write_toml(parts), encoding="utf-8")
    spec = read_spec(path)
    is_open = "matching" in parts and parts["matching"][""].get("caliper_sd") == "none"
    return replace(spec, matching=replace(spec.matching, caliper_sd=None)) if is_open else spec


def compute(number, folder, monkeypatch):
    monkeypatch.setattr(alternatives, "SAMPLES", 5)  # the bootstrap's errors are not R's
    return compute_study({"analysis_subject": read_subjects()}, read_specification(number, folder)).results


def list_differing(number, results, column):
    """Result, ours and R's, where they differ by more than rounding."""
    expected = {name: values[column] for name, values in read_expected()[number].items()}
    assert len(expected) > 200
    ours = {name: results.named(name)["value"] for name in expected}
    others = set(results.frame["result_id"]) - set(expected)
    assert {name for name in others if not any(re.match(pattern, name) for pattern in NOT_IN_R)} == set()
    return [(name, ours[name], value) for name, value in expected.items() if not is_equal(name, ours[name], expected)]


def is_equal(name, ours, expected):
    """Equal to 1e-8; a hazard ratio by its logarithm, relative to that or, if it is larger, its standard error."""
    value = expected[name]
    if ours is None or value is None:
        return ours is value
    if not name.endswith(".hr"):
        return ours == pytest.approx(value, rel=RELATIVE, abs=ABSOLUTE)
    low, high = (expected[name.removesuffix("hr") + limit] for limit in ("ci_low", "ci_high"))
    scale = max(abs(math.log(value)), math.log(high / low) / 5.2)  # limits are 5.2 standard errors apart, or less
    return abs(math.log(ours / value)) <= RELATIVE * scale + KEPT


NUMBERED = pytest.mark.parametrize("number", range(1, 51))


@NUMBERED
def test_every_number_of_a_specification_is_that_of_r(number, tmp_path, monkeypatch):
    assert list_differing(number, compute(number, tmp_path, monkeypatch), column=1) == []


@NUMBERED
def test_every_number_is_that_of_r_at_the_maximum_of_the_likelihood(number, tmp_path, monkeypatch):
    monkeypatch.setattr(cox, "coxph", partial(cox.coxph, eps=1e-14, iter_max=50))
    assert list_differing(number, compute(number, tmp_path, monkeypatch), column=0) == []


def has(part, key, *values):
    """Whether an item of a part of a specification says something (of these values)."""
    return lambda parts: any(key in item and (not values or item[key] in values) for item in parts[part].values())


def count_listed(part, key, n):
    return lambda parts: any(item.get(key, "").count("|") + 1 == n for item in parts[part].values() if key in item)


FEATURES = {
    "arms by code": has("arms", "code"),
    "arms by conditions": has("arms", "column"),
    "arms by limits": has("arms", "below"),
    "filter by values": has("filters", "any_of"),
    "filter by what is not": has("filters", "none_of"),
    "filter by limits": has("filters", "at_least"),
    "one hospital": has("population", "hospitals"),
    **{f"alpha {alpha}": has("study", "alpha", alpha) for alpha in ("0.05", "0.1", "0.01")},
    "weeks": has("study", "time_unit", "week"),
    **{f"landmark {day}": has("population", "landmark_day", day) for day in ("60", "91", "180")},
    "by the landmark": has("characteristics", "is_by_day"),
    "what is not reached": has("endpoints", "not_happened"),
    "two endpoints": lambda parts: len(parts["endpoints"]) == 2,
    "a level for the missing": has("characteristics", "missing", "level"),
    "reference": has("characteristics", "reference"),
    "one cut": count_listed("characteristics", "cuts", 1),
    "two cuts": count_listed("characteristics", "cuts", 2),
    **{f"at a cut {side}": has("characteristics", "at_cut", side) for side in ("below", "above")},
    "units": has("characteristics", "per"),
    **{f"{knots} knots": has("characteristics", "knots", str(knots)) for knots in range(3, 8)},
    **{f"1:{ratio}": has("matching", "ratio", str(ratio)) for ratio in (1, 2, 3)},
    **{f"on the {scale}": has("matching", "scale", scale) for scale in ("logit", "probability")},
    **{f"order {order}": has("matching", "order", order) for order in ("largest", "smallest", "data")},
    "caliper in standard deviations": has("matching", "caliper_sd", "0.1", "0.25", "0.5"),
    "caliper in units": has("matching", "caliper_width"),
    "no caliper": has("matching", "caliper_sd", "none"),
    "exact on one": count_listed("matching", "exact", 1),
    "exact on two": count_listed("matching", "exact", 2),
    **{method: has("weighting", "method", method) for method in ("iptw", "overlap")},
    "weights cut": has("weighting", "cut_percentiles"),
    "matched and weighted": lambda parts: "matching" in parts and "weighting" in parts,
    "neither": lambda parts: "matching" not in parts and "weighting" not in parts,
    "regression in matched": lambda parts: "regression" in parts and "matching" in parts,
    "regression in weighted": lambda parts: "regression" in parts and "weighting" in parts and "matching" not in parts,
    "regression in all": lambda parts: "regression" in parts and "matching" not in parts and "weighting" not in parts,
    **{f"p to enter {p}": has("regression", "p_enter", p) for p in ("0.05", "0.3")},
    "subgroup": has("subgroups", "characteristic"),
    "follow-up": has("follow_up", "endpoint"),
    "later event": has("time_varying", "day_column"),
    "delayed entry": has("time_varying", "entry_column"),
    "adjusted later event": has("time_varying", "covariates"),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_occurs_in_at_least_two_specifications(feature):
    empty = defaultdict(dict)
    found = [number for number, parts in read_specifications().items() if FEATURES[feature](empty | parts)]
    assert len(found) >= 2


def test_a_spline_lies_in_fewer_than_a_hundred_patients_with_knots_of_its_own():
    small = [
        number
        for number, parts in read_specifications().items()
        if any("knots" in item for item in parts["characteristics"].values())
        and read_expected()[number]["flow.analysed.n"][0] < 100
    ]
    assert len(small) >= 2
