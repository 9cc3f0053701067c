"""Invented subjects for the tests of the analysis: 260 patients, of whom 242 are analysed, the same in every run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from analysis.study.cohort import PATIENT_ORDER
from analysis.study.read_spec import read_study
from schemas.example_patient import make_frame
from schemas.rules import eligibility  # noqa: F401 (registers the criteria)
from schemas.rules.rule import CRITERIA
from schemas.tables import TABLES

HOSPITALS = ("hunan", "nanfang", "sysu")
UNFILLED = ("hospital", "delivery", "table_name", "column_name")


def make_subjects(n: int = 260, seed: int = 7) -> pl.DataFrame:
    spec = read_study("len_vs_sora")
    rng = np.random.default_rng(seed)
    levels = {item.column: rng.choice(item.levels, size=n) for item in spec.characteristics}
    is_len = rng.random(n) < np.where(levels["ast_level"] == ">40", 0.5, 0.35)
    tace = levels["tace_level"] == "Yes"
    hazard = np.exp(-0.45 * is_len - 0.9 * tace + 0.6 * (levels["pvtt_level"] == "III-IV")) / 420
    os_days = np.ceil(rng.exponential(1 / hazard)).clip(125, None)
    followed = rng.integers(300, 1300, n).astype(float)
    pfs_days = np.ceil(os_days * rng.uniform(0.2, 0.9, n)).clip(40, None)
    frame = pl.DataFrame(
        {
            "hospital": rng.choice(HOSPITALS, size=n),
            "patient_id": [f"p{i:04d}" for i in range(n)],
            "source_row": np.arange(2, n + 2),
            "arm": np.where(is_len, "len_pd1", "sora_pd1"),
            "first_line_start_date": [
                dt.date(2019, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 1090, n)
            ],
            "age_at_start_years": rng.integers(25, 75, n),
            "os_days": np.minimum(os_days, followed).astype(int),
            "os_event": os_days <= followed,
            "pfs_days": np.minimum(pfs_days, followed).astype(int),
            "pfs_event": pfs_days <= followed,
            "treatment_months": rng.uniform(4, 15, n).round(1),
            "response_3_months": rng.choice(["PR", "SD", "PD", "NE"], size=n, p=[0.15, 0.45, 0.35, 0.05]),
            "response_6_months": rng.choice(["PR", "SD", "PD"], size=n, p=[0.12, 0.18, 0.7]),
            **_draw_courses(np.random.default_rng(seed + 1), os_days),
            **_vary_pfs(rng, np.minimum(pfs_days, followed), pfs_days <= followed),
            **_draw_evidence(np.random.default_rng(seed + 2), np.minimum(pfs_days, followed), pfs_days <= followed),
            **{name: values.tolist() for name, values in levels.items()},
            "seen_elsewhere_first": [False] * n,
            "month_date_number": [2 if i % 19 == 0 else 0 for i in range(n)],
        }
    )
    age = pl.Series(np.random.default_rng(seed + 3).integers(1, 35, n))
    frame = frame.with_columns(baseline_imaging_date=pl.col("first_line_start_date") - pl.duration(days=age))
    tace = pl.Series(np.random.default_rng(seed + 4).integers(1, 120, n))
    first_tace = pl.when(pl.col("tace_level") == "Yes").then(pl.col("first_line_start_date") + pl.duration(days=tace))
    frame = frame.with_columns(first_tace_date=first_tace)
    unrecorded = [pl.lit(None).alias(name) for name in PATIENT_ORDER if name not in frame.columns]
    return _judge(frame.with_columns(unrecorded), rng)


def _draw_courses(rng: np.random.Generator, os_days: np.ndarray) -> dict[str, object]:
    """Days on treatment, of first response and progression, and best responses; not everybody has them."""
    n = len(os_days)
    best = rng.choice(["PR", "SD", "PD", ""], size=n, p=[0.2, 0.45, 0.3, 0.05])
    middle = {"PR": -45.0, "SD": 0.0, "PD": 40.0, "": 0.0}
    change = [None if name == "" else middle[name] + float(rng.uniform(-12, 12)) for name in best]
    return {
        "treatment_days": rng.integers(122, 400, n).astype(float),
        "first_response_days": [float(rng.integers(42, 120)) if name == "PR" else None for name in best],
        "first_progression_days": [float(day) if day % 5 else None for day in (os_days * 0.6).astype(int)],
        "best_response": [name or None for name in best],
        "best_change_percent": change,
    }


def _vary_pfs(rng: np.random.Generator, days: np.ndarray, event: np.ndarray) -> dict[str, object]:
    """Other times and events of PFS, as if some patients had missed visits or had another therapy."""
    shorter = np.where(rng.random(len(days)) < 0.2, np.ceil(days * rng.uniform(0.3, 1, len(days))), days)
    return {
        "pfs_progression_only_event": event & (rng.random(len(days)) < 0.9),
        "pfs_last_assessment_days": np.where(event, days, shorter).astype(int),
        "pfs_two_missed_days": shorter.astype(int),
        "pfs_two_missed_event": event & (shorter == days),
        "pfs_new_therapy_days": shorter[::-1].astype(int),
        "pfs_new_therapy_event": event & (rng.random(len(days)) < 0.8),
    }


def _draw_evidence(rng: np.random.Generator, days: np.ndarray, event: np.ndarray) -> dict[str, object]:
    """What responses rest on, and times and responses under other readings: some are others than the study's."""
    n = len(days)
    sources = ["complete_list", "targets", "recorded_response"]
    names = ("first_progression_source", "response_3_months_source", "response_6_months_source")
    found: dict[str, object] = {name: rng.choice(sources, size=n, p=[0.7, 0.1, 0.2]) for name in names}
    for name in ("images_only", "recorded_only", "mrecist"):
        longer = np.where(rng.random(n) < 0.2, days + 30, days)
        found |= {f"pfs_{name}_days": longer.astype(int), f"pfs_{name}_event": event & (longer == days)}
    for month in (3, 6):
        for reading in ("ongoing", "mrecist"):
            found[f"response_{month}_months_{reading}"] = rng.choice(
                ["PR", "SD", "PD", "NE"], size=n, p=[0.2, 0.4, 0.35, 0.05]
            )
    return found


