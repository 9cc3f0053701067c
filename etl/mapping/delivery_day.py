"""The extract day of a delivery: nothing that it tells of the past can have happened after it.

Somebody says it, or it stands in the delivery's name, or its files know when they were last saved or exported. Neither a
template's age, nor when a file was copied, nor this computer's clock says anything of it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.delivery.apart import NotReadError, Reader, read_apart
from etl.delivery.file_kinds import DAMAGED_ZIP
from etl.delivery.files import OLD_WORKBOOK, STAT_SUFFIXES, list_files
from etl.errors import ExtractDayError, UsageError
from etl.mapping.dates import parse_dates, read_dates
from etl.mapping.parse import clean_text
from etl.mapping.verbs import WRITTEN_SUFFIX
from etl.pages.text import Text
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES

HOSPITALS_TIME = dt.timezone(dt.timedelta(hours=8))
"""The hospitals' clock (China Standard Time): a workbook keeps the moment of its saving in UTC."""

SAID, IN_NAME, WHEN_SAVED = "said", "name", "saved"
ORIGINS: Mapping[str, Text] = {
    SAID: Text("as was said", "由操作人指明"),
    IN_NAME: Text("stands in the delivery's name", "取自数据名称"),
    WHEN_SAVED: Text("when its file was last saved or exported", "取自文件最后保存或导出时间"),
}
EXAMPLE_DAY = "YYYY-MM-DD"
"""How the day is typed (`EXTRACTED=`), and what a suggested command holds in its place."""
BIRTH_DATE = ("patient", "birth_date")
_EARLIEST, _LATEST = dt.date(2000, 1, 1), dt.date(2099, 12, 31)
# 2022-11-20, 2022.11.20, 2022_11_20, 2022年11月20日; 20221120, also with a time of day behind it as exports write it.
_PARTED = re.compile(r"(?<!\d)(\d{4})(?:([-./_])(\d{1,2})\2(\d{1,2})(?!\d)|\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日)")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?(?!\d)")
_WORKBOOKS = (".xlsx", ".xlsm")
_PROPERTIES, _MAX_PROPERTIES_BYTES = "docProps/core.xml", 100_000
_MODIFIED = re.compile(rb"<(?:\w+:)?modified\b[^<>]*>\s{0,9}([^<\s]{1,40})")
_FEWEST_OF_A_FIELD = 10


@dataclass(frozen=True)
class DeliveryDay:
    """The last day that a delivery can tell of, and which of `ORIGINS` says so."""

    day: dt.date
    origin: str

    def __str__(self) -> str:
        """Return the day as 2022-11-20."""
        return self.day.isoformat()


@dataclass(frozen=True)
class _Later:
    """How many of `n` dates lie after a day, and `where` they stand: nothing where all dates are counted."""

    n_later: int
    n: int
    where: Text


def read_said_day(text: str) -> dt.date:
    """Return the extract day as somebody typed it.

    Raises:
        UsageError: it is no day of this century.
    """
    day = parse_dates(clean_text(pl.Series([text])))[0]
    if day is None or not _EARLIEST <= day <= _LATEST:
        raise UsageError(
            f"The extract day is typed as {EXAMPLE_DAY}, such as 2022-11-20.",
            f"导出日请写作 {EXAMPLE_DAY}，例如 2022-11-20。",
        )
    return day


def find_stated_day(path: Path) -> DeliveryDay | None:
    """Return the day that a delivery states itself: in its name, else in its files' names, else in the files.

    Never the day on which a file was made or copied: a workbook is made when its template is.
    """
    files = list_files(path)
    inside = [file.relative_to(path).as_posix() for file in files if file != path]
    for names in ([path.name], inside):
        named = find_named_day(names)
        if named:
            return DeliveryDay(named, IN_NAME)
    saved = [day for day in map(_read_saved_day, files) if day]
    return DeliveryDay(max(saved), WHEN_SAVED) if saved else None


def find_named_day(names: Iterable[str]) -> dt.date | None:
    """Return the latest day that stands in names; other numbers of eight digits are no days, and a month alone is none.

    The latest, since a name may also say which years the data are of.
    """
    days = []
    for name in names:
        plain = unicodedata.normalize("NFKC", name)
        parted = [
            (year, month or month_zh, day or day_zh) for year, _, month, day, month_zh, day_zh in _PARTED.findall(plain)
        ]
        days += [_read_day(*map(int, parts)) for parts in (*parted, *_COMPACT.findall(plain))]
    return max((day for day in days if day and _EARLIEST <= day <= _LATEST), default=None)


