"""A proposed mapping as a list of decisions: sheets, columns, units and codes, each with a confidence and a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import polars as pl

from etl.delivery.read import Delivery
from etl.mapping.site import EACH, SHARED, normalise_code
from etl.mapping.units import OWN_UNITS
from etl.onboarding.proposing.codes import CodeDraft, draft_codes, join_drafts, list_codes
from etl.onboarding.proposing.dictionary import says_missing
from etl.onboarding.proposing.export_codes import Exports
from etl.onboarding.proposing.joins import describe_joins
from etl.onboarding.proposing.layout import FoundSource, HeaderRows, read_layout
from etl.onboarding.proposing.profile import find_value_unit, show_values
from etl.onboarding.proposing.proposal import GUESSED, LOWEST, SURE, Proposal
from etl.onboarding.proposing.propose import propose_columns
from etl.onboarding.proposing.reading import CellsRead, count_read
from etl.onboarding.proposing.words import PATIENT_NUMBER, UNIT_COLUMN, Meaning, find_quantity, find_test, squeeze
from etl.onboarding.proposing.writing import propose_writing
from etl.pages.text import Text
from schemas.contract import FieldContract, read_key
from schemas.tables import TABLES
from schemas.units import LAB_RANGES, find_factor, list_units

ALL_ROWS = "all rows: "


@dataclass(frozen=True)
class ColumnDraft:
    """One line of columns.csv to be: `meaning` is the id of a `Meaning`, "" where a person must say what the column is.

    `cells` tells how many of its cells can be read, `label` what file or dictionary call the column. `unit_confidence` is 1 where the field has no unit. `seen` is what may be shown of the values, `codes` what may be their
    codes. A line without a
    column gives constants (`record`) to every record of `meaning`'s table.
    """

    source: str
    column: str
    meaning: str
    record: str
    unit: str
    confidence: float
    unit_confidence: float
    reason: Text
    unit_reason: Text
    kind: str
    n_filled: int
    n_rows: int
    date_styles: tuple[str, ...]
    seen: str
    codes: Mapping[str, int] = field(default_factory=dict)
    cells: CellsRead | None = None
    label: str = ""

    @property
    def item(self) -> str:
        """The column, or what constants are given to."""
        return self.column or f"{ALL_ROWS}{self.meaning.removesuffix('.*')}"

    @property
    def told(self) -> str:
        """What may be told of the values: how many are filled, of what kind, how many can be read, the common ones."""
        filled = f"{self.n_filled / self.n_rows:.0%}" if self.n_rows else ""
        return "; ".join(filter(None, (filled, self.kind, *self.date_styles, self.told_read, self.seen)))

    @property
    def told_read(self) -> str:
        """How many cells can be read as proposed, in both languages."""
        return f"{self.cells.told.zh} {self.cells.told.en}" if self.cells else ""

    @property
    def is_open(self) -> bool:
        """Whether a person must decide."""
        return min(self.confidence, self.unit_confidence) < SURE


@dataclass(frozen=True)
class Draft:
    """A hospital's proposed mapping; `facts` says of each source how it joins with the others and what is one row of it.

    `people` are the columns that point at people. `contradicting` counts, by source, the patients whose rows contradict each other where a
    record of theirs stands in several. Of a mapping that exists it holds the difference alone; `moved` then gives the old header row of sources whose header moved.
    """

    hospital: str
    delivery: str
    is_synthetic: bool
    sources: tuple[FoundSource, ...] = ()
    columns: tuple[ColumnDraft, ...] = ()
    codes: tuple[CodeDraft, ...] = ()
    facts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=dict)
    people: tuple[pl.Series, ...] = ()
    contradicting: Mapping[str, int] = field(default_factory=dict)


def draft_mapping(delivery: Delivery, hospital: str, header_rows: HeaderRows = MappingProxyType({})) -> Draft:
    """Propose a mapping for a delivery that nobody has mapped yet; `header_rows` are those that a person named."""
    layout = read_layout(delivery, header_rows)
    columns: list[ColumnDraft] = []
    proposed: list[tuple[FoundSource, list[Proposal]]] = []
    codes: dict[tuple[str, str, str], CodeDraft] = {}
    exports = Exports()
    for source in (s for s in layout.sources if not s.reason):
        proposals = propose_columns(source, layout)
        proposed.append((source, proposals))
        columns += draft_columns(source, proposals)
        exports.add(source, proposals)
        for code in (code for proposal in proposals for code in draft_codes(proposal)):
            key = (code.table, code.field, normalise_code(code.code))
            codes[key] = join_drafts(codes[key], code) if key in codes else code
    return Draft(
        hospital,
        delivery.name,
        delivery.is_synthetic,
        layout.sources,
        tuple(columns),
        tuple(exports.complete(codes.values(), layout)),
        describe_joins(proposed),
        contradicting=exports.contradicting,
        people=tuple(source.rows[p.column] for source, proposals in proposed for p in proposals if p.is_private),
    )


def draft_columns(source: FoundSource, proposals: Sequence[Proposal]) -> Iterator[ColumnDraft]:
    """Yield the lines of columns.csv that the proposals for one source come to, and the constants that they need."""
    unpivoted = {p.meaning.table for p in proposals if p.meaning and _makes_records(p.meaning)}
    unit_column = next((p.column for p in proposals if p.meaning and p.meaning.id == UNIT_COLUMN), None)
    for p in proposals:
        unit, unit_confidence, unit_reason = _add_writing(
            _propose_unit(p, unit_column), propose_writing(source.writing, p)
        )
        yield ColumnDraft(
            source=source.name, column=p.column, meaning=p.meaning.id if p.meaning else "",
            record=_find_record(p.meaning, unpivoted), unit=unit, confidence=p.confidence, unit_confidence=unit_confidence,
            reason=p.reason, unit_reason=unit_reason, kind=p.profile.kind.value, n_filled=p.profile.n_filled,
            n_rows=p.profile.n_rows, date_styles=p.profile.date_styles, seen="" if p.is_private else show_values(p.profile),
            codes={} if p.is_private else list_codes(p.profile), cells=_count_read(source, p), label=source.labels.get(p.column, ""),
        )  # fmt: skip
    yield from _draft_constants(source, proposals)


def _add_writing(unit: tuple[str, float, Text], written: tuple[str, float, Text]) -> tuple[str, float, Text]:
    """Return what stands in a column's cell of units: the unit, and behind it how the column is written."""
    told = [part for part in (unit[2], written[2]) if part.en]
    reason = Text("; ".join(part.en for part in told), "；".join(part.zh for part in told))
    return "; ".join(filter(None, (unit[0], written[0]))), min(unit[1], written[1]), reason


