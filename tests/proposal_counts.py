"""Counts how the proposals for a delivery compare with the mapping that people wrote for it."""

import re
from collections import Counter

from worksheet_desk import name_line

from etl.mapping.site import ColumnMap, Site, Source, normalise_code
from etl.onboarding.proposing.draft import Draft
from etl.onboarding.proposing.layout import FoundSource
from etl.onboarding.proposing.words import list_meanings, read_fields


def find_source(site: Site, source: FoundSource) -> Source:
    """The real mapping's source of the same sheet, file or form."""
    for real in site.sources:
        is_form = source.form is None or list(real.row_filter.values()) == [(source.form,)]
        is_file = re.fullmatch(real.file.replace(".", r"\.").replace("*", ".*"), source.file.replace("*", "0"))
        if is_form and is_file and (real.sheet or None) == source.sheet:
            return real
    raise AssertionError(source.place)


def find_lines(site: Site, source: FoundSource, column: str) -> list[ColumnMap]:
    """The real mapping's lines of a column; a file without a header calls its columns by their place."""
    real = find_source(site, source)
    name = real.header[int(column.removeprefix("column ")) - 1] if real.header else column
    return [c for c in site.columns_of(real) if c.column == name]


def count_columns(site: Site, draft: Draft) -> Counter[str]:
    """Count the proposals that are right, wrong and absent, and the identifiers that were seen and missed."""
    counts: Counter[str] = Counter()
    sources = {source.name: source for source in draft.sources}
    for column in (c for c in draft.columns if c.column):
        lines = find_lines(site, sources[column.source], column.column)
        wanted = {name_line(line) for line in lines}
        meaning = list_meanings().get(column.meaning)
        got = f"{meaning.table}.{meaning.field}" if meaning and meaning.field else column.meaning
        is_unit = column.meaning == "laboratory.unit" and wanted == {"not_needed"}
        records = {frozenset(line.record.split(";")) for line in lines}
        is_record = not meaning or not meaning.record or frozenset(meaning.record.split(";")) in records
        counts[
            "absent" if not column.meaning else "right" if (got in wanted and is_record) or is_unit else "wrong"
        ] += 1
        if {line.role for line in lines} & {"patient", "person", "drop"}:
            is_seen = column.meaning in ("patient_number", "national_id", "identifier")
            counts["identifier seen" if is_seen else "identifier missed"] += 1
    return counts


def count_codes(site: Site, draft: Draft) -> Counter[str]:
    """Count the codes of the real mapping that occur in the delivery or not, by what is proposed for them."""
    counts: Counter[str] = Counter()
    proposed = {(c.table, c.field, normalise_code(c.code)): c.value for c in draft.codes}
    for (table, name), codes in site.codes.items():
        own = {code.value.casefold(): code.value for code in read_fields(table)[name].codes or ()}
        for code, value in codes.items():
            got = proposed.get((table, name, code)) or own.get(code)
            counts["right" if got == value else "wrong" if got else "absent"] += 1
    return counts
