"""The results in sentences, for the manuscript: every number is a lookup, and no sentence says what a number means."""

from __future__ import annotations

from analysis.report.cautions import describe_restricted_mean, write_cautions
from analysis.steps.evidence import TIME_UNKNOWN
from analysis.steps.outcomes import ANY_TERM, NO_TERM
from analysis.steps.regression import FULL
from analysis.study.cohort_names import ALL, COHORT_NAMES, MATCHED, WEIGHTED, name_cohort
from analysis.study.flow_steps import NOT_COMPARED
from analysis.study.keys import PROPORTIONAL, make_hazard_ratio_key, make_interaction_key, make_time_varying_key
from analysis.study.numbers import NOT_ESTIMABLE
from analysis.study.population import Arm
from analysis.study.results import Key, Results, make_slug
from analysis.study.spec import Endpoint, StudySpec, Subgroup, TimeVarying
from analysis.tables.model import LIMITS, CallOut, Cell, Number, Part, has_limits, look_up, print_row, text

Parts = list[Part]


def write_narrative(results: Results, spec: StudySpec) -> list[tuple[str, list[Cell]]]:
    """Return the results section as headings with their paragraphs; what the study did not do is left out."""
    sections = [
        (
            "Patients",
            [_point(_describe_patients(results, spec), "flow_chart", "flow", "flow_by_arm", "table1", "therapy")],
        )
    ]
    if spec.follow_up:
        sections[0][1].append(_point(_describe_follow_up(results, spec), "follow_up"))
    if spec.matching:
        sections.append(("Matching", [_point(_describe_matching(results, spec), "table1", "love_plot", "propensity")]))
    if spec.weighting:
        sections.append(("Weighting", [_point(_describe_weighting(results, spec), "table1", "love_plot", "weighting")]))
    for endpoint in spec.endpoints:
        cohorts = [_describe_endpoint(results, spec, endpoint, cohort) for cohort in COHORT_NAMES]
        shown = [_point(cell, "survival", "kaplan_meier") for cell in cohorts if cell]
        shows = (f"regression_{make_slug(endpoint.id)}", f"forest_{make_slug(endpoint.id)}")
        models = [_point(_describe_model(results, spec, endpoint), *shows)] if spec.regression else []
        sections.append((endpoint.label, [*shown, *models]))
    for subgroup in spec.subgroups:
        label = (
            f"{spec.get_endpoint(subgroup.endpoint).label} by {spec.get_characteristic(subgroup.characteristic).label}"
        )
        name = f"subgroup_{make_slug(subgroup.characteristic)}_{make_slug(subgroup.endpoint)}"
        forest = f"forest_subgroups_{make_slug(subgroup.endpoint)}"
        sections.append((label, [_point(_describe_subgroup(results, spec, subgroup), name, forest)]))
    if spec.time_varying:
        changes = [_point(_describe_time_varying(results, spec, item), "time_varying") for item in spec.time_varying]
        sections.append(("What changes during follow-up", changes))
    if spec.evaluations:
        own = f"response_{spec.main_cohort}"
        tables = (
            own,
            *(f"response_{cohort}" for cohort in COHORT_NAMES if cohort != spec.main_cohort),
            "sensitivity_response",
            "evidence",
        )
        tables = (*tables, "waterfall", "swimmer")
        sections.append(("Tumour response", [_point(_describe_response(results, spec), *tables)]))
    if spec.grade_bands:
        sections.append(
            ("Adverse events", [_point(_describe_events(results, spec), "adverse_events", "adverse_event_rates")])
        )
    cautions = write_cautions(results, spec)
    if spec.sensitivity:
        figures = [f"sensitivity_{make_slug(endpoint.id)}" for endpoint in spec.endpoints]
        tables = ("sensitivity", "sensitivity_endpoints", "alternatives", "post_baseline")
        cautions.append(_point(_describe_sensitivity(results, spec), *figures, *tables))
    return [*sections, *([("Robustness of the results", cautions)] if cautions else [])]


