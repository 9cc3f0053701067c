"""The page of a hospital's mapping, which a clinician can read and sign: column by column what it is taken for, and who decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.mapping.read_site import load_site
from etl.mapping.site import EACH, IDENTIFIER_ROLES, SHARED, ColumnMap, Site, normalise_code, normalise_text
from etl.onboarding.decisions import CODE, REGISTRY, Decision, read_decisions
from etl.onboarding.proposing.words import read_fields
from etl.onboarding.weaknesses import list_weaknesses
from etl.onboarding.worksheet.write import describe_meaning
from etl.pages.labels import label_field, label_test
from etl.pages.page import Language, render_page, write_page
from etl.pages.text import Text
from schemas.codes import LabTest
from schemas.contract import read_grain
from schemas.package_data import find_data
from schemas.tables import TABLES

BY_HAND = Text("written by hand", "手工编写")
BY_REGISTRY = Text("the registry, unchanged", "系统建议，未修改")
_MEANING_OF_ROLE = {"patient": "patient_number", "person": "national_id", "drop": "identifier", "ignore": "not_needed"}
_TOC = [
    ("summary", Text("Summary", "概要")),
    ("columns", Text("Columns", "列")),
    ("sheets", Text("Sheets without records", "无记录的工作表")),
    ("signature", Text("Signature", "签字")),
]


@dataclass(frozen=True)
class MappedCode:
    """One code of a column and what it means."""

    code: str
    value: str
    seen: str


@dataclass(frozen=True)
class MappedColumn:
    """One line of the mapping as the page shows it; `style` is identifier, ignored or field."""

    column: str
    meaning: Text
    field_id: str
    record: str
    unit: str
    codes: tuple[MappedCode, ...]
    seen: str
    reason: Text
    decided_by: Text
    decided_at: str
    style: str


def write_mapping_page(folder: Path, path: Path, *, is_synthetic: bool, language: Language) -> Path:
    """Write the page of the mapping in a folder; returns the path.

    Raises:
        StructureError: the mapping has faults.
    """
    site, decisions = load_site(folder), read_decisions(folder)
    template = find_data("etl.onboarding.templates", "mapping.html")
    html = render_page(template, describe_mapping(site, decisions, is_synthetic=is_synthetic), language=language)
    return write_page(path, html)


def describe_mapping(site: Site, decisions: Sequence[Decision], *, is_synthetic: bool) -> dict[str, object]:
    """Return what the page shows."""
    made = {(d.kind, d.source, normalise_text(d.item)): d for d in decisions}
    sources = [
        (source, [_describe_line(c, source.name, site, made) for c in site.columns_of(source)])
        for source in site.sources
    ]
    fields = [line for _, lines in sources for line in lines if line.style == "field"]
    return {
        "title": Text(f"Mapping: {site.name_en}", f"数据对应：{site.name_zh}"),
        "subtitle": Text("How this hospital's data are read", "贵院数据的读取方式"),
        "is_synthetic": is_synthetic,
        "toc": _TOC,
        "sources": sources,
        "ignored": site.ignored,
        "weaknesses": list_weaknesses(decisions) if decisions else [],
        "is_by_hand": not decisions,
        "n_fields": len(fields),
        "n_identifiers": len({line.column for _, lines in sources for line in lines if line.style == "identifier"}),
        "n_ignored": sum(line.style == "ignored" for _, lines in sources for line in lines),
        "n_decided": sum(d.decided_by not in ("", REGISTRY) for d in decisions),
        "mapping_hash": site.mapping_hash[:16],
    }


def _describe_line(
    c: ColumnMap, source: str, site: Site, made: Mapping[tuple[str, str, str], Decision]
) -> MappedColumn:
    item = c.column or f"all rows: {c.table}"
    decision = made.get(("column", source, normalise_text(item)))
    reason = decision.reason.partition(" / ") if decision else ("", "", "")
    is_hidden, codes = c.role in IDENTIFIER_ROLES, _list_codes(c, site, made)
    seen = decision.seen if decision and not is_hidden else ""
    return MappedColumn(
        column=c.column,
        meaning=_name_meaning(c),
        field_id=f"{c.table}.{c.field}" if c.field else "",
        record=_describe_record(c),
        unit=c.unit,
        codes=codes,
        seen=seen.split("; ")[0] if codes else seen,
        reason=Text(reason[0], reason[2]),
        decided_by=_name_author(decision),
        decided_at=decision.decided_at[:10] if decision else "",
        style="identifier" if is_hidden else "ignored" if c.role == "ignore" else "field",
    )


def _describe_record(c: ColumnMap) -> str:
    """Return what makes the column's records: constants, and that each item of a cell is one."""
    if c.record == SHARED:
        return ""
    return c.record.replace(EACH, "each item / 每一项", 1) if c.is_list else c.record


def _name_meaning(c: ColumnMap) -> Text:
    if c.role != "field":
        return describe_meaning(_MEANING_OF_ROLE[c.role])
    test = c.constants.get("test")
    if c.table == "laboratory" and test in set(LabTest):
        return label_test(LabTest(test))
    if not c.field:
        return Text(f"the same for all records of {c.table}", f"{read_grain(TABLES[c.table])[1]}各记录相同")
    return label_field(c.table, c.field)


def _list_codes(c: ColumnMap, site: Site, made: Mapping[tuple[str, str, str], Decision]) -> tuple[MappedCode, ...]:
    spec = read_fields(c.table).get(c.field) if c.role == "field" and c.table in TABLES else None
    if spec is None or not c.column:
        return ()
    decided = {
        normalise_code(d.item): d
        for (kind, source, _), d in made.items()
        if kind == CODE and source == f"{c.table}.{c.field}"
    }
    codes = site.codes.get((c.table, c.field), {})
    return tuple(
        MappedCode(code, value, decided[code].seen if code in decided else "") for code, value in codes.items()
    )


def _name_author(decision: Decision | None) -> Text:
    if decision is None:
        return BY_HAND
    return BY_REGISTRY if decision.decided_by == REGISTRY else Text(decision.decided_by, decision.decided_by)
