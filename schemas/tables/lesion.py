"""Lesions of each tumour assessment, read by one reader."""

from __future__ import annotations

import polars as pl

from schemas.codes import LesionRole, LesionStatus, Modality, Organ
from schemas.contract import Table, field
from schemas.definitions.visits import LAST_DAY_NUMBER


class Lesion(Table):
    """One lesion at one assessment."""

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
    lesion_id: pl.String = field("Name of the lesion, the same at every visit", "病灶编号", key=3)
    assessment_date: pl.Date = field("Date of the images", "检查日期", expected=True)
    modality: pl.String = field("Imaging modality", "检查方式", codes=Modality)
    role: pl.String = field("Target, non-target or new", "病灶类型", codes=LesionRole, expected=True)
    organ: pl.String = field("Organ of the lesion", "部位", codes=Organ, expected=True)
    status: pl.String = field("What was seen", "病灶状态", codes=LesionStatus, expected=True)
    diameter_mm: pl.Float64 = field(
        "Longest diameter; for a lymph node the short axis",
        "径线",
        unit="mm",
        possible=(0, 400),
        plausible=(0, 250),
        reason="above 250 mm a lesion exceeds the liver",
    )
    viable_diameter_mm: pl.Float64 = field(
        "Longest diameter of the enhancing part of a liver lesion, for mRECIST",
        "存活肿瘤径线",
        unit="mm",
        possible=(0, 400),
        plausible=(0, 250),
        caveat="0 where no part enhances any more",
        reason="above 250 mm a lesion exceeds the liver",
    )
    is_tace_treated: pl.Boolean = field("Lesion was treated by TACE", "TACE治疗病灶")
    has_grown_since_tace: pl.Boolean = field(
        "A TACE-treated lesion has grown since, which makes it measurable again", "TACE后病灶增大"
    )

    split_from_lesion_id: pl.String = field(
        "Lesion of the baseline of which this one is a fragment",
        "由何病灶分裂而来",
        caveat="the diameters of the fragments are added up as that lesion's",
    )
    merged_into_lesion_id: pl.String = field(
        "Lesion with which this one has coalesced and is now measured as one",
        "融合入何病灶",
        caveat="with the status `merged`",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient, visit, reader and lesion", "zh": "病灶"}