def _judge(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Criteria met by most: some patients fail one, some are unknown in one, three were seen elsewhere first."""
    verdicts = {}
    for position, name in enumerate(CRITERIA):
        met: list[bool | None] = [True] * frame.height
        met[position] = False
        if position % 4 == 0:
            met[100 + position] = None
        verdicts[name] = met
    elsewhere = [index in (200, 210, 220) for index in range(frame.height)]
    return frame.with_columns(
        *(pl.Series(name, met, dtype=pl.Boolean) for name, met in verdicts.items()),
        pl.Series("seen_elsewhere_first", elsewhere),
    )


def make_frames(subjects: pl.DataFrame, seed: int = 11) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    terms = ["hypertension", "diarrhoea", "fatigue", "hand_foot_skin_reaction", "rash"]
    events = [
        (hospital, patient, arm, term, int(rng.integers(1, 5)))
        for hospital, patient, arm in subjects.select("hospital", "patient_id", "arm").iter_rows()
        for term in terms
        if rng.random() < 0.3
    ]
    schema = {"hospital": pl.String, "patient_id": pl.String, "arm": pl.String, "term": pl.String, "grade": pl.Int64}
    ingests = pl.DataFrame(
        {
            "ingest_id": [1, 2, 3],
            "hospital": HOSPITALS,
            "name_en": ["Hunan Provincial People's Hospital", "Nanfang Hospital", None],
            "name_zh": ["湖南省人民医院", "南方医院", None],
            "extract_day": [dt.date(2022, 11, 20), dt.date(2022, 11, 15), None],
            "is_synthetic": True,
            "is_current": True,
        }
    )
    return {
        "analysis_subject": subjects,
        "analysis_adverse_event": pl.DataFrame(events, schema=schema, orient="row"),
        "attrition": pl.DataFrame(),
        "ingests": ingests,
        "unfilled_column": pl.DataFrame(schema=dict.fromkeys(UNFILLED, pl.String)),
        **{name: make_frame(name, []) for name in TABLES},
    }


@pytest.fixture(scope="session")
def subjects() -> pl.DataFrame:
    return make_subjects()


@pytest.fixture(scope="session")
def frames(subjects) -> dict[str, pl.DataFrame]:
    return make_frames(subjects)


@pytest.fixture(scope="session")
def frames_of_size() -> Callable[[int], dict[str, pl.DataFrame]]:
    """Frames of as many patients as one asks for."""
    return lambda n: make_frames(make_subjects(n))
