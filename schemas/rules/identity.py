"""One person, one record: what the national id says. The id itself is never stored."""

from __future__ import annotations

import polars as pl

from schemas.codes import Severity
from schemas.rules.rule import Scope, rule

NATIONAL_ID = "GB 11643-1999: the national id holds the date of birth and the sex"


@rule(
    table="patient",
    field="person_id",
    severity=Severity.QUERY,
    source="one patient, one record; the national id or other identity document is compared as a keyed hash",
    why="The patient would be counted twice, which makes every confidence interval too narrow.",
    why_zh="同一患者会被重复计数，使所有置信区间偏窄。",
    en="The same national id or other identity document stands under two patient numbers of the hospital. Is it one patient, or is one id wrong?",
    zh="同一身份证号（或其他证件号）对应本院两个患者编号，请核对是否为同一患者，或证件号是否有误。",
    passes_where_zh="同一人在一家医院只有一个患者编号；否则对其每条记录均提出质疑。",
    on_missing="not evaluable without an identity document",
    on_missing_zh="无证件号时无法判定",
    scope=Scope.PERSON,
)
def patient_is_not_repeated() -> pl.Expr:
    """A person stands under one patient number of a hospital; where not, every record of the person is asked about."""
    numbers = pl.col("patient_id").n_unique().over("person_id")
    return pl.when(pl.col("person_id").is_not_null()).then(numbers == 1)


@rule(
    table="patient",
    field="birth_date",
    severity=Severity.QUERY,
    source=NATIONAL_ID,
    why="The id holds the date of birth; a difference means a wrong age or another person's id, which breaks the search for repeated patients.",
    why_zh="身份证号含出生日期；不一致说明年龄有误或证件号属于他人，也会使重复患者无法查出。",
    en="The date of birth is not the one in the national id. Please check the date and the id.",
    zh="出生日期与身份证号中的出生日期不一致，请核对出生日期及身份证号。",
    passes_where_zh="出生日期与身份证号中的出生日期一致。",
    on_missing="not evaluable without a valid national id or without a date of birth",
    on_missing_zh="无有效身份证号或无出生日期时无法判定",
)
def birth_date_agrees_with_national_id() -> pl.Expr:
    """The date of birth is the one that the national id holds."""
    return pl.col("birth_date_is_of_national_id")


@rule(
    table="patient",
    field="sex",
    severity=Severity.QUERY,
    source=NATIONAL_ID,
    why="The id holds the sex, a matching variable; a difference means a wrong entry or another person's id.",
    why_zh="身份证号含性别，而性别是匹配变量；不一致说明填写有误或证件号属于他人。",
    en="The sex is not the one in the national id. Please check the sex and the id.",
    zh="性别与身份证号不一致，请核对性别及身份证号。",
    passes_where_zh="性别与身份证号一致。",
    on_missing="not evaluable without a valid national id or without the sex",
    on_missing_zh="无有效身份证号或无性别时无法判定",
)
def sex_agrees_with_national_id() -> pl.Expr:
    """The sex is the one that the national id holds."""
    return pl.col("sex_is_of_national_id")


@rule(
    table="patient",
    field="birth_date",
    severity=Severity.QUERY,
    source="one patient, one record; two people who share all four are rarer than a second number of one",
    why="The patient would be counted twice, which makes every confidence interval too narrow.",
    why_zh="同一患者会被重复计数，使所有置信区间偏窄。",
    en="Another patient number of the hospital has the same sex, date of birth, date of diagnosis and start of therapy. Is it one patient?",
    zh="本院另一患者编号的性别、出生日期、诊断日期及治疗开始日期完全相同，请核对是否为同一患者。",
    passes_where_zh="没有两个患者编号的性别、出生日期、诊断日期及治疗开始日期均相同；身份证号已能区分或确认为同一人者除外。",
    on_missing="not evaluable without sex, birth and diagnosis; nor where all of them have a national id, which tells. A start that is missing contradicts nothing",
    on_missing_zh="缺性别、出生日期或诊断日期时无法判定；均有身份证号时亦不判定，由身份证号区分。治疗开始日期缺失不视为不同",
    scope=Scope.HOSPITAL,
)
def patient_is_not_repeated_without_id() -> pl.Expr:
    """No two patient numbers share sex, birth, diagnosis and start, unless a national id tells them apart or together."""
    shared = ("sex", "birth_date", "diagnosis_date")
    is_known = pl.all_horizontal(pl.col(name).is_not_null() for name in shared)
    is_asked = is_known & ~pl.col("person_id").is_not_null().all().over(shared)
    starts_apart = pl.col("first_line_start_date").drop_nulls().n_unique().over(shared) > 1
    return pl.when(is_asked).then((pl.len().over(shared) == 1) | starts_apart)
