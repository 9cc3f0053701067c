"""First line, progression, survival and response of one patient, in plain Python from the study's protocol."""

from datetime import date, timedelta
from itertools import combinations

from oracle.definition_oracle_progression import make_progression
from oracle.logic import all_of, any_of, at_most, days_between

KINASE_INHIBITORS = ("sorafenib", "lenvatinib")
PD1_INHIBITORS = ("pembrolizumab", "nivolumab", "sintilimab", "toripalimab", "camrelizumab")
CLOSE = date(2022, 10, 31)
DAYS_PER_MONTH = 365.25 / 12
WINDOWS = {"response_3_months": (91, 63, 119), "response_6_months": (183, 155, 211)}


def make_first_line(treatments):
    """Arm, drugs, start and end of line 1 and the start of the next line; all None without a line 1."""
    line = [row for row in treatments if row["line_number"] == 1]
    later = [row["start_date"] for row in treatments if row["line_number"] > 1 and row["start_date"] is not None]
    facts = dict.fromkeys((
        "arm", "targeted_drug", "pd1_drug", "first_line_start_date", "treatment_end_date", "is_treatment_ongoing",
        "kinase_inhibitor_number", "pd1_drug_number", "further_drug_number", "pd1_start_date", "is_begun_together",
        "is_given_together", "has_pd1_drugs_at_once",
    ))  # fmt: skip
    facts["next_line_start_date"] = min(later, default=None)
    facts["month_date_number"] = 0  # these hospitals know every day
    if not line:
        return facts
    kinase = [row["drug"] for row in line if row["drug"] in KINASE_INHIBITORS]
    antibodies = [row["drug"] for row in line if row["drug"] in PD1_INHIBITORS]
    lie = _describe_antibodies(line)
    is_combination = len(kinase) == 1 and antibodies and len(kinase) + len(antibodies) == len(line)
    is_combination = is_combination and lie["is_begun_together"] is not False and lie["is_given_together"] is not False
    starts, ends = [row["start_date"] for row in line], [row["end_date"] for row in line]
    return facts | {
        "arm": {"sorafenib": "sora_pd1", "lenvatinib": "len_pd1"}[kinase[0]] if is_combination else "other",
        "targeted_drug": _first_started(line, KINASE_INHIBITORS),
        "pd1_drug": _first_started(line, PD1_INHIBITORS),
        "first_line_start_date": None if None in starts else min(starts),
        "treatment_end_date": None if None in ends else max(ends),
        "is_treatment_ongoing": any(row["end_date"] is None and row["stop_reason"] is None for row in line),
        "kinase_inhibitor_number": len(kinase),
        "pd1_drug_number": len(antibodies),
        "further_drug_number": len(line) - len(kinase) - len(antibodies),
        **lie,
    }


def _describe_antibodies(line):
    """How the PD-1 inhibitors of line 1 lie to its only kinase inhibitor and to each other; a day counts as day of the calendar."""
    antibodies = [row for row in line if row["drug"] in PD1_INHIBITORS]
    kinase = [row for row in line if row["drug"] in KINASE_INHIBITORS]
    if not antibodies:
        return {}
    starts = [row["start_date"] for row in antibodies]
    first = None if None in starts else min(starts)
    begun = given = None
    if len(kinase) == 1 and kinase[0]["start_date"] is not None:
        if first is not None:
            begun = abs((first - kinase[0]["start_date"]).days) <= 28
        given = any_of(*(_is_combined(row, kinase[0]) for row in antibodies))
    return {
        "pd1_start_date": first,
        "is_begun_together": begun,
        "is_given_together": given,
        "has_pd1_drugs_at_once": any_of(*(_are_at_once(one, other) for one, other in combinations(antibodies, 2))),
    }


def _is_combined(antibody, kinase):
    """Begun within 28 days, and neither over when the other began; an infusion covers 21 days."""
    near = at_most(abs(days_between(kinase["start_date"], antibody["start_date"]) or 0), 28)
    near = None if antibody["start_date"] is None else near
    gap = days_between(_end_of(antibody), kinase["start_date"])
    return all_of(near, at_most(gap, 21), at_most(antibody["start_date"], _end_of(kinase)))


def _end_of(row):
    """A last dose before the first is no end."""
    return None if at_most(row["start_date"], row["end_date"]) is False else row["end_date"]


def _are_at_once(one, other):
    """Whether two drugs were given on a day together, the last dose of the one on the day of the other's first left out.

    Unknown first and last doses are tried out: a verdict stands where it is the same for every day that they can have been.
    """
    found = {
        a == b or (a < b_end and b < a_end)
        for a, a_end in _list_possible_days(one, other)
        for b, b_end in _list_possible_days(other, one)
    }
    return found.pop() if len(found) == 1 else None


