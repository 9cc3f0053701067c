"""Laboratory measurements in canonical units."""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator, LabTest
from schemas.contract import Table, field


class Laboratory(Table):
    """One measured quantity of one visit."""

    visit_number: pl.Int64 = field(
        "Visit: 0 is the baseline",
        "访视序号",
        unit="1",
        possible=(0, 200),
        key=1,
        reason="a larger one is a date or a patient number in the wrong column",
    )
    test: pl.String = field("Quantity with its canonical unit", "检验项目", codes=LabTest, key=2)
    sample_date: pl.Date = field("Date of the sample", "采样日期", expected=True)
    value: pl.Float64 = field(
        "Value, or the bound where the sign says so",
        "结果",
        censored=True,
        quantity_from="test",
        caveat="in the canonical unit that the test's name ends with",
    )
    value_comparator: pl.String = field(
        "Sign of the value: `=`, `<`, `<=`, `>`, `>=` or not_detected",
        "结果符号",
        codes=Comparator,
        made=True,
        caveat="made while parsing; a bound is kept as a bound",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient, visit and test", "zh": "检验"}
