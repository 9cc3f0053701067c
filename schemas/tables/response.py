"""Tumour assessments as the hospital or a reader summed them up."""

from __future__ import annotations

import polars as pl

from schemas.codes import Response as ResponseCode
from schemas.codes import ResponseCriteria
from schemas.contract import Table, field
from schemas.definitions.visits import LAST_DAY_NUMBER


class Response(Table):
    """One reading of one assessment."""

    visit_number: pl.Int64 = field(
        "Assessment: 0 is the baseline",
        "评估序号",
        unit="1",
        possible=(0, 200),
        physical=(0, LAST_DAY_NUMBER),
        key=1,
        caveat="where none is sent, the registry gives the first day of the visit as number: 20200305",
        reason="a larger one is a date or a patient number in the wrong column",
    )
    reader: pl.String = field("Who read the images; `site` where one reading exists", "阅片者", key=2)
    criteria: pl.String = field("Criteria of the reading", "评价标准", codes=ResponseCriteria, key=3)
    assessment_date: pl.Date = field("Date of the images", "检查日期")
    assessment_days: pl.Float64 = field(
        "Days from the start of therapy, where no date is sent",
        "距治疗开始天数",
        unit="day",
        possible=(-3650, 20000),
        reason="10 years before to 55 years after the start: anything else is a date",
    )
    target_sum_mm: pl.Float64 = field(
        "Sum of the target lesions' diameters, where no lesions are sent",
        "靶病灶径线和",
        unit="mm",
        possible=(0, 2000),
        reason="five lesions of at most 400 mm",
    )
    has_new_lesion: pl.Boolean = field("New lesion seen", "新病灶")
    recorded_response: pl.String = field(
        "Overall response as recorded", "记录的疗效", codes=ResponseCode, caveat="empty at the baseline"
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient, visit, reader and criteria", "zh": "疗效评估"}