def _list_possible_days(row, other):
    """Every first and last dose that matters: known days, or those around the days of the other drug."""
    last = _end_of(row)
    known = [day for day in (row["start_date"], last, other["start_date"], _end_of(other)) if day is not None]
    around = [day + timedelta(days=n) for day in known or [CLOSE] for n in range(-3, 4)]
    goes_on = row["end_date"] is None and row["stop_reason"] is None
    starts = [row["start_date"]] if row["start_date"] is not None else around
    ends = [date.max] if goes_on else [last] if last is not None else around
    return [(start, end) for start in starts for end in ends if start <= end]


def _first_started(line, drugs):
    """The drug of a class that was started first; one without a date comes last, then by name."""
    own = [(row["start_date"] is None, row["start_date"] or CLOSE, row["drug"]) for row in line if row["drug"] in drugs]
    return min(own)[2] if own else None


def find_last_adequate(readings):
    """Day of the last assessment whose response is known and not NE."""
    days = [row["imaging_days"] for row in readings if row["response"] not in (None, "NE")]
    return max((day for day in days if day is not None), default=None)


def _find_last_objective(readings):
    """Images of the last assessment that the hospital calls CR or PR."""
    dates = [row["imaging_date"] for row in readings if row["recorded_response"] in ("CR", "PR")]
    return max((date for date in dates if date is not None), default=None)


def make_outcome(outcome, treatments, line, readings):
    """Times, first progression, OS, PFS and responses of one patient; `outcome` is None without a record.

    `readings`: the counted assessments after the baseline, in the order of their images.
    """
    record, start = outcome or {}, line["first_line_start_date"]
    status = record.get("vital_status")
    facts = {
        "death_date": record.get("death_date"),
        "has_progressed": record.get("has_progressed"),
        "progression_date": record.get("progression_date"),
        "progression_basis": record.get("progression_basis"),
        "overall_survival_days": record.get("overall_survival_days"),
        "recorded_progression_days": record.get("progression_days"),
        "is_dead": None if status is None else status == "dead",
        "last_adequate_assessment_days": find_last_adequate(readings),
        "last_objective_response_date": _find_last_objective(readings),
        **make_progression(record, start, readings),
    }
    facts |= _make_times(facts, record.get("last_contact_date"), start, line)
    facts |= _make_survival(facts, is_undated=facts["is_progression_undated"])
    facts |= _make_pfs_variants(facts, start, line["next_line_start_date"], readings)
    if _lacks_start_of_next_line(treatments):
        facts |= {"pfs_new_therapy_days": None, "pfs_new_therapy_event": None}
    for name, window in WINDOWS.items():
        facts[name], facts[f"{name}_source"] = respond_at(facts, readings, *window)
    seen = _until_progression(readings, facts["first_progression_days"])
    facts["best_response"] = _find_best(seen)
    facts["best_response_confirmed"] = _find_confirmed(seen)
    responding = [row for row in seen if row["response"] in ("CR", "PR")]
    days = [row["imaging_days"] for row in responding if row["imaging_days"] is not None]
    facts["first_response_days"] = min(days, default=None)
    facts["best_change_percent"] = _find_best_change(seen)
    return facts


def _days(start, end):
    return None if start is None or end is None else float((end - start).days)


def _make_times(facts, contact, start, line):
    if contact is None and facts["is_dead"]:
        contact = facts["death_date"]
    is_dated = start is not None and contact is not None
    sent = facts["overall_survival_days"]
    last_contact = _days(start, contact) if is_dated else sent
    until = contact if line["is_treatment_ongoing"] else line["treatment_end_date"]
    treatment = _days(start, None if until is None else min(until, CLOSE))
    death = None
    if facts["is_dead"]:
        death = _days(start, facts["death_date"])
        death = last_contact if death is None else death
    return {
        "last_contact_or_death_date": contact,
        "time_source": "dates" if is_dated else None if sent is None else "durations",
        "last_contact_days": last_contact,
        "close_days": _days(start, CLOSE),
        "treatment_days": treatment,
        "treatment_months": None if treatment is None else treatment / DAYS_PER_MONTH,
        "death_days": death,
    }


def _make_survival(facts, *, is_undated):
    """OS to death, last contact or the close; PFS to progression or death; None where a time is not known."""
    unknown = dict.fromkeys(("os_days", "os_event", "pfs_days", "pfs_event"))
    end = facts["death_days"] if facts["is_dead"] else facts["last_contact_days"]
    close = facts["close_days"]
    if facts["is_dead"] is None or end is None or end < 0 or (close is not None and close < 0):
        return unknown
    os_days = end if close is None else min(end, close)
    os_event = facts["is_dead"] and end <= os_days
    progression = facts["first_progression_days"]
    survival = unknown | {"os_days": os_days, "os_event": os_event}
    if is_undated or (progression is not None and progression <= 0):
        return survival
    has_progressed = progression is not None and progression <= os_days
    return survival | {
        "pfs_days": progression if has_progressed else os_days,
        "pfs_event": os_event or has_progressed,
    }


