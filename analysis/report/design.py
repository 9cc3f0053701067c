"""Who, where, when and what: the part of the methods that stands before the statistics, written from specification, criteria and definitions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from analysis.report.citing import cite
from analysis.study.flow_steps import INCOMPLETE
from analysis.study.numbers import prettify
from analysis.study.population import Arm, Condition
from analysis.study.results import Key, Results
from analysis.study.spec import Endpoint, StudySpec
from analysis.tables.model import CallOut, Cell, Open, Part, look_up, text
from analysis.tables.target_trial import compares_treatments
from schemas.definitions import albi, baseline, child_pugh, combination, procedures
from schemas.definitions.imaging import BASELINE_FROM_DAY
from schemas.definitions.laboratory_baseline import BASELINE_SAMPLE_DAYS, LASTING_SAMPLE_DAYS
from schemas.definitions.study_period import FOLLOW_UP_CLOSE
from schemas.derived_columns import SUBJECT_COLUMNS
from schemas.rules import CRITERIA

ARM_COLUMN = "arm"
YES_NO = {"true": "yes", "false": "no"}
DRUGS = {"sora_pd1": "sorafenib", "len_pd1": "lenvatinib"}


def write_design(results: Results, spec: StudySpec, manifest: Mapping[str, Any]) -> list[tuple[str, list[Cell]]]:
    """Return headings with their paragraphs."""
    return [
        ("Design and setting", [_describe_setting(spec, manifest)]),
        ("Patients", _describe_patients(spec)),
        *([("Groups compared", [text(*_describe_arms(spec))])] if spec.arms else []),
        *([("Definitions", definitions)] if (definitions := _describe_definitions(spec)) else []),
        ("Outcomes", [_describe_outcomes(spec)]),
        ("Missing data", [_describe_missing(results, spec)]),
    ]


def list_hospitals(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The hospitals of a study as its manifest names them."""
    return list(manifest["hospitals"])


def write_day(day: str) -> str:
    """An ISO day in words: `15 November 2022`."""
    found = dt.date.fromisoformat(day)
    months = (
        "January", "February", "March", "April", "May", "June", "July",
        "August", "September", "October", "November", "December",
    )  # fmt: skip
    return f"{found.day} {months[found.month - 1]} {found.year}"


