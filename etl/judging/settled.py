"""The records of one table once it is settled which of them are accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from etl.mapping.kept_frame import KeptFrame
from etl.mapping.records import RECORD, TypedRecords
from etl.mapping.verbs import GROUP
from schemas.contract import PROVENANCE, read_contract
from schemas.tables import TABLES

PLACE = ("source_file", "source_sheet", "source_row", "source_column")


@dataclass(frozen=True)
class SettledRecords:
    """`accepted` and `rejected` hold a table's typed records, sorted by `_record`; the rest is as in `TypedRecords`, of all of them."""

    table: str
    accepted: pl.DataFrame
    rejected: pl.DataFrame
    raw: KeptFrame
    faults: pl.DataFrame
    personal: pl.DataFrame
    months: pl.DataFrame
    confirmed: pl.DataFrame

    @property
    def height(self) -> int:
        """How many records there are."""
        return self.accepted.height + self.rejected.height

    @cached_property
    def groups(self) -> frozenset[int]:
        """The groups of the records."""
        return frozenset(self.accepted[GROUP].unique()) | frozenset(self.rejected[GROUP].unique())

    def pick(self, rows: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
        """Return columns of the records with the given numbers, in their order."""
        found = self.accepted.select(RECORD, *columns)
        if self.rejected.height:
            asked = pl.col(RECORD).is_in(rows.unique().implode())
            parts = [found.filter(asked), self.rejected.select(RECORD, *columns).filter(asked)]
            found = pl.concat(parts).sort(RECORD)
        return found[found[RECORD].search_sorted(rows)].select(columns)

    def read_texts(self, name: str | None, rows: pl.Series) -> pl.Series:
        """Return the texts of a field or unit of the records with the given numbers; null where there is no such column."""
        if name in self.raw.columns:
            return self.raw.pick(rows, [name]).to_series().alias("value")
        return pl.Series("value", [None], dtype=pl.String).new_from_index(0, len(rows))


def settle(records: TypedRecords, rejected: pl.DataFrame) -> SettledRecords:
    """Part a table's records into those accepted and those whose `_record` is in `rejected`."""
    accepted, others = records.frame, records.frame.clear()
    if rejected.height:
        accepted = records.frame.join(rejected, on=RECORD, how="anti", maintain_order="left")
        others = records.frame.join(rejected, on=RECORD, how="semi", maintain_order="left")
    rest = (records.raw, records.faults, records.personal, records.months, records.confirmed)
    return SettledRecords(records.table, accepted, others, *rest)


def select_tables(settled: Mapping[str, SettledRecords]) -> dict[str, pl.DataFrame]:
    """Return the accepted records as their contracts have them."""
    return {name: table.accepted.select(*PROVENANCE, *read_contract(TABLES[name])) for name, table in settled.items()}
