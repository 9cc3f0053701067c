"""The rules that are made from the contract, by kind: what each asks, an example, and how many of them there are.

`etl/judging/contract.py` makes the findings; here is what people read of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from schemas.codes import Severity
from schemas.contract import FieldContract, read_contract
from schemas.quantity import has_limits, has_other_units
from schemas.requirements import list_requirements
from schemas.tables import TABLES

PERSON_ID = "person_id"
CELL_KINDS = ("unreadable", "code", "unit", "unit_slip", "range", "after_delivery", "month", "placeholder")
"""Kinds of rules that set a single cell aside."""
SET_ASIDE_RULES = ("cell.stray", "row.shifted")
"""Rules by which cells are set aside that belong to no record."""
NUMBERS = (pl.Float64, pl.Int64)

Applies = Callable[[FieldContract], bool]


@dataclass(frozen=True)
class ContractCheck:
    """One kind of rule: when it fails, an example, and `why` it is asked, each in English and (`_zh`) in Chinese. `applies` says of a field whether it has one; None: `number` of them exist."""

    rule_id: str
    severity: Severity
    fails_where: str
    fails_where_zh: str
    example: str
    example_zh: str
    why: str
    why_zh: str
    applies: Applies | None = None
    number: int = 1

    def count(self) -> int:
        """Return how many rules of the kind exist."""
        if self.applies is None:
            return self.number
        return sum(
            self.applies(field)
            for table in TABLES.values()
            for field in read_contract(table).values()
            if not field.is_made or field.name == PERSON_ID
        )


def _is_read(field: FieldContract) -> bool:
    return field.dtype == pl.Date or field.dtype in NUMBERS or field.name == PERSON_ID


def _is_coded(field: FieldContract) -> bool:
    return field.codes is not None or field.dtype == pl.Boolean


def _is_number(field: FieldContract) -> bool:
    return field.dtype in NUMBERS


def _has_hard_limits(field: FieldContract) -> bool:
    return _is_number(field) and has_limits(field, "possible")


def _is_date(field: FieldContract) -> bool:
    return field.dtype == pl.Date


def _has_soft_limits(field: FieldContract) -> bool:
    return has_limits(field, "plausible")


CONTRACT_CHECKS = (
    ContractCheck(
        "<table>.key.missing",
        Severity.REJECT,
        "a part of the record's key is empty or unreadable; the record is set aside",
        "记录的主键有一部分为空或无法识别；该记录隔离",
        "a laboratory row without a patient number",
        "无患者编号的检验行",
        "A record of nobody can neither be joined to a patient nor be told from its copies.",
        "记录不知属于何人，既无法归入患者，也无法与其副本区分。",
        number=len(TABLES),
    ),
    ContractCheck(
        "<table>.key.duplicate",
        Severity.REJECT,
        "two records have one key; of identical ones the first is kept, of differing ones none",
        "两条记录主键相同；内容一致者保留第一条，不一致者均不采用",
        "two rows of one patient with ECOG 0 and ECOG 1",
        "同一患者的两行，ECOG分别为0和1",
        "Which of two differing records is right only the hospital knows; a choice of ours could decide a result.",
        "两条不一致的记录以哪一条为准，只有医院知道；若由我们选择，可能左右研究结果。",
        number=len(TABLES),
    ),
    ContractCheck(
        "response.superseded",
        Severity.REJECT,
        "two responses of one reader and criteria are of one assessment; progression counts, otherwise the later one, and the other is set aside",
        "同一阅片者、同一标准的两个疗效属于同一次评估；进展优先，否则以后者为准，另一个隔离",
        "SD on 2020-04-15 and PR on 2020-04-20, both of visit 1",
        "2020-04-15为SD、2020-04-20为PR，均属第1次评估",
        "One assessment has one response; counting both would count one look at the images twice.",
        "一次评估只有一个疗效；两个都计，等于同一次影像评估重复计数。",
    ),
    ContractCheck(
        "<table>.patient.unknown",
        Severity.REJECT,
        "the record belongs to a patient who has no patient record",
        "记录所属患者无患者记录",
        "a treatment of patient 118 who is not on the patient sheet",
        "118号患者有治疗记录，但患者表中无此人",
        "Without the patient's own record nobody knows whose event it was, and whether he is in the study.",
        "缺少患者本人的记录，便无从得知该记录属于何人、其是否入组。",
        number=len(TABLES) - 1,
    ),
    ContractCheck(
        "<table>.parent",
        Severity.REJECT,
        "the patient record of the record was set aside",
        "所属患者的患者记录已被隔离",
        "the treatments of a patient whose patient record contradicts its copy",
        "患者记录与其副本相矛盾的患者，其治疗记录",
        "The patient does not count until his own record is settled, and neither does what belongs to it.",
        "患者本人的记录未核实之前，该患者不予计入，其名下的记录也不予计入。",
        number=len(TABLES) - 1,
    ),
    ContractCheck(
        "<table>.<field>.unreadable",
        Severity.QUERY,
        "the cell is no date or number; it alone is set aside",
        "该单元格不是日期或数字；仅隔离该单元格",
        "`2020-13-05` or `about March` as a date of death",
        "死亡日期为`2020-13-05`或`约三月`",
        "A text that has to be guessed at would be a value that the hospital never gave.",
        "靠猜测得出的数值，并非医院所填。",
        _is_read,
    ),
    ContractCheck(
        "<table>.<field>.code",
        Severity.QUERY,
        "the code is not known; the cell alone is set aside",
        "编码未知；仅隔离该单元格",
        "`E` as BCLC stage",
        "BCLC分期为`E`",
        "A code that was not agreed may mean anything; taken for a neighbour it would put the patient into a wrong group.",
        "未约定的编码含义不明；误作相近的编码会使患者归入错误的组别。",
        _is_coded,
    ),
    ContractCheck(
        "<table>.<field>.unit",
        Severity.QUERY,
        "the unit is missing or not known; the cell alone is set aside, and the message says what it looks like",
        "单位缺失或未知；仅隔离该单元格，质疑中说明其疑似单位",
        "AFP `350` in `mg`",
        "AFP `350`，单位`mg`",
        "A number without its unit can be wrong by a factor of a thousand.",
        "无单位的数值可能相差千倍。",
        _is_number,
    ),
    ContractCheck(
        "<table>.<field>.unit_slip",
        Severity.QUERY,
        "the value is implausible as sent and plausible in another known unit, which the message names; the cell alone "
        "is set aside, never converted in silence; it counts once the hospital confirms it",
        "按所填单位数值不合理，按另一已知单位则合理（质疑中注明）；仅隔离该单元格，不会自动换算；医院确认后予以采用",
        "albumin `3.9` in a column of g/L: it looks like g/dL",
        "单位为g/L的列中白蛋白`3.9`：疑为g/dL",
        "In the wrong unit a value lands in another grade or level; it may also be right, which only the source tells.",
        "单位有误会使数值归入其他级别或水平；但也可能无误，只有源数据能说明。",
        has_other_units,
    ),
    ContractCheck(
        "<table>.<field>.range",
        Severity.QUERY,
        "the value is impossible, or hardly any patient's; the cell alone is set aside; within what is physically possible it counts once "
        "the hospital confirms it",
        "数值不可能，或几乎无患者如此；仅隔离该单元格；在生理可能范围内者，医院确认后予以采用",
        "a body weight of 600 kg",
        "体重600 kg",
        "No patient, or hardly one, has this value; kept, it would move means, grades and models.",
        "患者不可能或几乎不可能有该数值；若保留，会影响均值、分级及模型。",
        _has_hard_limits,
    ),
    ContractCheck(
        "<table>.<field>.after_delivery",
        Severity.QUERY,
        "the date lies after the day of the delivery, so that it cannot have come yet; the cell alone is set aside",
        "日期晚于数据提交日，不可能已发生；仅隔离该单元格",
        "a death on 2091-08-12 in a delivery of 2022-11-20",
        "2022-11-20提交的数据中，死亡日期为2091-08-12",
        "What lies after the day of the delivery cannot have been seen; mostly the year is mistyped, and times would be too long.",
        "数据提交日之后的事件不可能已被观察到；多为年份填错，会使时间偏长。",
        _is_date,
    ),
    ContractCheck(
        "<table>.<field>.month",
        Severity.QUERY,
        "the cell names or shows a month and no day; it alone is set aside, unless the mapping says that only the month is known",
        "该单元格只写明或显示月份而无日；仅隔离该单元格，映射已说明仅知月份者除外",
        "`2020年3月`, or a date whose number format shows no day",
        "`2020年3月`，或数字格式不显示日的日期",
        "Times are counted in days; a day that was made up would pass for a known one.",
        "时间以天计算；推定的日期会被当作确知的日期。",
        _is_date,
    ),
    ContractCheck(
        "<table>.<field>.placeholder",
        Severity.NOTE,
        "the date is what programs write where nothing is known; it counts as missing, and is asked about only where it is needed",
        "该日期为系统在无日期时填入的默认值；按缺失处理，仅在需要时询问",
        "`1900-01-01` or `9999-12-31`",
        "`1900-01-01`或`9999-12-31`",
        "Taken for a real date, what programs write in place of none would be a time of a century.",
        "系统在无日期时填入的默认值若当作真实日期，会得出长达百年的时间。",
        _is_date,
    ),
    ContractCheck(
        "<table>.<field>.implausible",
        Severity.QUERY,
        "the value is possible but unlikely; it is kept and asked about",
        "数值可能但少见；予以保留并询问",
        "a tumour of 30 cm",
        "肿瘤30 cm",
        "Unusual values are mostly slips of a digit or a unit, and sometimes the most interesting patients.",
        "异常数值多为数字或单位填错，但有时正是最值得关注的患者。",
        _has_soft_limits,
    ),
    ContractCheck(
        "<table>.<field>.missing",
        Severity.QUERY,
        "an expected value is empty, although the hospital has a column for it",
        "医院有该列，但应填的值为空",
        "no vital status",
        "无生存状态",
        "Where the value is needed, the patient leaves the study for want of it.",
        "研究需要该值时，缺失会使患者被排除。",
        lambda field: field.is_expected,
    ),
    ContractCheck(
        "study.<requirement>.unknown",
        Severity.QUERY,
        "something that the study needs of the patient is unknown, and nothing else asks about it; asked about at the field that is missing",
        "研究所需的某项不明，且无其他规则询问；在缺失的字段处询问",
        "neither a type nor a description of the portal vein",
        "门静脉癌栓既无分型也无描述",
        "The patient leaves the study for want of this one fact, and without the question nobody would know.",
        "仅因这一项不明，患者就会被排除；若不询问，则无人知晓。",
        number=len(list_requirements()),
    ),
    ContractCheck(
        "study.not_sent",
        Severity.QUERY,
        "the hospital sends nothing of what the study needs of the patient; asked once a patient, for all of it",
        "研究所需的某项，医院完全未提交；每例患者合并询问一次",
        "a hospital without a column for HBsAg",
        "医院无HBsAg一列",
        "All of the hospital's patients leave the study for want of a column that may exist.",
        "仅因未提交某一列，该院所有患者都会被排除，而该列可能存在。",
    ),
    ContractCheck(
        "cell.stray",
        Severity.QUERY,
        "a cell is filled in a column that does not belong to this kind of row; it is set aside",
        "不属于该类行的列中填有内容；该单元格隔离",
        "a lesion's diameter on the row of a laboratory visit",
        "检验访视行中填有病灶径线",
        "A value in a wrong place may belong to another visit or another test.",
        "填错位置的数值可能属于另一次访视或另一项检验。",
    ),
    ContractCheck(
        "row.shifted",
        Severity.QUERY,
        "a row's cells may stand beside their columns; from the first place where that may have begun they are set aside",
        "该行单元格可能与列错位；自可能的错位处起全部隔离",
        "a row with an unquoted comma in a number",
        "数字中含未加引号的逗号的行",
        "Behind the slipped place every value would be read under the name of its neighbour.",
        "自错位处起，每个数值都会被读入相邻列。",
    ),
    ContractCheck(
        "row.odd_number",
        Severity.QUERY,
        "a row of few values has a patient number that is written like no other; it is kept and asked about",
        "内容很少的行，其患者编号写法与众不同；予以保留并询问",
        "a row that says just `X` and 12 below numbers like ZY100234",
        "编号均如ZY100234，其下有仅写`X`和12的一行",
        "A note or a total that is read as a patient is a patient who does not exist.",
        "备注或合计行若当作患者读入，就会多出一名不存在的患者。",
    ),
    ContractCheck(
        "between_hospitals.same_patient",
        Severity.NOTE,
        "the same person is a patient of another hospital; neither hospital learns who or where",
        "同一人亦为另一家医院的患者；两家医院均不被告知其身份及对方医院",
        "a patient treated first in one hospital and then in another",
        "先在一家医院、后在另一家医院治疗的患者",
        "One person counted twice would be two; the hospital that treated first counts.",
        "同一患者重复计数会变成两人；以最先治疗的医院为准。",
    ),
    ContractCheck(
        "text.personal_data",
        Severity.QUERY,
        "personal data was found in free text; it is masked",
        "自由文本中发现个人信息；已作遮蔽",
        "a telephone number in a remark",
        "备注中的电话号码",
        "Names and numbers of patients must not leave the hospital.",
        "患者姓名及各类号码不得离开医院。",
    ),
)


def can_be_found(kind: str, field: FieldContract) -> bool:
    """Return whether a kind of finding (`range`, `unit_slip`) is one that can be made of a field's cells at all."""
    check = _find_check(kind)
    return check.applies is not None and check.applies(field)


def find_severity(kind: str) -> Severity:
    """Return how grave a kind of finding at a field is."""
    return _find_check(kind).severity


def _find_check(kind: str) -> ContractCheck:
    return next(check for check in CONTRACT_CHECKS if check.rule_id == f"<table>.<field>.{kind}")
