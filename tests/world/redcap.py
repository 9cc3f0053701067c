"""Exports of REDCap: raw codes, one row a record, events, or repeating instruments; dates are Y-M-D whatever the dictionary says."""

from world.cell import EMPTY, Cell
from world.sheets import BASELINE_FIELDS, OUTCOME_FIELDS, PATIENT_FIELDS, RECORD, Line, Row, Sheet

EVENT, INSTRUMENT, INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"


def make_redcap(layout):
    """One sheet whose rows are told apart by event or by instrument."""
    blocks = {
        "main": [
            *layout.identity(named=True)[1:], *layout.plain("patient", PATIENT_FIELDS), *layout.plain("baseline", BASELINE_FIELDS), *layout.organ_lines(),
            Line("baseline_complete", "ignore"),
        ],
        "labs": [*layout.laboratory_lines(), Line("labs_complete", "ignore")],
        "therapy": [*layout.drug_lines(), Line("therapy_complete", "ignore")],
        "outcome": [*layout.plain("outcome", OUTCOME_FIELDS), Line("outcome_complete", "ignore")],
    }  # fmt: skip
    kind = layout.dialect.layout
    keys = {"redcap row": (), "redcap events": (EVENT,), "redcap repeating": (INSTRUMENT, INSTANCE)}[kind]
    shared = [layout.identity(named=False)[0], *(Line(key, "ignore") for key in keys)]
    groups = _group_blocks(kind)
    lines = shared + [line for block in blocks.values() for line in block]
    sheet = Sheet("data", lines, [], sources=_choose_rows(kind, groups))
    sheet.blocks = {source: [line for name in names for line in blocks[name]] for source, names in groups.items()}
    sheet.shared = shared
    for patient in layout.patients:
        sheet.rows += _write_rows(layout, patient, sheet, groups, len(keys), blocks)
    return sheet


def _group_blocks(kind):
    if kind == "redcap row":
        return {"main": ("main", "labs", "therapy", "outcome")}
    if kind == "redcap events":
        return {"main": ("main", "labs", "therapy"), "outcome": ("outcome",)}
    return {"main": ("main", "labs", "outcome"), "therapy": ("therapy",)}


def _choose_rows(kind, groups):
    if kind == "redcap row":
        return {"main": {}}
    if kind == "redcap events":
        return {source: {EVENT: [f"{source}_arm_1"]} for source in groups}
    return {source: {INSTRUMENT: ["" if source == "main" else source]} for source in groups}


def _write_rows(layout, patient, sheet, groups, n_keys, blocks):
    parts_of = {
        "main": lambda: [
            *((cell, None) for cell in layout.write_identity(patient, named=True)[1:]),
            *layout.write_fields(patient.one("patient"), PATIENT_FIELDS), *layout.write_fields(patient.one("baseline"), BASELINE_FIELDS),
            *layout.organ_parts(patient), (Cell("2", allows=(None,)), None),
        ],
        "labs": lambda: [*layout.laboratory_parts(patient), (Cell("2"), None)],
        "therapy": lambda: [*layout.drug_parts(patient), (Cell("2"), None)],
        "outcome": lambda: [*layout.write_fields(patient.one("outcome"), OUTCOME_FIELDS), (Cell("0"), None)],
    }  # fmt: skip
    rows = []
    for source, names in groups.items():
        keys = _write_keys(layout.dialect.layout, source)
        cells, about = [layout.write_number(patient.number), *keys], [None] * (1 + n_keys)
        for name, lines in blocks.items():
            parts = parts_of[name]() if name in names else [_leave(line) for line in lines if line.name]
            cells += [cell for cell, _ in parts]
            about += [place for _, place in parts]
        rows.append(Row(RECORD, cells, about))
    return rows


def _leave(line):
    """A form that was never filled: its boxes are exported as 0, all else is empty."""
    return (Cell("0") if line.record.startswith("?") else EMPTY, None)


def _write_keys(kind, source):
    if kind == "redcap row":
        return []
    if kind == "redcap events":
        return [Cell(f"{source}_arm_1")]
    return [EMPTY, EMPTY] if source == "main" else [Cell(source), Cell("1")]
