"""Names the columns of one sheet: from its header row, or from the mapping where the file has none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.delivery.text_files import TEXT_ENCODINGS
from etl.errors import DeliveryError
from etl.mapping.header_levels import join_levels, read_levels
from etl.mapping.personal_forms import mask_personal_data
from etl.mapping.site import ROW_NUMBER, Site, Source, normalise_text
from etl.pages.text import Text

_HEADER_SEARCH_ROWS = 20
_SHOWN_ROWS = 5
# A number of two digits or more, or a date, alone in a cell: a header has none.
_DATA_CELL = re.compile(r"^[<>]?\d[\d./:年月日 -]+$")
# A date, or a number of many digits, within a text: where a line end is lost a header and a patient's row are one.
_DATA_WITHIN = re.compile(r"\d{4}[-/.年]\d|\d{7}")
_LONGEST_NAME = 100
Fault = tuple[str, str]  # what does not fit, in English and Chinese


def name_columns(grid: Grid, sources: Sequence[Source], site: Site, faults: list[Fault], follow: str) -> dict[str, str]:
    """Return the name of each position of a grid that has one; what does not fit is added to `faults`.

    `follow` is the command that lets the mapping follow the delivery; a message about the header names it.

    Raises:
        DeliveryError: the header is not where the mapping says, or stands where the mapping says there is none.
    """
    positions = [name for name in grid.cells.columns if name != ROW]
    header = _take_given(grid, sources[0], faults) if sources[0].header else _read_header(grid, sources, site, follow)
    names = {p: header.get(p, "") for p in [*positions, *(p for p in header if p not in positions)]}
    clashing = _find_clashing(names, sources)
    faults += [
        (
            f"{grid.label}: the header of column {int(p) + 1} is used twice or by the registry itself; please rename it",
            f"{grid.label}：第 {int(p) + 1} 列的表头重复或与系统保留名称冲突，请改名",
        )
        for p in clashing.values()
    ]
    return {p: f"{name}#{p}" if name in clashing else name for p, name in names.items() if name}


def _take_given(grid: Grid, source: Source, faults: list[Fault]) -> dict[str, str]:
    """Return the names that the mapping gives, after checking that the file has as many columns and no header."""
    given = source.header
    first = {normalise_text(cell) for cell in grid.cells.head(1).row(0)[1:] if cell} if grid.cells.height else set()
    if 2 * len(first & set(given)) >= len(given):
        raise DeliveryError(
            f"{grid.label}: row 1 holds the columns' names, but the mapping says that this file has no header. Take the row "
            "out, or let the coordinating centre write header_row = 1 in site.toml in place of header.",
            f"{grid.label}：第 1 行为列名，而映射说明该文件没有表头。请删除该行，或请协调中心将 site.toml 中的 header 改为 header_row = 1。",
        )
    faults += _find_misfits(grid, len(given))
    return {str(i): name for i, name in enumerate(given)}


def _find_misfits(grid: Grid, n_given: int) -> list[Fault]:
    """Report a file, and the first rows of one, that has another number of columns than the mapping gives names."""
    positions = [p for p in grid.cells.columns if p != ROW]
    width = max((int(p) + 1 for p in positions), default=0)
    if width < n_given or any(grid.cells[p].is_not_null().any() for p in positions if int(p) >= n_given):
        return [
            (
                f"{grid.label}: the file has {width} columns, the mapping names {n_given} (header in site.toml)",
                f"{grid.label}：文件有 {width} 列，而映射给出 {n_given} 个列名（site.toml 中的 header）",
            )
        ]
    short = [(row, n) for row, n in grid.short_rows.items() if n < n_given]
    return [
        (
            f"{grid.label}: row {row} has {n} cells, the mapping names {n_given} columns (header in site.toml)",
            f"{grid.label}：第 {row} 行只有 {n} 个单元格，而映射给出 {n_given} 个列名（site.toml 中的 header）",
        )
        for row, n in short[:_SHOWN_ROWS]
    ]


def _read_header(grid: Grid, sources: Sequence[Source], site: Site, follow: str) -> dict[str, str]:
    positions = [name for name in grid.cells.columns if name != ROW]
    head = grid.cells.filter(pl.col(ROW) == sources[0].header_row)
    _check_kind(grid, sources[0].header_row, has_row=head.height > 0)
    levels = read_levels(grid, sources[0].header_from, sources[0].header_row)
    header = number_repeated([normalise_text(join_levels(texts)) for texts in levels])
    _check_header(grid, header, sources, site, follow)
    return dict(zip(positions, header, strict=True))


def holds_data(name: str) -> bool:
    """Whether what stands as a header may be, or end in, a patient's row: it is called by its place then."""
    return len(name) > _LONGEST_NAME or _DATA_WITHIN.search(name) is not None


def _check_kind(grid: Grid, header_row: int, *, has_row: bool) -> None:
    """Refuse a mapping of a workbook or text file for a file of SPSS, Stata or SAS, and the other way round.

    Raises:
        DeliveryError: says which of the two the file is.
    """
    names_itself = grid.cells.height > 0 and grid.cells[ROW][0] == 0
    if names_itself == (header_row == 0) or (has_row and not names_itself):
        return
    raise DeliveryError(
        f"{grid.label}: {'the columns of this file have names of their own: write header_row = 0' if names_itself else 'header_row = 0 is for SPSS, Stata and SAS files only'} "
        "in site.toml.",
        f"{grid.label}：{'该文件自带列名，请在 site.toml 中写 header_row = 0' if names_itself else 'site.toml 中的 header_row = 0 仅用于 SPSS、Stata 和 SAS 文件'}。",
    )


