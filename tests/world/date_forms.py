"""How days are written: one form for the whole file, and others that turn up in single cells."""

from datetime import date, datetime

from world.cell import Cell, serial

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CHINESE_DIGITS = str.maketrans("0123456789", "〇一二三四五六七八九")
CELL_FORMATS = (
    "yyyy-mm-dd",
    "yyyy/m/d;@",
    14,
    'yyyy"年"m"月"d"日"',
    '[$-804]yyyy"年"m"月"d"日"',
    "dd.mm.yyyy",
    "yyyy-mm-dd hh:mm",
)
CHINESE_FORMATS = (31, 58, 30, 28, 51, 54)
"""Excel's Chinese built-in formats that show a day and have no code in the file; 28, 51, 54 and 58 show no year."""
CHINESE_DAY_FORMATS = (31, 30)
CHINESE_MONTH_FORMATS = (27, 36, 50, 52, 57)
MONTH_FORMATS = ("yyyy-mm", 'yyyy"年"m"月"', "mmm-yy", 17, "yyyy/m")
YEAR_FORMATS = ("yyyy", 'yyyy"年"')

# The form of a whole file: text of a day.
TEXT_FORMS = {
    "2020-03-05": lambda d: d.isoformat(),
    "2020-3-5": lambda d: f"{d.year}-{d.month}-{d.day}",
    "2020/03/05": lambda d: f"{d:%Y/%m/%d}",
    "2020.3.5": lambda d: f"{d.year}.{d.month}.{d.day}",
    "20200305": lambda d: f"{d:%Y%m%d}",
    "2020年3月5日": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "05.03.2020": lambda d: f"{d:%d.%m.%Y}",
    "5/3/2020": lambda d: f"{d.day}/{d.month}/{d.year}",
    "3/5/2020": lambda d: f"{d.month}/{d.day}/{d.year}",
    "05-Mar-2020": lambda d: f"{d.day:02}-{MONTHS[d.month - 1]}-{d.year}",
    "2020-03-05 00:00:00": lambda d: f"{d.isoformat()} 00:00:00",
    "2020-03-05T00:00:00Z": lambda d: f"{d.isoformat()}T00:00:00Z",
    "2020-03-05 上午10:20": lambda d: f"{d.isoformat()} 上午10:20",
}
ORDERS = {"05.03.2020": "day first", "5/3/2020": "day first", "3/5/2020": "month first"}
"""The forms that can be read only by one who knows the order of day and month."""

# Forms of a whole column in a workbook: the day as a number in a format.
CELL_FORMS = {
    "date cell": CELL_FORMATS,
    "Chinese built-in format": CHINESE_DAY_FORMATS,
}
STAT_FORMS = ("day variable", "day variable in another format", "month variable")
"""Forms of all days in files of SPSS, Stata and SAS: the format of a variable says what its number is."""


def _text(write, *allows, has=True):
    return lambda day, c: Cell(write(day), allows=allows) if has else None


def _other(*texts):
    return lambda day, c: Cell(c.draw.choice(texts), allows=())


def _in_format(*formats):
    def write(day, c):
        style = c.draw.choice(formats)
        return Cell(f"{day:%Y-%m}", day.replace(day=1), style, allows=())

    return write


def _stored_as_decimal(day, c):
    return Cell(f"{day.year}.1", float(f"{day.year}.1"), "0.00", allows=()) if day.month == 10 else None


READ_FORMS = {
    "another separator": lambda day, c: Cell(f"{day.year}.{day.month:02}.{day.day:02}"),
    "full-width date": lambda day, c: Cell(
        f"{day.year}－{day.month}－{day.day}".translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    ),
}
PLACEHOLDERS = (
    "0001-01-01",
    "1753-01-01",
    "1899-12-30",
    "1900-01-01",
    "2099-12-31",
    "2999-12-31",
    "3000-01-01",
    "9999-12-31",
)
MISSING_FORMS = {
    f"placeholder {text}": lambda day, c, text=text: Cell(text, allows=(None,)) for text in PLACEHOLDERS
} | {
    "placeholder 1970-01-01": lambda day, c: Cell("1970-01-01", allows=(None,)) if c.quantity != "birth_date" else None
}
ASKED_FORMS = {
    "2020年3月": _text(lambda d: f"{d.year}年{d.month}月"),
    "2020-3": _text(lambda d: f"{d.year}-{d.month}"),
    "Mar-20": _text(lambda d: f"{MONTHS[d.month - 1]}-{d.year % 100:02}"),
    "20203": _text(lambda d: f"{d.year}{d.month}"),
    "20.3.5": lambda day, c: Cell(f"{day.year % 100:02}.{day.month}.{day.day}"),
    "民国109年": lambda day, c: Cell(f"民国{day.year - 1911}年{day.month}月{day.day}日"),
    "二〇二〇年": lambda day, c: Cell(f"{day.year}年{day.month}月{day.day}日".translate(CHINESE_DIGITS)),
    "2020年初": _text(lambda d: f"{d.year}年初"),
    "术后3月": _other("术后3月", "术后半年"),
    "after the extract day": lambda day, c: Cell(
        c.draw.choice((day.replace(year=2032, day=1), day.replace(year=2091, day=1), date(2023, 2, 1))).isoformat(),
        allows=(),
    ),
    "day that there is not": _other("2020-02-30", "2020-13-01"),
    "serial as text": lambda day, c: Cell(str(serial(day))),
    "two dates": _other("2020-3-5/2020-4-1", "2020-3-5、2020-4-1"),
}
WORKBOOK_FORMS = {
    "month format": _in_format(*MONTH_FORMATS),
    "Chinese month format": _in_format(*CHINESE_MONTH_FORMATS),
    "year format": _in_format(*YEAR_FORMATS),
    "2020.10 stored as 2020.1": _stored_as_decimal,
    "serial in General": lambda day, c: Cell(str(serial(day)), serial(day)),
    "number 20213": lambda day, c: Cell("20213", 20213, allows=()),
    "format without a year": lambda day, c: Cell(
        f"{day.month}月{day.day}日", day, c.draw.choice(('m"月"d"日"', "d-mmm", 28, 58)), allows=()
    ),
    "date with time": lambda day, c: Cell(
        f"{day} 10:20", datetime(day.year, day.month, day.day, 10, 20), "yyyy-mm-dd hh:mm"
    ),
    "date as text": lambda day, c: Cell(day.isoformat()),
    "time in a date column": lambda day, c: Cell("30:00:00", 1.25, "[h]:mm:ss", allows=()),
}
WORKBOOK_MISSING = {
    f"serial {number}": lambda day, c, number=number: Cell("1900-01-00", number, "yyyy-mm-dd", allows=(None,))
    for number in (0, 1, 60)
}
ONGOING = ("至今", "仍在用药", "ongoing")
