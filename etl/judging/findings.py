"""Findings: what is wrong, where in the hospital's own file, in both languages, under an id stable from run to run."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import polars as pl

from etl.mapping.personal_forms import KINDS
from etl.pages.text import Text
from schemas.bookkeeping import FINDINGS, OWNER
from schemas.codes import Severity
from schemas.column import read_dtypes
from schemas.contract import FieldContract, Number, read_grain
from schemas.tables import TABLES
from schemas.units import LOG10_PREFIX, NO_UNIT, find_factor, normalise_unit

FINDING_SCHEMA = {**read_dtypes(FINDINGS), "delivery": OWNER["delivery"].dtype}
"""A finding's columns; `delivery` is the one that brought the record, where that is another than the one that is read."""
FAIL, ERROR = "fail", "error"
_UNITS_ZH = {"jin": "斤"}
"""Units that a Chinese sentence writes otherwise."""


def state_limits_in(field: FieldContract, unit: str | None) -> FieldContract:
    """Return the field with its limits in the unit that a hospital sends, to three digits; an unknown unit changes nothing.

    A data manager who sees 0.2 in a mg/dL column is told of mg/dL: limits in umol/L would explain nothing.
    """
    if unit is None or field.unit is None or normalise_unit(unit) == field.unit:
        return field
    factor = find_factor(field.name, unit, field.unit)
    if factor is None:
        return field
    is_log = normalise_unit(unit).startswith(LOG10_PREFIX)

    def restate(limit: Number | None) -> Number | None:
        if limit is None or (is_log and limit <= 0):
            return None
        return float(f"{math.log10(limit / factor) if is_log else limit / factor:.3g}")

    low, high = (restate(limit) for limit in field.possible)
    soft_low, soft_high = (restate(limit) for limit in field.plausible)
    return replace(field, unit=unit.strip(), possible=(low, high), plausible=(soft_low, soft_high))


def contract_message(
    kind: str, field: FieldContract, likely_unit: str | None = None, *, can_be_confirmed: bool = False
) -> Text:
    """Return the sentence for a contract finding of one kind at one field.

    `likely_unit` is the one a value looks like; a value outside the limits may still be one that counts once it is confirmed.
    """
    if kind == "range" and can_be_confirmed:
        kind = "improbable"
    limits = _describe_limits(field.possible if kind in ("range", "improbable") else field.plausible, field.unit)
    reason = Text(f"outside {limits}", f"超出{limits}")
    if likely_unit and likely_unit.startswith(LOG10_PREFIX):
        reason = Text("between 1 and 10, where assays do not quantify", "介于1与10之间，低于检测方法的定量范围")
    looks_like = Text("", "")
    if likely_unit:
        looks_like = Text(f"; it looks like {likely_unit}", f"，疑为{_UNITS_ZH.get(likely_unit, likely_unit)}")
    return _write_sentences(field, limits, reason, looks_like)[kind]


