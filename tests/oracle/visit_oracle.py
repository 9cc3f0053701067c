"""Which visit each record of one reader belongs to, in plain Python from the protocol's sentences.

A record is a dict: row, number (sent or None), day (date or None), start (date or None), lesion (None: a response), target,
unscheduled. Written as a table of the days, not of the visits.
"""

from datetime import timedelta


def number_by_oracle(records):
    """Row -> visit number of the records without one; a visit is called by its number, else by its first day."""
    dated = [record for record in records if record["day"] is not None]
    if all(record["number"] is not None for record in dated):
        return {}
    begins = {}  # each bundle -> the bundle that begins its assessment
    bundles = _bundle(dated)
    for place, bundle in enumerate(bundles):
        head = None if place == 0 else begins[place - 1]
        mates = [other for other in begins if begins[other] == head]
        joins = head is not None and bundle["day"] <= bundles[head]["day"] + timedelta(days=21)
        joins = joins and all(_go_together(bundles[mate], bundle) for mate in mates)
        begins[place] = head if joins else place
    assessments = {}
    for place, head in begins.items():
        assessments.setdefault(head, []).append(bundles[place])
    owners = _find_hosts(assessments, bundles)
    given = {}
    for head, own in assessments.items():
        name = _name(assessments[owners[head]], bundles[owners[head]])
        given |= {record["row"]: name for bundle in own for record in bundle["records"] if record["number"] is None}
    return given


def _bundle(dated):
    """The records of one sent number, and of one day without one; by their first day, sent numbers before others."""
    found = {}
    for record in dated:
        key = ("number", record["number"]) if record["number"] is not None else ("day", record["day"])
        found.setdefault(key, []).append(record)
    bundles = [
        {
            "records": own,
            "number": own[0]["number"],
            "day": min(record["day"] for record in own),
            "lesions": {record["lesion"] for record in own} - {None},
            "unscheduled": any(record["unscheduled"] for record in own),
            "target": any(record["target"] for record in own),
            "after": own[0]["start"] is not None and min(record["day"] for record in own) > own[0]["start"],
        }
        for own in found.values()
    ]
    return sorted(bundles, key=lambda bundle: (bundle["day"], bundle["number"] is None, bundle["number"] or 0))


def _go_together(one, other):
    if one["after"] != other["after"] or one["lesions"] & other["lesions"]:
        return False
    sent = [bundle for bundle in (one, other) if bundle["number"] is not None]
    return len(sent) < 2 and not (sent and (one["unscheduled"] or other["unscheduled"]))


def _find_hosts(assessments, bundles):
    """Head -> the head of the assessment that takes it in: those without number and target, by the order of their days."""
    hosts = {head: head for head in assessments}
    seen = {head: set().union(*(bundle["lesions"] for bundle in own)) for head, own in assessments.items()}
    with_targets = [head for head, own in assessments.items() if any(bundle["target"] for bundle in own)]
    for head, own in assessments.items():
        if head in with_targets or any(bundle["number"] is not None for bundle in own):
            continue
        near = [
            (abs((bundles[other]["day"] - bundles[head]["day"]).days), other)
            for other in with_targets
            if bundles[other]["after"] == bundles[head]["after"] and not seen[other] & seen[head]
        ]
        near = [pair for pair in near if pair[0] <= 28]
        if near:
            hosts[head] = min(near)[1]
            seen[hosts[head]] |= seen[head]
    return hosts


def _name(own, first):
    sent = [bundle["number"] for bundle in own if bundle["number"] is not None]
    return sent[0] if sent else int(f"{first['day']:%Y%m%d}")
