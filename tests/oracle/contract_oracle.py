"""What becomes of a delivery by the contract, in plain Python: read, set aside, rejected, asked about.

Written from the rule catalogue ("Rules made from the contract"). Nothing is read here: the cells say what they mean
(`invented_delivery`).
"""

from collections import defaultdict
from dataclasses import dataclass

from oracle.contract_oracle_visits import Reading, give_numbers
from oracle.invented_delivery import (
    CONTRACTS,
    HBV_DNA_UNITS,
    KEYS,
    MADE_WHILE_READING,
    TELEPHONE,
    known_units,
    limits_of,
    select_test,
    to_canonical,
)


@dataclass(frozen=True)
class Verdict:
    """`findings`: (rule, source row, field); `accepted`: (table, row); `values`: what the accepted records hold."""

    findings: set
    accepted: set
    values: dict


def judge_delivery(delivery):
    """The verdict on every record and cell of an invented delivery."""
    readings = {
        (table, record.row): {name: read_cell(delivery, table, name, record) for name in record.cells}
        for table, records in delivery.records.items()
        for record in records
    }
    give_numbers(delivery.records, readings)
    findings, kept = set(), {}
    for table, records in delivery.records.items():
        kept[table] = _reject_by_key(table, records, readings, findings)
    _reject_with_patient(delivery, kept, readings, findings)
    for table, records in delivery.records.items():
        for record in records:
            is_kept = any(record is other for other in kept[table])
            _judge_cells(delivery, table, record, readings[table, record.row], is_kept, findings)
    accepted = {(table, record.row) for table, records in kept.items() for record in records}
    return Verdict(findings, accepted, {place: readings[place] for place in accepted})


def read_cell(delivery, table, name, record):
    """A cell in the contract's type and unit."""
    cell = record.cells[name]
    if cell.kind == "missing":
        return Reading()
    if cell.kind != "value":
        return Reading(fault=cell.kind)
    spec = CONTRACTS[table][name]
    sign = cell.sign if spec.is_censored else None
    if (table, name) == ("laboratory", "test"):
        return Reading(_test_of(record))
    if not isinstance(cell.value, int | float) or isinstance(cell.value, bool):
        return Reading(cell.value, sign)
    return _read_number(table, name, record, (record.group, name) in delivery.units, sign)


def _test_of(record):
    """The laboratory test, as its code and the unit of its value say."""
    value = record.cells.get("value")
    return select_test(record.cells["test"].value, value.unit if value else None)


def _read_number(table, name, record, has_unit, sign):
    cell = record.cells[name]
    test = _test_of(record) if table == "laboratory" else None
    units = known_units(table, name, test)
    if has_unit and cell.unit not in units:
        # Of an unknown test no unit can be known; the test is asked about, and the record lacks its key.
        return Reading(fault="unit") if units or table != "laboratory" else Reading(sign=sign)
    value = to_canonical(cell.value, units[cell.unit]) if has_unit else cell.value
    possible, plausible = limits_of(table, name, test)
    if sign in ("=", None) and isinstance(cell.value, float) and _is_slip(cell.value, value, units, plausible, test):
        return Reading(fault="unit_slip")
    if _is_inside(value, possible) and _is_inside(value, plausible):
        return Reading(value, sign)
    if not _is_inside(value, possible):
        return Reading(fault="range")
    return Reading(value, sign, is_unusual=True)


def _is_slip(number, value, units, plausible, test):
    """Outside the plausible limits as read, inside them in another unit, at least twofold away.

    Assays quantify HBV DNA from about 10 IU/mL on: a plain number between 1 and 10 looks like a logarithm.
    """
    is_like_logarithm = test in HBV_DNA_UNITS and number == value and 1 < number < 10
    if plausible == (None, None) or number == 0 or (_is_inside(value, plausible) and not is_like_logarithm):
        return False
    others = [to_canonical(number, factor) for factor in units.values()]
    return any(_is_inside(x, plausible) and not 0.5 < x / value < 2 for x in others)


