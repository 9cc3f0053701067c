"""Writes the rule catalogue from the code and from the rules' test cases, for a clinician to read and agree."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from schemas.codes import Severity
from schemas.column_names import find_chinese_name
from schemas.contract import read_contract, read_grain
from schemas.contract_checks import CONTRACT_CHECKS
from schemas.example_patient import read_correct_patient, read_introduction, read_rows
from schemas.example_words import CHINESE, ENGLISH, spell_words
from schemas.markdown import render_table
from schemas.recorded_rules import list_gone, list_rules, read_recorded
from schemas.rule_examples import describe_example
from schemas.rules import CRITERIA, RULES
from schemas.rules.rule import SUBJECT, Rule, Scope
from schemas.tables import TABLES

SECTIONS = {
    "completeness": ("完整性", "每例患者应有、而单个单元格不能显示其缺失的记录和日期。"),
    "identity": ("身份", "一人一条记录：身份证号所能说明的内容。身份证号本身从不保存。"),
    "chronology": (
        "时间顺序",
        "同一患者各日期的先后。顺序正确即通过，缺日期时无法判定。天数按整日计；除另有说明外，同一日视为顺序正确。",
    ),
    "durations": ("时长", "与日期同时填写的时长：二者所述为同一时间。一致即通过，缺一项时无法判定。"),
    "liver_and_stage": ("肝功能与分期", "肝功能、BCLC分期、体力状态与乙型肝炎：相互矛盾的记录。"),
    "tumour_burden": ("肿瘤负荷", "门静脉、肝内肿瘤的大小与数目、转移：编码、文字、数值与影像相互比较。"),
    "course": ("治疗经过", "相互矛盾的治疗、局部治疗与结局，或缺少所需日期的记录。"),
    "adverse_events": ("不良反应", "不良反应的日期、CTCAE分级，以及与之相应的检验值和转归。"),
    "tumour_assessment": ("肿瘤评估", "肿瘤评估：病灶与疗效相互比较，并与RECIST 1.1比较。"),
    "response_evidence": ("疗效依据", "所记疗效与其依据：病灶记录所显示、否定或未能确定者，以及不完整的病灶记录。"),
    "recorded_progression": ("记录的进展", "所记进展：结局中的进展日期及是否进展，与肿瘤评估所示比较。"),
    "plausibility": ("合理性", "可能但少见的数值：请医院确认是否属实。"),
    "arm": ("治疗组", "研究所比较的一线治疗：含哪些药物，各药的时间关系如何。"),
    "bounds": ("界限值", "仅为界限值、不能确定研究所需内容的检验值。"),
    "default_dates": ("默认日期", "仅代表年份的日期，以及诊断后很久才开始的治疗。"),
    "disease_burden": ("病灶与转移", "所填转移、癌栓及大小与基线所列病灶比较。"),
    "imaging": ("影像", "病灶影像：日期、检查方式，以及一次评估所列的内容。"),
    "laboratory": ("检验", "检验样本的日期属实，同一日的结果一致。"),
    "liver_disease": ("肝病", "肝病与诊断：何者应有病因，已知各项所排除的情况。"),
    "local_treatment": ("局部治疗", "局部治疗及其所治病灶：日期、重复、部位。"),
    "therapy_lines": ("治疗线数", "各线系统治疗相互比较，并与进展、毒性及死亡比较。"),
    "veins": ("静脉癌栓", "门静脉以外的静脉：文字描述与所填内容比较。"),
}
"""The modules of `schemas/rules`: title and content in Chinese, in the order of a patient's record; one that is not named comes last."""

HISTORY = "New and changed 新增与修改"
ELIGIBILITY, CONTRACT, EXAMPLE = (
    "Eligibility 入组标准",
    "Rules made from the contract 由字段约定生成的规则",
    "The example patient 示例患者",
)


@dataclass(frozen=True)
class Section:
    """One module of `schemas/rules`: its name, title and content in English and Chinese, and its rules in the order of the module."""

    name: str
    en: str
    zh: str
    about: str
    about_zh: str
    rules: tuple[Rule, ...]


def list_sections() -> list[Section]:
    """Return the sections of the catalogue in its order."""
    place = {name: number for number, name in enumerate(SECTIONS)}
    ordered = sorted(RULES.values(), key=lambda rule: (place.get(_module_of(rule), len(place)), _module_of(rule)))
    return [_make_section(name, tuple(rules)) for name, rules in groupby(ordered, key=_module_of)]


