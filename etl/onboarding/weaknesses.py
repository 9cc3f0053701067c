"""What is still weak about a mapping: what was agreed to in doubt, and what the study needs and no column gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl.onboarding.decisions import COLUMN, SHEET, Decision
from etl.onboarding.keys import find_dated_tables, find_divided_tables
from etl.onboarding.proposing.words import list_meanings, read_fields
from etl.pages.labels import label_field, label_test
from etl.pages.text import Text
from etl.quality.thresholds import ALTERNATIVES, BASELINE_TESTS, REQUIRED, find_completeness_threshold
from schemas.contract import read_grain
from schemas.tables import TABLES


def list_weaknesses(decisions: Sequence[Decision]) -> list[Text]:
    """Return each weakness in both languages: divided tables first, then those without visits, then missing fields."""
    return [*_find_divided(decisions), *_find_dated(decisions), *_find_absent(decisions), *list_doubts(decisions)]


def _find_dated(decisions: Sequence[Decision]) -> Iterator[Text]:
    for source, table in find_dated_tables(decisions):
        _, zh = read_grain(TABLES[table])
        yield Text(
            f"{source} › {table}: no visit number; the dates group its records into visits, and a record without a date is set aside",
            f"{source} › {zh}（{table}）：无访视号，按日期归入访视；无日期的记录将被隔离",
        )


def _find_divided(decisions: Sequence[Decision]) -> Iterator[Text]:
    for table, sources in find_divided_tables(decisions).items():
        _, zh = read_grain(TABLES[table])
        named, named_zh = ", ".join(sources), "、".join(sources)
        yield Text(
            f"{table}: fields of it stand in {len(sources)} sources ({named}). A patient who stands in more than one of them is set aside, for "
            "a record comes from one row: bring these columns into one sheet",
            f"{zh}（{table}）：其字段分布于 {len(sources)} 个数据源（{named_zh}）。同一患者若出现在多处，其记录将被隔离，因为一条记录只能来自一行；请将这些列合并到同一工作表",
        )


def _find_absent(decisions: Sequence[Decision]) -> Iterator[Text]:
    given = {
        (m.table, m.field) for d in decisions if d.kind == COLUMN and (m := list_meanings().get(d.decided)) and m.field
    }
    given |= {
        (d.decided.removesuffix(".*"), item.split("=")[0])
        for d in decisions
        if d.is_constant
        for item in d.decided_record.split(";")
    }
    for table in TABLES:
        for name in read_fields(table):
            other = ALTERNATIVES.get((table, name))
            is_given = (table, name) in given or (other is not None and (table, other) in given)
            if find_completeness_threshold(table, name) is REQUIRED and not is_given:
                label = label_field(table, name)
                yield Text(f"no column gives {label.en} ({table}.{name}): no patient can be analysed without it (E4)",
                           f"没有列提供 {label.zh}（{table}.{name}）：缺少该项的患者无法纳入分析（E4）")  # fmt: skip
    tests = {d.decided.rsplit(".", 1)[-1] for d in decisions if d.decided.startswith("laboratory.value.")}
    tests |= {d.decided for d in decisions if d.source == "laboratory.test"}
    for test in BASELINE_TESTS:
        if test.value not in tests:
            label = label_test(test)
            yield Text(
                f"no column gives {label.en}: no patient can be analysed without it (E4)",
                f"没有列提供 {label.zh}：缺少该项的患者无法纳入分析（E4）",
            )


def list_doubts(decisions: Sequence[Decision]) -> list[Text]:
    """Return what the registry was not sure of and a person left as proposed."""
    return list(_find_doubts(decisions))


def _find_doubts(decisions: Sequence[Decision]) -> Iterator[Text]:
    for d in decisions:
        is_as_proposed = d.decided == d.proposed and d.decided_unit in (d.unit, "")
        if d.kind != SHEET and d.decided and is_as_proposed and not d.is_sure:
            en, _, zh = d.reason.partition(" / ")
            yield Text(
                f"{d.source} › {d.item}: {d.decided}, agreed to in doubt ({en})",
                f"{d.source} › {d.item}：{d.decided}，把握不大（{zh}）",
            )
