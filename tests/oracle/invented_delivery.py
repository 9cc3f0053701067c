"""Invented deliveries as text: what mapping hands to validation, each cell with what it means. SYNTHETIC EXAMPLE DATA.

The meaning comes first and is then written as a hospital might write it, so that nothing has to be read to know it:
numbers in several spellings and units, dates, codes, words for "no value", texts that cannot be read. Records of one key are
copied, contradict each other, lack their key, or belong to nobody.
"""

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from schemas.contract import read_contract, read_sent_key
from schemas.tables import TABLES
from schemas.units import CONVERSIONS, LAB_RANGES

CONTRACTS = {name: read_contract(table) for name, table in TABLES.items()}
KEYS = {name: [key for key in read_sent_key(table) if key != "patient_id"] for name, table in TABLES.items()}
MADE_WHILE_READING = ("repeat_number", "person_id", "birth_date_is_of_national_id", "sex_is_of_national_id")
NO_VALUE = (None, None, "", " ", "不详", "N/A", "-", "未查")
UNREADABLE = {
    "number": ("abc", "3.9 4.1", "12 bananas", "1.2.3", "约5"),
    "date": ("2020-13-45", "yesterday", "2020-02-30", "12"),
}
DATES = (
    "{0.year}-{0.month:02}-{0.day:02}",
    "{0.year}/{0.month}/{0.day}",
    "{0.year}年{0.month}月{0.day}日",
    "{0:%Y%m%d}",
)
LAST_DAY = date(2022, 11, 1)
"""The day of every invented delivery."""
UNKNOWN_CODES = ("9 nine", "未编码", "xx")
UNKNOWN_UNITS = ("furlong", "mol", "")
LOGARITHM = "log10"
HBV_DNA_UNITS = {"hbv_dna_iu_ml": "IU/mL", "hbv_dna_copies_ml": "copies/mL"}
PATIENTS = ("001", "002", "P3")
# Invented: the region 999999 does not exist; the check digits are right.
PERSONS = ("99999919600305001{}", "99999919551231002{}")
TELEPHONE = "13800138000"
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass
class Cell:
    """A text with its meaning: the number, date, code or text it states, or why it states none.

    `value` is a number in the unit it is written in; `kind` is `missing`, `unreadable`, `code`, `after_delivery` or `value`.
    """

    text: str | None
    kind: str
    value: object = None
    sign: str = "="
    unit: str | None = None


@dataclass
class Record:
    """A record of one table: whose it is, its cells by field, and the row it stands in."""

    table: str
    patient: Cell
    person: Cell
    group: int
    cells: dict = field(default_factory=dict)
    row: int = 0


@dataclass
class Delivery:
    """Records by table; `columns` are the (group, field) that the hospital has, `units` those with a column of units."""

    records: dict
    columns: set
    units: set

    def __repr__(self):
        lines = ["Delivery"]
        for table, records in self.records.items():
            for record in records:
                cells = {n: (c.text, c.unit) if c.unit else c.text for n, c in record.cells.items() if c.text}
                lines.append(f"  {table} row {record.row} group {record.group} {record.patient.text!r} {cells}")
        return "\n".join(lines)


def make_delivery(seed, tables=None):
    """A delivery of a few patients, the same for the same seed; besides the patients so many other tables, else all."""
    draw = Random(seed)
    columns, units, records = set(), set(), {}
    fault_rate = draw.choice((0.0, 0.05, 0.3))
    others = [name for name in TABLES if name != "patient"]
    sent = ["patient", *(others if tables is None else draw.sample(others, tables))]
    for number, table in enumerate(sent):
        groups = [2 * number + 1, 2 * number + 2][: draw.choice((1, 1, 2))]
        for group in groups:
            columns |= {(group, name) for name in _sent_fields(draw, table)}
            units |= {(group, name) for name in _fields_with_unit(table) if draw.random() < 0.5}
        columns |= {(group, "person_id") for group in groups if table == "patient"}
        records[table] = _draw_records(draw, table, groups, columns, units, fault_rate)
    return Delivery(records, columns, units)


def _sent_fields(draw, table):
    own = [name for name in CONTRACTS[table] if name not in MADE_WHILE_READING and not name.endswith("_comparator")]
    return [name for name in own if name in KEYS[table] or draw.random() < 0.85]


def _fields_with_unit(table):
    return [
        name for name, spec in CONTRACTS[table].items() if "Float" in str(spec.dtype) and known_units(table, name, None)
    ] + (["value"] if table == "laboratory" else [])


