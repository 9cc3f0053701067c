"""Mapped tables of which nothing is loaded: a fault of the mapping or the delivery where rows told of them, nothing where none did."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from etl.errors import EmptyTableError
from etl.judging.findings import record_message
from etl.judging.validate import Validated
from etl.mapping.verbs import Mapped
from schemas.codes import Severity
from schemas.contract import read_grain
from schemas.tables import TABLES


def refuse_lost_tables(
    made: Mapping[str, int], validated: Validated, mapped: Mapped, delivery: str, confirmed: str
) -> None:
    """Refuse a delivery of which a mapped table would be loaded without a single record although rows told of it.

    `made` counts the records that the delivery of that name brought of each table: what an addition carries over does not stand in for
    them. `confirmed` is the command that loads it nevertheless. A table all of whose records went with their patients' is not at fault itself.

    Raises:
        EmptyTableError: names each such table and why its records were set aside.
    """
    rejected = validated.findings.filter(
        (pl.col("severity") == Severity.REJECT.value)
        & ~pl.col("rule_id").str.ends_with(".parent")
        & (pl.col("delivery") == delivery)
    )
    own = dict(rejected.group_by("table_name").len().iter_rows())
    boxes = dict(mapped.unread_boxes.group_by("table_name").len().iter_rows())
    lost = [
        name
        for name, frame in validated.tables.items()
        if not (frame["delivery"] == delivery).any() and (own.get(name) if made.get(name) else boxes.get(name))
    ]
    if not lost:
        return
    told = [_describe(name, made.get(name, 0), boxes.get(name, 0), rejected) for name in lost]
    raise EmptyTableError(
        "Not one record of a mapped table can be loaded, so nothing was:\n  "
        + "\n  ".join(en for en, _ in told)
        + "\nWhere the mapping "
        f"is wrong, correct its worksheet or its files; where the delivery is, ask for another. If it is right all the same: {confirmed}",
        "有已对应的表一条记录也无法载入，因此未载入任何数据：\n  "
        + "\n  ".join(zh for _, zh in told)
        + "\n若映射有误，请更正对应表或映射文件；"
        f"若数据有误，请重新提供。如确认无误：{confirmed}",
    )


def _describe(table: str, n_made: int, n_boxes: int, rejected: pl.DataFrame) -> tuple[str, str]:
    _, zh = read_grain(TABLES[table])
    if not n_made:
        return (
            f"{table}: {n_boxes} check boxes say neither yes nor no (codes.csv)",
            f"{zh}（{table}）：{n_boxes} 个勾选单元格既非是也非否（codes.csv）",
        )
    counted = (
        rejected.filter(pl.col("table_name") == table).group_by("rule_id").len().sort("len", "rule_id", descending=True)
    )
    kind = counted["rule_id"][0].removeprefix(f"{table}.")
    reason = record_message(kind, table)
    return (
        f"{table}: {n_made} records made, none loaded. {reason.en}",
        f"{zh}（{table}）：{n_made} 条记录均未载入。{reason.zh}",
    )


def list_empty_tables(made: Mapping[str, int], sent: Collection[str]) -> list[str]:
    """Return the mapped tables of which this delivery holds nothing: its cells are empty, or no box is ticked."""
    return [name for name in TABLES if name in sent and not made.get(name)]
