"""The words of the quality output that are not a hospital's own: labels of tables, fields, steps and results."""

from __future__ import annotations

import importlib
import pkgutil
import re

import schemas.rules
from etl.pages.text import Text
from schemas.codes import Evidence, LabTest, Severity
from schemas.contract import read_contract, read_grain
from schemas.quantity import find_quantity
from schemas.rules.rule import CRITERIA
from schemas.tables import TABLES
from schemas.units import LAB_RANGES, NO_UNIT, name_test

SEVERITIES = {
    Severity.REJECT: Text("rejected", "拒收"),
    Severity.QUERY: Text("to be answered", "需答复"),
    Severity.NOTE: Text("for information", "提示"),
}
SEVERITY_MEANINGS = {
    Severity.REJECT: Text("the record was not loaded; correct it in the source", "记录未载入，请在源数据中更正"),
    Severity.QUERY: Text("please check and answer in the workbook", "请核对并在质疑表中答复"),
    Severity.NOTE: Text("no answer is needed; correct what is wrong", "无需答复；如有误请更正"),
}
EVIDENCE = {
    Evidence.COMPLETE_LIST: Text("Complete list of lesions", "完整病灶记录"),
    Evidence.TARGETS: Text("Target lesions, list not complete", "靶病灶（记录不完整）"),
    Evidence.NON_TARGETS: Text("Non-target lesions, list not complete", "非靶病灶（记录不完整）"),
    Evidence.NEW_LESION: Text("New lesion, list not complete", "新病灶（记录不完整）"),
    Evidence.TARGET_SUM: Text("Sum of diameters", "靶病灶径线和"),
    Evidence.RECORDED_RESPONSE: Text("Recorded response", "记录的疗效"),
    Evidence.OUTCOME: Text("Outcome record", "结局记录"),
    Evidence.CLINICAL: Text("Clinical progression", "临床进展"),
    Evidence.DEATH: Text("Death", "死亡"),
}
STATUSES = {
    "new": Text("new", "新增"),
    "open": Text("still open", "仍存在"),
    "reopened": Text("came back", "再次出现"),
    "answered": Text("answered", "已答复"),
    "resolved": Text("no longer found", "已消除"),
}
ACCOUNTS = {
    "rows": Text("Rows read", "读取行数"),
    "records": Text("Records made from them", "生成记录数"),
    "cells": Text("Cells with content", "非空单元格数"),
}
PARTS = {
    "used": Text("used", "已使用"),
    "ignored": Text("ignored by a named rule", "按规则忽略"),
    "loaded": Text("loaded", "已载入"),
    "quarantined": Text("set aside (quarantined)", "隔离"),
    "mapped": Text("mapped to a field", "已对应到字段"),
    "identifier": Text("identifiers: turned into a pseudonym or dropped", "身份信息：已匿名化或删除"),
    "stray": Text("set aside: in no column that this row should have", "隔离：不属于该行应有的列"),
    "in ignored columns": Text("in columns that are not needed", "无需的列"),
}
EXPECTATIONS = {
    "volume": Text("number of records", "记录数"),
    "completeness": Text("filled", "已填写"),
    "range": Text("within the plausible range", "在合理范围内"),
    "codes": Text("only known codes", "仅含已知编码"),
    "key": Text("no record twice", "无重复记录"),
    "median": Text("median agrees with the other hospitals", "中位数与其他医院相符"),
}
COUNTS = {
    "patients": Text("patients loaded", "载入患者"),
    "rows_read": Text("rows read", "读取行数"),
    "records_loaded": Text("records loaded", "载入记录"),
    "records_quarantined": Text("records set aside", "隔离记录"),
    "cells_quarantined": Text("single cells set aside", "隔离单元格"),
}
IGNORE_RULES = {
    "used": Text("used", "已使用"),
    "blank row": Text("blank row", "空行"),
    "header": Text("header", "表头"),
    "above the header": Text("above the header", "表头以上"),
}
STEPS = {
    "seen_elsewhere_first": Text(
        "analysed at another hospital, where therapy started first", "在更早开始治疗的医院分析"
    ),
}


def label_ignore_rule(rule: str) -> Text:
    """Return a rule that used or ignored rows in both languages; a mapping writes its own as `totals row / 合计行`."""
    en, slash, zh = rule.partition(" / ")
    return IGNORE_RULES.get(rule, Text(en, zh if slash else en))


def label_table(table: str) -> Text:
    """Return a table's name in both languages."""
    if table not in TABLES:
        return Text(table, table)
    return Text(table.replace("_", " "), read_grain(TABLES[table])[1])


def label_field(table: str, name: str | None) -> Text:
    """Return what a field means in both languages; a laboratory test counts as a field of the laboratory."""
    if name is None:
        return Text("whole record", "整条记录")
    spec = find_quantity(TABLES[table], name) if table in TABLES else None
    if spec is None:
        return Text(name, name)
    is_field = name in read_contract(TABLES[table])
    return Text(re.split("[:;,]", spec.meaning)[0], spec.zh) if is_field else label_test(LabTest(name))


def label_test(test: LabTest) -> Text:
    """Return a laboratory quantity with its unit in both languages."""
    unit = LAB_RANGES[test].unit
    shown = "" if unit == NO_UNIT else f" ({unit})"
    return Text(name_test(test) + shown, test.zh + shown)


def label_criterion(criterion_id: str) -> Text:
    """Return a step of eligibility in both languages; a step without a criterion keeps its id."""
    for module in pkgutil.iter_modules(schemas.rules.__path__):
        importlib.import_module(f"schemas.rules.{module.name}")
    criterion = CRITERIA.get(criterion_id)
    if criterion:
        return Text(criterion.label_en, criterion.label_zh)
    return STEPS.get(criterion_id, Text(criterion_id, criterion_id))
