"""The rule catalogue is read by clinicians in two languages: each says what the other says."""

import inspect
import re

from schemas import rule_catalogue
from schemas.column_names import DERIVED_NAMES, find_chinese_name
from schemas.contract_checks import CONTRACT_CHECKS
from schemas.example_words import CHINESE
from schemas.rule_catalogue import list_sections
from schemas.rule_examples import describe_example
from schemas.rules import CRITERIA, RULES


def test_every_section_of_the_catalogue_has_its_title_and_content_in_chinese():
    lacking = [
        section.name for section in list_sections() if not (is_chinese(section.zh) and is_chinese(section.about_zh))
    ]
    assert lacking == [], "write it into SECTIONS of schemas/rule_catalogue.py"


def is_chinese(text):
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_what_a_rule_a_criterion_or_a_check_says_is_said_in_both_languages():
    for rule in RULES.values():
        pairs = [(inspect.getdoc(rule.expression), rule.passes_where_zh), (rule.on_missing, rule.on_missing_zh)]
        pairs += [(rule.why, rule.why_zh), (rule.en, rule.zh)]
        assert all(en and not is_chinese(en.replace("虚岁", "")) and is_chinese(zh) for en, zh in pairs), rule.rule_id
        assert rule.passes_where_zh.endswith("。"), rule.rule_id
        assert (rule.on_missing == "not evaluable") == (rule.on_missing_zh == "无法判定"), rule.rule_id
    for criterion in CRITERIA.values():
        assert is_chinese(criterion.read_zh), criterion.criterion_id
    for check in CONTRACT_CHECKS:
        assert is_chinese(check.fails_where_zh), check.rule_id
        assert is_chinese(check.example_zh), check.rule_id


def test_numbers_of_a_rule_stand_in_both_languages():
    """A limit that is changed in one language alone would leave two rules on one page."""
    for rule in RULES.values():
        for en, zh in (
            (inspect.getdoc(rule.expression) or "", rule.passes_where_zh),
            (rule.on_missing, rule.on_missing_zh),
        ):
            assert set(find_limits(en)) <= set(find_limits(zh)), rule.rule_id


def find_limits(text):
    """Numbers of two digits and more: smaller ones are often words."""
    return re.findall(r"(?<![A-Za-z0-9_.])\d{2,}(?:\.\d+)?", text)


def test_every_column_that_a_rule_sees_has_a_chinese_name():
    for rule in RULES.values():
        for column in rule.expression().meta.root_names():
            assert column == "patient_id" or find_chinese_name(column, rule.table), (
                f"{rule.rule_id} sees {column}: write its Chinese name into DERIVED_NAMES of schemas/column_names.py"
            )


def test_no_name_is_given_to_a_column_that_no_rule_sees():
    seen = {column for rule in RULES.values() for column in (rule.field, *rule.expression().meta.root_names())}
    assert set(DERIVED_NAMES) - seen == set()


def test_every_line_about_a_rule_is_in_both_languages():
    lines = [
        line
        for line in rule_catalogue.render_rule_catalogue().splitlines()
        if line.startswith("- **") and not line.startswith(("- **Source", "- **Changed"))
    ]
    assert [line for line in lines if not is_chinese(line.split(":**", 1)[-1])] == []


def test_an_example_is_told_in_chinese_with_the_names_and_codes_of_the_contract():
    """Written by hand from the same cases."""
    assert describe_example(RULES["birth_before_diagnosis"], "fail", CHINESE) == (
        "患者：出生日期 2020-02-01（原为1962-06-15）。规则所见：出生日期 2020-02-01，诊断日期 2020-02-01。"
    )
    assert describe_example(RULES["tace_yes_has_procedure"], "fail", CHINESE) == (
        "无任何局部治疗记录。规则所见：联合TACE 是，联合TACE次数 0。"
    )
    assert describe_example(RULES["pt_agrees_with_inr"], "fail", CHINESE).startswith(
        "增加检验（访视序号 0，凝血酶原时间延长"
    )
    assert describe_example(RULES["first_line_is_recorded"], "fail", CHINESE) == (
        "无任何系统治疗记录。规则所见：治疗组 空缺，系统治疗记录数 0。"
    )
    assert "索拉非尼" in describe_example(RULES["first_line_has_one_of_each"], "fail", CHINESE)
    assert "肯定" in describe_example(RULES["vena_cava_flag_agrees_with_text"], "fail", CHINESE)
