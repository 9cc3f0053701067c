"""Lays the truth out in sheets: which columns, which rows, and what the mapping must say of each column."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from schemas.codes import Organ
from world.cell import Cell
from world.pen import OTHER_UNITS
from world.truth import ORGANS, TESTS

with (Path(__file__).parent / "names.csv").open(encoding="utf-8", newline="") as _file:
    NAMES = {line["what"]: line for line in csv.DictReader(_file)}
RECORD = "record"
PATIENT_FIELDS = ("sex", "birth_date", "diagnosis_date", "tumour_type", "is_recurrent")
BASELINE_FIELDS = (
    "ecog_status", "child_pugh_class", "ascites", "hbsag", "has_cirrhosis", "tumour_size_cm", "tumour_number", "body_weight_kg", "pvtt_text",
)  # fmt: skip
OUTCOME_FIELDS = ("vital_status", "last_contact_date", "death_date", "progression_date")


@dataclass(frozen=True)
class Line:
    """One line of columns.csv about a column of a sheet; without `name` it holds constants."""

    name: str
    role: str
    table: str = ""
    field: str = ""
    record: str = ""
    unit: str = ""
    shown_unit: str = ""


@dataclass
class Row:
    """One row: `kind` is `record` or the form of a row that is none; `about` are the record and field each cell tells of."""

    kind: str
    cells: list
    about: list = field(default_factory=list)


@dataclass
class Sheet:
    """A sheet before it is decorated; `sources` are the kinds of its rows, each with the filter that chooses them."""

    name: str
    lines: list
    rows: list
    sources: dict = field(default_factory=lambda: {"": {}})
    id_column: int = 0
    top: list = field(default_factory=list)
    header: list = field(default_factory=list)
    merges: list = field(default_factory=list)
    hidden: set = field(default_factory=set)
    shared: list = field(default_factory=list)
    blocks: dict = field(default_factory=dict)

    @property
    def columns(self):
        return [line for line in self.lines if line.name]


class Layout:
    """Makes the sheets of one delivery."""

    def __init__(self, dialect, pen, patients):
        self.dialect, self.pen, self.patients = dialect, pen, patients

    def call(self, what):
        """A column's name in the hospital's language."""
        names, language = NAMES[what], self.dialect.language
        return f"{names['zh']} {names['en']}" if language == "both" else names[language]

    def line(self, what, role="field", table="", name="", record="", unit="", shown_unit=""):
        return Line(self.call(what), role, table, name, record, unit, shown_unit)

    def plain(self, table, fields, record=""):
        lines = []
        for name in fields:
            unit, _ = self.pen.unit(self.pen.quantity(table, name))
            is_other = self.dialect.units == "other units" and name in OTHER_UNITS
            lines.append(self.line(f"{table}.{name}", "field", table, name, record, unit if is_other else "", unit))
        return lines

    def identity(self, *, named):
        lines = [self.line("number", "patient")]
        return [*lines, self.line("name", "drop"), self.line("national_id", "person")] if named else lines

    def write_identity(self, patient, *, named):
        cells = [self.write_number(patient.number)]
        return [*cells, Cell(patient.name), self._write_national_id(patient.national_id)] if named else cells

    def _write_national_id(self, text):
        """As a number Excel keeps fifteen digits of it, and nobody can know the person."""
        if "national id as a number" in self.dialect.cell_forms and text.isdigit():
            return Cell(text, int(text[:15]) * 1000, "0", "national id as a number", allows=())
        return Cell(text)

    def write_number(self, number):
        form, plain = self.dialect.number_form, number.lstrip("0")
        text = {
            "number without zeros": plain, '="00123"': f'="{number}"', "leading apostrophe": f"'{number}", "leading tab": f"\t{number}", "padded": f" {number} ",
        }.get(form, number)  # fmt: skip
        return Cell(text, int(plain) if form == "number without zeros" and self.dialect.is_workbook else None)

    def write_fields(self, record, fields):
        return [(self.pen.write(record, name), (record, name)) for name in fields]

    def row(self, patient, parts, *, named=False):
        cells = self.write_identity(patient, named=named)
        about = [None, None, (patient.one("patient"), "person_id")] if named else [None]
        return Row(RECORD, cells + [cell for cell, _ in parts], about + [place for _, place in parts])

    # The parts of a wide row: lines of the mapping, and for a patient the cells in their order.

    def organ_lines(self):
        if self.dialect.lists == "listed in a cell":
            return [self.line("metastasis.organ", "field", "metastasis", "organ", "each")]
        return [self.line(f"metastasis.{organ}", "field", "metastasis", "organ", f"?organ={organ}") for organ in ORGANS]

    def organ_parts(self, patient):
        own = {record.values["organ"]: record for record in patient.all("metastasis")}
        if self.dialect.lists == "listed in a cell":
            return [(Cell("、".join(self.organ_name(organ) for organ in own)), [(r, "organ") for r in own.values()])]
        yes, no = ("√", None) if self.dialect.lists == "ticks" else ("是", "否")
        if self.dialect.layout.startswith("redcap"):
            yes, no = "1", "0"
        self.pen.codes["metastasis", "organ", yes] = "true"
        if no:
            self.pen.codes["metastasis", "organ", no] = "false"
        return [(Cell(yes), (own[o], "organ")) if o in own else (Cell(no, allows=(None,)), None) for o in ORGANS]

    def organ_name(self, organ):
        self.pen.codes["metastasis", "organ", Organ(organ).zh] = organ
        return Organ(organ).zh

    def drug_lines(self):
        return [
            self.line("treatment.drug", "field", "treatment", "drug", "each;line_number=1"),
            *self.plain("treatment", ("start_date", "end_date"), "*"),
        ]

    def drug_parts(self, patient):
        drugs = patient.all("treatment")
        names = "+".join(
            self.pen.spell("treatment", self.pen.quantity("treatment", "drug"), r.values["drug"]) for r in drugs
        )
        parts = [(Cell(names), [(record, "drug") for record in drugs])]
        for name in ("start_date", "end_date"):
            parts.append((self.pen.write(drugs[0], name), [(record, name) for record in drugs]))
        return parts

    def laboratory_lines(self):
        lines = [self.line("laboratory.sample_date", "field", "laboratory", "sample_date", "*")]
        for test in TESTS:
            unit, _ = self.pen.unit(self.pen.quantity("laboratory", "value", test))
            said = unit if unit and self.pen.dialect.units == "other units" and test in OTHER_UNITS else ""
            lines.append(self.line(f"laboratory.{test}", "field", "laboratory", "value", f"test={test}", said, unit))
        if self.dialect.units == "column of units":
            name = self.call("laboratory.unit")
            lines = [
                Line(
                    ln.name,
                    ln.role,
                    ln.table,
                    ln.field,
                    ln.record,
                    f"column:{name}" if ln.record == "test=afp_ng_ml" else "",
                    "",
                )
                for ln in lines
            ]
            lines.append(Line(name, "field", "laboratory", "", "*"))
        return [*lines, Line("", "field", "laboratory", "", "visit_number=0")]

    def laboratory_parts(self, patient):
        tests = patient.all("laboratory")
        # A test whose cell is empty is no record, whose sample would have a day.
        sampled = [record for record in tests if record.values["value_comparator"]]
        parts = [(self.pen.write(tests[0], "sample_date"), [(record, "sample_date") for record in sampled])]
        parts += [(self.pen.write(record, "value"), (record, "value")) for record in tests]
        if self.dialect.units == "column of units":
            parts.append((Cell("ng/mL"), None))
        return parts

    def long_laboratory(self):
        with_units = self.dialect.layout == "long laboratory, units"
        unit_name = self.call("laboratory.unit")
        lines = [
            *self.identity(named=False),
            self.line("laboratory.sample_date", "field", "laboratory", "sample_date"),
            self.line("laboratory.test", "field", "laboratory", "test"),
            self.line(
                "laboratory.value", "field", "laboratory", "value", unit=f"column:{unit_name}" if with_units else ""
            ),
        ]
        if with_units:
            lines += [Line(unit_name, "field", "laboratory", ""), self.line("laboratory.range", "ignore")]
        rows = []
        for record in (record for patient in self.patients for record in patient.all("laboratory")):
            rows.append(self._write_test(record, with_units=with_units))
        return lines, rows

    def _write_test(self, record, *, with_units):
        test, number = record.values["test"], self.write_number(record.number)
        name = NAMES[f"laboratory.{test}"]["pinyin" if self.dialect.language == "pinyin" else "zh"]
        self.pen.codes["laboratory", "test", name] = test
        quantity = self.pen.quantity("laboratory", "value", test)
        cells = [number, self.pen.write(record, "sample_date"), Cell(name), self.pen.write(record, "value")]
        about = [None, (record, "sample_date"), (record, "test"), (record, "value")]
        if with_units:
            unit = self.pen.unit(quantity)[0] or "1"
            cells += [Cell(unit), Cell("3-5")]
            about += [None, None]
        return Row(RECORD, cells, about)


def make_sheets(dialect, pen, patients):
    """The sheets of a delivery, undecorated."""
    layout = Layout(dialect, pen, patients)
    if dialect.layout.startswith("redcap"):
        from world.redcap import make_redcap

        return [make_redcap(layout)]
    if dialect.layout == "one sheet":
        return [
            _make_wide(
                layout, patients, "患者信息", ("patient", "baseline", "organs", "outcome", "drugs", "laboratory")
            )
        ]
    if dialect.layout == "sheets":
        drugs = layout.identity(named=False) + layout.plain(
            "treatment", ("line_number", "drug", "start_date", "end_date")
        )
        rows = [
            layout.row(patient, layout.write_fields(record, ("line_number", "drug", "start_date", "end_date")))
            for patient in patients
            for record in patient.all("treatment")
        ]
        return [
            _make_wide(layout, patients, "患者信息", ("patient", "baseline", "organs")),
            _make_wide(layout, patients, "随访", ("outcome",), named=False),
            Sheet("系统治疗", drugs, rows),
            _make_wide(layout, patients, "检验", ("laboratory",), named=False),
        ]
    lines, rows = layout.long_laboratory()
    wide = _make_wide(layout, patients, "患者信息", ("patient", "baseline", "organs", "outcome", "drugs"))
    return [wide, Sheet("检验", [*lines, Line("", "field", "laboratory", "", "visit_number=0")], rows)]


def _make_wide(layout, patients, name, blocks, *, named=True):
    lines_of = {
        "patient": lambda: layout.plain("patient", PATIENT_FIELDS), "baseline": lambda: layout.plain("baseline", BASELINE_FIELDS),
        "outcome": lambda: layout.plain("outcome", OUTCOME_FIELDS), "organs": layout.organ_lines, "drugs": layout.drug_lines, "laboratory": layout.laboratory_lines,
    }  # fmt: skip
    parts_of = {
        "patient": lambda p: layout.write_fields(p.one("patient"), PATIENT_FIELDS),
        "baseline": lambda p: layout.write_fields(p.one("baseline"), BASELINE_FIELDS),
        "outcome": lambda p: layout.write_fields(p.one("outcome"), OUTCOME_FIELDS),
        "organs": layout.organ_parts, "drugs": layout.drug_parts, "laboratory": layout.laboratory_parts,
    }  # fmt: skip
    lines = layout.identity(named=named) + [line for block in blocks for line in lines_of[block]()]
    rows = [layout.row(p, [part for block in blocks for part in parts_of[block](p)], named=named) for p in patients]
    return Sheet(name, lines, rows)
