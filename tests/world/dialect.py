"""A dialect: how one hospital writes what is true. Every choice has a plainest value, and a stream of its own.

So a choice can be taken back to its plainest value, and nothing else changes: that is how a failure is made small.
"""

from dataclasses import dataclass, fields, replace
from random import Random

from world import date_forms, number_forms
from world.cell import PLAIN
from world.refused import REFUSED

TEXT_KINDS = ("csv", "text called .xls")
WORKBOOK_KINDS = ("xlsx", "SpreadsheetML 2003")
MARKUP_KINDS = ("HTML called .xls",)
STAT_KINDS = ("sav", "dta", "xpt")
READ_KINDS = ("xlsx",) * 7 + ("csv",) * 6 + ("text called .xls", "HTML called .xls", "SpreadsheetML 2003") + STAT_KINDS
KINDS = READ_KINDS * 3 + REFUSED
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")
DELIMITERS = (",", ";", "\t", "|")
LANGUAGES = ("zh", "pinyin", "en", "both")
LAYOUTS = (
    "one sheet",
    "sheets",
    "long laboratory",
    "long laboratory, units",
    "redcap row",
    "redcap events",
    "redcap repeating",
)
DECIMALS = {PLAIN: (".", ""), "12,5": (",", ""), "1.210,5": (",", "."), "1,210.5": (".", ","), "1 210": (".", " ")}
HEADERS = (
    PLAIN,
    "unit in brackets",
    "unit behind /",
    "line feed",
    "full-width",
    "numbered",
    "title rows",
    "two rows merged",
    "unit row",
    "group headings",
)
NUMBER_FORMS = (PLAIN, "number without zeros", '="00123"', "leading apostrophe", "leading tab", "padded")
LISTS = ("checkboxes", "listed in a cell", "ticks")
ROW_FORMS = (
    "notes", "signature", "print time", "totals", "subtotals", "averages", "legend below", "blank rows", "header repeated", "hidden rows",
    "merged ids", "merged cells", "Ctrl-Z", "trailing separators", "left-out trailing separators", "long row", "formats far down",
    "CR only", "offset",
)  # fmt: skip
FILE_FORMS = (
    "copy of a file",
    "desktop files",
    "hidden sheet",
    "old copy",
    "explanation sheet",
    "empty sheet",
    "1904 days",
)
MISSING_WORDS = (
    "空", "/", "\\", "-", "--", "无", "未", "未查", "未测", "未做", "未检", "待查", "待报", "不详", "未知", "缺失", "拒查", "失访", "NA", "N/A", "ND",
    "NE", "NK", "UNK", "nil", "none", "null", "NaN", ".", "?", "[Not Available]", "-1", "-9", "9", "99", "999", "8888", "-99", "-98",
)  # fmt: skip
CELL_FORMS = (
    *number_forms.READ_FORMS, *number_forms.ASKED_FORMS, *date_forms.READ_FORMS, *date_forms.MISSING_FORMS, *date_forms.ASKED_FORMS,
    "ongoing", "unknown code", "full-width code", "text with blanks", "text with a line feed",
)  # fmt: skip
WORKBOOK_CELL_FORMS = (
    *number_forms.WORKBOOK_FORMS, *date_forms.WORKBOOK_FORMS, *date_forms.WORKBOOK_MISSING, "national id as a number",
)  # fmt: skip
"""Forms of cells whose number or format only a workbook keeps."""


@dataclass(frozen=True)
class Dialect:
    """The defaults are the plainest dialect."""

    kind: str = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    language: str = "zh"
    layout: str = "one sheet"
    decimal: str = PLAIN
    date_form: str = "2020-03-05"
    header: str = PLAIN
    number_form: str = PLAIN
    lists: str = "checkboxes"
    units: str = PLAIN
    row_forms: tuple = ()
    file_forms: tuple = ()
    missing_words: tuple = ()
    cell_forms: tuple = ()

    @property
    def is_workbook(self):
        return self.kind in WORKBOOK_KINDS

    @property
    def is_stat(self):
        return self.kind in STAT_KINDS

    @property
    def has_sheets(self):
        return self.kind in WORKBOOK_KINDS

    @property
    def is_refused(self):
        return self.kind in REFUSED

    def list_forms(self):
        """Every form of this dialect, the cells' included, by what world.md may call it."""
        own = [f"{f.name}: {getattr(self, f.name)}" for f in fields(self) if isinstance(getattr(self, f.name), str)]
        named = [
            *self.row_forms,
            *self.file_forms,
            *(f"missing {word}" for word in self.missing_words),
            *self.cell_forms,
        ]
        return own + named

    def list_simpler(self):
        """The same with one choice taken back, or one form left out."""
        plain = Dialect()
        for choice in fields(self):
            value, plainest = getattr(self, choice.name), getattr(plain, choice.name)
            if isinstance(value, tuple):
                yield from (replace(self, **{choice.name: value[:i] + value[i + 1 :]}) for i in range(len(value)))
            elif value != plainest:
                yield settle(replace(self, **{choice.name: plainest}))


