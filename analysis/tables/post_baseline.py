"""Which criteria, characteristics and arms use what happened after the start of therapy, and where their effect is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.steps.post_baseline import CHANGED, EXAMINED, POST_BASELINE, WITHOUT_DATE, list_facts
from analysis.study.at_start import Item, list_items
from analysis.study.cohort_names import ALL
from analysis.study.numbers import prettify
from analysis.study.results import Results
from analysis.study.spec import Sensitivity, StudySpec
from analysis.tables.model import Cell, ReportTable, heading, join_rows, look_up, text

ORDER = 7
KINDS = {"criterion": "Criteria", "filter": "Filters of the study", "characteristic": "Characteristics", "arm": "Arm"}


def build(results: Results, spec: StudySpec) -> Iterator[ReportTable]:
    """Yield what was found, in a sentence and in numbers; also where nothing was, or nobody could be examined."""
    examined = POST_BASELINE.of(variable=EXAMINED)
    if not results.has(examined, "n"):
        return
    items, named = list_items(spec), list_changed(results, spec)
    rows: list[Sequence[Cell]] = [heading(_say_found(results, named, spec))]
    blanks = [text("") for _ in spec.arms]
    rows.append([text("Patients examined"), text(look_up(results, examined, "n", "count")), *blanks])
    for kind, title in KINDS.items():
        own = [row for item in named if item.kind == kind for row in _describe_item(results, spec, item)]
        rows += [heading(title), *own] if own else []
    header = ("Patients for whom it changes", "All registered", *(f"Analysed, {arm.label}" for arm in spec.arms))
    title, zh = (
        f"What uses the time after {spec.time_zero}",
        f"哪些标准与协变量使用了{name_time_zero_zh(spec)}之后的信息",
    )
    notes = tuple(_write_notes(results, spec, items, named))
    yield ReportTable("post_baseline", "patients", title, zh, header, join_rows(rows), notes)


def list_changed(results: Results, spec: StudySpec) -> list[Item]:
    """The criteria, characteristics and arms that use what happened after time zero, as far as that was examined."""
    return [item for item in list_items(spec) if _has_some(results, item, CHANGED)]


def _has_some(results: Results, item: Item, level: str) -> bool:
    """Whether there are patients; a number that is hidden is one of some."""
    key = POST_BASELINE.of(variable=item.id, level=level)
    return results.has(key, "n") and bool(results.value(key, "n") or results.is_hidden(key, "n"))


def name_time_zero_zh(spec: StudySpec) -> str:
    """The day from which time runs, in Chinese."""
    day = spec.population.landmark_day
    return f"治疗开始后第 {day:g} 天（界标）" if day else "治疗开始"


def _is_underivable(results: Results, item: Item) -> bool:
    key = POST_BASELINE.of(variable=item.id, level=CHANGED)
    return results.has(key, "n") and results.value(key, "n") is None and not results.is_hidden(key, "n")


def _say_found(results: Results, named: Sequence[Item], spec: StudySpec) -> str:
    if not results.value(POST_BASELINE.of(variable=EXAMINED), "n"):
        return f"Not examined: whether a criterion or covariate uses what happened after {spec.time_zero}"
    if not named:
        return f"No criterion, characteristic or arm uses what happened after {spec.time_zero}."
    return f"These criteria and covariates use what happened after {spec.time_zero}: {list_labels(named)}."


def list_labels(items: Sequence[Item]) -> str:
    """The labels of items in a sentence."""
    return "; ".join(prettify(item.label) for item in items)


def list_labels_zh(items: Sequence[Item]) -> str:
    """The labels of items in a Chinese sentence; those of the specification as they stand there."""
    return "；".join(prettify(item.label_zh or item.label) for item in items)


def _describe_item(results: Results, spec: StudySpec, item: Item) -> Iterator[list[Cell]]:
    """The item, and below it the later facts that change it alone, most patients first, and last those that change it only together."""
    key = POST_BASELINE.of(variable=item.id, level=CHANGED)
    is_covariate = spec.matching is not None and item.id in spec.matching.covariates
    label = prettify(item.label) + (", in the propensity score" if is_covariate else "")
    arms = [text(look_up(results, key.of(cohort=ALL, arm=arm.id), "n", "count")) for arm in spec.arms]
    yield [text(label), text(look_up(results, key, "n", "count")), *arms]
    described = list_facts()
    for level in results.select(analysis="post_baseline", variable=item.id, cohort=None)["level"]:
        if level in described:
            number = look_up(results, key.of(level=level), "n", "count")
            yield [text(f"\u2003{described[level]}"), text(number), *(text("") for _ in spec.arms)]


def _write_notes(results: Results, spec: StudySpec, items: Sequence[Item], named: Sequence[Item]) -> Iterator[str]:
    """What was done, what it means for the comparison, where that is shown, and what could not be told."""
    yield (
        f"Every registered patient with a start of therapy was derived again, by the same code, without any record or date after {spec.time_zero}. Changed: the "
        "criterion, level or arm is then another one, or cannot be known. Below each: the later facts that change it when they alone are taken away."
    )
    if named:
        yield (
            "What it does: whoever is chosen or grouped by a later fact was sure to live until that fact (immortal time). Survival looks longer than it "
            "was for patients on that day, and arms that differ in such a fact are not compared fairly."
        )
        yield from (_say_where(spec, item) for item in named)
    if unknown := [item for item in items if _is_underivable(results, item)]:
        yield f"Not examined, since their columns are not derived from the records: {list_labels(unknown)}."
    if undated := [item for item in items if _has_some(results, item, WITHOUT_DATE)]:
        yield f"Undated, so that nothing tells whether it was known then: {list_labels(undated)}. They are taken as stated for that day."
    if results.value(POST_BASELINE.of(variable=EXAMINED), "n"):
        unchanged = [item for item in items if item not in (*named, *undated, *unknown)]
        yield f"Known at {spec.time_zero}: {list_labels(unchanged)}."


def _say_where(spec: StudySpec, item: Item) -> str:
    shown = [f"“{other.label}”" for other in spec.sensitivity if leaves_out(spec, other, item)]
    if not shown:
        return f"{prettify(item.label)}: no sensitivity analysis of this study leaves it out."
    return f"{prettify(item.label)}: what it does is shown by {', '.join(shown)}, among the sensitivity analyses."


def leaves_out(spec: StudySpec, other: Sensitivity, item: Item) -> bool:
    """Whether a sensitivity analysis does without the criterion, or without the covariate of the score."""
    varied = spec.vary(other)
    if item.kind == "criterion":
        return item.id in varied.population.without_criteria
    covariates = spec.matching.covariates if spec.matching else ()
    return item.id in covariates and varied.matching is not None and item.id not in varied.matching.covariates
