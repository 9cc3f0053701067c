"""What is strange about a delivery beside the one before: told in the terminal and on the page, for a person to judge.

And how bounds at a limit of the study are read, once per column. Nothing is refused for it: a sex may have been corrected, a patient moved away, a laboratory changed its unit. But each of these is
also what a number that was issued again, a column that slipped, or an old file under a new name looks like.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from etl.delivery.files import hash_file, list_files
from etl.mapping.accounts import WITHDRAWN
from etl.pages.labels import label_field, label_table
from etl.pages.text import Text
from etl.store.history import list_standing
from etl.store.warehouse import open_for_reading
from schemas.bookkeeping import NOTICES
from schemas.codes import Comparator, LabTest
from schemas.column import read_dtypes
from schemas.contract import list_made_key, read_contract, read_key
from schemas.definitions.bounds import READ_AS_BEYOND
from schemas.definitions.visits import VISIT_DATES, is_given_by_date
from schemas.tables import TABLES

IDENTITY = ("sex", "birth_date", "person_id")
"""What does not change in a person: where it does, the number may have become somebody else's."""
MANY, FEWEST = 0.5, 5
"""A column has changed as a whole where at least this share of the values of both deliveries did, and at least so many."""
WITHDRAWN_NOTICE, ERASED = "withdrawn", "erased"
_SHOWN = 10
_LIKE = 1e-9
Tables = Mapping[str, pl.DataFrame]


def find_notices(
    warehouse_path: Path,
    hospital: str,
    ingests: pl.DataFrame,
    delivery: Path,
    content_hash: str,
    extract_day: dt.date,
    now: Tables,
    *,
    is_addition: bool,
) -> pl.DataFrame:
    """Return what is strange about a version beside the one before (`NOTICES`); `now` are its tables, `ingests` those of the workspace.

    `extract_day` is the last that the delivery can tell of.
    """
    told = [
        *_find_equal_files(delivery),
        *_find_dated_visits(now),
        *find_bounds_at_a_limit(now["laboratory"]),
    ]
    own = ingests.filter(pl.col("hospital") == hospital) if ingests.height else ingests
    standing = list_standing(own).sort("ingest_id") if own.height else own
    if standing.height:
        told += _find_old_delivery(standing, content_hash)
        others = standing.filter(pl.col("content_hash") != content_hash)
        if others.height:
            told += _find_older_data(others, extract_day)
            before = _read_version(warehouse_path, int(others["ingest_id"][-1]))
            told += [*_compare_identities(before, now), *_compare_values(before, now)]
            told += [] if is_addition else _find_vanished(before["patient"], now["patient"])
    rows = [(kind, n, text.en, text.zh) for kind, n, text in told]
    return pl.DataFrame(rows, schema=read_dtypes(NOTICES), orient="row")


Notice = tuple[str, int, Text]


def _read_version(path: Path, ingest_id: int) -> dict[str, pl.DataFrame]:
    with open_for_reading(path) as warehouse:
        tables = {
            name: warehouse.query(f"select * from versions.{name} where ingest_id = ?", [ingest_id])  # noqa: S608 (names are ours)
            for name in TABLES
        }
    # A version of before values were told apart has one of each.
    return {
        name: frame.with_columns(pl.col(list_made_key(TABLES[name])).fill_null(1)) for name, frame in tables.items()
    }


def _find_equal_files(delivery: Path) -> Iterator[Notice]:
    seen: dict[str, list[str]] = {}
    for file in list_files(delivery):
        seen.setdefault(hash_file(file), []).append(file.name)
    for names in (names for names in seen.values() if len(names) > 1):
        listed = ", ".join(sorted(names))
        yield (
            "equal_files", len(names),
            Text(f"These files of the delivery are equal: {listed}. Send one of them.", f"以下文件内容相同：{listed}。请只提交其一。"),
        )  # fmt: skip


def _find_dated_visits(now: Tables) -> Iterator[Notice]:
    """Yield how many records got a visit number from their dates, by table."""
    for table in VISIT_DATES:
        n = now[table].filter(is_given_by_date(pl.col("visit_number"))).height
        if n:
            yield (
                "dated_visits", n,
                Text(
                    f"{label_table(table).en}: {n} of {now[table].height} records have no visit number (none, or one such as 1.5 or unscheduled). Their dates "
                    "group them into visits, which are called by their first day.",
                    f"{label_table(table).zh}：{now[table].height} 条记录中有 {n} 条无访视号（空缺，或如 1.5、计划外），已按日期归入访视，以首日为访视号。",
                ),
            )  # fmt: skip


def find_bounds_at_a_limit(laboratory: pl.DataFrame) -> Iterator[Notice]:
    """Yield of each column of a test how many bounds are open at a limit of the study alone, and so are read as beyond it."""
    limits = pl.DataFrame(READ_AS_BEYOND, schema=["test", "value_comparator", "value"], orient="row")
    read = laboratory.join(limits, on=["test", "value_comparator", "value"], how="semi", maintain_order="left")
    columns = read.group_by("source_file", "source_sheet", "source_column", "test", "value_comparator", "value").len()
    for file, sheet, column, test, sign, value, n in columns.sort(pl.all(), nulls_last=False).iter_rows():
        place = " / ".join(part for part in (file, sheet, column) if part)
        side = Text("below", "低于") if sign == Comparator.AT_MOST else Text("above", "高于")
        yield (
            "bound_at_limit", n,
            Text(
                f"{place}, {test}: {n} value(s) written {sign}{value:g} are read as {side.en} {value:g}, the study's limit. Tell the coordinating centre if it can be {value:g} itself.",
                f"{place}，{LabTest(test).zh}：{n} 个写作 {sign}{value:g} 的数值按{side.zh}研究分界点 {value:g} 处理。若可能恰为 {value:g}，请告知协调中心。",
            ),
        )  # fmt: skip