def number_repeated(texts: Sequence[str]) -> list[str]:
    """Give a repeated header its number, `Remark`, `Remark (2)`, so that each column has a name of its own."""
    seen: Counter[str] = Counter()
    named: list[str] = []
    for text in texts:
        seen[text] += 1
        named.append(f"{text} ({seen[text]})" if text and seen[text] > 1 else text)
    return named


def find_nameless(grid: Grid, named: Mapping[str, str], header_row: int, slipped: Collection[int]) -> list[Fault]:
    """Report columns that hold values below a header that is empty, those side by side in one line; a given header is checked by its width instead.

    `slipped` are rows that have too many cells, of which that is told.
    """
    nameless = [p for p in grid.cells.columns if p != ROW and p not in named]
    if not header_row or not nameless:
        return []
    body = grid.cells.filter((pl.col(ROW) > header_row) & ~pl.col(ROW).is_in(list(slipped)))
    first = body.select(pl.when(pl.col(p).is_not_null()).then(pl.col(ROW)).min().alias(p) for p in nameless).row(0)
    places = [(int(p) + 1, row) for p, row in zip(nameless, first, strict=True) if row is not None]
    runs: list[list[tuple[int, int]]] = []
    for place in places:
        if not runs or place[0] != runs[-1][-1][0] + 1:
            runs.append([])
        runs[-1].append(place)
    return [_tell_nameless(grid, run) for run in (runs if len(runs) <= _SHOWN_ROWS else [places])]


def _tell_nameless(grid: Grid, places: Sequence[tuple[int, int]]) -> Fault:
    """Tell columns without a header, each with the first row in which it has a value."""
    first, last, n = places[0][0], places[-1][0], len(places)
    row = min(row for _, row in places)
    which = Text(f"column {first} has", f"第 {first} 列")
    if n > 1:
        is_gapless = n == last - first + 1
        which = Text(
            f"columns {first} to {last} have" if is_gapless else f"{n:,} of the columns {first} to {last} have",
            f"第 {first} 至 {last} 列" if is_gapless else f"第 {first} 至 {last} 列中的 {n:,} 列",
        )
    return (
        f"{grid.label}: {which.en} values but no header (first in row {row})",
        f"{grid.label}：{which.zh}有内容但没有表头（首见于第 {row} 行）",
    )


def _check_header(grid: Grid, header: Sequence[str], sources: Sequence[Source], site: Site, follow: str) -> None:
    """Refuse a header row that matches nothing, or little while another row is the header.

    Raises:
        DeliveryError: says which; the texts of a row that may be a patient's are not shown.
    """
    mapped = {c.column for s in sources for c in site.columns_of(s) if c.column}
    n_found = len(mapped & set(header))
    if 2 * n_found >= len(mapped):
        return
    row = sources[0].header_row
    for number, *cells in grid.cells.head(_HEADER_SEARCH_ROWS).iter_rows():
        if number != row and 2 * len(mapped & {normalise_text(cell or "") for cell in cells}) >= len(mapped):
            raise DeliveryError(
                f"{grid.label}: the header stands in row {number}, the mapping expects it in row {row}. Send the sheet laid out "
                f"as before, or let the mapping follow: {follow}",
                f"{grid.label}：表头位于第 {number} 行，而映射要求在第 {row} 行。请按原格式提交，"
                f"或更新映射，请运行：{follow}",
            )
    if n_found == 0 and any(_DATA_CELL.search(name) for name in header):
        raise DeliveryError(
            f"{grid.label}: row {row} should be the header, but it holds data. Add the header row.",
            f"{grid.label}：第 {row} 行应为表头，但其内容为数据。请补上表头行。",
        )
    if n_found == 0 and grid.encoding:
        raise _unmatched_header(grid, header)


def _find_clashing(names: dict[str, str], sources: Sequence[Source]) -> dict[str, str]:
    """Return the names that two columns or the registry itself use, each with the last position that has it."""
    reserved = {ROW, ROW_NUMBER, "rule", *(f"_use_{source.name}" for source in sources)}
    used = Counter(names.values())
    return {name: p for p, name in names.items() if name and (name in reserved or used[name] > 1)}


def _unmatched_header(grid: Grid, header: Sequence[str]) -> DeliveryError:
    shown = ", ".join(mask_personal_data(name) for name in header if name and not holds_data(name))[:300]
    tried = ", ".join(TEXT_ENCODINGS)
    return DeliveryError(
        f"{grid.label}: no column of this file is in the mapping. Encodings tried: {tried}; decoded as {grid.encoding} the "
        f"header reads: {shown}. If that is garbled, open the file in Excel and save it as 'CSV UTF-8'.",
        f"{grid.label}：该文件没有任何列与映射相符。已尝试编码：{tried}；按 {grid.encoding} 解码的表头为：{shown}。"
        "若为乱码，请用 Excel 打开并另存为“CSV UTF-8”。",
    )