def _make_section(name: str, rules: tuple[Rule, ...]) -> Section:
    zh, about_zh = SECTIONS.get(name, ("", ""))
    about = inspect.getdoc(inspect.getmodule(rules[0].expression)) or ""
    return Section(name, name.replace("_", " ").capitalize(), zh, about, about_zh, rules)


NEW = "new 新增"
CHANGES = {
    "severity": "severity 级别",
    "place": "the cell it points at 所指单元格",
    "passes_where": "what passes 通过条件",
    "en": "the sentence 质疑内容",
    "zh": "the Chinese sentence 中文质疑内容",
    "expression": "how it is computed 计算方式",
}
"""What of a rule can have changed since the recorded version, by the field of its record."""


def write_rule_catalogue(path: Path) -> None:
    """Write the rule catalogue as Markdown: eligibility, clinical rules by module, rules made from the contract."""
    path.write_text(render_rule_catalogue(), encoding="utf-8")


def render_rule_catalogue() -> str:
    """Return the rule catalogue's text."""
    sections = list_sections()
    parts = [
        "# Rule catalogue 规则目录",
        "This page is generated from the code (`schemas/rule_catalogue.py`) and from the rules' test cases; do not edit it. "
        "本页由代码和规则的测试用例自动生成，请勿手工修改。",
        _render_summary(),
        _render_contents(sections),
        _render_how_to_read(),
        _render_history(sections),
        _render_criteria(),
        *(_render_section(section) for section in sections),
        _render_contract_checks(),
        _render_example_patient(),
    ]
    return "\n\n".join(parts) + "\n"


def describe_change(rule_id: str) -> str | None:
    """Return what is new of a rule since the recorded version, in both languages; None where nothing is."""
    before = read_recorded()[1].get(rule_id)
    if before is None:
        return NEW
    changes = list_rules()[rule_id].list_changes(before)
    if {"en", "zh"} <= set(changes):
        changes.remove("zh")
    return ", ".join(CHANGES[name] for name in changes) or None


def _count_changes(rules: Iterable[Rule]) -> tuple[int, int]:
    """Count the new rules and those that changed."""
    found = [change for rule in rules if (change := describe_change(rule.rule_id))]
    return found.count(NEW), len(found) - found.count(NEW)


def _count_severities(severities: Iterable[Severity]) -> str:
    counts = Counter(severities)
    return ", ".join(f"{counts[severity]} × {severity.value}" for severity in Severity if counts[severity])


def _render_summary() -> str:
    made = sum(check.count() for check in CONTRACT_CHECKS)
    version, _ = read_recorded()
    n_new, n_changed = _count_changes(RULES.values())
    return (
        f"**{len(RULES)} clinical rules** ({_count_severities(rule.severity for rule in RULES.values())}), "
        f"**{len(CRITERIA)} steps of eligibility**, and **{made} rules made from the contract** of {len(TABLES)} "
        f"tables, in {len(CONTRACT_CHECKS)} kinds. Since {version}: **{n_new} clinical rules are new, {n_changed} have changed** ({_link(HISTORY)}).\n\n"
        f"临床规则 **{len(RULES)}** 条，入组步骤 **{len(CRITERIA)}** 步，由 {len(TABLES)} 张表的字段约定生成的规则 **{made}** 条（{len(CONTRACT_CHECKS)} 类）。"
        f"自 {version} 以来：**新增临床规则 {n_new} 条，修改 {n_changed} 条**。"
    )


def _link(title: str) -> str:
    """Return a link to a heading of the page."""
    return f"[{title}](#{title.lower().replace(' ', '-')})"


def _join(en: str, zh: str) -> str:
    """Return both languages, one under the other."""
    return f"{en}<br>{zh}"


def _title(section: Section) -> str:
    return f"{section.en} {section.zh}".rstrip()


