"""Locoregional procedures such as TACE."""

from __future__ import annotations

import polars as pl

from schemas.codes import ProcedureType
from schemas.contract import Table, field


class Procedure(Table):
    """One procedure."""

    procedure_number: pl.Int64 = field(
        "Number of the procedure within the patient",
        "序号",
        unit="1",
        possible=(1, 500),
        key=1,
        reason="a larger one is a date or a patient number in the wrong column",
    )
    procedure: pl.String = field("Kind of procedure", "治疗类型", codes=ProcedureType, expected=True)
    procedure_date: pl.Date = field("Date of the procedure", "治疗日期", expected=True)

    lesion_id: pl.String = field(
        "Lesion that was treated, by its name in the lesion table",
        "治疗病灶编号",
        caveat="empty where none is named",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient and procedure", "zh": "局部治疗"}
