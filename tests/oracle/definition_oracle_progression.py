"""First progression of one patient, in plain Python from the protocol's "First progression".

`readings` are the assessments that count for the patient, in the order of their images.
"""

SAME_PROGRESSION_DAYS = 28


def select_follow_up(assessments):
    """The assessments after the baseline that count for the patient, in order."""
    return [row for row in assessments if row["is_counted"] and row["is_follow_up"]]


def make_progression(outcome, start, readings):
    """The first derived and the first recorded PD of an assessment, and the first progression of all."""
    derived = [row for row in readings if row["derived_response"] == "PD"]
    recorded = [row for row in readings if row["response"] == "PD" and row["derived_response"] != "PD"]
    facts = {
        **_name_event("derived_progression", _take_first(derived), with_source=True),
        **_name_event("read_progression", _take_first(recorded), with_source=False),
        "is_progression_derived": bool(derived),
    }
    shown = [_make_event(row) for row in derived + recorded]
    events = [event for event in shown if event["days"] is not None]
    stated = _find_stated(outcome, start)
    is_shown = stated is not None and _is_shown(stated, events)
    is_set_aside = stated is not None and not is_shown and _is_refuted(stated, readings)
    if stated is not None and not is_shown and not is_set_aside:
        events.append(stated)
    shown_in_order = [row for row in readings if row["response"] == "PD"]
    if shown_in_order and shown_in_order[0]["imaging_progression_days"] is None:
        events = [event for event in events if event is stated]
    first = min(events, key=lambda event: event["days"], default=None)
    facts |= _name_event("first_progression", first, with_source=True)
    # A date of the outcome table that is set aside is no progression without a date.
    is_stated_without_day = outcome.get("has_progressed") is True and stated is None
    facts["is_outcome_progression_set_aside"] = is_set_aside
    facts["is_progression_undated"] = first is None and (bool(shown) or is_stated_without_day)
    return facts


def _make_event(row):
    return {
        "days": row["imaging_progression_days"],
        "date": row["imaging_progression_date"],
        "source": row["response_source"],
    }


def _take_first(rows):
    """The earliest by its day. Where the first in order has none, that one: a later day would be too late."""
    events = [_make_event(row) for row in rows]
    if not events or events[0]["days"] is None:
        return events[0] if events else None
    return min((event for event in events if event["days"] is not None), key=lambda event: event["days"])


def _name_event(name, event, *, with_source):
    event = event or {"days": None, "date": None, "source": None}
    facts = {f"{name}_date": event["date"], f"{name}_days": event["days"]}
    return facts | ({f"{name}_source": event["source"]} if with_source else {})


def _find_stated(outcome, start):
    """The outcome table's progression where it has a day; a denied one is none, days count where it is affirmed."""
    if outcome.get("has_progressed") is False:
        return None
    source = "clinical" if outcome.get("progression_basis") == "clinical" else "outcome"
    day = outcome.get("progression_date")
    if day is not None and start is not None:
        return {"days": float((day - start).days), "date": day, "source": source}
    days = outcome.get("progression_days") if outcome.get("has_progressed") else None
    return None if days is None else {"days": days, "date": day, "source": source}


def _is_shown(stated, shown):
    """Within 28 days of a PD that images show it is that one."""
    return any(abs(event["days"] - stated["days"]) <= SAME_PROGRESSION_DAYS for event in shown)


def _is_refuted(stated, readings):
    """The next list that tells may show that there is none. A clinical progression is refuted by no list."""
    if stated["source"] == "clinical":
        return False
    for row in readings:
        if row["imaging_days"] is not None and row["imaging_days"] >= stated["days"]:
            if row["response"] == "PD":
                return False
            if row["is_refuting_list"]:
                return True
    return False
