"""Which rows below a header are no records, told by their form: repeated headers, notes and signatures, totals, rows of units.

A record is a row whose patient number is written as the others are, or that fills columns with their values. What fills only few columns of a table of
many with texts that are no values of theirs is a note, whatever it says; words count where form cannot tell. In doubt a row is a record: it is
loaded, rejected or asked about, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.delivery.read import ROW, Grid
from etl.mapping.forms import Form, Kind, find_misfits, is_prose, is_word_for_nothing, learn_forms
from etl.mapping.site import normalise_text
from etl.mapping.units import is_unit

REPEATED_HEADER = "repeated header / 重复的表头"
FURTHER_NAMES = "further row of names / 另一行列名"
UNIT_ROW = "unit row / 单位行"
TOTALS_ROW = "totals row / 合计行"
NOTE = "note, title or signature / 注释、标题或签名"
NO_RECORDS = (REPEATED_HEADER, FURTHER_NAMES, UNIT_ROW, TOTALS_ROW, NOTE)
"""The rules by which rows are left out by their form; their texts, which may name patients or staff, are kept nowhere."""

_FULL_ROWS = 4
"""So many rows that are filled like most a table needs before its columns have forms."""
_SHARE_OF_A_THIN_ROW = 3
_FEWEST_BESIDE_A_SENTENCE, _SHORTEST_NOTE = 4, 10
# Chinese words are compared without blanks (合 计); behind a Latin one no digit or letter may follow at once: SUM001 is somebody's number.
_TOTAL = re.compile(
    r"^(?:合计|总计|小计|总数|本页[合小]计|累计|平均[数值]?|均值|均数|中位数|标准差)[:：]?[\d.,]*[例人名行条]?(?:\(.*)?$"
    r"|^(?:sub-?total|total|sum|mean|average|median)\b[\s:]{0,9}[\d.,%]{0,99}(?:\s{0,9}\(.*)?$",
    re.IGNORECASE,
)
_TOTAL_START = re.compile(
    r"^(?:合计|总计|小计|总数|本页|累计|平均|(?:sub-?total|total|sum|mean|average|median)\b)", re.IGNORECASE
)
_FOOTER = re.compile(
    r"^[*※#★]*(?:备?注|说明|附注|备注说明|注意|制表|制表人|填表|填表人|录入|录入人|审核|审核人|复核|复核人|审批|核对|核对人|负责人|科主任|签名|签字|打印|打印人"
    r"|打印时间|打印日期|导出时间|导出日期|制表日期|制表时间|填报日期|报表日期|数据来源|资料来源|科主任签[名字])(?::.*|$)"
    r"|^第\d+页|^[*#\s]*(?:notes?|remarks?|source|prepared by|printed|printed on)(?:\s*:.*|$)|^page\s+\d+|^[-—]\s*\d+\s*[-—]$",
    re.IGNORECASE,
)
# Cheap first looks: what they find is judged by the patterns above.
_MAY_BE_A_FOOTER = r"(?i)^[*※#★\s]*(?:备?注|说明|附|注意|制表|填|录入|审|复核|核对|负责|科主任|签|打印|导出|报表|数据|资料|第|note|remark|source|prep|print|page|[-—])"
_MAY_BE_A_TOTAL = r"(?i)^\s*(?:合\s*计|总\s*[计数]|小\s*计|本页|累计|平均|均[值数]|中位|标准差|(?:sub-?total|total|sum|mean|average|median)\b)"
_NO_UNIT = ("", "-", "--", "/", "—")
_TIME_UNITS = ("岁", "年", "月", "天", "周", "分", "级", "个", "枚", "次", "%", "s", "years", "yr", "cm2")


@dataclass(frozen=True)
class RowKinds:
    """What the rows below a header are.

    `rules` names the rule of each row that is no record. `forms` are those of the columns, by position; `misfits` the texts in each that are surely no
    values of it, `strange` the rows that hold two and more of them. `odd_numbers` are rows whose patient number is written as no other and that fill few columns. `second_headers` are rows
    in which another table begins, or the same with other names: they name columns, and not those above.
    """

    rules: Mapping[int, str]
    forms: Mapping[str, Form] = field(default_factory=dict)
    misfits: Mapping[str, frozenset[str]] = field(default_factory=dict)
    strange: tuple[int, ...] = ()
    odd_numbers: tuple[int, ...] = ()
    second_headers: tuple[int, ...] = ()


def find_row_kinds(grid: Grid, header_row: int, positions: Sequence[str], patient: str | None) -> RowKinds:
    """Tell which rows below the header of a grid are no records.

    `positions` are the grid's columns that have a name, `patient` the one that holds the patient's number, None where none is known to.
    """
    present = [p for p in positions if p in grid.cells.columns]
    if not present:
        return RowKinds({})
    body = grid.cells.filter(pl.col(ROW) > header_row).select(ROW, *present)
    body = body.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null()))
    above = _read_above(grid, header_row, present)
    repeated, differing = _find_repeated(body, above, present)
    body = body.filter(~pl.col(ROW).is_in(list(repeated)))
    rows = _measure(body, present, patient)
    rules = dict.fromkeys(repeated, REPEATED_HEADER) | _judge_rows(rows, present)
    return RowKinds(
        rules=rules,
        forms=rows.forms,
        misfits=rows.misfits,
        strange=tuple(rows.frame.filter(pl.col("misfit") > 1)[ROW].to_list()),
        odd_numbers=tuple(n for n in rows.odd if n not in rules),
        second_headers=tuple(sorted({*(n for n in differing if n not in rules), *_find_second_headers(rows, rules)})),
    )


def _read_above(grid: Grid, header_row: int, positions: Sequence[str]) -> list[dict[str, str]]:
    """Return the cells of each row down to the header, as they are compared."""
    head = grid.cells.filter(pl.col(ROW) <= header_row).select(positions)
    rows = [{p: normalise_text(cell) for p, cell in row.items() if cell} for row in head.iter_rows(named=True)]
    return [row for row in rows if row]


def _find_repeated(
    body: pl.DataFrame, above: Sequence[Mapping[str, str]], positions: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return the rows that say what a row down to the header says, and those that repeat most of the header but not all."""
    repeated: list[int] = []
    differing: list[int] = []
    for place, row in enumerate(above):
        is_header = place == len(above) - 1
        suspects = body.filter(pl.any_horizontal([_fold(pl.col(p)) == text for p, text in row.items()]))
        for number, *cells in suspects.iter_rows():
            filled = {p: normalise_text(cell) for p, cell in zip(positions, cells, strict=True) if cell}
            n_same = sum(row.get(p) == text for p, text in filled.items())
            if n_same == len(filled) and (2 * n_same >= len(row)):
                repeated.append(number)
            elif is_header and len(filled) > 2 and 2 * n_same >= len(filled):
                differing.append(number)
    return repeated, differing