def draw_dialect(seed):
    """The dialect with this seed."""

    def one(name, values):
        return Random(f"{seed} {name}").choice(values)

    def some(name, values, *numbers):
        draw = Random(f"{seed} {name}")
        return tuple(sorted(draw.sample(values, draw.choice(numbers)), key=values.index))

    kind = one("kind", KINDS)
    dates = list(date_forms.TEXT_FORMS) + (list(date_forms.CELL_FORMS) * 6 if kind in WORKBOOK_KINDS else [])
    dates = date_forms.STAT_FORMS if kind in STAT_KINDS else dates
    return settle(
        Dialect(
            kind=kind,
            encoding=one("encoding", ENCODINGS),
            delimiter=one("delimiter", DELIMITERS),
            language=one("language", LANGUAGES),
            layout=one("layout", LAYOUTS[:4] * 2 + LAYOUTS[4:]),
            decimal=one("decimal", (PLAIN, *DECIMALS)),
            date_form=one("date form", dates),
            header=one("header", HEADERS),
            number_form=one("number form", (PLAIN, PLAIN, *NUMBER_FORMS)),
            lists=one("lists", LISTS),
            units=one("units", (PLAIN, "other units", "column of units")),
            row_forms=some("row forms", ROW_FORMS, 0, 1, 2, 3),
            file_forms=some("file forms", FILE_FORMS, 0, 1, 2),
            missing_words=some("missing words", MISSING_WORDS, 0, 1, 2, 3),
            cell_forms=some("cell forms", CELL_FORMS, 0, 3, 4, 6)
            + some("workbook forms", WORKBOOK_CELL_FORMS, 2, 3, 4, 5),
        )
    )


IN_TEXT_ONLY = {"Ctrl-Z", "trailing separators", "left-out trailing separators", "long row", "CR only"}
IN_WORKBOOKS_ONLY = {
    "hidden rows", "merged ids", "merged cells", "formats far down", "offset", "hidden sheet", "old copy", "explanation sheet", "empty sheet",
    "1904 days", *WORKBOOK_CELL_FORMS,
}  # fmt: skip
IN_XLSX_ONLY = {
    "1904 days", "hidden sheet", "old copy", "explanation sheet", "empty sheet", "formats far down", "offset", "superscript run", "struck-through run",
}  # fmt: skip
CSV_NUMBER_FORMS = ('="00123"', "leading tab", "leading apostrophe")


def settle(dialect):
    """The dialect without choices that its kind of file, or its layout, cannot hold."""
    for take_back in (_settle_refused, _settle_redcap, _settle_stat, _settle_text, _settle_numbers, _settle_forms):
        dialect = take_back(dialect)
    return dialect


def _plain(dialect, *names, **changes):
    return replace(dialect, **{name: getattr(Dialect, name) for name in names}, **changes)


def _settle_refused(dialect):
    if not dialect.is_refused:
        return dialect
    return Dialect(kind=dialect.kind, lists=dialect.lists)


def _settle_redcap(dialect):
    """REDCap exports one kind of file, with dates in one form."""
    if not dialect.layout.startswith("redcap"):
        return dialect
    names = (
        "header",
        "encoding",
        "delimiter",
        "lists",
        "units",
        "date_form",
        "decimal",
        "number_form",
        "row_forms",
        "file_forms",
    )
    return _plain(dialect, *names, kind="csv", language="en")


def _settle_stat(dialect):
    if dialect.is_stat:
        names = ("decimal", "header", "number_form", "row_forms", "file_forms", "cell_forms", "missing_words", "units")
        dialect = _plain(dialect, *names, language="en", layout="sheets")
    if dialect.is_stat == (dialect.date_form in date_forms.STAT_FORMS):
        return dialect
    return replace(dialect, date_form=date_forms.STAT_FORMS[0] if dialect.is_stat else Dialect.date_form)


def _settle_text(dialect):
    if dialect.kind not in TEXT_KINDS:
        return _plain(dialect, "encoding", "delimiter")
    dialect = dialect if dialect.date_form not in date_forms.CELL_FORMS else _plain(dialect, "date_form")
    return replace(dialect, encoding="gb18030", delimiter="\t") if dialect.kind == "text called .xls" else dialect


def _settle_numbers(dialect):
    is_csv, is_xlsx = dialect.kind == "csv", dialect.kind == "xlsx"
    if (dialect.number_form in CSV_NUMBER_FORMS and not is_csv) or (
        dialect.number_form == "number without zeros" and not is_xlsx
    ):
        dialect = _plain(dialect, "number_form")
    if dialect.date_form in date_forms.CELL_FORMS and not dialect.is_workbook:
        dialect = _plain(dialect, "date_form")
    # Where no column says the unit it is the registry's own.
    return _plain(dialect, "units") if dialect.layout == "long laboratory" else dialect


def _settle_forms(dialect):
    left_out = IN_WORKBOOKS_ONLY if dialect.kind in TEXT_KINDS else IN_TEXT_ONLY
    if dialect.kind != "xlsx":
        left_out = left_out | IN_XLSX_ONLY
    if dialect.kind in MARKUP_KINDS:
        left_out = left_out | IN_WORKBOOKS_ONLY
    if dialect.layout.startswith("redcap"):
        left_out = left_out | {"copy of a file"}
    names = ("row_forms", "file_forms", "cell_forms")
    return replace(
        dialect, **{name: tuple(form for form in getattr(dialect, name) if form not in left_out) for name in names}
    )