def _point(cell: Cell, *names: str) -> Cell:
    """The paragraph with a call-out of tables and figures before its last full stop."""
    last = cell.parts[-1]
    if not (isinstance(last, str) and last.endswith(".")):
        return cell
    return text(*cell.parts[:-1], *([last[:-1]] if last != "." else []), CallOut(names), ".")


def _describe_patients(results: Results, spec: StudySpec) -> Cell:
    # Per criterion, over the hospitals: who came to the first step, and who is analysed.
    steps = results.select(analysis="flow", hospital=None, statistic="n_before")
    parts: Parts = []
    if steps.height:
        parts += ["Of ", print_row(steps.row(0, named=True), "count"), " registered patients, "]
    parts += [look_up(results, Key(analysis="flow", variable="analysed"), "n", "count"), " were analysed"]
    patients = Key(analysis="table1", cohort=ALL, variable="patients")
    for i, arm in enumerate(spec.arms):
        parts += [f"{'; ' if i else ' ('}{arm.label}, ", look_up(results, patients.of(arm=arm.id), "n", "count")]
    parts += [")"] if spec.arms else []
    uncompared = Key(analysis="flow", variable=NOT_COMPARED)
    if results.find(uncompared, "n"):
        parts += [". Without a hash of an identity document, ", look_up(results, uncompared, "n", "count")]
        parts += [" of those analysed were not compared between hospitals and may be among them twice"]
    return text(*parts, ".")


def _describe_weighting(results: Results, spec: StudySpec) -> Cell:
    key = Key(analysis="weighting", cohort=WEIGHTED)
    sizes = [
        look_up(results, key.of(arm=arm.id, variable="effective sample size"), "estimate", "time") for arm in spec.arms
    ]
    largest = look_up(
        results, Key(analysis="balance", cohort=WEIGHTED, variable="largest covariate"), "abs_smd", "difference"
    )
    return text(
        "The largest weight was ",
        look_up(results, key.of(variable="weight"), "max", "ratio"),
        "; the effective sample size was ",
        *_join(_name_arms(spec, [[size] for size in sizes])),
        ". The largest absolute standardised mean difference of a covariate after weighting was ",
        largest,
        ".",
    )


def _describe_time_varying(results: Results, spec: StudySpec, item: TimeVarying) -> Cell:
    """The hazard ratios of treatment and of what changes, from that day on."""
    key, endpoint = make_time_varying_key(spec, item), spec.get_endpoint(item.endpoint)
    parts: Parts = [
        f"{item.label}, {endpoint.label.lower()}, in the whole cohort{_name_adjustment(spec, item)}: the hazard ratio of {spec.treated.label} against {spec.control.label} was "
    ]
    parts += _term(results, spec, key.of(level=spec.treated.id))
    if item.day_column:
        parts += ["; that of the change ", *_term(results, spec, key.of(level="changed"))]
        changed = key.of(variable=f"{item.id} changed")
        if results.has(changed.of(level="during follow-up"), "n"):
            early, late = (
                look_up(results, changed.of(level=level), "n", "count")
                for level in ("from the start", "during follow-up")
            )
            parts += [" (patients with it from the start: ", early, ", during follow-up: ", late, ")"]
    return text(*parts, ".")


def _name_adjustment(spec: StudySpec, item: TimeVarying) -> str:
    labels = [spec.get_characteristic(name).label for name in item.covariates]
    return f", adjusted for {', '.join(labels)}" if labels else ", unadjusted"


