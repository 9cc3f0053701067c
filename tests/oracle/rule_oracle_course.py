"""Plain-Python verdicts of the rules on treatment, events and outcome, from the catalogue's sentences and the protocol."""

from oracle.logic import all_of, any_of, at_most, compare, days_between, equal, is_known, negate, where
from oracle.rule_case import KINASE_INHIBITORS, PD1_INHIBITORS


def combination_is_one_line(record, case):
    """A drug of the class that line 1 lacks, started within 28 days of it."""
    if record["line_number"] == 1:
        return True
    held = {_class_of(row["drug"]) for row in case.first_line}
    own = _class_of(record["drug"])
    if own is None or own in held:
        return None if record["drug"] is None else True
    if not case.first_line or not is_known(record["start_date"], case.start_date):
        return None
    return abs((record["start_date"] - case.start_date).days) > 28


def _class_of(drug):
    return "kinase" if drug in KINASE_INHIBITORS else "pd1" if drug in PD1_INHIBITORS else None


def recurrence_agrees_with_procedures(record, case):
    """Resection and ablation are curative; other procedures say nothing."""
    if record["is_recurrent"] is not False:
        return None if record["is_recurrent"] is None else True
    if "procedure" not in case.sent:
        return None
    verdicts = []
    for kind, limit in (("resection", 90), ("ablation", 365)):
        dates = [
            row["procedure_date"] for row in case.own["procedure"] if row["procedure"] == kind and row["procedure_date"]
        ]
        if dates:
            verdicts.append((case.start_date - min(dates)).days <= limit if case.start_date else None)
    return all_of(*verdicts)


def event_grade_5_is_dead(record, case):
    return where(equal(record["grade"], 5), case.is_dead)


def _is_first_of_its_kind(record, records, number, *fields):
    """Of repeated records all but the first are named."""
    if not is_known(*(record[name] for name in fields)):
        return None
    same = [row for row in records if all(row[name] == record[name] for name in fields)]
    return record[number] == min(row[number] for row in same)


def fatal_event_precedes_death(record, case):
    days = days_between(record["onset_date"], case.outcome["death_date"])
    return where(equal(record["grade"], 5), None if days is None else days <= 90)


def fatal_event_has_no_recovery(record, case):
    recovered, died = record["resolved_date"], case.outcome["death_date"]
    return where(equal(record["grade"], 5), not (is_known(recovered, died) and recovered != died))


def event_is_not_repeated(record, case):
    """Several events that have no term of their own are no repetition."""
    if record["term"] == "other":
        return None
    return _is_first_of_its_kind(record, case.own["adverse_event"], "event_number", "term", "onset_date")


def procedure_is_not_repeated(record, case):
    """Several nodules or fields are treated in one session."""
    if record["procedure"] is None or record["procedure"] in ("ablation", "radiotherapy"):
        return None
    return _is_first_of_its_kind(record, case.own["procedure"], "procedure_number", "procedure", "procedure_date")


def death_date_means_dead(record, case):
    return case.is_dead if record["death_date"] is not None else None


def death_has_date(record, case):
    return where(case.is_dead, record["death_date"] is not None or record["overall_survival_days"] is not None)


def progression_date_means_progressed(record, case):
    return record["has_progressed"] if record["progression_date"] is not None else None


def progression_has_date(record, case):
    return where(
        record["has_progressed"], record["progression_date"] is not None or record["progression_days"] is not None
    )


def first_line_has_one_of_each(record, case):
    """Two PD-1 inhibitors are asked about only where they were given at one time; nothing is said where that is not known."""
    if not case.first_line:
        return None
    n_kinase = sum(row["drug"] in KINASE_INHIBITORS for row in case.first_line)
    is_apart = negate(case.facts["has_pd1_drugs_at_once"]) if case.facts["pd1_drug_number"] > 1 else True
    return all_of(n_kinase <= 1, is_apart)


def combination_starts_together(record, case):
    """A PD-1 inhibitor that follows the first one of the line is a change of it."""
    antibodies = [row["start_date"] for row in case.first_line if row["drug"] in PD1_INHIBITORS]
    is_change = False
    if record["drug"] in PD1_INHIBITORS:
        first = min(antibodies) if antibodies and None not in antibodies else None
        is_change = compare(record["start_date"], first, lambda own, earliest: own > earliest)
    days = days_between(case.start_date, record["start_date"])
    return where(record["line_number"] == 1, any_of(is_change, at_most(days, 28)))


def combination_is_given_together(record, case):
    """Asked of the drug that the line begins with: it had ended before the other one of the combination began."""
    if record["line_number"] != 1 or _class_of(record["drug"]) is None:
        return True
    is_first = equal(record["start_date"], case.start_date)
    return where(is_first, any_of(negate(case.facts["is_begun_together"]), case.facts["is_given_together"]))


def first_line_has_no_further_drug(record, case):
    held = {_class_of(row["drug"]) for row in case.first_line}
    return record["line_number"] != 1 or _class_of(record["drug"]) is not None or not {"kinase", "pd1"} <= held


def first_line_is_a_combination(record, case):
    """A line with two kinase inhibitors is another rule's."""
    if not case.first_line:
        return None
    classes = [_class_of(row["drug"]) for row in case.first_line]
    return classes.count("kinase") > 1 or {"kinase", "pd1"} <= set(classes)


def stop_reason_has_end_date(record, case):
    return record["end_date"] is not None if record["stop_reason"] is not None else None


def stopped_for_death_is_dead(record, case):
    return where(equal(record["stop_reason"], "death"), case.is_dead)


def stopped_for_progression_has_progression(record, case):
    is_asked = all_of(record["line_number"] == 1, equal(record["stop_reason"], "progression"))
    is_derived = case.facts["first_progression_days"] is not None or case.facts["is_progression_derived"]
    return where(is_asked, any_of(case.outcome["has_progressed"], is_derived))


def stopped_for_toxicity_has_event(record, case):
    has_event = bool(case.own["adverse_event"]) if "adverse_event" in case.sent else None
    return where(equal(record["stop_reason"], "toxicity"), has_event)
