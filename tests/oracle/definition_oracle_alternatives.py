"""Progression and response of one patient under other readings than the study's, in plain Python from the protocol.

`readings` are the counted assessments after the baseline in order, `every` all assessments of the patient.
"""

from oracle.definition_oracle_course import WINDOWS, respond_at


def make_alternatives(facts, readings, every):
    """PFS by images, by recorded responses and by mRECIST; the responses of an ongoing PR and by mRECIST."""
    viable = _select_mrecist(readings, every)
    by_mrecist = facts | ({} if viable is None else _make_clock(viable))
    derived = [facts["derived_progression_days"]] if facts["is_progression_derived"] else []
    recorded = [_find_day(row) for row in readings if row["recorded_response"] == "PD"]
    progressed = [facts["first_progression_days"]] if facts["first_progression_days"] is not None else []
    alternatives = {
        **_make_pfs("images_only", facts, derived),
        **_make_pfs("recorded_only", facts, recorded),
        **_make_pfs("mrecist", facts, progressed if viable is None else _list_progressions(viable)),
    }
    for name, window in WINDOWS.items():
        alternatives[f"{name}_ongoing"], _ = respond_at(facts, _hold_partial(readings), *window)
        alternatives[f"{name}_mrecist"], _ = respond_at(by_mrecist, readings if viable is None else viable, *window)
    return alternatives


def _find_first(days):
    return min((day for day in days if day is not None), default=None)


def _find_day(row):
    """Of an assessment that counts as PD its first image of it, of one that does not its images."""
    return row["imaging_days"] if row["imaging_progression_days"] is None else row["imaging_progression_days"]


def _select_mrecist(readings, every):
    """What the counted reader read by mRECIST, None where he did not."""
    readers = {row["reader"] for row in readings}
    found = [
        row
        for row in every
        if row["criteria"] == "mrecist" and row["is_follow_up"] and row["reader"] in readers and row["response"]
    ]
    return found or None


def _list_progressions(viable):
    return [row["imaging_progression_days"] for row in viable if row["response"] == "PD"]


def _make_clock(viable):
    return {"first_progression_days": _find_first(_list_progressions(viable))}


def _make_pfs(name, facts, progressions):
    """As the study's PFS, with other progressions (their days in order).

    Unknown where the study's is, where the first has no day, and on or before day 0.
    """
    days, event = None, None
    progression, is_undated = _find_first(progressions), bool(progressions) and progressions[0] is None
    if facts["pfs_days"] is not None and not is_undated and (progression is None or progression > 0):
        has_progressed = progression is not None and progression <= facts["os_days"]
        days = progression if has_progressed else facts["os_days"]
        event = has_progressed or facts["os_event"]
    return {f"pfs_{name}_days": days, f"pfs_{name}_event": event}


def _hold_partial(readings):
    """SD after a PR is the PR that goes on."""
    held, was_partial = [], False
    for row in readings:
        held.append({**row, "response": "PR"} if was_partial and row["response"] == "SD" else row)
        was_partial = was_partial or row["response"] == "PR"
    return held