def _describe_matching(results: Results, spec: StudySpec) -> Cell:
    pairs = look_up(results, Key(analysis="matching", cohort=MATCHED, variable="pairs"), "n", "count")
    what = "pairs" if spec.matching and spec.matching.ratio == 1 else "sets"
    parts: Parts = ["Matching gave ", pairs, f" {what}; "]
    for i, arm in enumerate(spec.arms):
        unmatched = Key(analysis="matching", cohort=ALL, arm=arm.id, variable="unmatched")
        parts += [" and " if i else "", look_up(results, unmatched, "n", "count"), f" {arm.label} patients"]
    balance = Key(analysis="balance", cohort=MATCHED, variable="largest covariate")
    largest = look_up(results, balance, "abs_smd", "difference")
    everything = look_up(results, balance.of(variable="largest"), "abs_smd", "difference")
    closing = " had no partner. The largest absolute standardised mean difference after matching was "
    return text(*parts, closing, largest, " of a covariate of the score and ", everything, " of any characteristic.")


def _describe_endpoint(results: Results, spec: StudySpec, endpoint: Endpoint, cohort: str) -> Cell | None:
    """Medians, rates and the comparison of the arms in one cohort, one sentence each; none where it was not computed."""
    if not results.select(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id).height:
        return None
    curve = Key(analysis="kaplan_meier", cohort=cohort, endpoint=endpoint.id)
    start = f"In the {name_cohort(cohort)}, median {endpoint.label.lower()} was "
    sentences: list[Parts] = [[start, *_list_medians(results, spec, curve)]]
    for time in endpoint.rate_times:
        start = f"{'Rates' if spec.arms else 'The rate'} at {time:g} {spec.time_unit}s: "
        rate = curve.of(variable="survival", time=spec.at(time))
        rates = [_estimate(results, spec, rate.of(arm=arm), "estimate", "percent", " %") for arm, _ in spec.groups]
        sentences.append([start, *_join(_name_arms(spec, rates))])
    if spec.has_contrast:
        sentences.append(_compare(results, spec, cohort, endpoint))
    elif spec.arms:
        logrank = Key(analysis="logrank", cohort=cohort, endpoint=endpoint.id)
        sentences.append(["The log-rank test of all arms had ", *_p(results, logrank)])
    sentences += _describe_unknown(results, endpoint, cohort)
    return _close(sentences)


def _describe_unknown(results: Results, endpoint: Endpoint, cohort: str) -> list[Parts]:
    """Who is in no result of the endpoint, such as patients with a progression whose day nobody knows."""
    unknown = Key(analysis="evidence", cohort=cohort, variable=TIME_UNKNOWN, endpoint=endpoint.id)
    if not (results.has(unknown, "n") and (results.value(unknown, "n") or results.is_hidden(unknown, "n"))):
        return []
    number = look_up(results, unknown, "n", "count")
    return [[f"Patients whose {endpoint.label.lower()} is not known, and who are left out of these results: ", number]]


def _close(sentences: list[Parts]) -> Cell:
    """One paragraph of these sentences, each with its full stop."""
    return text(*(part for i, sentence in enumerate(sentences) for part in (" " if i else "", *sentence, ".")))


def _name_arms(spec: StudySpec, items: list[Parts]) -> list[Parts]:
    """What was found in each arm, with the arm's name; alone where the study has no arms."""
    endings = [f" with {arm.label}" for arm in spec.arms] or [""]
    return [[*item, ending] for item, ending in zip(items, endings, strict=True)]


def _list_medians(results: Results, spec: StudySpec, curve: Key) -> Parts:
    keys = [curve.of(arm=arm, variable="median") for arm, _ in spec.groups]
    medians = [_estimate(results, spec, key, "estimate", "time", f" {spec.time_unit}s") for key in keys]
    return _join(_name_arms(spec, medians))


def _compare(results: Results, spec: StudySpec, cohort: str, endpoint: Endpoint) -> Parts:
    model = make_hazard_ratio_key(spec, cohort, endpoint.id)
    return [
        f"The hazard ratio of {spec.treated.label} against {spec.control.label} was ",
        *_estimate(results, spec, model, "hr", "ratio", ""),
        *_test_curves(results, model),
        "; test of proportional hazards, ",
        *_p(results, model, PROPORTIONAL),
        *describe_restricted_mean(results, spec, cohort, endpoint),
    ]


