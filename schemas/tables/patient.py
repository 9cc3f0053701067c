"""The patient: identity, birth, and the history that decides who may enter the study."""

from __future__ import annotations

import polars as pl

from schemas.codes import DiagnosisBasis, Sex, TumourType
from schemas.contract import Table, field


class Patient(Table):
    """Who the patient is and what was diagnosed."""

    person_id: pl.String = field(
        "Second pseudonym from the national id or another identity document, without the hospital",
        "跨院匿名编号",
        made=True,
    )
    birth_date_is_of_national_id: pl.Boolean = field(
        "The date of birth is the one in the national id",
        "出生日期与身份证一致",
        made=True,
        caveat="made while reading; the id itself is never stored",
    )
    sex_is_of_national_id: pl.Boolean = field(
        "The sex is the one in the national id",
        "性别与身份证一致",
        made=True,
        caveat="made while reading; the id itself is never stored",
    )
    sex: pl.String = field("Sex", "性别", codes=Sex, expected=True)
    birth_date: pl.Date = field("Date of birth", "出生日期", expected=True)
    age_years: pl.Float64 = field(
        "Age as the hospital states it",
        "年龄",
        unit="year",
        possible=(0, 120),
        plausible=(18, 95),
        caveat="used only where no birth date exists",
        reason="the study's patients are adults; above 120 years nobody is known",
    )
    diagnosis_date: pl.Date = field("Date of the first diagnosis of the liver tumour", "诊断日期", expected=True)
    tumour_type: pl.String = field("Type of the primary liver tumour (I1)", "肿瘤类型", codes=TumourType, expected=True)
    diagnosis_basis: pl.String = field(
        "How the diagnosis was made (I1)", "诊断依据", codes=DiagnosisBasis, expected=True
    )
    is_unresectable: pl.Boolean = field("Tumour judged unresectable (I1)", "不可切除", expected=True)
    is_recurrent: pl.Boolean = field("Recurrent carcinoma (E1)", "复发性肝癌", expected=True)
    has_other_malignancy: pl.Boolean = field("History of another malignancy (I4)", "其他恶性肿瘤史", expected=True)

    class Config(Table.Config):
        """What one record is, and the table's Chinese name."""

        metadata = {"grain": "one patient of one hospital", "zh": "患者"}
