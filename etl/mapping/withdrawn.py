"""Leaves out the rows of patients who withdrew: nothing of them is read, kept or asked about, and the rows are counted as theirs.

What names them stays among what is masked: other patients' texts may hold their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from etl.delivery.read import ROW
from etl.mapping.accounts import WITHDRAWN, SheetRows, is_of_patient
from etl.mapping.identity import PseudonymKey
from etl.mapping.patient_numbers import read_marks
from etl.mapping.site import Site


@dataclass(frozen=True)
class Withdrawn:
    """The patients of a hospital of whom nothing is taken any more, by their marks under the key."""

    marks: frozenset[str]
    hospital: str
    key: PseudonymKey

    def find(self, texts: pl.Series) -> pl.Series:
        """Return which of the texts are the number of such a patient."""
        return read_marks(texts, self.key, self.hospital).is_in(sorted(self.marks)).fill_null(value=False)


def leave_out_withdrawn(sheets: Sequence[SheetRows], site: Site, withdrawn: Withdrawn | None) -> list[SheetRows]:
    """Return sheets in which the rows of patients who withdrew are ignored, whatever another rule says of them."""
    if withdrawn is None or not withdrawn.marks:
        return [*sheets]
    return [_leave_out(sheet, site, withdrawn) for sheet in sheets]


def _leave_out(sheet: SheetRows, site: Site, withdrawn: Withdrawn) -> SheetRows:
    columns = {site.patient_column(source) for source in sheet.sources} & {*sheet.rows.columns}
    is_theirs = pl.any_horizontal([pl.lit(withdrawn.find(sheet.rows[name])) for name in sorted(columns)] or [False])
    rule = pl.when(is_theirs & is_of_patient()).then(pl.lit(WITHDRAWN)).otherwise("rule")
    rows = sheet.rows.with_columns(rule.alias("rule"))
    gone = frozenset(rows.filter(rule=WITHDRAWN)[ROW])
    return replace(
        sheet,
        rows=rows,
        filled={name: reached - gone for name, reached in sheet.filled.items()},
        slipped=tuple(row for row in sheet.slipped if row.number not in gone),
        odd_numbers=tuple(row for row in sheet.odd_numbers if row not in gone),
    )