def _test_curves(results: Results, model: Key) -> Parts:
    """The log-rank test of what a hazard ratio compares or, with weights, the robust score test."""
    logrank = model.of(analysis="logrank", variable=None, level=None)
    if results.has(logrank, "p"):
        return ["; log-rank ", *_p(results, logrank)]
    return ["; robust score test ", *_p(results, model, "p_score")] if results.has(model, "p_score") else []


def _estimate(results: Results, spec: StudySpec, key: Key, statistic: str, kind: str, unit: str) -> Parts:
    """Estimate with unit and 95 % limits; without limits where none could be estimated, without unit where it could not itself."""
    estimate = look_up(results, key, statistic, kind)
    unit = "" if estimate.text == NOT_ESTIMABLE else unit
    if not has_limits(results, key):
        return [estimate, unit]
    low, high = (look_up(results, key, name, kind) for name in LIMITS)
    return [estimate, f"{unit} ({spec.limits} ", low, "–", high, ")"]


def _p(results: Results, key: Key, statistic: str = "p") -> Parts:
    number = look_up(results, key, statistic, "p")
    return ["p " if number.text[0] in "<>" else "p = ", number]


def _join(items: list[Parts]) -> Parts:
    joined: Parts = []
    for i, item in enumerate(items):
        joined += [" and " if i == len(items) - 1 and i else ", " if i else "", *item]
    return joined


def _describe_model(results: Results, spec: StudySpec, endpoint: Endpoint) -> Cell:
    """Treatment in the full model; the one whose terms a p-value chose has another direction where it was printed so, and stands in its table."""
    cohort = spec.main_cohort
    full = Key(analysis=FULL, cohort=cohort, endpoint=endpoint.id, variable="arm", level=spec.treated.id)
    number = look_up(results, full.of(variable="covariates", level=None), "n", "count")
    columns, events = full.of(variable="coefficients", level=None), full.of(variable="events", level=None)
    sizes: Parts = []
    if results.has(columns, "n"):
        sizes = [
            " with ",
            look_up(results, columns, "n", "count"),
            " coefficients, ",
            look_up(results, events, "n", "count"),
            " events",
        ]
    return text(
        f"In the {name_cohort(cohort)}, the hazard ratio of {spec.treated.label} against {spec.control.label} in the Cox model of treatment and every "
        "characteristic (",
        number,
        f" {_name_covariates(number)}",
        *sizes,
        ") was ",
        *_term(results, spec, full),
        ".",
    )


def _name_covariates(number: Number) -> str:
    return "covariate" if number.text == "1" else "covariates"


def _term(results: Results, spec: StudySpec, key: Key) -> Parts:
    return [*_estimate(results, spec, key, "hr", "ratio", ""), ", ", *_p(results, key)]


def _describe_subgroup(results: Results, spec: StudySpec, subgroup: Subgroup) -> Cell:
    item, endpoint = spec.get_characteristic(subgroup.characteristic), spec.get_endpoint(subgroup.endpoint)
    cohort = spec.main_cohort
    sentences: list[Parts] = []
    for level in reversed(item.list_levels()):
        model = make_hazard_ratio_key(spec, cohort, endpoint.id, item.name_group(level))
        start = f"{item.label}: {item.name_level(level)}, the hazard ratio was "
        sentences.append([start, *_estimate(results, spec, model, "hr", "ratio", "")])
    interaction = _p(results, make_interaction_key(spec, item, endpoint.id))
    listed = [part for place, one in enumerate(sentences) for part in ("; " if place else "", *one)]
    return _close(
        [
            [f"In the {name_cohort(cohort)}, by ", *listed],
            [f"The test of interaction of treatment and {item.label} had ", *interaction],
        ]
    )


def _describe_response(results: Results, spec: StudySpec) -> Cell:
    cohort = spec.main_cohort
    sentences: list[Parts] = []
    for evaluation in spec.evaluations:
        at = Key(analysis="response", cohort=cohort, time=spec.at_month(evaluation.month))
        for name, label in (("orr", "objective response"), ("dcr", "disease control")):
            start = f"At {evaluation.month} months, the rate of {label} in the {name_cohort(cohort)} was "
            rate = at.of(variable=name)
            shares = [_estimate(results, spec, rate.of(arm=arm.id), "pct", "percent", " %") for arm in spec.arms]
            sentences.append([start, *_join(_name_arms(spec, shares)), "; ", *_p(results, rate)])
    return _close(sentences)


