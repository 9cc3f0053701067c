"""Names of results that the step which adds them and those who print them both need."""

from __future__ import annotations

from analysis.study.cohort_names import MATCHED
from analysis.study.results import Key
from analysis.study.spec import Characteristic, Endpoint, StudySpec


def make_hazard_ratio_key(spec: StudySpec, cohort: str, endpoint: str, subgroup: str | None = None) -> Key:
    """The key of the hazard ratio of the treated arm against the control, by the study's own model."""
    treated = spec.treated.id
    return Key(
        analysis="cox_treatment", cohort=cohort, endpoint=endpoint, subgroup=subgroup, variable="arm", level=treated
    )


def make_interaction_key(item: Characteristic, endpoint: Endpoint) -> Key:
    """The key of the interaction of treatment with a characteristic."""
    return Key(analysis="interaction", cohort=MATCHED, endpoint=endpoint.id, variable=f"arm x {item.id}")