def _render_contents(sections: list[Section]) -> str:
    who = _join("Who may enter the study, step by step", "何人可入组，逐步列出")
    rows = [(_link(ELIGIBILITY), who, str(len(CRITERIA)), "", "", "")]
    for section in sections:
        summary = _join(section.about.split("\n", 1)[0].rstrip("."), section.about_zh.split("。", 1)[0])
        n_new, n_changed = _count_changes(section.rules)
        severities = _count_severities(rule.severity for rule in section.rules)
        counts = (str(len(section.rules)), str(n_new or ""), str(n_changed or ""))
        rows.append((_link(_title(section)), summary, *counts, severities))
    made = [check.severity for check in CONTRACT_CHECKS for _ in range(check.count())]
    about = _join("Keys, dates, codes, units, limits, empty cells", "主键、日期、编码、单位、界限、空单元格")
    rows += [
        (_link(CONTRACT), about, str(len(made)), "", "", _count_severities(made)),
        (_link(EXAMPLE), _join("Whom the examples change", "各举例所改动的患者"), "", "", "", ""),
    ]
    head = ("section 章节", "about 内容", "rules 规则数", "new 新增", "changed 修改", "severity 级别")
    return f"## Contents 目录\n\n{render_table(head, rows)}"


def _render_how_to_read() -> str:
    return f"""## How to read a rule 阅读说明

- **Severity**: `reject` sets the record aside, `query` asks the hospital to check or complete something, `note` only tells.<br>**级别**：`reject` 隔离整条记录，`query` 请医院核对或补充，`note` 仅作提示。
- A rule ends in **pass**, **fail** or **not evaluable** (a value that it needs is empty, or it asks nothing of such a
  record). Only a fail asks a question, and no rule changes a value.<br>规则的结果为通过、不通过或无法判定（所需的值为空，或不适用于该记录）。仅“不通过”产生质疑；任何规则都不更改数值。
- **The examples** are the first cases of the rule's own tests: what is changed in {_link(EXAMPLE).replace(EXAMPLE, "the example patient", 1)}
  and the values that the rule then sees. All patients are invented.<br>**举例**为该规则自身测试的首个用例：在示例患者上所作的改动，以及规则所见的值。所有患者均为虚构。
- **Source**: a publication, a section of the study's protocol, or "the registry's limit" where neither gives a number.
  "Order of events" and "two statements about one fact" need no other source: both cannot be right.<br>**来源**：文献、研究方案的章节，或登记库自定的界限；先后顺序和同一事实的两种说法无需其他来源，二者不可能同时正确。"""


def _render_history(sections: list[Section]) -> str:
    version, _ = read_recorded()
    intro = (
        f"Compared with the rules as they were on {version}. A rule has changed where its severity, the cell it points at, what it passes, its sentence, or the expression that it computes "
        "differ; a change of a definition that it uses is not seen here. The former words stand with the rule."
        f"\n\n与 {version} 的规则比较：级别、所指单元格、通过条件、质疑内容或计算方式不同者为已修改（所用定义的改变不在此列）；原文列于该规则处。"
    )
    rows = [
        (_link(_title_of(rule)), _title(section), change)
        for section in sections
        for rule in section.rules
        if (change := describe_change(rule.rule_id))
    ]
    gone = f"\n\nNo longer there 已取消: {', '.join(f'`{name}`' for name in list_gone())}" if list_gone() else ""
    table = render_table(("rule 规则", "section 章节", "what is new or changed 新增或修改"), rows)
    return f"## {HISTORY}\n\n{intro}\n\n{table}{gone}"


def _render_criteria() -> str:
    rows = [
        (
            str(c.order),
            f"{c.label_en} / {c.label_zh}<br>`{c.criterion_id}`",
            _join(" ".join((inspect.getdoc(c.expression) or "").split()), c.read_zh),
            c.source,
        )
        for c in sorted(CRITERIA.values(), key=lambda c: c.order)
    ]
    intro = (
        "Each step keeps a patient, removes them, or is unknown; unknown leads to E4. Not being eligible is no error, and "
        "nobody is asked about it. The order is that of the flow chart.\n\n"
        "每一步的结果为保留、排除或不明；不明者归入E4。不符合标准并非错误，不因此提出质疑。顺序即流程图的顺序。"
    )
    table = render_table(("step 步骤", "criterion 标准", "how it is read 判定方式", "source 来源"), rows)
    return f"## {ELIGIBILITY}\n\n{intro}\n\n{table}"


def _module_of(rule: Rule) -> str:
    return rule.expression.__module__.rsplit(".", 1)[-1]


def _title_of(rule: Rule) -> str:
    title = spell_words(rule.rule_id)
    return f"{title[0].upper()}{title[1:]}"


def _render_section(section: Section) -> str:
    head = (f"## {_title(section)}", section.about, section.about_zh)
    return "\n\n".join([*head, *(_render_rule(rule) for rule in section.rules)])


