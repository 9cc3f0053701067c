"""How a hospital's patients are distributed against those of the other hospitals: levels of baseline values, and drift.

Outcomes and responses are left out on purpose: no hospital shall see the comparison before it is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import chi2_contingency

from etl.pages.disclosure import FEWEST_PATIENTS, suppress_small_counts
from etl.pages.labels import label_field, label_test
from etl.pages.text import Text
from etl.quality import thresholds
from schemas.codes import Arm, BclcStage, ChildPughClass, Code, Comparator, LabTest, PvttType, Serology, Sex

EDGES: dict[str, tuple[float, ...]] = {
    "age_at_start_years": (40, 50, 60, 70),
    "tumour_size_from_number_or_text_cm": (5, 10, 15),
    "tumour_number": (2, 4, 6),
    "metastasis_site_number_from_total_or_organs": (2, 4, 6),
    "alt_u_l": (20, 40, 80),
    "ast_u_l": (20, 40, 80),
    "bilirubin_umol_l": (10, 17.1, 34),
    "albumin_g_l": (30, 35, 40, 45),
    "afp_ng_ml": (20, 400, 1_000),
    "hbv_dna_iu_ml": (20, 2_000, 200_000),
    "platelets_10e9_l": (100, 200, 300),
}
"""Numbers are shown in these classes, each from its lower limit up to below the next one. No limit lies above what a laboratory
still measures (AFP: `>1210`)."""

CODES: dict[str, type[Code] | None] = {
    "sex": Sex, "bclc_stage": BclcStage, "ecog_status": None, "child_pugh_class_from_points_or_record": ChildPughClass,
    "pvtt_type_from_text_or_code": PvttType, "hbsag": Serology, "has_antiviral_therapy": None, "has_cirrhosis": None,
    "has_portal_hypertension_from_hvpg_or_flag": None, "has_tace_with_therapy": None, "arm": Arm,
}  # fmt: skip
"""Codes are shown code by code; yes / no and whole numbers value by value."""

DERIVED = {
    "age_at_start_years": Text("Age at the start, years", "治疗开始时年龄（岁）"),
    "child_pugh_class_from_points_or_record": Text("Child-Pugh class", "Child-Pugh分级"),
    "pvtt_type_from_text_or_code": Text("Portal vein tumour thrombus, Cheng's type", "门静脉癌栓，程氏分型"),
    "tumour_size_from_number_or_text_cm": label_field("baseline", "tumour_size_cm"),
    "metastasis_site_number_from_total_or_organs": label_field("baseline", "metastasis_site_number"),
    "has_portal_hypertension_from_hvpg_or_flag": label_field("baseline", "has_portal_hypertension"),
    "has_tace_with_therapy": label_field("baseline", "has_tace"),
    "arm": Text("First-line combination", "一线联合方案"),
}
"""What the derived facts are called here; every other is a field as recorded."""

CODE_NAMES: dict[Code, str] = {Arm.SORA_PD1: "sorafenib + PD-1", Arm.LEN_PD1: "lenvatinib + PD-1"}
YES_NO = {"true": Text("yes", "是"), "false": Text("no", "否")}
SCHEMA = {
    "field": pl.String, "level": pl.Int64, "label_en": pl.String, "label_zh": pl.String, "n": pl.Int64, "n_others": pl.Int64,
}  # fmt: skip


def count_levels(subject: pl.DataFrame, hospital: str, *, with_empty: bool = False) -> pl.DataFrame:
    """Return how many patients of the hospital, and of all the others together, are at each level of each field.

    `subject`: the subject-level facts of all hospitals. Columns: field, level (its place), label_en, label_zh, n, n_others.
    A level that nobody has is left out, unless `with_empty`; patients without a value count nowhere. These are the true counts: what a
    hospital may see of the others is `hide_small_counts`.
    """
    is_own = subject["hospital"] == hospital
    rows = []
    for name, labels, level in _list_fields(subject):
        for place, label in enumerate(labels):
            is_here = level == place
            counts = int((is_own & is_here).sum()), int((~is_own & is_here).sum())
            if with_empty or any(counts):
                rows.append((name, place, label.en, label.zh, *counts))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def hide_small_counts(levels: pl.DataFrame) -> pl.DataFrame:
    """Return the levels with `percent_others` in place of `n_others`: whole per cents, null where a count is small or protects a small one.

    A field for which the other hospitals have too few values to compare (`MEDIAN_MIN_VALUES`) has none.
    """
    parts = []
    for (_,), rows in levels.group_by("field", maintain_order=True):
        total = rows["n_others"].sum()
        hidden = suppress_small_counts(rows["n_others"].to_list(), FEWEST_PATIENTS)
        is_enough = total >= thresholds.MEDIAN_MIN_VALUES
        shares = [round(100 * n / total) if is_enough and n is not None else None for n in hidden]
        parts.append(rows.drop("n_others").with_columns(percent_others=pl.Series(shares, dtype=pl.Int64)))
    return pl.concat(parts) if parts else levels.drop("n_others").with_columns(percent_others=pl.lit(None, pl.Int64))


def measure_drift(levels: pl.DataFrame) -> pl.DataFrame:
    """Return how far a hospital's levels lie from those of the others.

    Columns: field, n, n_others, distance (half the sum of the absolute differences of the shares: the share of patients that
    would have to change level; 0 equal, 1 nothing in common), p (chi-square test of equal shares), is_drift (distance and p
    beyond their thresholds). A field with too few values on either side is left out.
    """
    rows = []
    for (name,), counts in levels.group_by("field", maintain_order=True):
        n, n_others = counts["n"].sum(), counts["n_others"].sum()
        if min(n, n_others) < thresholds.MEDIAN_MIN_VALUES:
            continue
        distance = float((counts["n"] / n - counts["n_others"] / n_others).abs().sum()) / 2
        table = counts.select("n", "n_others").to_numpy()
        p = _test_equal_shares(table) if counts.height > 1 else 1.0
        is_drift = distance >= thresholds.DRIFT_DISTANCE.value and p < thresholds.DRIFT_P
        rows.append((name, n, n_others, distance, p, is_drift))
    schema = {
        "field": pl.String, "n": pl.Int64, "n_others": pl.Int64, "distance": pl.Float64, "p": pl.Float64,
        "is_drift": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def label_subject_field(name: str) -> Text:
    """Return what a subject-level field means in both languages."""
    if name in set(LabTest):
        return label_test(LabTest(name))
    return DERIVED.get(name) or label_field("patient" if name == "sex" else "baseline", name)


def _list_fields(subject: pl.DataFrame) -> Iterator[tuple[str, list[Text], pl.Series]]:
    """Yield each field with the labels of its levels and every patient's level (null where there is no value)."""
    for name, edges in EDGES.items():
        classes = [f"{low:,g} – < {high:,g}" for low, high in pairwise(edges)]
        labels = [f"< {edges[0]:,g}", *classes, f"≥ {edges[-1]:,g}"]
        yield name, [Text(label, label) for label in labels], subject.select(_find_class(name, edges)).to_series()
    for name, codes in CODES.items():
        values = subject[name].cast(pl.String)
        known = {code.value: Text(CODE_NAMES.get(code, code.value), code.zh) for code in codes} if codes else YES_NO
        order = [*known, *sorted(set(values.drop_nulls()) - set(known))]
        labels = [known.get(value, Text(value, value)) for value in order]
        yield name, labels, values.replace_strict({value: place for place, value in enumerate(order)}, default=None)


def _find_class(name: str, edges: Sequence[float]) -> pl.Expr:
    """The place of a number among the classes; a bound such as `<20` lies below 20."""
    is_below = pl.lit(value=False)
    if name in set(LabTest):
        comparator = pl.col(f"{LabTest(name).name.lower()}_comparator")
        is_below = (comparator == Comparator.BELOW.value).fill_null(value=False)
    reached = [pl.when(is_below).then(pl.col(name) > edge).otherwise(pl.col(name) >= edge) for edge in edges]
    place = pl.sum_horizontal(is_reached.cast(pl.Int64) for is_reached in reached)
    return pl.when(pl.col(name).is_not_null()).then(place).alias(name)


def _test_equal_shares(table: np.ndarray) -> float:
    """Return the p value of Pearson's chi-square test, without Yates' correction."""
    result: Any = chi2_contingency(table, correction=False)  # scipy does not declare what it returns
    return float(result.pvalue)
