"""Whether the drugs of a first line were given as a combination.

Source: the study's protocol, "Arm": lenvatinib or sorafenib and at least one PD-1 inhibitor, begun within 28 days of each
other; an infusion covers 21 days; a change of the PD-1 inhibitor within the line keeps the arm. From this follows:

- A combination is given together. An antibody is given from its first infusion to 21 days after its last, a kinase inhibitor
  from its first dose to its last. Where the one had ended before the other began, they came one after the other: no combination.
- The first PD-1 inhibitor of the line decides. A further one, however late, is a change of the antibody; it does not make good a
  first one that began more than 28 days from the kinase inhibitor.
- What is not known speaks against nobody: where a day that would decide is missing, the drugs count as begun and given together.
  Without every first dose there is no time zero, and the patient leaves for incomplete data (E4) all the same.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from schemas.codes import Drug

KINASE_INHIBITORS = (Drug.SORAFENIB.value, Drug.LENVATINIB.value)
PD1_INHIBITORS = (
    Drug.PEMBROLIZUMAB.value,
    Drug.NIVOLUMAB.value,
    Drug.SINTILIMAB.value,
    Drug.TORIPALIMAB.value,
    Drug.CAMRELIZUMAB.value,
)
COMBINATION_DAYS = 28
"""The drugs of a combination begin at most so many days apart."""
INFUSION_DAYS = 21
"""An infusion covers so many days; on the last of them the next is due."""
_GOES_ON = date(9999, 12, 31)


def derive_combination(first_line: pl.DataFrame) -> pl.DataFrame:
    """Return one row per patient with a PD-1 inhibitor in line 1.

    `pd1_start_date`: first dose of the first of them, null where one has no date. `is_begun_together`: it and the line's only
    kinase inhibitor began within 28 days. `is_given_together`: a PD-1 inhibitor that began within 28 days of it was given at one
    time with it. Both are null where a day is missing that would decide, and without exactly one kinase inhibitor.
    `has_pd1_drugs_at_once`: a PD-1 inhibitor began while another was still given, which is no change of the antibody; null where a
    day is missing that would decide.
    """
    start, end = pl.col("start_date"), _find_end()
    is_near = (start - pl.col("kinase_start")).dt.total_days().abs() <= COMBINATION_DAYS
    is_not_over = end.dt.offset_by(f"{INFUSION_DAYS}d") >= pl.col("kinase_start")
    is_in_time = start <= pl.col("kinase_end")
    antibody = (
        first_line.filter(pl.col("drug").is_in(PD1_INHIBITORS))
        .sort("patient_id", "start_date", "drug", nulls_last=True)
        .join(_find_only_kinase_inhibitor(first_line), on="patient_id", how="left", maintain_order="left")
        .with_columns(
            is_combined=pl.when(pl.col("kinase_start").is_not_null()).then(is_near & is_not_over & is_in_time)
        )
    )
    described = antibody.group_by("patient_id", maintain_order=True).agg(
        pl.col("kinase_start").first(),
        pd1_start_date=pl.when(start.is_not_null().all()).then(start.min()),
        is_given_together=pl.col("is_combined").any(ignore_nulls=False),
    )
    days = (pl.col("pd1_start_date") - pl.col("kinase_start")).dt.total_days().abs()
    at_once = _find_drugs_at_once(antibody)
    return described.join(at_once, on="patient_id", how="left", maintain_order="left").select(
        "patient_id",
        "pd1_start_date",
        "is_given_together",
        "has_pd1_drugs_at_once",
        is_begun_together=days <= COMBINATION_DAYS,
    )


def _find_only_kinase_inhibitor(first_line: pl.DataFrame) -> pl.DataFrame:
    """Per patient with exactly one kinase inhibitor in line 1: its first and its last dose."""
    kinase = first_line.filter(pl.col("drug").is_in(KINASE_INHIBITORS)).group_by("patient_id", maintain_order=True)
    named = kinase.agg(pl.len(), kinase_start=pl.col("start_date").first(), kinase_end=_find_end().first())
    return named.filter(pl.col("len") == 1).drop("len")


def _find_end() -> pl.Expr:
    """The last dose; one before the first is a slip, and the end is not known."""
    is_slip = (pl.col("end_date") < pl.col("start_date")).fill_null(value=False)
    return pl.when(~is_slip).then("end_date")


def _find_drugs_at_once(antibody: pl.DataFrame) -> pl.DataFrame:
    """Per patient `has_pd1_drugs_at_once`: of any two antibodies each began before the last dose of the other, or both on one day.

    One whose last dose is the day of the other's first was changed. The end of a stopped drug that has no date is not known, no more
    than a first dose without one; where the one had surely ended before the other began, neither matters.
    """
    goes_on = pl.when(pl.col("stop_reason").is_null() & pl.col("end_date").is_null()).then(pl.lit(_GOES_ON))
    given = antibody.select("patient_id", "drug", start="start_date", end=pl.coalesce(_find_end(), goes_on))
    pairs = given.join(given, on="patient_id", how="inner", suffix="_other", maintain_order="left_right")
    is_apart = _has_ended_before("", "_other") | _has_ended_before("_other", "")
    overlaps = _is_begun_before_end("", "_other") & _is_begun_before_end("_other", "")
    is_same_day = pl.col("start") == pl.col("start_other")
    is_at_once = (pl.col("drug") != pl.col("drug_other")) & ~is_apart.fill_null(value=False) & (overlaps | is_same_day)
    return pairs.group_by("patient_id", maintain_order=True).agg(
        has_pd1_drugs_at_once=is_at_once.any(ignore_nulls=False)
    )


def _has_ended_before(one: str, other: str) -> pl.Expr:
    """Whether a drug had ended when another began; on that very day only where it had begun before, else both may be of one day."""
    start, end, start_other = (pl.col(name) for name in (f"start{one}", f"end{one}", f"start{other}"))
    return (end < start_other) | ((end == start_other) & (start < start_other))


def _is_begun_before_end(one: str, other: str) -> pl.Expr:
    """Whether a drug began before another's last dose: surely where it began before the other, ended before it, or where that goes on."""
    start, end, start_other, end_other = (pl.col(f"{n}{by}") for by in (one, other) for n in ("start", "end"))
    return (start < end_other) | (start < start_other) | (end < end_other) | (end_other == _GOES_ON)
