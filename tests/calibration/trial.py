"""A trial of constants for the synthetic example: its analysed patients, and what an analysis of them would give.

Only the 229 patients are drawn, no delivery is written, and curves are estimated without their limits: a trial takes a
twentieth of a second. Whether the constants hold in the study itself is for the tests to say.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.estimators.cox import compute_likelihood_ratio_p, fit_cox
from analysis.estimators.design import encode_design
from analysis.estimators.kaplan_meier import TOLERANCE
from analysis.estimators.logrank import compute_logrank
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.keys import NAIVE
from analysis.study.results import Key
from analysis.study.spec import StudySpec
from analysis.study.study_time import Time
from etl.example.calibration import Calibration
from etl.example.cohort import SEED, draw_eligible, make_record_rng
from etl.example.disease import add_disease_records
from etl.example.margins import ARM_SIZES
from etl.example.model import SyntheticPatient
from etl.example.survival import draw_courses
from schemas.codes import Evidence
from schemas.definitions.endpoints import MONTH_3, MONTH_6, derive_response_at
from schemas.definitions.study_period import DAYS_PER_MONTH, FOLLOW_UP_CLOSE

ARM_IDS = {"sora_pd1": "sora", "len_pd1": "len"}
LANDMARKS = {"os": (6, 12, 24), "pfs": (3, 6, 12)}
EVALUATIONS = {3: MONTH_3, 6: MONTH_6}
PRINTED_MODELS = {"os": ("tace", "pvtt", "metastasis_sites"), "pfs": ("pvtt", "metastasis_sites")}


@dataclass(frozen=True)
class Trial:
    """The analysed patients under a calibration, one row each in the order drawn.

    `frame`: `arm`, `is_matched`, every characteristic by its label, `os`, `pfs` (months), `os_event`, `pfs_event`, and the
    responses `3m` and `6m`.
    """

    frame: pl.DataFrame

    @cached_property
    def n_deaths(self) -> int:
        """Deaths until the close of follow-up."""
        return int(self.frame["os_event"].sum())

    def estimate_survival(self) -> dict[str, float]:
        """Medians, rates and hazard ratios by their result ids."""
        found = {}
        for cohort, patients in ((ALL, self.frame), (MATCHED, self.frame.filter("is_matched"))):
            for endpoint, landmarks in LANDMARKS.items():
                for arm, name in ARM_IDS.items():
                    key = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint, arm=name)
                    own = patients.filter(pl.col("arm") == arm)
                    curve = estimate_curve(own[endpoint].to_numpy(), own[f"{endpoint}_event"].to_numpy())
                    found[key.of(variable="median").result_id("estimate")] = read_median(*curve)
                    for month in landmarks:
                        rate = key.of(variable="survival", time=Time(month, "month"))
                        found[rate.result_id("estimate")] = 100 * read_rate(*curve, month)
                model = Key(analysis="cox_treatment", cohort=cohort, endpoint=endpoint, variable="arm", level="len")
                if cohort == MATCHED:  # the published one takes pairs for independent patients
                    model = model.of(analysis="cox_alternative", variable=NAIVE)
                found[model.result_id("hr")] = estimate_hazard_ratio(patients, endpoint)
        return found | self._estimate_by_tace()

    def _estimate_by_tace(self) -> dict[str, float]:
        found = {}
        for (arm, tace), own in self.frame.filter("is_matched").group_by("arm", "TACE", maintain_order=True):
            curve = estimate_curve(own["os"].to_numpy(), own["os_event"].to_numpy())
            median = Key(
                analysis="kaplan_meier",
                cohort=MATCHED,
                endpoint="os",
                subgroup=f"TACE {tace}",
                arm=ARM_IDS[str(arm)],
                variable="median",
            )
            found[median.result_id("estimate")] = read_median(*curve)
        return found

    def count_responses(self) -> dict[str, float]:
        """Responses in the matched cohort by their result ids."""
        found = {}
        for month, (arm, name), response in itertools.product(EVALUATIONS, ARM_IDS.items(), ("CR", "PR", "SD", "PD")):
            key = Key(
                analysis="response",
                cohort=MATCHED,
                arm=name,
                variable="response",
                level=response,
                time=Time(month, "month"),
            )
            own = self.frame.filter("is_matched", pl.col("arm") == arm, pl.col(f"{month}m") == response)
            found[key.result_id("n")] = float(own.height)
        return found

    def test_tace_levels(self) -> dict[str, float]:
        """Log-rank p between the arms within TACE yes and within TACE no, in the matched cohort, by their result ids."""
        found = {}
        for (tace,), own in self.frame.filter("is_matched").group_by("TACE", maintain_order=True):
            p = compute_logrank(own["os"], own["os_event"], own["arm"]).p
            key = Key(analysis="logrank", cohort=MATCHED, endpoint="os", subgroup=f"TACE {tace}")
            found[key.result_id("p")] = p
        return found

    def fit_printed_models(self, spec: StudySpec) -> dict[str, float]:
        """Hazard ratios of the multivariable models, with the covariates that the study printed, by their result ids."""
        matched = _type_covariates(self.frame.filter("is_matched"), spec)
        ratios = {}
        for endpoint, printed in PRINTED_MODELS.items():
            fit = fit_cox(matched[endpoint], matched[f"{endpoint}_event"], encode_design(matched, ["arm", *printed]))
            for term, level, ratio in fit.coefficients.select("term", "level", "hazard_ratio").iter_rows():
                key = Key(
                    analysis="cox_multivariable_naive", cohort=MATCHED, endpoint=endpoint, variable=term, level=level
                )
                ratios[key.result_id("hr")] = ratio
        return ratios

    def list_entering(self, spec: StudySpec, endpoint: str) -> set[str]:
        """The characteristics that enter the multivariable model by the study's rule, by their ids."""
        matched = _type_covariates(self.frame.filter("is_matched"), spec)
        outcome = matched[endpoint], matched[f"{endpoint}_event"]
        limit = spec.regression.p_enter if spec.regression else 0.0
        fits = {item.id: fit_cox(*outcome, encode_design(matched, [item.id])) for item in spec.characteristics}
        return {name for name, fit in fits.items() if compute_likelihood_ratio_p(fit) < limit}


