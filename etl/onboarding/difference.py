"""What a delivery has that a hospital's mapping does not know: new sheets, columns and codes, headers that moved, columns that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from etl.delivery.read import Delivery
from etl.mapping.sheets import is_sheet_of
from etl.mapping.site import IDENTIFIER_ROLES, Site, Source, normalise_code
from etl.onboarding.proposing.codes import CodeDraft, draft_codes
from etl.onboarding.proposing.draft import ColumnDraft, Draft, draft_columns
from etl.onboarding.proposing.joins import describe_joins
from etl.onboarding.proposing.layout import REPEAT_INSTRUMENT, FoundSource, Layout, read_layout
from etl.onboarding.proposing.profile import profile_column
from etl.onboarding.proposing.proposal import PART_OF_HEADER, Proposal
from etl.onboarding.proposing.propose import propose_columns
from etl.onboarding.proposing.words import NOT_SENT, Meaning
from etl.pages.text import Text


def find_difference(delivery: Delivery, site: Site, settled: frozenset[tuple[str, str]]) -> Draft:
    """Return the draft of what the mapping lacks; `settled` are the (table.field, code) that were decided to be asked about."""
    layout = read_layout(delivery)
    sources: list[FoundSource] = []
    columns: list[ColumnDraft] = []
    codes: dict[tuple[str, str, str], CodeDraft] = {}
    moved: dict[str, int] = {}
    facts: dict[str, Sequence[str]] = {}
    people: list[pl.Series] = []
    for found in layout.sources:
        real = _find_source(found, site)
        if real is None:
            if not _is_ignored(found, site):
                sources.append(found)
                columns += _draft_new_source(found, layout, codes, facts, people)
            continue
        named = replace(found, name=real.name)
        hidden = {c.column for c in site.columns_of(real) if c.role in IDENTIFIER_ROLES}
        people += [found.rows[name] for name in found.columns if name in hidden]
        if (
            found.header_row is not None
            and not real.header
            and (found.header_from, found.header_row) != (real.header_from, real.header_row)
        ):
            moved[real.name] = real.header_row
            sources.append(named)
        columns += _compare_columns(named, real, site, layout, codes)
        _compare_codes(named, real, site, layout, codes)
    kept = tuple(
        code for code in codes.values() if (f"{code.table}.{code.field}", normalise_code(code.code)) not in settled
    )
    return Draft(
        site.hospital,
        delivery.name,
        delivery.is_synthetic,
        tuple(sources),
        tuple(columns),
        kept,
        facts,
        moved,
        tuple(people),
    )


def _find_source(found: FoundSource, site: Site) -> Source | None:
    """Return the mapping's source of a sheet or, in a REDCap export, of a form."""
    for source in site.sources:
        form = source.row_filter.get(REPEAT_INSTRUMENT)
        if is_sheet_of(found.origin, found.sheet, source.file, source.sheet) and (
            found.form is None or form == (found.form,)
        ):
            return source
    return None


def _is_ignored(found: FoundSource, site: Site) -> bool:
    return any(is_sheet_of(found.origin, found.sheet, i.file, i.sheet) for i in site.ignored)


def _draft_new_source(
    found: FoundSource,
    layout: Layout,
    codes: dict[tuple[str, str, str], CodeDraft],
    facts: dict[str, Sequence[str]],
    people: list[pl.Series],
) -> Iterator[ColumnDraft]:
    if found.reason:
        return
    proposals = propose_columns(found, layout)
    facts |= describe_joins([(found, proposals)])
    people += [found.rows[p.column] for p in proposals if p.is_private]
    for code in (code for p in proposals for code in draft_codes(p)):
        codes.setdefault((code.table, code.field, normalise_code(code.code)), code)
    yield from draft_columns(found, proposals)


def _compare_columns(
    found: FoundSource, real: Source, site: Site, layout: Layout, codes: dict[tuple[str, str, str], CodeDraft]
) -> Iterator[ColumnDraft]:
    """Yield the columns that the mapping does not know, and those that it knows and that are gone."""
    known = {c.column for c in site.columns_of(real) if c.column}
    if real.header:
        return
    proposals = [p for p in propose_columns(found, layout) if p.column not in known]
    for code in (code for p in proposals for code in draft_codes(p)):
        codes.setdefault((code.table, code.field, normalise_code(code.code)), code)
    yield from (column for column in draft_columns(found, proposals) if column.column)
    new = ", ".join(p.column for p in proposals)
    for column in sorted(known - set(found.header)):
        hint = Text(f"; is it one of the new columns ({new})?", f"；是否即新列（{new}）？") if new else Text("", "")
        reason = Text(f"the column is not in this delivery{hint.en}", f"本次数据中没有该列{hint.zh}")
        yield ColumnDraft(
            real.name, column, NOT_SENT, "", "", PART_OF_HEADER, 1.0, reason, Text("", ""), "", 0, found.rows.height, (), ""
        )  # fmt: skip


def _compare_codes(
    found: FoundSource, real: Source, site: Site, layout: Layout, codes: dict[tuple[str, str, str], CodeDraft]
) -> None:
    """Add the codes of mapped columns that the mapping does not know."""
    for line in site.columns_of(real):
        if line.role != "field" or not line.field or line.is_checkbox or line.column not in found.columns:
            continue
        told = layout.dictionary.list_choices(line.column) if layout.dictionary else {}
        choices = told or found.choices.get(line.column, {})
        profile = profile_column(line.column, found.rows[line.column], choices)
        meaning = Meaning(f"{line.table}.{line.field}", line.table, line.field, line.record)
        known = site.codes.get((line.table, line.field), {})
        for code in draft_codes(Proposal(real.name, profile, meaning, 1.0, Text("", ""))):
            if normalise_code(code.code) not in known:
                codes.setdefault((code.table, code.field, normalise_code(code.code)), code)
