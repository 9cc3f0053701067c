"""How an unknown delivery is laid out: which row is the header, which sheets hold records, which rows do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import polars as pl

from etl.delivery.read import ROW, SYNTHETIC_MARKER, Delivery, Grid
from etl.errors import DeliveryError
from etl.mapping.body import read_body
from etl.mapping.header import number_repeated
from etl.mapping.header_levels import join_levels, name_header, read_levels
from etl.mapping.patient_rows import JOINED
from etl.mapping.row_kinds import looks_like_unit
from etl.mapping.site import normalise_text
from etl.mapping.units import is_unit
from etl.onboarding.proposing.check_sheet import check_no_form, check_one_table, check_sheet_names
from etl.onboarding.proposing.dictionary import Dictionary, is_dictionary, read_dictionary
from etl.onboarding.proposing.file_patterns import LONG_NUMBER, name_files
from etl.onboarding.proposing.find_header import check_named_header, find_header
from etl.onboarding.proposing.legend import read_legend
from etl.onboarding.proposing.redcap import REPEAT_INSTRUMENTS, find_column, is_export, list_form_columns
from etl.onboarding.proposing.words import PATIENT_NUMBER, read_column_words, read_table_words, squeeze
from etl.onboarding.proposing.writing import Writing, find_writing

SMALLEST_TABLE = 3
_UNNAMED = re.compile(r"^(?:sheet|工作表|表)\s*\d*$", re.IGNORECASE)
_SEPARATED = re.compile(r"[\W_]+")
_COMMENT = "#"


HeaderRows = Mapping[tuple[str, str | None], tuple[int, int]]
"""The first and last row of a sheet's header, 0 for none, by the file's pattern and the sheet."""


@dataclass(frozen=True)
class FoundSource:
    """One sheet or file, or the rows of one REDCap form in it, as the mapping would name it.

    `rows` has the column `source_row` and one column per name, of the rows that are records. `header_row` is None where the file has no
    header; the columns are then called by their place. It is 0 for a file of SPSS, Stata or SAS. `header_from` is above it where the names stand in
    several rows; `levels` are then the texts that name each column, from above down. `choices` are the codes of a column and what a legend
    among the sheets says of them. `labels` says in more words what a column is, where the file or
    a dictionary does. `table` is the table that the name of sheet, file or form points to, "" where it points to none.
    `has_merged` tells that merged cells were filled, `left_out` counts the rows that are no records by the rule that knows them, `nameless` are columns, from 1, with values and no name. `reason` is set where the sheet holds no records. `file` is the
    pattern that will match the next delivery too, `origin` this file's name; `header` names all columns of the sheet. `is_redcap` is
    set for an export of REDCap, `forms` are its repeated ones, `patient_rows` where a record of it stands in several rows of its patient.
    """

    name: str
    file: str
    sheet: str | None
    header_row: int | None
    rows: pl.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    form: str | None = None
    table: str = ""
    has_merged: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    nameless: tuple[int, ...] = ()
    reason: str | None = None
    encoding: str | None = None
    origin: str = ""
    header: tuple[str, ...] = ()
    header_from: int | None = None
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    is_redcap: bool = False
    forms: tuple[str, ...] = ()
    patient_rows: str = ""

    @cached_property
    def writing(self) -> Writing:
        """How the sheet writes numbers and dates."""
        return find_writing(self.rows)

    @property
    def columns(self) -> list[str]:
        """The columns' names in the sheet's order."""
        return [name for name in self.rows.columns if name != ROW]

    def describe(self) -> dict[str, Any]:
        """Return the source as site.toml writes it."""
        described: dict[str, Any] = {"name": self.name, "file": self.file}
        if self.sheet:
            described["sheet"] = self.sheet
        described |= {"header": self.columns} if self.header_row is None else {"header_row": self.header_row}
        if self.levels:
            described["header_from"] = self.header_from
        if self.writing.concluded:
            described["written"] = [word.value for word in self.writing.concluded]
        if self.form is not None:
            described["filter"] = {find_column(self.columns, REPEAT_INSTRUMENTS): [self.form]}
        if self.patient_rows:
            described["patient_rows"] = self.patient_rows
        return described

    def own_name(self, column: str) -> str:
        """Return what names a column without the groups above it."""
        *groups, own = self.levels.get(column, (column,))
        if not groups or not looks_like_unit(own):
            return own
        return f"{groups[-1]} ({own.strip('()（）[] ')})" if is_unit(own.strip("()（）[] ")) else groups[-1]

    @property
    def header_place(self) -> str:
        """The row or rows of the header as a person writes them, `2` or `1-2`; "0" for none."""
        return name_header(self.header_from or 0, self.header_row or 0)

    @property
    def place(self) -> str:
        """File, sheet and form as a person names them."""
        return " › ".join(filter(None, (self.file, self.sheet, self.form)))


@dataclass(frozen=True)
class Layout:
    """A whole delivery: its sources and the dictionary of the export, where one came along."""

    sources: tuple[FoundSource, ...]
    dictionary: Dictionary | None = None


def read_layout(delivery: Delivery, header_rows: HeaderRows = MappingProxyType({})) -> Layout:
    """Find the sources of a delivery; sheets and files without records come with the reason why.

    A sheet in `header_rows` is read with the header that a person named there, and holds records whatever it looks like.

    Raises:
        DeliveryError: no sheet holds records, or the row that a person named is empty.
    """
    grids = [grid for grid in delivery.grids if not _is_empty(grid) and grid.file not in delivery.copies]
    dictionaries = [grid for grid in grids if is_dictionary(grid)]
    dictionary = read_dictionary(dictionaries[0]) if dictionaries else None
    found: list[FoundSource] = []
    patterns = name_files(list(dict.fromkeys(grid.file for grid in grids)))
    for grid in grids:
        pattern = patterns[grid.file]
        if grid in dictionaries:
            reason = "data dictionary of the export / 导出数据字典"
            found.append(FoundSource("", pattern, grid.sheet, 1, grid.cells, reason=reason, origin=grid.file))
        else:
            named = header_rows.get((pattern, grid.sheet))
            found += _read_grid(grid, pattern, dictionary, named)
    explained = _read_legends(grids, found, header_rows.keys())
    sources = tuple(_name_sources(_read_glossaries(explained, header_rows.keys())))
    read = {(s.origin, s.sheet) for s in sources if not s.reason} - {
        (s.origin, s.sheet) for s in sources if (s.file, s.sheet) in header_rows
    }
    for grid in (g for g in grids if (g.file, g.sheet) in read):
        check_no_form(grid)
    check_sheet_names(grids)
    if not any(source.reason is None for source in sources):
        raise DeliveryError(
            f"The delivery '{delivery.name}' holds no sheet with records: a header with known names, or columns of numbers and dates.",
            f"数据“{delivery.name}”中没有含记录的工作表（未找到可识别的表头，也没有数字或日期列）。",
        )
    return Layout(sources, dictionary)


def _is_empty(grid: Grid) -> bool:
    return all(column.is_null().all() for column in grid.cells.drop(ROW))


def _read_grid(
    grid: Grid, pattern: str, dictionary: Dictionary | None, named: tuple[int, int] | None
) -> list[FoundSource]:
    header_from, header_row = find_header(grid) if named is None else check_named_header(grid, *named)
    levels = {} if header_row is None or header_from is None else _read_levels(grid, header_from, header_row)
    names = _name_columns(grid, levels)
    first = -1 if header_row is None else header_row
    place = next((p for p, n in names.items() if _is_patient(levels[p][-1] if levels else n)), None)
    read = read_body(grid, max(first, 0), list(names), place)
    body_cells = read.cells.filter((pl.col(ROW) > first) & ~pl.col(ROW).is_in(list(read.shifts)))
    body = read.cells.filter(pl.col(ROW) > first).select(ROW, *[pl.col(p).alias(n) for p, n in names.items()])
    body = body.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null())) if names else body.clear()
    body = body.filter(~pl.col(ROW).is_in([*read.kinds.rules, *read.shifts]))
    labels = {**grid.labels, **_read_comments(grid, names, first), **(dictionary.labels if dictionary else {})}
    table = _find_table(grid.sheet or grid.file.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    reason = _find_reason(body, place) if named is None else None
    if reason is None:
        check_one_table(grid, names, read.kinds.second_headers)
    whole = FoundSource(
        "", pattern, grid.sheet, header_row, body, labels,
        table=table, has_merged=bool(read.filled), left_out=Counter(read.kinds.rules.values()), nameless=_list_nameless(body_cells, names, header_row), reason=reason, encoding=grid.encoding, origin=grid.file, header=tuple(names.values()),
        header_from=header_from, levels={n: levels[p] for p, n in names.items()} if header_from != header_row else {},
    )  # fmt: skip
    if not is_export(whole.columns, dictionary):
        return [whole]
    return [_join_events(source) for source in _split_forms(replace(whole, is_redcap=True), dictionary)]


def _read_levels(grid: Grid, header_from: int, header_row: int) -> dict[str, tuple[str, ...]]:
    positions = [p for p in grid.cells.columns if p != ROW]
    found = read_levels(grid, header_from, header_row)
    return {p: tuple(map(normalise_text, texts)) for p, texts in zip(positions, found, strict=True)}


def _is_patient(name: str) -> bool:
    return PATIENT_NUMBER in read_column_words().get(squeeze(name), ())


def _name_columns(grid: Grid, levels: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the name of each position; a repeated one gets its number; without a header each is called by its place."""
    if not levels:
        return {p: f"column {int(p) + 1}" for p in grid.cells.columns if p != ROW}
    names = number_repeated([join_levels(texts) for texts in levels.values()])
    return {p: name for p, name in zip(levels, names, strict=True) if name}