def _write_sentences(field: FieldContract, limits: str, reason: Text, looks_like: Text) -> dict[str, Text]:
    """Return the sentences for the contract's findings at one field, by kind."""
    return {
        "unreadable": Text(
            f"{field.meaning}: this text cannot be read. Please correct it in the source.",
            f"{field.zh}：内容无法识别，请在原始数据中更正。",
        ),
        "code": Text(
            f"{field.meaning}: this code is not known, and the value was set aside. Please use one of the agreed codes, or tell the "
            "coordinating centre what it means.",
            f"{field.zh}：编码未知，数值已隔离。请使用约定的编码，或告知协调中心其含义。",
        ),
        "unit": Text(
            f"{field.meaning}: the unit is missing or unknown{looks_like.en}. Please state it.",
            f"{field.zh}：单位缺失或未知{looks_like.zh}，请补充单位。",
        ),
        "unit_slip": Text(
            f"{field.meaning}: as sent, the value lies {reason.en}{looks_like.en}. It was set aside. Please check value and unit.",
            f"{field.zh}：按所报单位{reason.zh}{looks_like.zh}，数值已隔离，请核对数值和单位。",
        ),
        "range": Text(
            f"{field.meaning}: the value is impossible (possible: {limits}). Please check value and unit.",
            f"{field.zh}：数值不可能（可能范围：{limits}），请核对数值和单位。",
        ),
        "improbable": Text(
            f"{field.meaning}: the value lies outside what is expected of a patient ({limits}). It was set aside. Please check value and unit; "
            "once you confirm it, it counts.",
            f"{field.zh}：数值超出患者应有的范围（{limits}），已隔离。请核对数值和单位；经贵院核实无误后即予采用。",
        ),
        "after_delivery": Text(
            f"{field.meaning}: this date lies after the day of the delivery and cannot have come yet. It was set aside. Please correct it.",
            f"{field.zh}：该日期晚于数据的提交日，不可能已发生，已隔离，请更正。",
        ),
        "month": Text(
            f"{field.meaning}: this is a month and no day. It was set aside. Please give the day, or tell the coordinating centre that only "
            "the month is known.",
            f"{field.zh}：仅有年月而无日，已隔离。请补充日期；若确实只知年月，请告知协调中心。",
        ),
        "placeholder": Text(
            f"{field.meaning}: programs write this date where nothing is known; it counts as missing.",
            f"{field.zh}：该日期为系统占位值，按缺失处理。",
        ),
        "implausible": Text(
            f"{field.meaning}: the value is unusual (usual: {limits}). Please confirm or correct it.",
            f"{field.zh}：数值异常（常见范围：{limits}），请确认或更正。",
        ),
        "missing": Text(
            f"{field.meaning}: the value is missing. Please complete it.",
            f"{field.zh}：数据缺失，请补充。",
        ),
    }


def _describe_limits(limits: tuple[Number | None, Number | None], unit: str | None) -> str:
    low, high = ("" if limit is None else f"{limit:.12g}" for limit in limits)
    span = f"{low} - {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return span if unit in (None, NO_UNIT) else f"{span} {unit}"


RECORD_SENTENCES: dict[str, Text] = {
    "key.missing": Text(
        "This row cannot be assigned: the patient number or another part of its key is missing or unreadable. The record was set aside.",
        "该行无法归属：患者编号或主键字段缺失或无法识别，记录已隔离。",
    ),
    "key.duplicate": Text(
        "This record exists more than once. Identical copies are kept once; where they differ none is used. Please keep the right one.",
        "该记录重复：内容相同的仅保留一条；内容不一致的均不采用。请保留正确的一条。",
    ),
    "superseded": Text(
        "Another response of this reader by the same criteria belongs to the same assessment. Progression counts, otherwise the later one; this record "
        "was set aside. Please check visit and date.",
        "同一阅片者按同一标准在同一次评估中另有一条疗效记录：有进展者以进展为准，否则以较晚者为准，本记录已隔离。请核对评估序号及日期。",
    ),
    "patient.unknown": Text(
        "This record belongs to a patient who is not in the patient table. Please check the patient number.",
        "该记录的患者不在患者表中，请核对患者编号。",
    ),
    "parent": Text(
        "The patient's own record was set aside, so this record was too. Please settle the patient's record first.",
        "该患者的主记录已被隔离，故本记录一并隔离。请先解决患者主记录的问题。",
    ),
}


def record_message(kind: str, table: str) -> Text:
    """Return the sentence for a broken key: one row can make records of several tables, so the table is named."""
    sentence = RECORD_SENTENCES[kind]
    _, zh = read_grain(TABLES[table])
    return Text(f"Table {table.replace('_', ' ')}: {sentence.en}", f"{zh}：{sentence.zh}")


PERSONAL_DATA_RULE = "text.personal_data"


def personal_data_message(kinds: str) -> Text:
    """Return the sentence for personal data found in a cell: its kinds (`KINDS`, joined by a comma) and never its text."""
    told = [KINDS[kind] for kind in kinds.split(",") if kind] or [Text("personal data", "个人信息")]
    en, zh = "; ".join(kind.en for kind in told), "、".join(kind.zh for kind in told)
    return Text(
        f"This cell seems to hold {en}. It was masked; please remove it in the source.",
        f"该单元格疑似含{zh}，已屏蔽；请在原始数据中删除。",
    )