def _count_read(source: FoundSource, p: Proposal) -> CellsRead | None:
    spec = p.meaning.contract if p.meaning else None
    missing = [code for code, label in p.profile.choices.items() if says_missing(label)]
    is_box = p.meaning is not None and p.meaning.record.startswith("?")
    return (
        None
        if spec is None or is_box or p.profile.n_filled == 0
        else count_read(source.rows[p.column], spec, missing, source.writing.of(p.column))
    )


def _find_record(meaning: Meaning | None, unpivoted: set[str]) -> str:
    """Return how a column makes a record: what its row shares with all unpivoted cells is marked so."""
    if meaning is None or not meaning.field:
        return ""
    return meaning.record or (SHARED if meaning.table in unpivoted else "")


def _makes_records(meaning: Meaning) -> bool:
    """Whether the cells of a column make records of their own, with which the row shares its other fields."""
    return meaning.record == EACH or bool(meaning.record and meaning.table == "laboratory")


def _draft_constants(source: FoundSource, proposals: Sequence[Proposal]) -> Iterator[ColumnDraft]:
    """Yield constants for the parts of keys that no column gives."""
    fields = [p.meaning for p in proposals if p.meaning and p.meaning.role == "field"]
    for table in dict.fromkeys(meaning.table for meaning in fields):
        given = {m.field for m in fields if m.table == table}
        given |= {"visit_number"} if any("visit_number=" in m.record for m in fields if m.table == table) else set()
        found = [
            _CONSTANTS[name](table, source, proposals)
            for name in read_key(TABLES[table])
            if name in _CONSTANTS and name not in given
        ]
        constants = [c for c in found if c.constant]
        if constants:
            reason = Text("; ".join(c.reason.en for c in constants), "；".join(c.reason.zh for c in constants))
            yield ColumnDraft(
                source.name, "", f"{table}.*", ";".join(c.constant for c in constants), "", min(c.confidence for c in constants),
                1.0, reason, Text("", ""), "", 0, 0, (), "",
            )  # fmt: skip


@dataclass(frozen=True)
class _Constant:
    constant: str
    confidence: float
    reason: Text


_NO_CONSTANT = _Constant("", 1.0, Text("", ""))


def _find_reader(table: str, source: FoundSource, proposals: Sequence[Proposal]) -> _Constant:
    """One reading of each visit is the hospital's own; where rows repeat, a person must say who read which."""
    parts = ("patient_number", f"{table}.visit_number", f"{table}.assessment_date", f"{table}.lesion_id")
    columns = [p.column for p in proposals if p.meaning and p.meaning.id in parts]
    if source.rows.select(columns).is_duplicated().any():
        told = Text(
            "several rows for one patient and visit: are they several readings?",
            "同一患者同次访视有多行：是否为多人阅片？",
        )
        return _Constant("reader=site", LOWEST, told)
    return _Constant("reader=site", SURE, Text("one reading exists", "只有一份阅片结果"))


def _find_criteria(table: str, source: FoundSource, proposals: Sequence[Proposal]) -> _Constant:
    own = [p.column for p in proposals if p.meaning and p.meaning.table == table]
    told = [squeeze(f"{name} {source.labels.get(name, '')}") for name in own]
    if any("mrecist" in text for text in told):
        return _Constant("criteria=mrecist", GUESSED, Text("a column names mRECIST", "列名注明 mRECIST"))
    return _Constant(
        "criteria=recist_1_1",
        SURE if any("recist" in text for text in told) else GUESSED,
        Text("no column names other criteria than the study's, RECIST 1.1", "未注明其他标准；本研究采用 RECIST 1.1"),
    )


