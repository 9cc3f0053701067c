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
KINDS = READ_KINDS * 6 + REFUSED
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")
DELIMITERS = (",", ";", "\t", "|")
LANGUAGES = ("zh", "pinyin", "en", "both")
LAYOUTS = ("one sheet", "sheets", "long laboratory", "long laboratory, units", "redcap row", "redcap events", "redcap repeating")
DECIMALS = {PLAIN: (".", ""), "12,5": (",", ""), "1.210,5": (",", "."), "1,210.5": (".", ","), "1 210": (".", " ")}
HEADERS = (PLAIN, "unit in brackets", "unit behind /", "line feed", "full-width", "numbered", "title rows", "two rows merged", "unit row", "group headings")
NUMBER_FORMS = (PLAIN, "number without zeros", '="00123"', "leading apostrophe", "leading tab", "padded")
LISTS = ("checkboxes", "listed in a cell", "ticks")
ROW_FORMS = (
    "notes", "signature", "print time", "totals", "subtotals", "averages", "legend below", "blank rows", "header repeated", "hidden rows",
    "merged ids", "merged cells", "Ctrl-Z", "trailing separators", "missing trailing separators", "long row", "formats far down",
    "CR only", "offset",
)  # fmt: skip
FILE_FORMS = ("copy of a file", "desktop files", "hidden sheet", "old copy", "explanation sheet", "empty sheet", "1904 days")
MISSING_WORDS = (
    "空", "/", "\\", "-", "--", "无", "未", "未查", "未测", "未做", "未检", "待查", "待报", "不详", "未知", "缺失", "拒查", "失访", "NA", "N/A", "ND",
    "NE", "NK", "UNK", "nil", "none", "null", "NaN", ".", "?", "[Not Available]", "-1", "-9", "9", "99", "999", "8888", "-99", "-98",
)  # fmt: skip
CELL_FORMS = (
    *number_forms.READ_FORMS, *number_forms.ASKED_FORMS, *number_forms.WORKBOOK_FORMS, *date_forms.READ_FORMS, *date_forms.MISSING_FORMS,
    *date_forms.ASKED_FORMS, *date_forms.WORKBOOK_FORMS, *date_forms.WORKBOOK_MISSING, "ongoing", "unknown code", "full-width code",
    "text with blanks", "text with a line feed", "national id as a number",
)  # fmt: skip


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
        named = [*self.row_forms, *self.file_forms, *(f"missing {word}" for word in self.missing_words), *self.cell_forms]
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
            layout=one("layout", LAYOUTS),
            decimal=one("decimal", (PLAIN, *DECIMALS)),
            date_form=one("date form", dates),
            header=one("header", HEADERS),
            number_form=one("number form", (PLAIN, PLAIN, *NUMBER_FORMS)),
            lists=one("lists", LISTS),
            units=one("units", (PLAIN, "other units", "column of units")),
            row_forms=some("row forms", ROW_FORMS, 0, 1, 2, 3),
            file_forms=some("file forms", FILE_FORMS, 0, 0, 1),
            missing_words=some("missing words", MISSING_WORDS, 0, 1, 2, 3),
            cell_forms=some("cell forms", CELL_FORMS, 0, 2, 3, 4, 6),
        )
    )


NOT_IN = {
    "text": {"hidden rows", "merged ids", "merged cells", "formats far down", "offset", "hidden sheet", "old copy", "explanation sheet", "empty sheet", "1904 days"},
    "workbook": {"Ctrl-Z", "trailing separators", "missing trailing separators", "long row", "CR only"},
    "SpreadsheetML 2003": {"1904 days", "hidden sheet", "formats far down"},
    "HTML called .xls": {"formats far down", "hidden rows", "offset"},
    "redcap": {*ROW_FORMS},
}


def settle(dialect):
    """The dialect without choices that its kind of file cannot hold."""
    left_out = set(NOT_IN["workbook" if dialect.kind in (*WORKBOOK_KINDS, *MARKUP_KINDS) else "text"]) | NOT_IN.get(dialect.kind, set())
    if dialect.kind in MARKUP_KINDS:
        left_out |= {"hidden sheet", "old copy", "explanation sheet", "empty sheet", "1904 days", "merged cells", "superscript run", "struck-through run"}
    changes = {}
    if dialect.is_refused:
        plain = {name: getattr(Dialect, name) for name in ("encoding", "delimiter", "language", "layout", "row_forms", "file_forms")}
        return replace(dialect, **plain, cell_forms=(), missing_words=(), header=PLAIN, number_form=PLAIN, decimal=PLAIN, date_form=Dialect.date_form)
    if dialect.layout.startswith("redcap"):
        left_out |= NOT_IN["redcap"] | {"copy of a file"}
        changes |= {"kind": "csv", "header": PLAIN, "language": "en", "encoding": "utf-8", "delimiter": ",", "lists": "checkboxes", "units": PLAIN}
        changes |= {"date_form": "2020-03-05", "decimal": PLAIN, "number_form": PLAIN}
    kind = changes.get("kind", dialect.kind)
    if kind not in WORKBOOK_KINDS:
        left_out |= {"national id as a number", *number_forms.WORKBOOK_FORMS, *date_forms.WORKBOOK_FORMS, *date_forms.WORKBOOK_MISSING}
        if dialect.date_form in date_forms.CELL_FORMS:
            changes["date_form"] = Dialect.date_form
    if dialect.layout == "long laboratory":
        changes["units"] = PLAIN  # where no column says the unit it is the registry's own
    if kind not in TEXT_KINDS:
        changes |= {"encoding": Dialect.encoding, "delimiter": Dialect.delimiter}
    if kind == "text called .xls":
        changes |= {"encoding": "gb18030", "delimiter": "\t"}
    if kind in STAT_KINDS:
        changes |= {name: getattr(Dialect, name) for name in ("decimal", "header")} | {"language": "en", "number_form": PLAIN, "layout": "sheets"}
        changes |= {"row_forms": (), "file_forms": (), "cell_forms": (), "units": PLAIN}
        if dialect.date_form not in date_forms.STAT_FORMS:
            changes["date_form"] = date_forms.STAT_FORMS[0]
    elif dialect.date_form in date_forms.STAT_FORMS:
        changes["date_form"] = Dialect.date_form
    if kind != "csv" and dialect.number_form in ('="00123"', "leading tab", "leading apostrophe"):
        changes["number_form"] = PLAIN
    if kind != "xlsx" and dialect.number_form == "number without zeros":
        changes["number_form"] = PLAIN
    for name in ("row_forms", "file_forms", "cell_forms"):
        changes[name] = tuple(form for form in changes.get(name, getattr(dialect, name)) if form not in left_out)
    return replace(dialect, **changes)
