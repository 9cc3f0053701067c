"""The trial that the comparison emulates, part by part, and what was done in its place (Hernán and Robins 2016, doi:10.1093/aje/kwv254)."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.study.cohort_names import ALL
from analysis.study.numbers import prettify
from analysis.study.results import Key, Results
from analysis.study.spec import StudySpec
from analysis.tables.model import ReportTable, join_rows, text
from analysis.tables.post_baseline import list_changed, list_labels

ORDER = 3
TREATMENTS = ("arm", "pd1_drug", "targeted_drug")
HEADER = ("Part", "Trial that would have answered the question", "This study")


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield the table of a study that compares treatments."""
    if not compares_treatments(spec):
        return
    rows = [
        ("Eligibility", "Criteria known on the day of the start", _describe_eligibility(results, spec)),
        ("Strategies", _join_arms(spec, "Start {label}"), _join_arms(spec, "Started {label}")),
        ("Assignment", "At random, known to patient and physician", _describe_assignment(spec)),
        ("Time zero", "Day of randomisation", f"{spec.origin[0].upper()}{spec.origin[1:]}"),
        (
            "Follow-up",
            "Until the event or the close of follow-up",
            "As in the trial; end of observation is taken as independent of the outcome",
        ),
        (
            "Outcomes",
            "; ".join(endpoint.label for endpoint in spec.endpoints),
            "As in the trial, from records; no blinded review",
        ),
        ("Contrast", "Intention to treat", _describe_contrast(results, spec)),
        ("Analysis", "Cox model by arm", _describe_analysis(spec)),
    ]
    cells = join_rows([[text(prettify(entry)) for entry in row] for row in rows])
    title, zh = "Target trial and its emulation", "目标试验及其模拟"
    yield ReportTable("target_trial", "methods", title, zh, HEADER, cells, is_folded=True, has_sentences=True)


def compares_treatments(spec: StudySpec) -> bool:
    """Whether the arms are something that a trial could have assigned: combinations, drugs, or what a study makes of its conditions."""
    return bool(spec.arms) and (spec.arm_column in TREATMENTS or any(arm.where for arm in spec.arms))


def _join_arms(spec: StudySpec, words: str) -> str:
    return " or ".join(words.format(label=arm.label) for arm in spec.arms)


def _describe_eligibility(results: Results, spec: StudySpec) -> str:
    """Whether the choice of patients looks past the start, as far as that was examined."""
    later = [item for item in list_changed(results, spec) if item.kind in ("criterion", "filter")]
    known = (
        "The same criteria from the records" if spec.population.eligible_only else "Everybody whose outcome is recorded"
    )
    return f"{known}; known only later: {list_labels(later)}" if later else known


def _describe_assignment(spec: StudySpec) -> str:
    if spec.matching or spec.weighting:
        how = "matched on" if spec.matching else "weighted by"
        return (
            f"By physician and patient; {how} a propensity score of recorded characteristics, as if random given these"
        )
    return "By physician and patient; taken as random given nothing"


def _describe_contrast(results: Results, spec: StudySpec) -> str:
    """Whose effect it is: of the matched patients, or of the treated where every one of them has a partner."""
    if spec.matching:
        unmatched = Key(analysis="matching", cohort=ALL, arm=spec.treated.id, variable="unmatched")
        is_everybody = results.has(unmatched, "n") and results.value(unmatched, "n") == 0
        whom = "treated patients" if is_everybody else "matched patients"
    elif spec.weighting:
        whom = (
            "patients who could have been in either arm" if spec.weighting.method == "overlap" else "everybody analysed"
        )
    else:
        whom = "everybody analysed"
    return f"Arm as started, whatever followed, in {whom}"


def _describe_analysis(spec: StudySpec) -> str:
    if spec.has_pairs:
        return "Cox model of every two arms, p-values corrected by Holm's method"
    if spec.matching:
        return "Cox model by arm in the matched patients, errors robust by matched set"
    return "Weighted Cox model by arm, robust errors" if spec.weighting else "Cox model by arm, unadjusted"
