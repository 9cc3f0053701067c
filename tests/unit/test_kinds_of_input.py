"""Every estimator takes polars, pandas and numpy with the same result, and sees what is missing in each."""

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest

from analysis.estimators.balance import compute_balance
from analysis.estimators.contingency import compute_contingency_test
from analysis.estimators.cox import check_proportional_hazards, fit_cox
from analysis.estimators.design import encode_design, read_array, read_frame
from analysis.estimators.kaplan_meier import fit_kaplan_meier, fit_reverse_kaplan_meier
from analysis.estimators.logrank import compute_logrank
from analysis.estimators.matching import match_nearest
from analysis.estimators.propensity import fit_propensity
from analysis.estimators.rank_sum import compute_rank_test
from analysis.estimators.response import compute_response_rates
from analysis.estimators.spline import compute_spline, place_knots
from analysis.estimators.time_varying import split_at
from analysis.estimators.weighting import compute_balancing_weights
from etl.errors import AnalysisError

N = 60
DRAW = np.random.default_rng(8)
NUMBERS = {
    "time": np.ceil(DRAW.exponential(12, N)),
    "entry": np.zeros(N),
    "change": np.ceil(DRAW.exponential(12, N)),
    "weight": DRAW.uniform(0.5, 2, N),
    "matched": np.ceil(DRAW.uniform(0.1, 2, N)),
    "probability": DRAW.uniform(0.2, 0.8, N),
    "x0": DRAW.normal(60, 10, N),
    "x1": DRAW.normal(3, 1, N),
}
FLAGS = {"event": DRAW.random(N) < 0.7, "treated": DRAW.random(N) < 0.5}
WHOLE = {"stratum": DRAW.integers(1, 4, N), "cluster": np.arange(N) // 2}
TEXTS = {
    "group": np.array(["a", "b", "c"] * 20),
    "arm": np.array(["A", "B"] * 30),
    "response": np.array(["CR", "PD", "NE"] * 20),
}
ALL = NUMBERS | FLAGS | WHOLE | TEXTS
TABLE = [[20, 30], [25, 25], [12, 28]]

USES = {
    "kaplan_meier": (
        lambda d: fit_kaplan_meier(d["time"], d["event"], weights=d["weight"], cluster=d["cluster"]),
        "time event weight cluster",
    ),
    "reverse_kaplan_meier": (lambda d: fit_reverse_kaplan_meier(d["time"], d["event"]), "time event"),
    "logrank": (
        lambda d: compute_logrank(d["time"], d["event"], d["group"], strata=d["stratum"]),
        "time event group stratum",
    ),
    "cox": (
        lambda d: fit_cox(
            d["time"],
            d["event"],
            d["frame"],
            entry=d["entry"],
            strata=d["stratum"],
            weights=d["weight"],
            cluster=d["cluster"],
        ),
        "time event x0 entry stratum weight cluster",
    ),
    "proportional_hazards": (
        lambda d: check_proportional_hazards(fit_cox(d["time"], d["event"], d["frame"])),
        "time event x1",
    ),
    "propensity": (lambda d: fit_propensity(d["frame"], d["treated"], ["x0", "x1"]), "x0 treated"),
    "matching": (lambda d: match_nearest(d["x0"], d["treated"], caliper_sd=0.2, exact=d["group"]), "x0 treated group"),
    "balance": (
        lambda d: compute_balance(d["frame"], d["treated"], ["x0", "x1"], matched=d["matched"]),
        "x1 treated matched",
    ),
    "balancing_weights": (
        lambda d: compute_balancing_weights(d["probability"], d["treated"], "overlap"),
        "probability treated",
    ),
    "response_rates": (lambda d: compute_response_rates(d["response"], d["arm"], arms=("A", "B")), "response arm"),
    "knots": (lambda d: place_knots(d["x0"], 4), "x0"),
    "spline": (lambda d: compute_spline(d["x0"], (50, 60, 70)), "x0"),
    "rank_test": (lambda d: compute_rank_test(d["x0"], d["group"]), "x0 group"),
    "split": (lambda d: split_at(d["entry"], d["time"], d["event"], d["change"]), "entry time event"),
}
"""Each estimator with the columns in which a missing value must be refused."""


def as_polars(columns, missing=None):
    return {
        name: pl.Series(name, [None if name == missing and i == 3 else v for i, v in enumerate(values.tolist())])
        for name, values in columns.items()
    }


def as_pandas(columns, missing=None):
    """With the types in which pandas keeps whole numbers, truth and text beside missing ones; rows are numbered backwards."""
    types = (
        dict.fromkeys(NUMBERS, "Float64")
        | dict.fromkeys(FLAGS, "boolean")
        | dict.fromkeys(WHOLE, "Int64")
        | {"group": "category"}
    )
    return {
        name: pd.Series(
            [pd.NA if name == missing and i == 3 else v for i, v in enumerate(values.tolist())],
            index=range(N, 0, -1),
            dtype=types.get(name, "string"),
        )
        for name, values in columns.items()
    }


def as_old_pandas(columns, missing=None):
    """With numpy's types: NaN in numbers, NaN among objects."""
    return {
        name: pd.Series([np.nan if name == missing and i == 3 else v for i, v in enumerate(values.tolist())])
        for name, values in columns.items()
    }


def as_numpy(columns, missing=None):
    return {name: series.to_numpy() for name, series in as_old_pandas(columns, missing).items()}


def as_lists(columns, missing=None):
    return {
        name: [None if name == missing and i == 3 else v for i, v in enumerate(values.tolist())]
        for name, values in columns.items()
    }


FRAMES = {as_polars: pl.DataFrame, as_pandas: pd.DataFrame, as_old_pandas: pd.DataFrame, as_numpy: np.column_stack}
KINDS = [*FRAMES, as_lists]


def build(kind, missing=None):
    columns = kind(ALL, missing)
    pair = {name: columns[name] for name in ("x0", "x1")}
    make = FRAMES.get(kind, pl.DataFrame)
    return columns | {"frame": make([*pair.values()]) if make is np.column_stack else make(pair)}


def flatten(result):
    """The result in plain values, to the last digit."""
    if isinstance(result, pl.DataFrame):
        return result.to_dict(as_series=False)
    if isinstance(result, np.ndarray):
        return result.tolist()
    if dataclasses.is_dataclass(result):
        fields = (field.name for field in dataclasses.fields(result) if field.name != "model")
        return {name: flatten(getattr(result, name)) for name in fields}
    return result


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("name", USES)
def test_every_kind_of_input_gives_the_same_result(name, kind):
    estimate, _ = USES[name]
    assert flatten(estimate(build(kind))) == flatten(estimate(build(as_polars)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name, (_, used) in USES.items() for column in used.split()]
)
def test_a_missing_value_is_refused_in_every_kind_of_input(name, column, kind):
    estimate, _ = USES[name]
    columns = build(kind, missing=column)
    with pytest.raises(AnalysisError):
        estimate(columns)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_change_is_never(kind):
    columns = build(kind, missing="change")
    rows = split_at(columns["entry"], columns["time"], columns["event"], columns["change"])
    assert rows.filter(row=3)["has_changed"].to_list() == [0]


@pytest.mark.parametrize("make", [np.array, pd.DataFrame, lambda rows: pl.DataFrame(rows, orient="row")])
def test_a_table_of_counts_may_be_of_any_kind(make):
    assert compute_contingency_test(make(TABLE)) == compute_contingency_test(TABLE)
    with pytest.raises(AnalysisError, match="a count is missing"):
        compute_contingency_test(make([[20.0, float("nan")], [25.0, 12.0]]))


def test_covariates_of_pandas_are_read_as_those_of_polars():
    levels = ["low", "high", "low", "middle"] * 5
    order = ["low", "middle", "high"]
    flags = [True, False, False, True] * 5
    ours = pl.DataFrame(
        {"stage": pl.Series(levels, dtype=pl.Enum(order)), "text": levels, "flag": flags, "n": [1, 2, 3, 4] * 5}
    )
    theirs = pd.DataFrame(
        {
            "stage": pd.Categorical(levels, categories=order),
            "text": levels,
            "flag": pd.Series(flags, dtype="boolean"),
            "n": pd.Series([1, 2, 3, 4] * 5, dtype="Int64"),
        }
    )
    one, other = (encode_design(frame, ["stage", "text", "flag", "n"]) for frame in (ours, theirs))
    assert other.names == one.names == ("stage=middle", "stage=high", "text=low", "text=middle", "flag", "n")
    assert other.matrix.equals(one.matrix)
    objects = encode_design(np.array([levels, flags], dtype=object).T, ["x0", "x1"])
    assert objects.names == ("x0=low", "x0=middle", "x1")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("dtype", ["object", "category"])
def test_missing_levels_are_no_levels(missing, dtype):
    frame = pd.DataFrame({"stage": pd.Series(["a", missing, "b"], dtype=dtype)})
    assert read_frame(frame)["stage"].to_list() == ["a", None, "b"]
    with pytest.raises(AnalysisError, match="stage: 1 of 3 values are missing"):
        encode_design(frame, ["stage"])
    assert read_array(["a", missing, "b"]).tolist() == ["a", None, "b"]


def test_what_is_no_frame_is_said():
    with pytest.raises(ValueError, match="two dimensions, not 1"):
        read_frame(np.arange(3))


def test_reading_leaves_the_caller_s_array_as_it_is():
    values = np.array(["a", np.nan], dtype=object)
    read_array(values)
    assert values[1] is not None