def _find_visit(table: str, source: FoundSource, proposals: Sequence[Proposal]) -> _Constant:
    if table != "laboratory" or not _has_one_row_each(proposals):
        return _NO_CONSTANT
    told = Text("one row per patient: taken before the therapy?", "每名患者一行：是否为治疗前的检验？")
    return _Constant("visit_number=0", GUESSED, told)


def _find_number(table: str, source: FoundSource, proposals: Sequence[Proposal]) -> _Constant:
    if not _has_one_row_each(proposals):
        return _NO_CONSTANT
    told = Text("one row per patient: the first and only one?", "每名患者一行：是否仅此一次？")
    name = next(name for name in read_key(TABLES[table]) if name.endswith("_number") and name != "visit_number")
    return _Constant(f"{name}=1", GUESSED, told)


def _has_one_row_each(proposals: Sequence[Proposal]) -> bool:
    patient = next((p for p in proposals if p.meaning and p.meaning.id == PATIENT_NUMBER), None)
    return patient is not None and patient.profile.n_distinct >= 0.95 * patient.profile.n_filled


def _find_line(table: str, source: FoundSource, proposals: Sequence[Proposal]) -> _Constant:
    told = Text("no column tells the line of therapy: the first?", "未注明治疗线数：是否均为一线？")
    return _Constant("line_number=1", GUESSED, told)


_CONSTANTS = {
    "reader": _find_reader, "criteria": _find_criteria, "visit_number": _find_visit, "line_number": _find_line,
    "event_number": _find_number, "procedure_number": _find_number,
}  # fmt: skip


def _propose_unit(p: Proposal, unit_column: str | None) -> tuple[str, float, Text]:
    """Return a column's unit, how sure it is, and why: as stated, else the only one in which the values are plausible."""
    spec = p.meaning.contract if p.meaning else None
    quantity, canonical = find_quantity(p.meaning) if p.meaning else ("", None)
    if p.meaning is None or spec is None or canonical is None:
        if p.meaning and p.meaning.id == "laboratory.value" and unit_column:
            return f"column:{unit_column}", 1.0, Text("the unit stands in a column", "单位另有一列")
        return _ask_units(p) if p.meaning and p.meaning.id == "laboratory.value" else ("", 1.0, Text("", ""))
    stated = p.profile.unit or find_value_unit(list(p.profile.counts))
    if stated:
        if find_factor(quantity, stated, canonical) is not None:
            return stated, 0.97, Text("the unit is stated", "已注明单位")
        return (
            "",
            0.0,
            Text(f"{stated} is no unit that the registry can convert here", f"登记库无法换算该项的 {stated}"),
        )
    units = list_units(quantity, canonical)
    if len(units) == 1:
        return "", SURE, Text(f"no unit is stated; only {canonical} is in use", f"未注明单位；通用单位仅 {canonical}")
    return _guess_unit(p, spec, units)


def _ask_units(p: Proposal) -> tuple[str, float, Text]:
    """Return what is asked of the values of many tests beside which no unit stands: one unit cannot be right for all."""
    return OWN_UNITS, GUESSED, Text(
        "no column holds the unit: is each item in the registry's own (sheet 字段 Fields names them)? Where one is not, add it: "
        f"{OWN_UNITS}; ALB=g/dL",
        f"没有单位列：各项目是否均为登记库单位（见“字段 Fields”表）？若有例外请注明：{OWN_UNITS}; ALB=g/dL",
    )  # fmt: skip


def _guess_unit(p: Proposal, spec: FieldContract, units: Sequence[tuple[str, float]]) -> tuple[str, float, Text]:
    low, high = _find_plausible(p.meaning, spec)
    median = p.profile.numbers.median()
    if median is None or low is None or high is None:
        return "", 0.0, Text("no unit is stated", "未注明单位")
    fitting = [unit for unit, factor in units if low <= float(median) * factor <= high]  # type: ignore[arg-type]
    named = ", ".join(unit for unit, _ in units)
    if len(fitting) == 1:
        return (
            fitting[0],
            GUESSED,
            Text(
                f"no unit is stated; of {named} only {fitting[0]} makes the median plausible",
                f"未注明单位；在 {named} 中仅 {fitting[0]} 使中位数合理",
            ),
        )
    return (
        "",
        0.0,
        Text(
            f"no unit is stated, and more than one would be plausible: {', '.join(fitting) or named}",
            f"未注明单位，且不止一种合理：{', '.join(fitting) or named}",
        ),
    )


def _find_plausible(meaning: Meaning | None, spec: FieldContract) -> tuple[float | None, float | None]:
    test = find_test(meaning) if meaning else None
    return LAB_RANGES[test].plausible if test else spec.plausible
