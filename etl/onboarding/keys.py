"""Whether what a worksheet decides can make records: a table whose key nothing gives would be rejected whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from etl.mapping.site import EACH, SHARED, Site
from etl.onboarding.decisions import COLUMN, Decision
from etl.onboarding.proposing.words import VISIT_OF_ROW, list_meanings
from etl.pages.labels import label_field
from etl.pages.text import Text
from schemas.contract import read_sent_key
from schemas.definitions.visits import VISIT_DATES
from schemas.tables import TABLES

Given = dict[tuple[str, str], set[str]]


def find_missing_keys(decided: Sequence[Decision], known: Site | None) -> Iterator[tuple[str, str, str]]:
    """Yield (source, table, field) of the parts of keys that no column and no constant gives, for the tables that are decided about."""
    given = _list_given(decided)
    for source in known.sources if known else ():
        for c in known.columns_of(source) if known else ():
            if c.role == "field" and (source.name, c.table) in given:
                given[source.name, c.table] |= {c.field, *c.constants}
    for (source_name, table), fields in given.items():
        for name in read_sent_key(TABLES[table]):
            if name != "patient_id" and name not in fields and not _is_given_by_dates(name, table, fields):
                yield source_name, table, name


def find_dated_tables(decided: Sequence[Decision]) -> Iterator[tuple[str, str]]:
    """Yield (source, table) of the tables whose records have dates and no visit, so that the dates group them into visits."""
    for (source, table), fields in _list_given(decided).items():
        if VISIT_OF_ROW not in fields and _is_given_by_dates(VISIT_OF_ROW, table, fields):
            yield source, table


def _is_given_by_dates(name: str, table: str, fields: Collection[str]) -> bool:
    """Whether a part of a key is a visit that follows from a date of the record."""
    return name == VISIT_OF_ROW and not set(fields).isdisjoint(VISIT_DATES.get(table, ()))


def describe_missing_key(source: str, table: str, field: str) -> Text:
    """Say which part of a key is missing and how it can be given."""
    label = label_field(table, field)
    dates = " or ".join(f"{table}.{name}" for name in VISIT_DATES.get(table, ()) if field == VISIT_OF_ROW)
    by_date = (
        (
            f" or that of {dates}, by which the registry groups the records into visits",
            f"或 {dates} 的列（登记库据此归入访视）",
        )
        if dates
        else ("", "")
    )
    return Text(
        f"{source}: nothing gives {table}.{field} ({label.en}), without which no record of {table} can be loaded. Name its column{by_date[0]}; or add a row "
        f"“all rows: {table}” with the record “{field}=…”; or say “not needed” for the columns of {table}",
        f"{source}：没有列提供 {table}.{field}（{label.zh}），缺少它则 {table} 的记录均无法载入。请指明对应列{by_date[1]}；或新增一行“all rows: {table}”，记录写“{field}=…”；"
        f"或将 {table} 的各列选为“不需要”",
    )


def find_divided_tables(decided: Sequence[Decision]) -> Mapping[str, Sequence[str]]:
    """Return the tables with one record per patient whose fields several sources give, with those sources."""
    sources: dict[str, list[str]] = {}
    for source, table in _list_given(decided):
        if read_sent_key(TABLES[table]) == ("patient_id",):
            sources.setdefault(table, []).append(source)
    return {table: names for table, names in sources.items() if len(names) > 1}


def _list_given(decided: Sequence[Decision]) -> Given:
    """Return the fields that columns and constants give, by source and table; tables with constants alone are left out."""
    given: Given = {}
    constants: Given = {}
    visits: set[str] = set()
    for d in (d for d in decided if d.kind == COLUMN):
        meaning = list_meanings().get(d.decided)
        if d.decided == VISIT_OF_ROW:
            visits.add(d.source)
        names = {item.lstrip("?").split("=")[0] for item in d.decided_record.split(";")} - {"", SHARED, EACH}
        if meaning and meaning.field:
            given.setdefault((d.source, meaning.table), set()).update({meaning.field, *names})
        elif d.is_constant:
            constants.setdefault((d.source, d.decided.removesuffix(".*")), set()).update(names)
    return {
        (source, table): fields
        | constants.get((source, table), set())
        | ({VISIT_OF_ROW} if source in visits else set())
        for (source, table), fields in given.items()
    }
