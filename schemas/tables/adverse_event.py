"""Adverse events by CTCAE term and grade."""

from __future__ import annotations

import polars as pl

from schemas.codes import AdverseEventTerm, CtcaeVersion
from schemas.contract import Table, field


class AdverseEvent(Table):
    """One adverse event."""

    event_number: pl.Int64 = field(
        "Number of the event within the patient",
        "序号",
        unit="1",
        possible=(1, 1000),
        key=1,
        reason="a larger one is a date or a patient number in the wrong column",
    )
    term: pl.String = field("CTCAE term", "不良反应名称", codes=AdverseEventTerm, expected=True)
    grade: pl.Int64 = field(
        "CTCAE grade", "分级", unit="1", possible=(1, 5), expected=True, reason="CTCAE has grades 1 to 5"
    )
    onset_date: pl.Date = field("Onset", "发生日期", expected=True)
    resolved_date: pl.Date = field("Resolution", "恢复日期")
    ctcae_version: pl.String = field(
        "CTCAE version the grade follows",
        "CTCAE版本",
        codes=CtcaeVersion,
        caveat="version 5 grades ALT, AST and bilirubin against an abnormal baseline",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient and event", "zh": "不良反应"}
