"""Organs with extrahepatic metastasis at the start."""

from __future__ import annotations

import polars as pl

from schemas.codes import Organ
from schemas.contract import Table, field


class Metastasis(Table):
    """One organ that holds extrahepatic metastases."""

    organ: pl.String = field("Organ", "转移器官", codes=Organ, key=1)
    lesion_number: pl.Int64 = field(
        "Number of lesions in the organ",
        "病灶数",
        unit="1",
        possible=(1, 500),
        plausible=(1, 60),
        reason="more than 60 lesions of one organ are not counted one by one",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient and organ", "zh": "转移器官"}