def _read_comments(grid: Grid, names: Mapping[str, str], header_row: int) -> dict[str, str]:
    """Return what a line above the header that begins with `#` says of each column."""
    for number, *cells in grid.cells.head(max(header_row - 1, 0)).iter_rows():
        texts = dict(zip([p for p in grid.cells.columns if p != ROW], cells, strict=True))
        if (
            number < header_row
            and (cells[0] or "").startswith(_COMMENT)
            and 2 * len(list(filter(None, cells))) > len(names)
        ):
            return {name: texts[p].lstrip(_COMMENT) for p, name in names.items() if texts.get(p)}
    return {}


def _find_table(name: str) -> str:
    """Return the table that a sheet's or file's name means: the whole name or its longest known part."""
    words = read_table_words()
    whole = squeeze(name)
    if whole in words:
        return words[whole]
    parts = {squeeze(part) for part in re.split(r"[\W_\d]+", name)} & set(words)
    return words[max(parts, key=len)] if parts else ""


def _list_nameless(body: pl.DataFrame, names: Mapping[str, str], header_row: int | None) -> tuple[int, ...]:
    if not header_row:
        return ()
    return tuple(int(p) + 1 for p in body.columns if p != ROW and p not in names and body[p].is_not_null().any())


def _find_reason(body: pl.DataFrame, patient: str | None) -> str | None:
    """Return why a sheet is taken to hold no records: running text fills few cells and names nobody."""
    cells = body.drop(ROW)
    n_filled = sum(column.len() - column.null_count() for column in cells)
    is_page = patient is None and (cells.width < SMALLEST_TABLE or 2 * n_filled < cells.width * max(cells.height, 1))
    return "explanation without records / 说明页，无记录" if is_page else None


