"""The day of a delivery: nothing that it tells of the past can have happened after it.

The day stands in the delivery's name, else its workbooks know when they were last saved, else it is the day of loading.
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

from etl.delivery.read import list_files
from etl.errors import DeliveryError
from etl.mapping.dates import parse_dates
from etl.mapping.parse import clean_text
from etl.pages.text import Text
from schemas.contract import FieldContract, read_contract
from schemas.tables import TABLES

HOSPITALS_TIME = dt.timezone(dt.timedelta(hours=8))
"""The hospitals' clock (China Standard Time): a workbook keeps the moment of its saving in UTC."""

IN_NAME, WHEN_SAVED, WHEN_LOADED = "name", "saved", "loaded"
ORIGINS: Mapping[str, Text] = {
    IN_NAME: Text("stands in the delivery's name", "取自数据名称"),
    WHEN_SAVED: Text("when its workbook was last saved", "取自工作簿最后保存时间"),
    WHEN_LOADED: Text("the day of loading, as its name holds none", "入库当日，因数据名称中没有日期"),
}
BIRTH_DATE = ("patient", "birth_date")
_EARLIEST, _LATEST = dt.date(2000, 1, 1), dt.date(2099, 12, 31)
# 2022-11-20, 2022.11.20, 2022_11_20, 2022年11月20日; 20221120, also with a time of day behind it as exports write it.
_PARTED = re.compile(r"(?<!\d)(\d{4})(?:([-./_])(\d{1,2})\2(\d{1,2})(?!\d)|\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日)")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?(?!\d)")
_WORKBOOKS = (".xlsx", ".xlsm")
_PROPERTIES, _MAX_PROPERTIES_BYTES = "docProps/core.xml", 100_000
_MODIFIED = re.compile(rb"<(?:\w+:)?modified\b[^>]*>\s*([^<\s]+)")
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


def today_in_hospitals() -> dt.date:
    """Return today's date where the hospitals are."""
    return dt.datetime.now(HOSPITALS_TIME).date()


def find_stated_day(path: Path) -> DeliveryDay | None:
    """Return the day that a delivery states itself: in its name, else in its files' names, else in its workbooks.

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
    """Return the day on which a workbook was last saved; None where it does not say so. What is damaged is told when it is read."""
    if path.suffix.lower() not in _WORKBOOKS or not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as container, container.open(_PROPERTIES) as properties:
            found = _MODIFIED.search(properties.read(_MAX_PROPERTIES_BYTES))
        moment = dt.datetime.fromisoformat(found[1].decode()) if found else None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(HOSPITALS_TIME).date()


def settle_day(
    stated: DeliveryDay | None, records: Mapping[str, pl.DataFrame], today: dt.date, delivery: str
) -> DeliveryDay:
    """Return the stated day of a delivery, else that of loading.

    A day before most of the dates is wrong, and would set nearly all of them aside. A workbook that was saved then was
    written by a program that keeps its template's; such a day counts as unknown.

    Args:
        stated: what `find_stated_day` found.
        records: text records of each table, as mapped.
        today: the day of loading; it counts only where nothing is stated.
        delivery: its name, for the message.

    Raises:
        DeliveryError: the day in the name, or that of loading, lies before most of the dates.
    """
    if stated:
        later = _find_contradiction(records, stated.day)
        if later is None:
            return stated
        if stated.origin == IN_NAME:
            raise _wrong_name(delivery, stated.day, later)
    later = _find_contradiction(records, today)
    if later:
        raise _wrong_clock(delivery, today, later)
    return DeliveryDay(today, WHEN_LOADED)


def _find_contradiction(records: Mapping[str, pl.DataFrame], day: dt.date) -> _Later | None:
    """Return the dates most of which lie after a day: those of one field, or all but the birth dates; None where it can be right."""
    counted = [
        _count_later(texts[spec.name], day, _name_field(spec))
        for table, texts in records.items()
        for spec in read_contract(TABLES[table]).values()
        if spec.dtype == pl.Date and spec.name in texts.columns and (table, spec.name) != BIRTH_DATE
    ]
    in_all = _Later(sum(c.n_later for c in counted), sum(c.n for c in counted), Text("", ""))
    large = [c for c in counted if c.n >= _FEWEST_OF_A_FIELD]
    return next((c for c in (in_all, *large) if 2 * c.n_later > c.n), None)


def _name_field(spec: FieldContract) -> Text:
    return Text(f" ({spec.meaning.split(';')[0].lower()})", f"（{spec.zh}）")


def _count_later(texts: pl.Series, day: dt.date, where: Text) -> _Later:
    counts = texts.alias("text").drop_nulls().value_counts(name="n")
    dates = counts.select("n", date=parse_dates(clean_text(counts["text"]))).drop_nulls()
    return _Later(int(dates.filter(pl.col("date") > day)["n"].sum()), int(dates["n"].sum()), where)


def _wrong_name(delivery: str, day: dt.date, later: _Later) -> DeliveryError:
    return DeliveryError(
        f"The delivery '{delivery}' is of {day}, as its name says, but {later.n_later} of {later.n} dates{later.where.en} lie after "
        "that day. Nothing was loaded. Rename it: its name should hold the day on which the data were taken out of the hospital's "
        "system (such as 2022-11-20), or no day.",
        f"数据“{delivery}”的名称表明日期为 {day}，但 {later.n} 个日期中有 {later.n_later} 个{later.where.zh}晚于该日。未载入任何数据。"
        "请重新命名：名称中应为从医院系统导出数据的日期（如 2022-11-20），或不含日期。",
    )


def _wrong_clock(delivery: str, today: dt.date, later: _Later) -> DeliveryError:
    return DeliveryError(
        f"Today is {today} by this computer's clock, but {later.n_later} of {later.n} dates{later.where.en} of the delivery '{delivery}' "
        "lie after that day. Nothing was loaded. Set the clock right, or put the day on which the data were taken out of the hospital's "
        "system into the delivery's name (such as 2022-11-20).",
        f"本机时钟显示今天为 {today}，但数据“{delivery}”的 {later.n} 个日期中有 {later.n_later} 个{later.where.zh}晚于今天。未载入任何数据。"
        "请校正时钟，或在数据名称中写明从医院系统导出数据的日期（如 2022-11-20）。",
    )
