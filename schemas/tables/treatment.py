"""Systemic therapy, one course of one drug a record."""

from __future__ import annotations

import polars as pl

from schemas.codes import Drug, StopReason
from schemas.contract import Table, field


class Treatment(Table):
    """One drug of one line of therapy."""

    line_number: pl.Int64 = field(
        "Line of systemic therapy: 1 is the first",
        "治疗线数",
        unit="1",
        possible=(1, 20),
        key=1,
        reason="a larger one is a date or a patient number in the wrong column",
    )
    drug: pl.String = field("Drug", "药物", codes=Drug, key=2)
    start_date: pl.Date = field("First dose", "开始日期", expected=True)
    end_date: pl.Date = field("Last dose; empty while it goes on", "结束日期")
    initial_dose_mg: pl.Float64 = field(
        "First dose: of a kinase inhibitor per day, of an antibody per infusion",
        "起始剂量",
        unit="mg",
        possible=(0.1, 2000),
        reason="the highest single dose is 800 mg of sorafenib; above 2000 mg it is another unit",
    )
    stop_reason: pl.String = field("Why it was stopped", "停药原因", codes=StopReason, dated_by=("end_date",))

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient, line and drug", "zh": "系统治疗"}
