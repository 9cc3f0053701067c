"""Laboratory measurements in canonical units."""

from __future__ import annotations

import polars as pl

from schemas.codes import Comparator, LabTest
from schemas.contract import Table, field
from schemas.definitions.visits import LAST_DAY_NUMBER


class Laboratory(Table):
    """One measured value of one visit."""

    visit_number: pl.Int64 = field(
        "Visit: 0 is the baseline",
        "访视序号",
        unit="1",
        possible=(0, 200),
        physical=(0, LAST_DAY_NUMBER),
        key=1,
        caveat="where none is sent, the registry gives the first day of the visit as number: 20200305",
        reason="a larger one is a date or a patient number in the wrong column",
    )
    test: pl.String = field("Quantity with its canonical unit", "检验项目", codes=LabTest, key=2)
    repeat_number: pl.Int64 = field(
        "Value of the test at the visit: 1 for the first, 2 for another one",
        "同次访视重复检验序号",
        unit="1",
        possible=(1, 1_000_000),
        key=3,
        made=True,
        caveat="made while reading, in the order of the rows",
        reason="counted from 1 on",
    )
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

        metadata = {"grain": "one patient, visit, test and repeat", "zh": "检验"}