def _render_rule(rule: Rule) -> str:
    meaning = list_rules()[rule.rule_id].passes_where
    change = describe_change(rule.rule_id)
    marked = "" if change is None else f" · **{NEW}**" if change == NEW else " · **changed 修改**"
    lines = [
        f"### {_title_of(rule)}",
        "",
        f"`{rule.rule_id}` · **{rule.severity.value}** · {_describe_place(rule)}{marked}",
        "",
        f"- **Passes where 通过条件:** {_join(meaning, rule.passes_where_zh)}",
        f"- **Why it is asked 询问原因:** {_join(rule.why, rule.why_zh)}",
        f"- **The hospital reads 医院所见:** {_join(rule.en, rule.zh)}",
        f"- **Passes, for example 通过举例:** {_describe_example(rule, 'pass')}",
        f"- **Fails, for example 不通过举例:** {_describe_example(rule, 'fail')}",
        f"- **Missing values 缺失值:** {_join(f'{rule.on_missing}.', f'{rule.on_missing_zh}。')}",
        *([] if rule.scope is Scope.PATIENT else [f"- **Looks at 涉及范围:** {rule.scope.en}. {rule.scope.zh}。"]),
        f"- **Source 来源:** {rule.source}",
        *([] if change in (None, NEW) else [f"- **Changed 修改:** {change}. {_quote_former(rule.rule_id)}".rstrip()]),
    ]
    return "\n".join(lines)


def _describe_example(rule: Rule, verdict: str) -> str:
    return _join(*(describe_example(rule, verdict, words) for words in (ENGLISH, CHINESE)))


def _quote_former(rule_id: str) -> str:
    """Return the words that a rule had in the recorded version and has no more."""
    before = read_recorded()[1][rule_id]
    changes = list_rules()[rule_id].list_changes(before)
    former = [
        str(getattr(before, name)) for name in ("severity", "place", "passes_where", "en", "zh") if name in changes
    ]
    return f"Before 原为: {'<br>'.join(former)}" if former else ""


def _describe_place(rule: Rule) -> str:
    """The cell that a finding points at, in both languages."""
    home = next((t for t in TABLES if rule.table in (t, SUBJECT) and rule.field in read_contract(TABLES[t])), None)
    if rule.table == SUBJECT:
        name = find_chinese_name(rule.field, rule.table) or rule.field
        return f"one question per patient, about `{rule.field}` (每例患者询问一次：{name})"
    if home is None:
        return f"`{rule.table}`"
    field = read_contract(TABLES[home])[rule.field]
    return f"points at `{home}.{rule.field}` ({read_grain(TABLES[home])[1]}：{field.zh})"


def _render_contract_checks() -> str:
    intro = (
        "These are made for every table and field that the data dictionary describes. For laboratory values the field is "
        "`value`; the test stands in the record's key and decides the limits. A rule counts at a hospital only where the "
        "hospital sends the column.\n\n"
        "对数据字典所述的每张表、每个字段均生成此类规则。检验值的字段为`value`；检验项目属记录主键，并决定其界限。仅在医院提交该列时才计入该院的规则。"
    )
    rows = [
        (
            f"`{check.rule_id}`",
            check.severity.value,
            _join(check.fails_where, check.fails_where_zh),
            _join(check.why, check.why_zh),
            _join(check.example, check.example_zh),
            str(check.count()),
        )
        for check in CONTRACT_CHECKS
    ]
    head = (
        "rule 规则",
        "severity 级别",
        "fails where 不通过条件",
        "why it is asked 询问原因",
        "for example 举例",
        "rules 规则数",
    )
    table = render_table(head, rows)
    return f"## {CONTRACT}\n\n{intro}\n\n{table}"


def _render_example_patient() -> str:
    """The correct patient's tables; one that has a single record is told field by field."""
    parts = [f"## {EXAMPLE}\n\n{read_introduction()}"]
    for name, text in read_correct_patient().items():
        rows = [{field: value or "" for field, value in row.items()} for row in read_rows(text)]
        if len(rows) == 1:
            table = render_table(
                ("field 字段", "value 值"), [(f"`{field}`", value) for field, value in rows[0].items()]
            )
        else:
            table = render_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
        parts.append(f"### Table 表: {name}\n\n{table}")
    return "\n\n".join(parts)