def _is_inside(value, limits):
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)


def _key_of(table, record, readings):
    """The record's key; None where a part of it is missing or was not read."""
    own = readings[table, record.row]
    parts = [own[name].value for name in KEYS[table]]
    if table == "laboratory":
        parts.append(_content_of(record))  # every value of a test loads; only copies are of one key
    return None if record.patient.value is None or None in parts else (record.patient.value, *parts)


def _content_of(record):
    """What a record says: its texts and units as they stand, and whose it is."""
    cells = {name: (cell.text or "", cell.unit or "") for name, cell in record.cells.items()}
    return tuple(sorted((name, said) for name, said in cells.items() if said != ("", ""))), record.person.value


def _reject_by_key(table, records, readings, findings):
    by_key = defaultdict(list)
    for record in records:
        key = _key_of(table, record, readings)
        if key is None:
            findings.add((f"{table}.key.missing", record.row, None))
        else:
            by_key[key].append(record)
    kept = []
    for same in by_key.values():
        firsts = {}
        for record in sorted(same, key=lambda record: record.row):
            firsts.setdefault(_content_of(record), record)
        counting = list(firsts.values())
        chosen = _choose_response(counting, readings) if table == "response" else None
        if chosen is not None:
            findings |= {("response.superseded", record.row, None) for record in counting if record is not chosen}
            copies = [record for record in same if all(record is not first for first in counting)]
            counting = [chosen]
        else:
            copies = [record for record in same if len(counting) > 1 or record is not counting[0]]
        kept += counting if len(counting) == 1 else []
        findings |= {(f"{table}.key.duplicate", record.row, None) for record in copies}
    return kept


def _choose_response(records, readings):
    """Of different responses in one assessment: the first progression, else the latest response; None where nothing tells."""
    if len(records) < 2:
        return None

    def read(record, name):
        return readings["response", record.row].get(name, Reading()).value

    told = [record for record in records if read(record, "recorded_response") is not None] or records
    progressed = [record for record in records if read(record, "recorded_response") == "PD"]
    wanted, best = (progressed, min) if progressed else (told, max)
    if len(wanted) == 1:
        return wanted[0]
    for name in ("assessment_date", "assessment_days"):
        days = [read(record, name) for record in wanted]
        if None not in days:
            found = [record for record in wanted if read(record, name) == best(days)]
            return found[0] if len(found) == 1 else None
    return None


def _reject_with_patient(delivery, kept, readings, findings):
    accepted = {record.patient.value for record in kept["patient"]}
    listed = {record.patient.value for record in delivery.records["patient"]} - {None}
    for table in kept:
        if table == "patient":
            continue
        for record in kept[table]:
            if record.patient.value not in accepted:
                kind = "parent" if record.patient.value in listed else "patient.unknown"
                findings.add((f"{table}.{kind}", record.row, None))
        kept[table] = [record for record in kept[table] if record.patient.value in accepted]


def _judge_cells(delivery, table, record, readings, is_kept, findings):
    if table == "patient" and record.person.kind == "unreadable":
        findings.add(("patient.person_id.unreadable", record.row, "person_id"))
    for name, reading in readings.items():
        if TELEPHONE in (record.cells[name].text or ""):
            findings.add(("text.personal_data", record.row, name))
        if reading.fault:
            findings.add((f"{table}.{name}.{reading.fault}", record.row, name))
        elif is_kept and reading.is_unusual:
            findings.add((f"{table}.{name}.implausible", record.row, name))
        elif is_kept and reading.value is None and CONTRACTS[table][name].is_expected:
            findings.add((f"{table}.{name}.missing", record.row, name))


def fields_of(table):
    """The fields that a hospital may send, without those made while reading."""
    return [name for name in CONTRACTS[table] if name not in MADE_WHILE_READING and not name.endswith("_comparator")]