def _lacks_start_of_next_line(treatments):
    later = [row["line_number"] for row in treatments if row["line_number"] > 1]
    return any(row["start_date"] is None for row in treatments if row["line_number"] == min(later, default=None))


def _make_pfs_variants(facts, start, next_line, readings):
    """PFS if death is no event, and censored at assessments: without an event, after two missed ones, at a new therapy."""
    names = ("progression_only_event", "last_assessment_days", "two_missed_days", "two_missed_event", "new_therapy_days", "new_therapy_event")  # fmt: skip
    end, is_event = facts["pfs_days"], facts["pfs_event"]
    if end is None:
        return {f"pfs_{name}": None for name in names}
    days = [
        row["imaging_days"]
        for row in readings
        if row["response"] in ("CR", "PR", "SD", "PD") and row["imaging_days"] is not None and row["imaging_days"] > 0
    ]

    def censor(seen):
        return min(max(seen, default=1.0), end)

    before = [day for day in days if day < end]
    is_late = is_event and end - max(before, default=0) > 16 * 7
    therapy = _days(start, next_line)
    is_changed = therapy is not None and 0 < therapy < end
    progression = facts["first_progression_days"]
    return {
        "pfs_progression_only_event": progression is not None and progression <= facts["os_days"],
        "pfs_last_assessment_days": end if is_event else censor([day for day in days if day <= end]),
        "pfs_two_missed_days": censor(before) if is_late else end,
        "pfs_two_missed_event": is_event and not is_late,
        "pfs_new_therapy_days": censor([day for day in days if day <= therapy]) if is_changed else end,
        "pfs_new_therapy_event": is_event and not is_changed,
    }


def respond_at(facts, readings, nominal, first_day, last_day):
    """The evaluable assessment nearest the nominal day (a tie: the later), and what it rests on: its own evidence, that of a
    progression, or death. A death or PD by the nominal day is PD.

    PD is carried forward; NE only if no assessment of the window is evaluable.
    """
    if facts["last_contact_days"] is None:
        return None, None
    within = [
        row
        for row in readings
        if row["response"] not in (None, "NE")
        and row["imaging_days"] is not None
        and first_day <= row["imaging_days"] <= last_day
    ]
    within.reverse()  # of two on one day the one that is later in order
    chosen = min(within, key=lambda row: (abs(row["imaging_days"] - nominal), -row["imaging_days"]), default=None)
    progression, death = facts["first_progression_days"], facts["death_days"]
    has_progressed = progression is not None and progression <= last_day
    if chosen is not None:
        has_progressed = has_progressed and (progression <= nominal or progression <= chosen["imaging_days"])
    if has_progressed:
        return "PD", facts["first_progression_source"]
    if death is not None and death <= (last_day if chosen is None else nominal):
        return "PD", "death"
    return ("NE", None) if chosen is None else (chosen["response"], chosen["response_source"])


def _until_progression(readings, first_progression_days):
    """The assessments with a response up to the first progression, whatever shows it, and up to the first PD."""
    kept = []
    for row in readings:
        is_after = None not in (row["imaging_days"], first_progression_days) and (
            row["imaging_days"] > first_progression_days
        )
        if row["response"] is not None and not is_after:
            kept.append(row)
        if row["response"] == "PD":
            break
    return kept


def _find_best(visits):
    return next((code for code in ("CR", "PR", "SD", "PD", "NE") if code in [row["response"] for row in visits]), None)


def _find_best_change(visits):
    """Largest shrinkage or smallest growth of the targets, in per cent of the baseline."""
    sums = [(row["target_sum_from_lesions_or_record_mm"], row["baseline_sum_mm"]) for row in visits]
    changes = [(now - first) / first * 100 for now, first in sums if now is not None and first]
    return min(changes, default=None)


def _find_confirmed(visits):
    """Confirmation after 28 days, SD from day 42 on; None without any response."""
    if not visits:
        return None
    if _is_confirmed(visits, ("CR",)):
        return "CR"
    if _is_confirmed(visits, ("CR", "PR")):
        return "PR"
    if any(_is_from(row["imaging_days"], 42) and row["response"] in ("CR", "PR", "SD") for row in visits):
        return "SD"
    return "PD" if visits[-1]["response"] == "PD" else "NE"


def _is_confirmed(visits, codes):
    """Some two visits with one of the codes lie 28 days apart, and nothing but them and NE stands between."""
    for place, first in enumerate(visits):
        if first["response"] not in codes or first["imaging_days"] is None:
            continue
        for second in visits[place + 1 :]:
            if second["response"] not in (*codes, "NE"):
                break
            days = second["imaging_days"]
            if second["response"] in codes and days is not None and abs(days - first["imaging_days"]) >= 28:
                return True
    return False


def _is_from(days, least):
    return days is not None and days >= least