def _describe_events(results: Results, spec: StudySpec) -> Cell:
    """Who has events, who has none on record, and rates per time on treatment where that is known."""
    sentences: list[Parts] = []
    for band in spec.grade_bands:
        key = Key(analysis="adverse_events", cohort=ALL, variable=ANY_TERM, level=band.id)
        counts = _join([_count(results, key.of(arm=arm.id), arm) for arm in spec.arms])
        start = f"Adverse events of {band.label[0].lower()}{band.label[1:]} were recorded in "
        sentences.append([start, *counts, "; ", *_p(results, key)])
    none = Key(analysis="adverse_events", cohort=ALL, variable=NO_TERM)
    sentences.append(
        ["None was recorded in ", *_join([_count(results, none.of(arm=arm.id), arm) for arm in spec.arms])]
    )
    rate = Key(analysis="adverse_event_rate", cohort=ALL, variable=ANY_TERM, level=spec.grade_bands[-1].id)
    if results.select(analysis="adverse_event_rate").height:
        rates = [_estimate(results, spec, rate.of(arm=arm.id), "rate", "time", "") for arm in spec.arms]
        words = f"Patients with {spec.grade_bands[-1].label[0].lower()}{spec.grade_bands[-1].label[1:]} per 100 patient-months of treatment: "
        sentences.append([words, *_join(_name_arms(spec, rates))])
    return _close(sentences)


def _count(results: Results, key: Key, arm: Arm) -> Parts:
    number, share = look_up(results, key, "n", "count"), look_up(results, key, "pct", "percent")
    return [number, " patients (", share, f" %) with {arm.label}"]


def _describe_follow_up(results: Results, spec: StudySpec) -> Cell:
    assert spec.follow_up is not None
    sentences: list[Parts] = []
    unit = f" {spec.time_unit}s"
    for cohort in COHORT_NAMES:
        median = Key(analysis="follow_up", cohort=cohort, endpoint=spec.follow_up.endpoint, variable="median")
        if results.has(median, "estimate"):
            estimate = _estimate(results, spec, median, "estimate", "time", unit)
            keys = [median.of(arm=arm.id) for arm in spec.arms]
            by_arm = [_estimate(results, spec, key, "estimate", "time", unit) for key in keys]
            between = [": ", *_join(_name_arms(spec, by_arm))] if spec.arms else []
            sentences.append([f"Median follow-up in the {name_cohort(cohort)} was ", *estimate, *between])
    return _close(sentences)


def _describe_sensitivity(results: Results, spec: StudySpec) -> Cell:
    """The smallest and the largest hazard ratio over the sensitivity analyses of each endpoint, in the study's first cohort and the weighted one."""
    sentences: list[Parts] = []
    cohorts = dict.fromkeys((spec.main_cohort, WEIGHTED))
    for endpoint in spec.endpoints:
        for cohort in cohorts:
            found = results.select(analysis="sensitivity", cohort=cohort, endpoint=endpoint.id, statistic="hr")
            ratios = found.drop_nulls("value").sort("value", "result_id").to_dicts()
            start = f"Over the sensitivity analyses of {endpoint.label.lower()} in the {name_cohort(cohort)}, "
            if len(ratios) == 1:
                sentences.append(
                    [f"{start}of which there was one, the hazard ratio was ", print_row(ratios[0], "ratio")]
                )
            elif ratios:
                low, high = (print_row(row, "ratio") for row in (ratios[0], ratios[-1]))
                sentences.append([f"{start}the hazard ratio lay between ", low, " and ", high])
    return _close(sentences) if sentences else text("No sensitivity analysis could be computed.")
