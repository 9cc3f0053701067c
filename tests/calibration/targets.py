"""What the synthetic example must come near to: published figures, each with the tolerance it is held to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.study.published import NUMBER, read_published
from analysis.study.spec import StudySpec

TOLERANCES = {  # pattern of the result: largest difference from the printed figure, in its unit
    r"matching\.matched\.pairs\.n": 0.0,
    r"kaplan_meier\.(all|matched)\.(os|pfs)\.(sora|len)\.median\.estimate": 0.4,
    r"kaplan_meier\.(all|matched)\.(os|pfs)\.(sora|len)\.survival\.\d+m\.estimate": 2.5,
    r"kaplan_meier\.matched\.os\.tace_(yes|no)\.(sora|len)\.median\.estimate": 1.5,
    r"cox_treatment\.all\.(os|pfs)\.arm\.len\.hr": 0.05,
    r"cox_alternative\.matched\.(os|pfs)\.pairs_ignored\.len\.hr": 0.08,
    r"response\.matched\.(sora|len)\.response\.(cr|pr|sd|pd)\.[36]m\.n": 6.0,
}


@dataclass(frozen=True)
class Target:
    """A published figure: the result it belongs to, its value, and how far the example may be from it."""

    result_id: str
    value: float
    tolerance: float


def list_targets(spec: StudySpec) -> list[Target]:
    """Return every published figure that the example is calibrated to; of a slip such as `12.3.0` the number it begins with."""
    targets = []
    for result_id, text in read_published(spec).items():
        tolerance = next((size for pattern, size in TOLERANCES.items() if re.fullmatch(pattern, result_id)), None)
        number = NUMBER.match(text)
        if tolerance is not None and number:
            targets.append(Target(result_id, float(number.group()), tolerance))
    return targets
