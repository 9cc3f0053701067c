"""What a delivery has that a hospital's mapping does not know: new sheets, columns and codes, headers that moved, columns that are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import polars as pl

from etl.delivery.read import Delivery
from etl.mapping.sheets import is_sheet_of
from etl.mapping.site import EVERY_TABLE, IDENTIFIER_ROLES, VISIT, Site, Source, normalise_code
from etl.onboarding.proposing.codes import CodeDraft, draft_codes
from etl.onboarding.proposing.draft import ColumnDraft, Draft, draft_columns
from etl.onboarding.proposing.export_codes import Exports, list_filled_events
from etl.onboarding.proposing.joins import describe_joins
from etl.onboarding.proposing.layout import FoundSource, Layout, read_layout
from etl.onboarding.proposing.profile import MAX_NAMED, profile_column
from etl.onboarding.proposing.proposal import PART_OF_HEADER, Proposal
from etl.onboarding.proposing.propose import propose_columns
from etl.onboarding.proposing.redcap import EVENT_NAMES, REPEAT_INSTRUMENTS, ReadColumn
from etl.onboarding.proposing.words import NOT_SENT, Meaning
from etl.pages.text import Text


def find_difference(
    delivery: Delivery,
    site: Site,
    settled: frozenset[tuple[str, str]],
    asked: Callable[[str, str], bool] = lambda *_: False,
) -> Draft:
    """Return the draft of what the mapping lacks; `settled` are the (table.field, code) that were decided to be asked about.

    `asked` tells of which mapped columns (source, name) the words and numbers are asked that may say nothing: of a mapping by hand nobody
    recorded what was thought of them.
    """
    layout = read_layout(delivery)
    sources: list[FoundSource] = []
    columns: list[ColumnDraft] = []
    codes: dict[tuple[str, str, str], CodeDraft] = {}
    moved: dict[str, int] = {}
    facts: dict[str, Sequence[str]] = {}
    people: list[pl.Series] = []
    exports = Exports()
    for found in layout.sources:
        real = _find_source(found, site)
        if real is None:
            if not _is_ignored(found, site):
                sources.append(found)
                columns += _draft_new_source(found, layout, codes, facts, people, exports)
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
        _compare_codes(named, real, site, layout, codes, exports, asked)
    kept = tuple(
        code
        for code in exports.complete(codes.values(), layout)
        if (f"{code.table}.{code.field}", normalise_code(code.code)) not in settled and not _is_known_event(code, site)
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
        form = next((source.row_filter[name] for name in REPEAT_INSTRUMENTS if name in source.row_filter), None)
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
    exports: Exports,
) -> Iterator[ColumnDraft]:
    if found.reason:
        return
    proposals = propose_columns(found, layout)
    facts |= describe_joins([(found, proposals)])
    exports.add(found, proposals)
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


def _is_known_event(code: CodeDraft, site: Site) -> bool:
    """Whether the mapping says which visit an event is."""
    known = [codes for (_, name), codes in site.codes.items() if name == VISIT]
    return code.table == EVERY_TABLE and code.field == VISIT and any(normalise_code(code.code) in c for c in known)


def _compare_codes(
    found: FoundSource,
    real: Source,
    site: Site,
    layout: Layout,
    codes: dict[tuple[str, str, str], CodeDraft],
    exports: Exports,
    asked: Callable[[str, str], bool],
) -> None:
    """Add the codes of mapped columns that the mapping does not know."""
    lines = [c for c in site.columns_of(real) if c.role == "field" and c.field and c.column in found.columns]
    for line in (c for c in lines if not c.is_checkbox):
        if found.is_redcap and line.column in EVENT_NAMES:
            own = [c.column for c in lines if c.table == line.table and c.column != line.column]
            exports.events += list_filled_events(found.rows, line.column, own)
            continue
        told = layout.dictionary.list_choices(line.column) if layout.dictionary else {}
        choices = told or found.choices.get(line.column, {})
        profile = profile_column(line.column, found.rows[line.column], choices, max_codes=MAX_NAMED)
        meaning = Meaning(f"{line.table}.{line.field}", line.table, line.field, line.record)
        known = site.codes.get((line.table, line.field), {})
        for code in draft_codes(Proposal(real.name, profile, meaning, 1.0, Text("", ""))):
            if normalise_code(code.code) not in known and (not code.columns or asked(real.name, line.column)):
                codes.setdefault((code.table, code.field, normalise_code(code.code)), code)
        if found.is_redcap:
            texts = found.rows[line.column].drop_nulls()
            strange = texts.filter(pl.Series([normalise_code(text) not in known for text in texts], dtype=pl.Boolean))
            exports.columns.append(ReadColumn(meaning, strange, {*choices, *choices.values()}))