def _find_old_delivery(standing: pl.DataFrame, content_hash: str) -> Iterator[Notice]:
    earlier = standing.filter(pl.col("content_hash") == content_hash, ~pl.col("is_current"))
    if earlier.height and standing.filter("is_current")["content_hash"][0] != content_hash:
        number, name, day = earlier.select("ingest_id", "delivery", "loaded_at").row(-1)
        yield (
            "old_delivery", 1,
            Text(
                f"This is the file of an earlier delivery, which was loaded on {day[:10]} as ingest {number} ('{name}').",
                f"该文件与此前的一次提交相同，后者已于 {day[:10]} 载入（编号 {number}，“{name}”）。",
            ),
        )  # fmt: skip


def _find_older_data(others: pl.DataFrame, extract_day: dt.date) -> Iterator[Notice]:
    """Yield that a delivery is older than one before it, over whose values it puts its own."""
    latest = others.drop_nulls("extract_day").sort("extract_day", "ingest_id").tail(1)
    for number, name, day in latest.select("ingest_id", "delivery", "extract_day").iter_rows():
        if extract_day < day:
            yield (
                "older_data", 1,
                Text(
                    f"These data were taken out of the hospital's system on {extract_day}, before those of ingest {number} ('{name}', {day}): older values "
                    "stand in place of newer ones.",
                    f"本次数据于 {extract_day} 从医院系统导出，早于第 {number} 次入库（“{name}”，{day}）：较旧的值取代了较新的值。",
                ),
            )  # fmt: skip


def _find_vanished(before: pl.DataFrame, now: pl.DataFrame) -> Iterator[Notice]:
    gone = before.join(now, on="patient_id", how="anti")
    if n := gone.height:
        yield (
            "vanished", n,
            Text(
                f"{n} of {before.height} patients of the delivery before are not in this one (their rows there: {_list_rows(gone)}).",
                f"上次提交的 {before.height} 名患者中有 {n} 名不在本次数据中（其在上次文件中的行号：{_list_rows(gone)}）。",
            ),
        )  # fmt: skip


def _compare_identities(before: Tables, now: Tables) -> Iterator[Notice]:
    joined = now["patient"].join(before["patient"].select("patient_id", *IDENTITY), on="patient_id", suffix="_before")
    for name in IDENTITY:
        changed = joined.filter((pl.col(name) != pl.col(f"{name}_before")).fill_null(value=False))
        if n := changed.height:
            label, rows = label_field("patient", name), _list_rows(changed)
            yield (
                "identity", n,
                Text(
                    f"{label.en}: another one than before under the same patient number, in {n} patient(s) (rows {rows}). Was the number given to somebody "
                    "else?",
                    f"{label.zh}：同一患者编号下与上次不同，共 {n} 名患者（行号 {rows}）。该编号是否已改给他人？",
                ),
            )  # fmt: skip


def _compare_values(before: Tables, now: Tables) -> Iterator[Notice]:
    """Yield the fields whose values changed in many records of the same key: a column that slipped, or another unit or code."""
    for table, model in TABLES.items():
        key = list(read_key(model))
        fields = [name for name, spec in read_contract(model).items() if name not in key and not spec.is_made]
        joined = now[table].select(*key, *fields).join(before[table].select(*key, *fields), on=key, suffix="_before")
        # In a table of long format a column is the values of one test.
        parts = joined.partition_by("test", as_dict=True) if "test" in key else {(None,): joined}
        for (test,), part in parts.items():
            for name in fields:
                yield from _tell_changed(table, name, str(test) if test and name == "value" else None, part)


def _tell_changed(table: str, name: str, test: str | None, joined: pl.DataFrame) -> Iterator[Notice]:
    if test is None and name == "value":
        return
    both = joined.drop_nulls([name, f"{name}_before"])
    differs = pl.col(name) != pl.col(f"{name}_before")
    if both.schema[name] == pl.Float64:
        differs = (pl.col(name) - pl.col(f"{name}_before")).abs() > _LIKE * pl.col(f"{name}_before").abs()
    n = both.filter(differs).height
    if n >= FEWEST and n >= MANY * both.height:
        label = label_field(table, test or name)
        yield (
            "changed_column", n,
            Text(
                f"{label_table(table).en}, {label.en}: {n} of {both.height} values differ from those of the delivery before. Did a column slip, or a unit or "
                "code change?",
                f"{label_table(table).zh}，{label.zh}：{both.height} 个值中有 {n} 个与上次不同。是否列错位，或单位、编码有变？",
            ),
        )  # fmt: skip


def _list_rows(records: pl.DataFrame) -> str:
    rows = records["source_row"].sort().to_list()
    return ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")


def find_left_out(notices: pl.DataFrame, row_accounts: pl.DataFrame, held: Tables) -> pl.DataFrame:
    """Return notices with what was left out of patients who withdrew, and how many of them stay as they were (`held`)."""
    n_rows = int(row_accounts.filter(rule=WITHDRAWN)["n_rows"].sum())
    n_held = held["patient"]["patient_id"].n_unique() if held else 0
    if not n_rows and not n_held:
        return notices
    told = Text(
        f"{n_rows} rows of this delivery are of patients who withdrew and were left out.",
        f"本次提交中有 {n_rows} 行属于撤回同意的患者，已略去。",
    )
    if n_held:
        told = Text(
            f"{told.en} Of {n_held} such patients the data stay as they were when they withdrew.",
            f"{told.zh}其中 {n_held} 名患者的数据保持撤回时的原样。",
        )
    line = pl.DataFrame([(WITHDRAWN_NOTICE, n_rows, told.en, told.zh)], schema=notices.schema, orient="row")
    return pl.concat([notices, line])