def join_words(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def _describe_setting(spec: StudySpec, manifest: Mapping[str, Any]) -> Cell:
    hospitals = list_hospitals(manifest)
    named = join_words([item["name_en"] for item in hospitals])
    days = "; ".join(
        f"{item['name_en']}, {write_day(item['extract_day'])}" for item in hospitals if item["extract_day"]
    )
    parts: list[Part] = [
        f"This is a retrospective cohort study from the records of {named}, which were sent to a registry. Each extract was mapped and validated when it was "
        "loaded; values that cannot be right were set aside, and the hospital was asked about them.",
        f" Data extraction dates: {days}." if days else "",
        " Reporting follows STROBE and RECORD",
        cite("von_elm_2007", "benchimol_2015"),
        CallOut(("checklist_strobe", "checklist_record")),
    ]
    if compares_treatments(spec):
        parts += [
            "; the comparison is described as the emulation of a target trial",
            cite("hernan_2016"),
            CallOut(("target_trial",)),
        ]
    return text(*parts, ".")


def _describe_patients(spec: StudySpec) -> list[Cell]:
    population = spec.population
    if not population.eligible_only:
        words = f"Everybody was analysed whose outcome was recorded{_list_filters(spec)}"
        return [text(words, CallOut(("flow_chart", "flow")), ".")]
    asked = [item for item in CRITERIA.values() if item.criterion_id not in population.without_criteria]
    listed = "; ".join(prettify(item.label_en) for item in sorted(asked, key=lambda item: item.order))
    left_out = [CRITERIA[name].label_en for name in population.without_criteria]
    sentences = f"Patients were eligible who met each of these criteria: {listed}{_list_filters(spec)}."
    if left_out:
        sentences += f" Not asked for, though the protocol does: {'; '.join(left_out)}."
    return [
        text(
            f"{sentences} A patient seen in two hospitals was analysed once, where therapy started first",
            CallOut(("flow_chart", "flow")),
            ".",
        )
    ]


def _list_filters(spec: StudySpec) -> str:
    """The study's own filters and its landmark."""
    filters = "".join(f"; {item.label}" for item in spec.population.filters)
    if not spec.population.landmark_day:
        return filters
    return f"{filters}; followed without the event on day {spec.population.landmark_day:g} after the {spec.time_origin}, from which time runs"


def _describe_arms(spec: StudySpec) -> list[Part]:
    parts: list[Part] = []
    for arm in spec.arms:
        parts.append(f"{' ' if parts else ''}{arm.label}: {describe_arm(spec, arm)}.")
    return parts


def describe_arm(spec: StudySpec, arm: Arm) -> str:
    """What makes a patient one of an arm."""
    if arm.where:
        return " and ".join(map(_describe_condition, arm.where))
    if spec.arm_column == ARM_COLUMN and arm.code in DRUGS:
        return (
            f"{DRUGS[arm.code]} and at least one PD-1 inhibitor as first systemic therapy, begun within {combination.COMBINATION_DAYS} days of each "
            "other, without another systemic drug in the line"
        )
    column = SUBJECT_COLUMNS.get(spec.arm_column)
    meaning = column.meaning if column else spec.arm_column
    return f"{YES_NO.get(arm.code, repr(arm.code))} in the records ({meaning})"


def _describe_condition(condition: Condition) -> str:
    """A condition in words, by what the data dictionary says of its column."""
    words = {"at_least": "at least", "above": "above", "at_most": "at most", "below": "below"}
    asked = [f"{words[name]} {limit}" for name, limit in condition.limits.items()]
    asked += [" or ".join(condition.any_of)] if condition.any_of else []
    asked += [f"neither {' nor '.join(condition.none_of)}"] if condition.none_of else []
    return f"{_get_meaning(condition.column)}: {' and '.join(asked)}"


def _describe_definitions(spec: StudySpec) -> list[Cell]:
    """The definitions of what the study reads, each with its source."""
    read = {item.column for item in spec.characteristics} | {
        condition.column for item in (*spec.population.filters, *spec.arms) for condition in item.where
    }
    parts: list[Part] = (
        [
            f"Baseline is the last laboratory value in the {BASELINE_SAMPLE_DAYS} days to the first dose ({LASTING_SAMPLE_DAYS} days for alpha-fetoprotein, HBsAg and HBV DNA "
            f"where there is none), and of each lesion the last image in the {-BASELINE_FROM_DAY} days to it. "
        ]
        if spec.characteristics
        else []
    )
    if read & {"albi_level", "albi_grade", "albi_score"}:
        parts += [
            f"The albumin-bilirubin (ALBI) score is {albi.BILIRUBIN_COEFFICIENT} × log10(bilirubin in µmol/L) − "
            f"{-albi.ALBUMIN_COEFFICIENT} × (albumin in g/L); grade 1 is at most −{-albi.GRADE_1_UPPER:.2f}, grade 2 at most "
            f"−{-albi.GRADE_2_UPPER:.2f}, grade 3 above",
            cite("johnson_2015"),
            ". ",
        ]
    if read & {"pvtt_level", "pvtt_type"}:
        parts += [
            "Portal vein tumour thrombus (PVTT) is typed as by Cheng; of several sites the highest counts",
            cite("cheng_2017"),
            ". ",
        ]
    if spec.population.eligible_only or "child_pugh_class" in read:
        parts += [
            f"Child-Pugh class A is 5 to {child_pugh.CLASS_A_MAX_POINTS} points, class B up to {child_pugh.CLASS_B_MAX_POINTS}",
            cite("pugh_1973"),
            "; the stage is that of the Barcelona Clinic Liver Cancer (BCLC) system",
            cite("reig_2022"),
            ". ",
        ]
    if "hbv_dna_level" in read:
        parts.append(
            f"Patients negative for hepatitis B surface antigen (HBsAg) without a measurement of hepatitis B virus (HBV) DNA count as at most "
            f"{baseline.HBV_DNA_CUT_IU_ML} IU/mL. "
        )
    if "tace_level" in read:
        parts.append(
            f"Transarterial chemoembolisation (TACE) counts from {-procedures.TACE_FIRST_DAY} days before to {procedures.TACE_LAST_DAY} days after the "
            "start, before a later line of therapy; without a dated one, as recorded. "
        )
    if "portal_hypertension_level" in read:
        parts.append(
            f"Portal hypertension is a hepatic venous pressure gradient above {baseline.HVPG_CUT_MMHG} mmHg; where none was measured, as recorded. "
        )
    if read & {"metastasis_sites_level", "metastasis_site_number"}:
        parts.append("Metastasis sites are metastatic lesions, and their organs are counted apart. ")
    if spec.evaluations or spec.courses or any("pfs" in endpoint.time_column for endpoint in spec.endpoints):
        parts += [
            "Response follows RECIST 1.1",
            cite("eisenhauer_2009"),
            ": derived from lesions where targets, non-targets and new lesions of a visit are known, and taken as recorded where they are not",
            CallOut(("evidence",)),
            ". ",
        ]
    return [text(*parts)] if parts else []


def _describe_outcomes(spec: StudySpec) -> Cell:
    sentences = [_describe_endpoint(spec, endpoint) for endpoint in spec.endpoints]
    if any("close" in sentence for sentence in sentences):
        sentences.append(f"The close of follow-up is {write_day(FOLLOW_UP_CLOSE.isoformat())}.")
    for item in spec.evaluations:
        sentences.append(f"Response at {item.month} months: {_get_meaning(item.column)}.")
    if spec.grade_bands:
        sentences.append(
            "Adverse events are graded by the Common Terminology Criteria for Adverse Events (CTCAE) in the version that the hospital used; a patient "
            "counts once per term, with the worst grade."
        )
    if spec.fewest_patients is not None:
        k = spec.fewest_patients
        sentences.append(
            f"No count of fewer than {k} patients or events is shown, nor what would tell one; curves end where fewer than {k} are at risk and fall by {k} events "
            "at a time."
        )
    return text(" ".join(sentences))


def _describe_endpoint(spec: StudySpec, endpoint: Endpoint) -> str:
    meaning = _get_meaning(endpoint.time_column)
    for sign in (", ", ": "):
        meaning = meaning.removeprefix(f"{endpoint.label.lower()}{sign}")
    event = f"; event: {_get_meaning(endpoint.event_column)}" if endpoint.event_column else ""
    return f"{endpoint.label} ({endpoint.id}) runs from the {spec.origin}: {meaning}{event}."


def _get_meaning(column: str) -> str:
    """What the data dictionary says of a column, without names of other columns."""
    meaning = SUBJECT_COLUMNS[column].meaning if column in SUBJECT_COLUMNS else column
    for name in SUBJECT_COLUMNS:
        meaning = meaning.replace(f"`{name}`", name.replace("_", " "))
    return prettify(meaning)


def _describe_missing(results: Results, spec: StudySpec) -> Cell:
    """Who was lost to incomplete data, by arm, and what was done about it."""
    kept = [item.label for item in spec.characteristics if item.missing == "level"]
    parts: list[Part] = []
    if spec.population.eligible_only:
        parts.append("Patients with incomplete data were left out, as the protocol asks, and no value was imputed")
        losses = [(arm, Key(analysis="flow_by_arm", arm=arm.id, variable=INCOMPLETE)) for arm in spec.arms]
        known = [(arm, key) for arm, key in losses if results.has(key, "n_removed")]
        for place, (arm, key) in enumerate(known):
            parts += [
                "; " if place else ": ",
                look_up(results, key, "n_removed", "count"),
                " of ",
                look_up(results, key, "n_before", "count"),
            ]
            parts.append(f" who met the criteria before it with {arm.label}")
        parts += [CallOut(("flow_by_arm",)), ". "]
    if kept:
        parts.append(
            f"Patients of whom it was not known were kept, with a level of its own in the score, for {join_words(kept)}. "
        )
    if not parts:
        parts.append("No value was imputed. ")
    parts.append("A patient whose time to an endpoint is unknown is left out of that endpoint only.")
    return text(*parts)


def list_open(spec: StudySpec, manifest: Mapping[str, Any]) -> dict[str, Part]:
    """What only people can say, by the key of `[publication]`: as it was said, or what is to be filled in; a freeze says when data were locked."""
    asked = {
        "registration": "where protocol and plan of analysis were registered, and when",
        "deviations": "what was done otherwise than the protocol said",
        "lock": "when data were locked, and whether before results were looked at",
        "ethics": "approval of each ethics board, number and date",
        "consent": "consent, or who waived it",
        "funding": "funding, and the part that funders had",
        "interests": "competing interests",
        "contributions": "contributions of the authors",
        "data_sharing": "which data are shared, with whom, how",
    }
    said = {name: getattr(spec.publication, name) for name in asked}
    said["lock"] = " ".join(filter(None, (said["lock"], _describe_lock(manifest))))
    return {name: said[name] or Open(words) for name, words in asked.items()}


def _describe_lock(manifest: Mapping[str, Any]) -> str:
    """When the data were frozen, and what is on record of results before; nothing of data that were not."""
    frozen = manifest["inputs"].get("frozen")
    if not frozen:
        return ""
    day, before = write_day(frozen["frozen_at"][:10]), frozen["results_before"]
    told = {
        "no": "before any result of this study was computed from them",
        "yes": "after results of this study had been computed from them",
        "unknown": "and whether results of this study had been computed from them before is not on record",
    }[before["of_these_data"]]
    earlier = "; results had been computed from other versions of the data before" if before["n_of_other_data"] else ""
    return f"The data were locked on {day}, {told}{earlier}."