def _type_covariates(matched: pl.DataFrame, spec: StudySpec) -> pl.DataFrame:
    arm = matched["arm"].replace_strict(ARM_IDS, return_dtype=pl.Enum(["len", "sora"]))
    return matched.with_columns(
        arm, *(pl.col(item.label).cast(pl.Enum(item.order_levels())).alias(item.id) for item in spec.characteristics)
    )


class Bench:
    """Draws the analysed patients once, and gives them new courses for every trial."""

    def __init__(self, calibration: Calibration) -> None:
        self.patients = draw_eligible(SEED, calibration)
        is_matched = [value for arm in ARM_SIZES for value in calibration.is_matched[arm]]
        self.baseline = pl.DataFrame([patient.levels for patient in self.patients]).with_columns(
            pl.Series("arm", [patient.arm for patient in self.patients]), pl.Series("is_matched", is_matched)
        )

    def run(self, calibration: Calibration) -> Trial:
        """Return the patients with the courses of a calibration (whose first two seeds are those the bench began with)."""
        for arm in ARM_SIZES:
            own = [patient for patient in self.patients if patient.arm == arm]
            courses = draw_courses(calibration, arm, [p.levels for p in own], [p.start for p in own])
            for patient, course in zip(own, courses, strict=True):
                patient.course = course
        for number, patient in enumerate(self.patients):
            add_disease_records(make_record_rng(SEED, number), patient)
        return Trial(pl.concat([self.baseline, self._observe()], how="horizontal"))

    def _observe(self) -> pl.DataFrame:
        """What is seen of every patient until follow-up closes; an assessment counts on its own date."""
        outcomes = pl.DataFrame([_observe_outcome(i, p) for i, p in enumerate(self.patients)], infer_schema_length=None)
        readings = pl.DataFrame(
            [
                {
                    "patient_id": i,
                    "imaging_days": float((reading["assessment_date"] - patient.start).days),
                    "response": reading["recorded_response"],
                    "response_source": Evidence.RECORDED_RESPONSE.value,
                }
                for i, patient in enumerate(self.patients)
                for reading in patient.records["response"]
            ]
        )
        for month, window in EVALUATIONS.items():
            name = f"{month}m"
            timed = outcomes.with_columns(first_progression_source=pl.lit(Evidence.RECORDED_RESPONSE.value))
            at = derive_response_at(readings, timed, window, name).select("patient_id", name)
            outcomes = outcomes.join(at, on="patient_id", how="left", maintain_order="left")
        return outcomes.select("os", "os_event", "pfs", "pfs_event", *(f"{month}m" for month in EVALUATIONS))


def _observe_outcome(number: int, patient: SyntheticPatient) -> dict[str, object]:
    course, shown = patient.course, [r for r in patient.records["response"] if r["recorded_response"] == "PD"]
    os_days = min(course.last_contact_days, (FOLLOW_UP_CLOSE - patient.start).days)
    is_dead = course.is_dead and course.last_contact_days == os_days
    progression_days = (shown[0]["assessment_date"] - patient.start).days if shown else None
    return {
        "patient_id": number,
        "os": os_days / DAYS_PER_MONTH,
        "os_event": is_dead,
        "pfs": (progression_days or os_days) / DAYS_PER_MONTH,
        "pfs_event": is_dead or progression_days is not None,
        "first_progression_days": None if progression_days is None else float(progression_days),
        "death_days": float(os_days) if is_dead else None,
        "is_timed": True,
    }


def estimate_curve(
    times: NDArray[np.float64], events: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct times and the Kaplan-Meier estimate from each of them on."""
    distinct, place = np.unique(times, return_inverse=True)
    n_event = np.bincount(place, weights=events)
    n_risk = np.bincount(place)[::-1].cumsum()[::-1]
    return distinct, np.cumprod(1 - n_event / n_risk, dtype=float)


def read_median(times: NDArray[np.float64], survival: NDArray[np.float64]) -> float:
    """Return the median by R's rule (`analysis.estimators.kaplan_meier.compute_median`); infinite where it is not reached."""
    below = survival < 0.5 + TOLERANCE
    if not below.any():
        return float("inf")
    times, survival = times[below], survival[below]
    is_lower = survival < survival[0]
    is_level = abs(survival[0] - 0.5) < TOLERANCE and is_lower.any()
    return float((times[0] + times[np.argmax(is_lower)]) / 2 if is_level else times[0])


def read_rate(times: NDArray[np.float64], survival: NDArray[np.float64], month: float) -> float:
    """Return the survival at a time after the start; infinite where it cannot be estimated (the last one is censored)."""
    if month > times[-1] and survival[-1] > 0:
        return float("inf")
    return float(np.concatenate([[1.0], survival])[np.searchsorted(times, month, side="right")])


def estimate_hazard_ratio(patients: pl.DataFrame, endpoint: str) -> float:
    """Return the hazard ratio of lenvatinib against sorafenib."""
    treated = patients.select(treated=(pl.col("arm") == "len_pd1").cast(pl.Float64))
    fit = fit_cox(patients[endpoint], patients[f"{endpoint}_event"], treated)
    return float(fit.coefficients["hazard_ratio"].item())