def known_units(table, name, test):
    """Unit -> factor to the canonical unit, of a field or a laboratory test; LOGARITHM where it is a power of ten."""
    if (table, name) == ("laboratory", "value"):
        canonical = next((limits.unit for key, limits in LAB_RANGES.items() if key == test), None)
        quantity = test
    else:
        canonical, quantity = CONTRACTS[table][name].unit, name
    if canonical is None:
        return {}
    units = {canonical: 1.0, **{c.source_unit: c.factor for c in CONVERSIONS if c.quantity == quantity}}
    return units | ({f"log10 {canonical}": LOGARITHM} if test in HBV_DNA_UNITS else {})


def to_canonical(number, factor):
    """A number in the canonical unit."""
    if factor != LOGARITHM:
        return number * factor
    return 10.0**number if number < 300 else math.inf


def select_test(test, unit):
    """The test that a unit selects: HBV DNA in copies/mL is a quantity of its own."""
    said = next((other for other, name in HBV_DNA_UNITS.items() if unit and unit.removeprefix("log10 ") == name), test)
    return said if test in HBV_DNA_UNITS else test


def _draw_records(draw, table, groups, columns, units, fault_rate):
    number = draw.choice((0, 2, 3, 3, 3)) if table == "patient" else draw.choice((0, 1, 2, 4, 6))
    records = [_draw_record(draw, table, draw.choice(groups), columns, units, fault_rate) for _ in range(number)]
    if table == "patient":
        for record, number in zip(records, PATIENTS, strict=False):
            record.patient = Cell(number, "value", number) if record.patient.value else record.patient
    for record in list(records):
        while draw.random() < 0.15:
            records.append(_copy_record(draw, record, units, fault_rate))
    draw.shuffle(records)
    for row, record in enumerate(records, start=2):
        record.row = row
    return records


def _draw_record(draw, table, group, columns, units, fault_rate):
    number = draw.choice(PATIENTS) if draw.random() < 0.95 else "009"
    patient = Cell(draw.choice((number, f" {number}", number.translate(FULL_WIDTH))), "value", number)
    if draw.random() < fault_rate / 3:
        patient = Cell(draw.choice(NO_VALUE), "missing")
    record = Record(table, patient, _draw_person(draw) if table == "patient" else Cell(None, "missing"), group)
    for name, spec in CONTRACTS[table].items():
        if (group, name) in columns and name not in MADE_WHILE_READING:
            record.cells[name] = _draw_cell(draw, table, name, spec, record, units, fault_rate)
    return record


def _copy_record(draw, record, units, fault_rate):
    """The same record once more, or one of its key that says something else."""
    copy = Record(record.table, record.patient, record.person, record.group, dict(record.cells))
    if draw.random() < 0.5:
        return copy
    if record.table == "patient" and draw.random() < 0.3:
        copy.person = _draw_person(draw)
        return copy
    others = [name for name in copy.cells if name not in KEYS[record.table]]
    if others:
        name = draw.choice(others)
        copy.cells[name] = _draw_cell(draw, record.table, name, CONTRACTS[record.table][name], copy, units, fault_rate)
    return copy


def _draw_person(draw):
    """A national id that is one, none, or one with a wrong check digit."""
    if draw.random() < 0.4:
        return Cell(draw.choice(NO_VALUE), "missing")
    body = draw.choice(PERSONS).format("")
    right = _check_digit(body)
    if draw.random() < 0.2:
        return Cell(draw.choice((body + ("0" if right != "0" else "1"), "12345")), "unreadable")
    return Cell(draw.choice((body + right, f" {body}{right.lower()}")), "value", body + right)


