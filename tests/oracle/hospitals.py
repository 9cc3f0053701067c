"""Invented hospitals as plain records, dense around every cut-point of the definitions. SYNTHETIC EXAMPLE DATA.

A hospital is ten lists of plain records with typed values (None where nothing is known), in shuffled order, as they stand
after the contract's checks: keys are there and unique, every patient of a record exists. Nothing else is promised:
values contradict each other, dates run backwards, tables are missing.
"""

import itertools
from random import Random

import polars as pl
from hypothesis import strategies as st
from oracle.invented_course import draw_course, state_progression
from oracle.invented_values import Draw, draw_record

from schemas.tables import TABLES

MAX_PATIENTS = 4


class Hospital(dict):
    """Table name -> records; prints only what is there, patient by patient."""

    def __repr__(self):
        lines = [f"Hospital(seed={getattr(self, 'seed', None)})"]
        for table, rows in self.items():
            for row in sorted(rows, key=lambda row: row["patient_id"]):
                told = {k: v for k, v in row.items() if v is not None and k not in PROVENANCE}
                lines.append(f"  {table}: " + ", ".join(f"{k}={v}" for k, v in told.items()))
        return "\n".join(lines)


PROVENANCE = ("hospital", "delivery", "source_file", "source_sheet", "source_row", "source_column")


def make_hospital(seed, patients=2, left_out=()):
    """A hospital of so many patients, the same for the same seed; the tables of `left_out` are empty."""
    random = Random(seed)
    names = random.sample(
        ["p1", "p2", "p3", "P10", "a", "zz", *(f"p{number}" for number in range(4, 4 + patients) if number != 10)],
        patients,
    )
    hospital = Hospital({table: [] for table in TABLES})
    hospital.seed = seed
    for name in names:
        for table, records in _draw_patient(random).items():
            if table not in left_out:
                hospital[table] += [{"patient_id": name, **record} for record in records]
    for rows in hospital.values():
        random.shuffle(rows)
        for number, row in enumerate(rows, start=1):
            row.update(hospital="h1", delivery="d", source_file="f", source_row=number)
    return hospital


def hospitals(max_patients=MAX_PATIENTS):
    """Hypothesis strategy: few cheap draws, everything else follows from the seed."""
    left_out = st.lists(st.sampled_from([table for table in TABLES if table != "patient"]), max_size=2)
    return st.builds(
        make_hospital,
        seed=st.integers(0, 2**40),
        patients=st.integers(1, max_patients),
        left_out=st.one_of(st.just([]), st.just([]), left_out),
    )


def find_sent(hospital):
    """The tables of which somebody has a record: the fewest that the hospital can be sending."""
    return frozenset(table for table, rows in hospital.items() if rows)


tables_without_records = st.frozensets(st.sampled_from(list(TABLES)), max_size=3)
"""Hypothesis strategy: tables that a hospital sends whether or not anybody has a record in them."""


def to_frames(hospital):
    """The hospital's tables as polars frames in contract types."""
    return {name: pl.DataFrame(hospital[name], schema=_schema(table)) for name, table in TABLES.items()}


def _schema(table):
    if table not in _SCHEMAS:
        _SCHEMAS[table] = {column: spec.dtype.type for column, spec in table.to_schema().columns.items()}
    return _SCHEMAS[table]


_SCHEMAS = {}


def split_by_patient(hospital):
    """Patient -> table -> the patient's records, in the order they stand."""
    own = {row["patient_id"]: {table: [] for table in hospital} for row in hospital["patient"]}
    for table, rows in hospital.items():
        for row in rows:
            own[row["patient_id"]][table].append(row)
    return own


def _draw_patient(random):
    draw = Draw(random)
    start = draw.start_date()
    tables = draw_course(draw, start)
    tables["patient"] = [draw_record(draw, "patient", start=start)]
    for table in ("baseline", "outcome"):
        tables[table] = [draw_record(draw, table, start=start)] if draw.chance(0.97) else []
    for outcome in tables["outcome"]:
        state_progression(draw, outcome, tables, start)
    organs = draw.some(["liver", "portal_vein", "lung", "lung", "bone", "lymph_node", "adrenal", "other"], 0, 3)
    tables["metastasis"] = [draw_record(draw, "metastasis", start=start, organ=organ) for organ in organs]
    tables["laboratory"] = [
        draw_record(draw, "laboratory", start=start, visit_number=visit, test=test)
        for visit, test in itertools.product(draw.some([0, 1, 2], 0, 3, always=[0]), draw.tests())
        if draw.chance(0.95 if visit == 0 else 0.3)
    ]
    for table, key in (("procedure", "procedure_number"), ("adverse_event", "event_number")):
        numbers = range(1, 1 + draw.one([0, 0, 1, 2, 3]))
        tables[table] = [draw_record(draw, table, start=start, **{key: number}) for number in numbers]
    return tables
