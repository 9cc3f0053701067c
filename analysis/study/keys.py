"""Names of results that the step which adds them and those who print them both need."""

from __future__ import annotations

from analysis.study.characteristic import Characteristic
from analysis.study.cohort_names import ALL, MATCHED
from analysis.study.results import Key
from analysis.study.spec import StudySpec, TimeVarying

NAIVE = "pairs ignored"
PROPORTIONAL = "p_proportional"
"""The statistic of the test whether one hazard ratio describes the whole course."""


def make_hazard_ratio_key(spec: StudySpec, cohort: str, endpoint: str, subgroup: str | None = None) -> Key:
    """The key of the hazard ratio of the treated arm against the control, by the study's own model."""
    treated = spec.treated.id
    return Key(
        analysis="cox_treatment", cohort=cohort, endpoint=endpoint, subgroup=subgroup, variable="arm", level=treated
    )


def make_naive_key(spec: StudySpec, endpoint: str, subgroup: str | None = None) -> Key:
    """The key of the same hazard ratio in the matched patients with the error that takes pairs for independent patients."""
    return make_hazard_ratio_key(spec, MATCHED, endpoint, subgroup).of(analysis="cox_alternative", variable=NAIVE)


def make_time_varying_key(spec: StudySpec, item: TimeVarying) -> Key:
    """The key of a model with what changes during follow-up, over everybody analysed."""
    return Key(analysis="time_varying", cohort=ALL, endpoint=item.endpoint, variable=item.id)


def make_interaction_key(spec: StudySpec, item: Characteristic, endpoint: str) -> Key:
    """The key of the interaction of treatment with a characteristic, in the cohort in which the arms are compared."""
    return Key(analysis="interaction", cohort=spec.main_cohort, endpoint=endpoint, variable=f"arm x {item.id}")