def _check_digit(body):
    """GB 11643-1999: weights 2^(18-i) modulo 11."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return "10X98765432"[total % 11]


def _draw_cell(draw, table, name, spec, record, units, fault_rate):
    if (name not in KEYS[table] and draw.random() < 0.1) or draw.random() < fault_rate / 4:
        return Cell(draw.choice(NO_VALUE), "missing", unit=_draw_unit(draw, table, name, record, units, fault_rate))
    kind = str(spec.dtype)
    if spec.codes is not None or "Boolean" in kind:
        return _draw_code(draw, spec, fault_rate)
    if "Date" in kind:
        return _draw_date(draw, fault_rate)
    if "String" in kind:
        text = draw.choice(("site", "A", "T1", "T2"))
        if draw.random() < fault_rate / 4:
            return Cell(f"{text} {TELEPHONE}", "value", f"{text} [masked]")
        return Cell(draw.choice((text, f"{text} ")), "value", text)
    return _draw_number(draw, table, name, spec, record, units, fault_rate)


def _draw_code(draw, spec, fault_rate):
    if draw.random() < fault_rate:
        return Cell(draw.choice(UNKNOWN_CODES), "code")
    code = draw.choice([code.value for code in spec.codes] if spec.codes else ["true", "false"])
    text = draw.choice((code, code.upper(), f" {code}"))
    return Cell(text, "value", code if spec.codes else code == "true")


def _draw_date(draw, fault_rate):
    if draw.random() < fault_rate:
        return Cell(draw.choice(UNREADABLE["date"]), "unreadable")
    if draw.random() < fault_rate / 2:
        return Cell(draw.choice(DATES).format(LAST_DAY + timedelta(days=draw.choice((1, 30, 25000)))), "after_delivery")
    if draw.random() < fault_rate / 2:
        return Cell(draw.choice(("2020-03", "2020年3月", "Mar-2020", "202003")), "month")
    if draw.random() < fault_rate / 2:
        return Cell(draw.choice(("1900-01-01", "9999-12-31", "0001-01-01", "1900-01-00", "60")), "placeholder")
    day = LAST_DAY - timedelta(days=draw.randint(0, 1400))
    return Cell(draw.choice(DATES).format(day), "value", day)


def _draw_unit(draw, table, name, record, units, fault_rate):
    """The unit beside a number; None where the hospital has no column for it."""
    if (record.group, name) not in units:
        return None
    if draw.random() < fault_rate:
        return draw.choice(UNKNOWN_UNITS)
    tests = HBV_DNA_UNITS if _test_of(record) in HBV_DNA_UNITS else [_test_of(record)]
    known = sorted(unit for test in tests for unit in known_units(table, name, test))
    return draw.choice(known) if known else "g/L"


def _test_of(record):
    cell = record.cells.get("test")
    return cell.value if cell and cell.kind == "value" else None


def _draw_number(draw, table, name, spec, record, units, fault_rate):
    unit = _draw_unit(draw, table, name, record, units, fault_rate)
    if draw.random() < fault_rate:
        texts = UNREADABLE["number"] + (("2.5",) if "Int" in str(spec.dtype) else ())
        return Cell(draw.choice(texts), "unreadable", unit=unit)
    if spec.is_censored and draw.random() < 0.1:
        return Cell(draw.choice(("未检出", "Not detected")), "value", None, "not_detected", unit)
    test = select_test(_test_of(record), unit)
    wanted = _draw_size(draw, table, name, record, test, fault_rate)
    number = (
        int(wanted) if "Int" in str(spec.dtype) else _write_in(wanted, known_units(table, name, test).get(unit, 1.0))
    )
    sign = draw.choice(("=", "=", "=", "<", ">", "<=", ">=")) if spec.is_censored else "="
    text = f"{number:.10f}".rstrip("0").rstrip(".") if number else "0"
    if 1.3e10 <= number < 2e10:
        # Eleven digits like these are masked as a telephone number; with commas they are a viral load.
        text = f"{number:,.0f}"
    text = draw.choice((text, text, text.translate(FULL_WIDTH), f" {text} "))
    return Cell(text if sign == "=" else sign + text, "value", number, sign, unit)


def _write_in(wanted, factor):
    """The number of three digits that says about the wanted value in a unit."""
    number = math.log10(max(wanted, 1)) if factor == LOGARITHM else wanted / factor
    return float(f"{number:.3g}")


def limits_of(table, name, test):
    """Possible and plausible limits of a field or a laboratory test."""
    if (table, name) == ("laboratory", "value"):
        found = next((limits for key, limits in LAB_RANGES.items() if key == test), None)
        return ((None, None), (None, None)) if found is None else (found.possible, found.plausible)
    return CONTRACTS[table][name].possible, CONTRACTS[table][name].plausible


def _draw_size(draw, table, name, record, test, fault_rate):
    """A number in the canonical unit: usual, at a limit, unusual, a slip of unit, or impossible."""
    possible, plausible = limits_of(table, name, test)
    if name in KEYS[table] and draw.random() >= fault_rate:
        return draw.choice((1, 2))
    low, high = plausible if plausible != (None, None) else possible
    low, high = (0 if low is None else low), (100 if high is None else min(high, 1e6))
    usual = low + (high - low) * draw.choice((0.02, 0.1, 0.3, 0.5))
    if draw.random() >= fault_rate * 2:
        return usual
    limits = [limit for pair in (possible, plausible) for limit in pair if limit is not None]
    slips = [_write_in(usual, factor) for factor in known_units(table, name, test).values() if factor != 1]
    return draw.choice([usual, *limits, *(x * 1.5 + 1 for x in limits), *(x - 1 for x in limits), *slips * 3])