def _read_legends(
    grids: Sequence[Grid], found: Sequence[FoundSource], named: Collection[tuple[str, str | None]]
) -> list[FoundSource]:
    """Take sheets that explain the codes of other sheets' columns for what they are: choices and labels of those columns."""
    legends = {(grid.file, grid.sheet): legend for grid in grids if (legend := read_legend(grid))}
    choices: dict[str, Mapping[str, str]] = {}
    labels: dict[str, str] = {}
    reasons: dict[tuple[str, str | None], str] = {}
    for place, legend in legends.items():
        others = {
            squeeze(s.own_name(n)) for s in found if (s.origin, s.sheet) != place and not s.reason for n in s.columns
        }
        is_named = any((s.file, s.sheet) in named for s in found if (s.origin, s.sheet) == place)
        if not is_named and 2 * len(legend.columns & others) > len(legend.columns):
            choices |= legend.choices
            labels |= legend.labels
            reasons[place] = "legend of the codes / 编码说明"
    return [
        replace(source, reason=reasons[source.origin, source.sheet])
        if (source.origin, source.sheet) in reasons
        else _explain(source, labels, choices)
        for source in found
    ]


def _explain(source: FoundSource, labels: Mapping[str, str], choices: Mapping[str, Mapping[str, str]]) -> FoundSource:
    words = {name: squeeze(source.own_name(name)) for name in source.columns}
    return replace(
        source,
        labels={**{n: labels[word] for n, word in words.items() if word in labels}, **source.labels},
        choices={**source.choices, **{n: choices[word] for n, word in words.items() if word in choices}},
    )