def _fold(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.strip_chars().str.replace_all(r"\s+", " ")


@dataclass(frozen=True)
class _Rows:
    """The rows that are not blank, with `filled`, `misfit` and `fit` counts; the last two leave out columns of any text and words for nothing.

    `first` is the first text of a row, `has_word` tells that it may be a total or a footer, `patient` that in the column of patients' numbers, `is_odd` tells that it is written as no other number.
    """

    frame: pl.DataFrame
    forms: Mapping[str, Form]
    misfits: Mapping[str, frozenset[str]]
    most_filled: float
    patient: str | None
    has_forms: bool

    @property
    def odd(self) -> list[int]:
        """Rows of few values with a number that is written as no other."""
        few = self.frame.filter(pl.col("is_odd") & (2 * pl.col("filled") < self.most_filled))
        return few[ROW].to_list() if self.has_forms else []


def _measure(body: pl.DataFrame, positions: Sequence[str], patient: str | None) -> _Rows:
    filled = pl.sum_horizontal([pl.col(p).is_not_null() for p in positions]).alias("filled")
    has_word = _fold(pl.coalesce(positions)).str.contains(f"{_MAY_BE_A_TOTAL}|{_MAY_BE_A_FOOTER}")
    counted = body.with_columns(filled, first=pl.coalesce(positions), has_word=has_word)
    most_filled = float(counted["filled"].median() or 0)  # type: ignore[arg-type]
    full = counted.filter(2 * pl.col("filled") > most_filled)
    plain = full.filter(~pl.col("has_word"))
    # Where most rows begin with such a word, it is how patients are numbered.
    full = plain if 2 * plain.height > full.height else full
    has_forms = full.height >= _FULL_ROWS
    forms = learn_forms(full.select(positions)) if has_forms else {}
    misfits = find_misfits(body, forms)
    judged = [p for p, form in forms.items() if form.kind != "free"]
    is_misfit = {p: pl.col(p).is_in(list(misfits[p])).fill_null(value=False) for p in judged}
    is_fit = {
        p: (pl.col(p).is_not_null() & ~is_misfit[p] & ~is_word_for_nothing(pl.col(p))).fill_null(value=False)
        for p in judged
    }
    measured = counted.with_columns(
        _count(is_misfit.values()).alias("misfit"),
        _count(is_fit.values()).alias("fit"),
        (pl.col(patient) if patient is not None and patient in positions else pl.lit(None, dtype=pl.String)).alias(
            "patient"
        ),
        is_misfit.get(patient or "", pl.lit(value=False)).alias("is_odd"),
    )
    return _Rows(measured, forms, misfits, most_filled, patient, has_forms)


def _count(flags: object) -> pl.Expr:
    listed = list(flags)  # type: ignore[call-overload]
    return pl.sum_horizontal(listed) if listed else pl.lit(0)


def _judge_rows(rows: _Rows, positions: Sequence[str]) -> dict[int, str]:
    """Return the rule of each row that is no record; only rows that might be none are looked at one by one."""
    known = pl.col("patient").is_not_null() & ~pl.col("is_odd") & pl.lit(rows.has_forms)
    suspects = rows.frame.filter(pl.col("has_word") | (~known & (pl.col("misfit") > 0)))
    rules: dict[int, str] = {}
    first_record = _find_first_record(rows)
    for row in suspects.iter_rows(named=True):
        if rule := _judge_row(row, rows, positions, is_above=row[ROW] < first_record):
            rules[row[ROW]] = rule
    return rules if rows.has_forms else {**dict.fromkeys(_find_sentences_below(rows, positions), NOTE), **rules}


def _find_sentences_below(rows: _Rows, positions: Sequence[str]) -> list[int]:
    """Return the rows below the last full one of a small table that hold one text and nothing else, which is no value of its column.

    It is a sentence, longer than any value there, or has no digit where every value has one, as patients' numbers do.
    """
    most = int(rows.frame["filled"].max() or 0)  # type: ignore[arg-type]
    full = rows.frame.filter(2 * pl.col("filled") > most)
    if most < _FEWEST_BESIDE_A_SENTENCE or full.is_empty():
        return []
    alone = rows.frame.filter((pl.col("filled") == 1) & (pl.col(ROW) > full[ROW].max()))
    found: list[int] = []
    for row in alone.iter_rows(named=True):
        position = next(p for p in positions if row[p] is not None)
        text, values = normalise_text(row["first"]), full[position].drop_nulls()
        longest = int(values.str.len_chars().max() or 0)  # type: ignore[arg-type]
        reads_like_one = is_prose(text, Form(Kind.FREE)) or (len(text) >= _SHORTEST_NOTE and not text.isascii())
        is_sentence = reads_like_one and len(text) > 2 * longest
        is_no_number = position == rows.patient and values.len() > 0 and values.str.contains(r"\d").all()
        if is_sentence or (is_no_number and not any(map(str.isdigit, text))):
            found.append(row[ROW])
    return found


def _find_first_record(rows: _Rows) -> int:
    """Return the first row that is filled like most and of whose values hardly one is none; rows above it may name columns or units."""
    records = rows.frame.filter((2 * pl.col("filled") > rows.most_filled) & (pl.col("fit") > pl.col("misfit")))
    return int(records[ROW][0]) if rows.has_forms and records.height else 0


def _judge_row(row: Mapping[str, object], rows: _Rows, positions: Sequence[str], *, is_above: bool) -> str | None:
    """Return the rule of one row that might be no record, None where it is one or nobody can tell."""
    misfit, fit = (int(str(row[name])) for name in ("misfit", "fit"))
    is_numbered = row["patient"] is not None and not row["is_odd"] and rows.has_forms
    if not is_numbered:
        cells = [str(row[p]) for p in positions if row[p] is not None]
        if fit <= len(cells) / 2 + 1 and has_units_only(cells):
            return UNIT_ROW
        if is_above and misfit > 1 and misfit > 2 * fit:
            return FURTHER_NAMES
    return _judge_words(row, rows, is_numbered=is_numbered) or (None if is_numbered else _judge_form(row, rows))


def _judge_words(row: Mapping[str, object], rows: _Rows, *, is_numbered: bool) -> str | None:
    """Return what the first word of a row makes of it; a patient's number that has digits and the form of the others is stronger."""
    first, patient = _squeeze_chinese(str(row["first"])), _squeeze_chinese(str(row["patient"] or ""))
    if is_numbered and re.search(r"\d", patient):
        return None
    if _TOTAL.match(first) or (row["is_odd"] and _TOTAL_START.match(patient)):
        return TOTALS_ROW
    is_footer = _FOOTER.match(first) and int(str(row["filled"])) <= max(1, rows.most_filled / 2 + 1)
    return NOTE if is_footer else None


def _judge_form(row: Mapping[str, object], rows: _Rows) -> str | None:
    """Return whether a row of few cells without a patient's number is a note: texts that are no values where they stand."""
    is_thin = _SHARE_OF_A_THIN_ROW * int(str(row["filled"])) <= rows.most_filled
    if not (rows.has_forms and is_thin and row["misfit"]):
        return None
    if row["is_odd"] and is_prose(str(row["patient"]).strip(), rows.forms[rows.patient or ""]):
        return NOTE
    return None if row["fit"] else NOTE


def _squeeze_chinese(text: str) -> str:
    """Return a text as it is compared with words: `合 计` is 合计, blanks between Latin words stay."""
    return re.sub(r"(?<=[^\x00-\x7f])\s|\s(?=[^\x00-\x7f])", "", normalise_text(text))


def has_units_only(cells: Sequence[str]) -> bool:
    """Whether the filled cells of a row are units, all but one, which may say what they are."""
    told = [text for cell in cells if (text := normalise_text(cell)) not in _NO_UNIT]
    n_units = sum(map(looks_like_unit, told))
    return n_units > 1 and n_units >= len(told) - 1


def looks_like_unit(cell: str) -> bool:
    """Whether a cell holds nothing but a unit, perhaps in brackets."""
    text = cell.strip("()（）[]【】 ")
    return text.casefold() in _TIME_UNITS or (is_unit(text) and not text.isdecimal())


def _find_second_headers(rows: _Rows, rules: Mapping[int, str]) -> list[int]:
    """Return rows filled like most of which most cells are no values of their columns: names of other columns, with rows of theirs below."""
    if not rows.has_forms:
        return []
    strange = rows.frame.filter(
        (pl.col("filled") >= 3) & (pl.col("misfit") >= 3) & (pl.col("misfit") > 2 * pl.col("fit"))
        & (pl.col("is_odd") | pl.col("patient").is_null() | pl.lit(rows.patient is None))
    )  # fmt: skip
    return [
        number
        for number, *cells in strange.select(ROW, *rows.forms).iter_rows()
        if number not in rules and not any(re.search(r"^\W*\d", cell) for cell in cells if cell)
    ]
