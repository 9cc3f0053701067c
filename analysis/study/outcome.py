"""What a study computed, before any of it is written: numbers, and the points that figures draw."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analysis.study.results import Results


@dataclass(frozen=True)
class StudyOutcome:
    """`curves`: the points of every survival curve; `courses`: one row per patient, without any name (`COURSE_SCHEMA`)."""

    results: Results
    curves: pl.DataFrame
    courses: pl.DataFrame