STRAY_CELL = Text(
    "This cell holds a value in a column that does not belong to this kind of row. It was set aside.",
    "该单元格所在列不属于该类行，数值已隔离。",
)
SHIFTED_ROW = Text(
    "The cells of this row stand beside their columns: it has a cell too many or too few, often by a comma in a number. From the column named here on "
    "nothing of it was loaded; where none is named, nothing of the row. Please correct the row in the source.",
    "该行单元格与列错位：多了或少了单元格，常因数字中含逗号。自此处所列的列起均未载入；未列出列名时整行未载入。请在原始数据中更正。",
)
ODD_NUMBER = Text(
    "The patient number of this row is written like no other, and the row holds few values: is it a patient? If it is a note or a total, take the row out.",
    "该行患者编号的写法与其他编号不同，且内容很少：是否为患者？若为说明或合计，请删除该行。",
)


def name_cell() -> pl.Expr:
    """Return what a cell that belongs to no record is told apart by: its column, and its text whatever the rows' order.

    A row of which nothing is kept has no text; its place in the file stands for it.
    """
    place = pl.concat_str("source_file", "source_sheet", "source_row", separator=" ", ignore_nulls=True)
    return pl.concat_str("source_column", pl.when(pl.col("value") == "").then(place).otherwise("value"), separator=": ")


def is_of_no_record() -> pl.Expr:
    """Return whether a finding is about a cell or row that no record was made of."""
    return (pl.col("patient_id").is_null() & (pl.col("record_key") == name_cell())).fill_null(value=False)


def make_findings(
    places: pl.DataFrame,
    *,
    rule_id: str,
    severity: Severity,
    table: str,
    field: str | None,
    message: Text,
    outcome: str = FAIL,
) -> pl.DataFrame:
    """Return findings at the given places.

    `places` has patient_id, record_key, source_file, source_sheet, source_row, source_column and value, and `reading` where a cell that was
    set aside can be confirmed; one row per finding. The id is left empty; `number_findings` gives it.
    """
    unread = [
        pl.lit(None, dtype=FINDING_SCHEMA[name]).alias(name)
        for name in ("reading", "delivery")
        if name not in places.columns
    ]
    return places.with_columns(
        *unread,
        pl.lit(None, dtype=pl.String).alias("finding_id"),
        pl.lit(rule_id).alias("rule_id"),
        pl.lit(severity.value).alias("severity"),
        pl.lit(outcome).alias("outcome"),
        pl.lit(table).alias("table_name"),
        pl.lit(field, dtype=pl.String).alias("field"),
        pl.lit(message.en).alias("message_en"),
        pl.lit(message.zh).alias("message_zh"),
    ).select([pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items()])


FINDING_IDENTITY = ("rule_id", "patient_id", "table_name", "record_key", "field")
"""What a finding's id is made of, with the number of the copy."""
ID_LETTERS = 16


def name_finding(*identity: str | int | None) -> str:
    """Return a finding's id from its identity (`FINDING_IDENTITY`) and the number of the copy, from 0."""
    text = "\x1f".join("" if part is None else str(part) for part in identity)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LETTERS]


def number_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """Give every finding its id: a hash of rule, patient, record key and field, the same however the file is sorted.

    Findings that share all four (copies of one record) are told apart by their order in the file.
    """
    identity = list(FINDING_IDENTITY)
    # What is carried over has its delivery, what is told of the rows of the one that is read has none yet: older questions keep their ids.
    ordered = findings.sort("source_file", "source_sheet", "source_row", "source_column", "delivery", nulls_last=True)
    copies = ordered.with_columns(pl.int_range(pl.len()).over(identity).alias("_copy"))
    ids = [name_finding(*row) for row in copies.select(*identity, "_copy").iter_rows()]
    numbered = copies.with_columns(pl.Series("finding_id", ids, dtype=pl.String)).drop("_copy")
    return numbered.sort("rule_id", "finding_id")
