"""Death, progression and last contact."""

from __future__ import annotations

import polars as pl

from schemas.codes import ProgressionBasis, VitalStatus
from schemas.contract import Table, field


class Outcome(Table):
    """What became of the patient."""

    vital_status: pl.String = field(
        "Alive or dead at the last contact",
        "生存状态",
        codes=VitalStatus,
        expected=True,
        dated_by=("last_contact_date", "death_date", "overall_survival_days"),
    )
    last_contact_date: pl.Date = field(
        "Last day the patient was known to be alive or dead", "末次随访日期", expected=True
    )
    death_date: pl.Date = field("Date of death", "死亡日期")
    has_progressed: pl.Boolean = field(
        "Progression recorded",
        "是否进展",
        dated_by=("progression_date", "last_contact_date", "death_date", "progression_days"),
    )
    progression_date: pl.Date = field("Date of the first recorded progression", "进展日期")
    progression_basis: pl.String = field(
        "What the recorded progression was seen by",
        "进展依据",
        codes=ProgressionBasis,
        dated_by=("progression_date", "last_contact_date", "death_date", "progression_days"),
    )
    overall_survival_days: pl.Float64 = field(
        "Start of therapy to death or last contact, where no dates are sent",
        "总生存天数",
        unit="day",
        possible=(0, 20000),
        reason="20000 days are 55 years: a larger number is a date",
    )
    progression_days: pl.Float64 = field(
        "Start of therapy to progression or censoring, where no dates are sent",
        "至进展天数",
        unit="day",
        possible=(0, 20000),
        reason="20000 days are 55 years: a larger number is a date",
    )

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient of one hospital", "zh": "结局"}