def _read_glossaries(found: Sequence[FoundSource], named: Collection[tuple[str, str | None]]) -> list[FoundSource]:
    """Take sheets that explain another sheet's columns, line by line, for what they are: labels of those columns."""
    columns = {squeeze(name) for source in found if not source.reason for name in source.columns}
    labels: dict[str, str] = {}
    glossaries = []
    for source in found:
        pairs = _read_pairs(source)
        if (
            (source.file, source.sheet) not in named
            and pairs
            and 2 * sum(squeeze(name) in columns for name, _ in pairs) > len(pairs)
        ):
            labels |= {squeeze(name): text for name, text in pairs}
            glossaries.append(source)
    glossary = "glossary of the columns / 列名说明"
    return [
        replace(source, reason=glossary) if source in glossaries else _explain(source, labels, {}) if labels else source
        for source in found
    ]


def _read_pairs(source: FoundSource) -> list[tuple[str, str]]:
    """Return name and explanation of each line of a sheet with two columns or three, the header taken for a line too."""
    if not 2 <= len(source.columns) <= SMALLEST_TABLE:
        return []
    first, second = source.columns[:2]
    lines = source.rows.select(first, second).drop_nulls().rows()
    return [(first, second), *lines]


def _split_forms(whole: FoundSource, dictionary: Dictionary | None) -> list[FoundSource]:
    """Split a REDCap export by its repeated forms; each has the columns that it fills."""
    instrument = find_column(whole.columns, REPEAT_INSTRUMENTS)
    if instrument is None:
        return [whole]
    forms = sorted(whole.rows[instrument].fill_null("").unique().to_list())
    sources = []
    for form in forms:
        rows = whole.rows.filter(pl.col(instrument).fill_null("") == form)
        names = list_form_columns(rows, form, forms, whole.columns, dictionary)
        table = _find_table(form or "main")
        sources.append(
            replace(whole, rows=rows.select(ROW, *names), form=form, table=table, forms=tuple(filter(None, forms)))
        )
    return sources


def _join_events(source: FoundSource) -> FoundSource:
    """Say that a record stands in several rows, where rows that are no repeated form stand for one patient more than once."""
    numbers = source.rows[source.columns[0]].drop_nulls()
    several = not source.form and numbers.n_unique() < numbers.len()
    return replace(source, patient_rows=JOINED) if several else source


def _name_sources(found: Sequence[FoundSource]) -> list[FoundSource]:
    """Give each source a name of its own for columns.csv: its form's, its table's where no earlier one has that, else its sheet's or file's."""
    used: set[str] = set()
    named = []
    for number, source in enumerate(found, 1):
        if source.reason:
            named.append(source)
            continue
        name = _name_source(source)
        name = name if name and name not in used else _name_place(source) or f"source_{number}"
        name = name if name not in used else f"{name}_{number}"
        used.add(name)
        named.append(replace(source, name=name))
    return named


def _name_source(source: FoundSource) -> str:
    return source.form or ("main" if source.form == "" else source.table)


def _name_place(source: FoundSource) -> str:
    """Return the name of the sheet or file without what changes from delivery to delivery, as one word; a sheet without one has its file's."""
    file = source.origin.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    sheet = "" if not source.sheet or _UNNAMED.match(source.sheet) else source.sheet
    plain = _SEPARATED.sub(" ", LONG_NUMBER.sub(" ", sheet or file)).replace(SYNTHETIC_MARKER, " ")
    return "_".join(re.findall(r"\w+", plain)).strip("_").lower()