def _read_day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _read_saved_day(path: Path) -> dt.date | None:
    """Return the day on which a file was last saved; None where it does not say so. What is damaged is told when it is read."""
    suffix = path.suffix.lower()
    if suffix in STAT_SUFFIXES:
        return _read_exported(path)
    if suffix == OLD_WORKBOOK:
        return _read_saved_in_biff(path)
    if suffix not in _WORKBOOKS or not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as container, container.open(_PROPERTIES) as properties:
            found = _MODIFIED.search(properties.read(_MAX_PROPERTIES_BYTES))
        moment = dt.datetime.fromisoformat(found[1].decode()) if found else None
    except DAMAGED_ZIP:
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(HOSPITALS_TIME).date()


def _read_saved_in_biff(path: Path) -> dt.date | None:
    """Return the day on which a workbook of Excel 97-2003 was last saved; a web page or text under that name says none."""
    import olefile

    try:
        if not olefile.isOleFile(str(path)):
            return None
        with olefile.OleFileIO(str(path)) as container:
            moment = getattr(container.get_metadata(), "last_saved_time", None)  # set by name while it is read
    except (OSError, ValueError, OverflowError):
        return None
    if not isinstance(moment, dt.datetime) or moment.date() < _EARLIEST:
        return None
    return moment.replace(tzinfo=dt.UTC).astimezone(HOSPITALS_TIME).date()


def _read_exported(path: Path) -> dt.date | None:
    try:
        return read_apart(Reader.EXPORT_DAY, path)
    except NotReadError:
        return None


def find_today() -> dt.date:
    """Return today's date where the hospitals are."""
    return dt.datetime.now(HOSPITALS_TIME).date()


def settle_day(
    stated: DeliveryDay | None, records: Mapping[str, pl.DataFrame], name: str, repeated: str
) -> DeliveryDay:
    """Return the extract day of a delivery, where it states one that can be right.

    A day before most of the dates is wrong, and would set nearly all of them aside. A workbook that was saved then was
    written by a program that keeps its template's.

    Args:
        stated: what was said or what `find_stated_day` found.
        records: text records of each table, as mapped.
        name: the delivery's name, for the message.
        repeated: the command that says the day.

    Raises:
        ExtractDayError: no day is known, or it lies before most of the dates.
    """
    if stated is None:
        raise ExtractDayError(
            f"On which day were the data of '{name}' taken out of the hospital's system? Neither its name nor its files say so, and "
            f"what happened after that day cannot be in them. Nothing was loaded. Say the day and repeat: {repeated}",
            f"“{name}”的数据是哪一天从医院系统导出的？名称和文件中均未注明，而该日之后发生的事不可能出现在数据中。未载入任何数据。"
            f"请注明日期后重新运行：{repeated}",
        )
    later = _find_contradiction(records, stated.day)
    if later is None:
        return stated
    origin = ORIGINS[stated.origin]
    raise ExtractDayError(
        f"The extract day of the delivery '{name}' is {stated} ({origin.en}), but {later.n_later} of {later.n} dates{later.where.en} lie "
        f"after that day. Nothing was loaded. Say the day on which the data were taken out of the hospital's system: {repeated}",
        f"数据“{name}”的导出日为 {stated}（{origin.zh}），但 {later.n} 个日期中有 {later.n_later} 个{later.where.zh}晚于该日。未载入任何数据。"
        f"请注明从医院系统导出数据的日期：{repeated}",
    )


def _find_contradiction(records: Mapping[str, pl.DataFrame], day: dt.date) -> _Later | None:
    """Return the dates most of which lie after a day: those of one field, or all but the birth dates; None where it can be right."""
    counted = [
        _count_later(texts, spec, day)
        for table, texts in records.items()
        for spec in read_contract(TABLES[table]).values()
        if spec.dtype == pl.Date and spec.name in texts.columns and (table, spec.name) != BIRTH_DATE
    ]
    in_all = _Later(sum(c.n_later for c in counted), sum(c.n for c in counted), Text("", ""))
    large = [c for c in counted if c.n >= _FEWEST_OF_A_FIELD]
    return next((c for c in (in_all, *large) if 2 * c.n_later > c.n), None)


def _name_field(spec: FieldContract) -> Text:
    return Text(f" ({spec.meaning.split(';')[0].lower()})", f"（{spec.zh}）")


def _count_later(texts: pl.DataFrame, spec: FieldContract, day: dt.date) -> _Later:
    written = spec.name + WRITTEN_SUFFIX
    kept = [
        pl.col(spec.name).alias("text"),
        (pl.col(written) if written in texts.columns else pl.lit(None, dtype=pl.String)).alias("written"),
    ]
    counts = texts.select(kept).drop_nulls("text").group_by("text", "written").len("n")
    read = read_dates(clean_text(counts["text"]), counts["written"], field=spec.name).days
    dates = counts.select("n", date=read).drop_nulls()
    return _Later(int(dates.filter(pl.col("date") > day)["n"].sum()), int(dates["n"].sum()), _name_field(spec))
