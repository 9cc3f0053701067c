r"""The patterns of the written forms, over folded (NFKC) texts, and the hints by which polars finds the texts to try them on.

Every quantifier is bounded: the time of a text grows with its length. Hints know no look-around. A part in `(?P<hidden>...)` is
masked, its surroundings stay.
"""

from __future__ import annotations

import re

from etl.mapping.name_words import ALSO_A_NAME, COMPOUND_SURNAME, NO_SURNAME_ALONE, RARE_SURNAME, SURNAME, read_words

_S = r"[\s\-‐-―−_.·/,、]"
_P = r"[\s\-‐-―−_.·/]"
_DAY_IN_DIGITS = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_HAN = r"[\u3400-\u9fff]"
_UNITS = r"iu|u|[mk]?au|ku|ng|ug|μg|mg|kg|pg|g|ml|dl|l|mm|cm|m|s|h|d|min|copies|cps|[uμnm]?mol|mmhg|kpa|bpm|gy|mci|msv|ev|hu|eq|kcal"
NO_VALUE = rf"(?!\d)(?!\.\d)(?!\s{{0,9}}(?:[%‰°]|[×*x]\s{{0,9}}\d|(?i:{_UNITS})(?![A-Za-z])|拷贝|个|次|例))"
"""Behind a number that is neither cut off nor a value with its unit, nor a count."""
MEASURED_BEFORE = re.compile(
    r"(?i:AFP(?:-L3)?|DNA|RNA|CEA|CA\s?(?:19-?9|125|15-?3)|PIVKA(?:-?II)?|DCP|PSA|异常凝血酶原|甲胎蛋白|铁蛋白|ferritin|载量|拷贝数|定量|titer|PLT|NT-?proBNP)"
    r"\s{0,9}(?:\([^)]{0,8}\))?\s{0,9}[:=≈约为至>≥<≤]{0,2}\s{0,9}$"
)
_CODE = (
    r"(?=(?:[-/ ()]?[A-Za-z0-9]){4})[A-Za-z]{0,4}[-#]?\d[A-Za-z0-9]{0,24}"
    r"(?:[-/]\d[A-Za-z0-9]{0,12}| \d{3,8}[Xx]?(?![\d.%A-Za-z])){0,6}(?:\([A-Za-z0-9]\))?"
)
_NUMERAL = r"[〇零○一二三四五六七八九幺]"
_EXTENSION = r"(?:\s{0,3}(?:转|分机|(?i:ext\.?|x)|#)\s{0,3}:?\s{0,3}\d{1,6})?"
_TO_END = rf"{_HAN}[^,。;；、()\n]{{1,40}}|[A-Za-z0-9][^,。;；\n]{{2,60}}"
_IS = r"\s?(?:号码?|编号|(?i:no\.?|number|id))?[\s:#为是.]{0,3}"


def _split(signs: list[str], sizes: tuple[int, ...]) -> str:
    """Return a pattern of signs in groups of the given sizes, with or without what may stand between groups."""
    parts, start = [], 0
    for size in sizes:
        parts.append("".join(signs[start : start + size]))
        start += size
    return rf"{_S}{{0,3}}".join(parts)


def _write_id(year: list[str], tail: list[str], sizes: tuple[tuple[int, ...], ...]) -> str:
    """Return a pattern of an id: region, date of birth, serial; in usual groups, or in any with one kind of separator that no values have."""
    signs = ["[1-9]", *[_DIGIT] * 5, *year, "[01]", _DIGIT, "[0-3]", _DIGIT, *tail]
    return "|".join([*(_split(signs, size) for size in sizes), f"{_LOOSE}{{0,2}}".join(signs)])


_DIGIT = r"\d"
_CENTURY = ["[12]", "[089]", _DIGIT, _DIGIT]
_LOOSE = r"[-‐-―−_/·]"
_GROUPS_18 = (
    (6, 8, 4),
    (6, 4, 4, 4),
    (6, 4, 2, 2, 4),
    (4, 4, 4, 4, 2),
    (2, 2, 2, 4, 4, 4),
    (6, 8, 3, 1),
    (6, 6, 6),
)
_GROUPS_15 = ((6, 6, 3), (6, 2, 2, 2, 3))

TEN_DIGITS = r"\d(?:[\s\-‐-―−_.·/(),、]{0,3}\d){9}"
# A decimal number such as 0.010000000000000002 is no id card, though it has eighteen digits in a row.
NATIONAL_ID = re.compile(
    r"(?<!\d)(?<!\d\.)(?:\d{17}[\dXx]|\d{0,4}?[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]\d{0,4})(?!\d)"
)
NATIONAL_ID_IN_GROUPS = re.compile(
    rf"(?<![\d.])(?:{_write_id(_CENTURY, [*[_DIGIT] * 3, '[0-9Xx]'], _GROUPS_18)})(?!\d)"
)
OLD_NATIONAL_ID = re.compile(rf"(?<![\d.])(?:{_write_id([_DIGIT] * 2, [_DIGIT] * 3, _GROUPS_15)}){NO_VALUE}")
BANK_CARD = re.compile(rf"(?<![\d.])(?:\d{{16,19}}|6\d{{3}}(?:[ -]\d{{4}}){{3}}(?:[ -]\d{{1,4}})?){NO_VALUE}")
NUMERALS_HINT = rf"{_NUMERAL}{{9}}"
NUMERALS = re.compile(rf"{_NUMERAL}{{9,20}}[Xx]?")
# Eleven digits before copies or IU are a viral load.
MOBILE = re.compile(
    rf"(?<!\d)(?<!\d\.)(?:\(?(?:\+|00)?\s?86\)?{_S}{{0,2}}|0)?"
    rf"(?:1[3-9]\d(?!\s{{1,3}}{_DAY_IN_DIGITS}){_P}{{0,3}}\d{{4}}{_P}{{0,3}}\d{{4}}|1[3-9]\d,\d{{4}},\d{{4}}|1[3-9]\d\d[-\s_]\d{{4}}[-\s_]\d{{3}}|1[3-9]\d[-_]\d{{3}}[-_]\d{{5}}|1[3-9]\d[-\s_]?\d{{3}}[-\s_]\d{{5}}|1(?:[-_ ]\d){{10}})"
    rf"{_EXTENSION}{NO_VALUE}"
)
LANDLINE = re.compile(
    rf"(?<!\d)(?<!\d\.)\(?(?:(?:\+|00)?86\)?{_S}{{0,2}}\(?)?0(?:10|2\d|[3-9]\d{{2}})\)?{_S}{{0,3}}[2-9]\d{{2,3}}{_S}{{0,2}}\d{{4}}{_EXTENSION}{NO_VALUE}"
)
_NO_DATE = r"(?!(?:19|20)\d{2}(?:\D|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)))"
TELEPHONE_HINT = r"(?i:电话|手机|联系方式|传真|座机|致电|tel|phone|mobile|fax|call)"
LABELLED_TELEPHONE = re.compile(
    rf"(?:电话|手机|联系方式|传真|座机|致电|(?i:tel|telephone|phone|mobile|fax|call)\b){_IS}{_NO_DATE}"
    rf"(?P<hidden>\+?\(?\d[\d\-‐-―−\s()]{{4,18}}\d{_EXTENSION}){NO_VALUE}"
)
FOREIGN_TELEPHONE = re.compile(r"(?<![\w+])\+(?!86)[1-9]\d{0,2}[\s-]\(?\d{1,4}\)?(?:[\s-]?\d{2,4}){2,3}(?!\d)")
_DOCUMENTS = (
    r"护照|通行证|回乡证|返乡证|台胞证|港澳证|居留证|居住证|居留许可|永居证|身份证|身份证明|证件|军官证|军人证|士兵证|社保卡?|医保卡?|社会保障卡?|社会保险|"
    r"保险卡?|健康卡|驾驶证|驾照|学生证|工作证|残疾证|户口簿|银行卡|卡号|尾号|账号|帐号|证号|工号|学号|二维码|条形码|"
    r"(?i:passport|permit|id card|identity card|national id|ssn|social security|insurance|bank card|bank account|account|qr code)"
)
DOCUMENT_HINT = _DOCUMENTS
LABELLED_DOCUMENT = re.compile(rf"(?:{_DOCUMENTS}){_IS}(?:{_HAN}字第?\s?)?(?P<hidden>{_CODE})")
HONG_KONG_CARD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,2}\d{6}\([\dAa]\)")
WHOLE_CELL = re.compile(
    r"\A\s*(?P<hidden>[HM]\d{8}(?:\d{2})?|[A-Z]{1,2}\d{6}\(?[\dA]\)?|[A-Z][12]\d{8}|[A-Z]{1,2}\d{7,8}|[A-Z]{3}\d{12})\s*\Z"
)
PLATE_HINT = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]"
PLATE = re.compile(rf"{PLATE_HINT}[·\s]?(?=[A-Z]{{0,2}}\d)[A-Z0-9]{{5,6}}(?![A-Za-z0-9])")
_NUMBERS = (
    r"住院号|住院病案号|住院编号|病案号|病案编号|病历号|病历编号|门诊号|急诊号|就诊号|就诊卡号?|登记号|病理号|病理编号|影像号|检查号|标本号|标本编号|样本号|样本编号|"
    r"条码号?|标签号|检验号|化验号|档案号|档案编号|随访号|随访编号|试验编号|登记编号|放射号|超声号|CT号|MRI?号|X线号|片号|患者编?号|病人编?号|受试者编?号|研究编号|入组编?号|筛选号|随机号|体检号|"
    r"(?i:\bmrn|medical record|hospital|patient|record|accession|pathology|specimen|subject|case)(?=\s?(?i:no\b|number|id\b|#|n:))"
)
NUMBER_HINT = (
    r"号|(?:条码|就诊卡)|(?i:mrn|medical record|hospital|patient|record|accession|pathology|specimen|subject|case)"
)
_SHORT_CODE = r"[A-Za-z]{0,5}[-#]?\d[A-Za-z0-9]{0,20}(?:[-/_]\d[A-Za-z0-9]{0,12}){0,4}"
LABELLED_NUMBER = re.compile(rf"(?:{_NUMBERS}|(?<![A-Za-z])MRN){_IS}(?P<hidden>{_SHORT_CODE}|{_NUMERAL}{{3,20}})")
BARE_ID = re.compile(rf"(?<![A-Za-z0-9])I[Dd](?:号码?)?\s?[:#]?\s?(?P<hidden>{_SHORT_CODE}){NO_VALUE}")
MAIL = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}\s{0,2}(?:@|(?i:\(at\)|\[at\]))\s{0,2}(?:[A-Za-z0-9-]{1,63}\s?(?:[.。]|(?i:\(dot\)|\[dot\]))){1,4}[A-Za-z]{2,10}"
    r"|(?i:e-?mail|邮箱|邮件)\s?[:为是]?\s?(?P<hidden>[A-Za-z0-9._-]{2,40}\s(?i:at)\s[A-Za-z0-9-]{1,40}(?:\.|\s(?i:dot)\s)[A-Za-z.]{2,20})"
)
LINK = re.compile(r"(?i:https?://|ftp://|www\.)(?=[^\s]{0,200}\d)[^\s,。;；、<>\"')\u3400-\u9fff]{3,200}")
ACCOUNT_HINT = r"(?i:微信|v信|wechat|weixin|wx|vx|qq|扣扣)"
WECHAT = re.compile(
    r"(?:(?i:微信|v信|wechat|weixin)|(?<![A-Za-z])(?i:wx|vx))(?:\s?(?i:号码?|id|no\.?)?\s?[:为是]\s{0,2}|(?i:号码?|\s?id)\s?|\s?)"
    r"(?P<hidden>(?<=[:号为是dD\s])(?<!信 )[A-Za-z][A-Za-z0-9_-]{4,30}|(?=[A-Za-z-]{0,20}[\d_])[A-Za-z][A-Za-z0-9_-]{4,30}|\d{5,14})|wxid_[A-Za-z0-9_]{4,24}"
)
QQ = re.compile(r"(?:(?<![A-Za-z])(?i:qq)|扣扣)\s?(?:号码?|群)?[\s:为是]{0,3}(?P<hidden>\d{5,12})(?!\d)")
BIRTH_HINT = r"生|(?i:birth|born|dob)"
_DAY = r"(?:1[0-2]|0?[1-9])\s?[月./-]\s?(?:3[01]|[12]\d|0?[1-9])\s?[日号]?|(?:1[0-2]|0?[1-9])\s?月(?!\d)"
_HAN_DAY = r"[一二三四五六七八九十]{1,3}月[一二三四五六七八九十]{1,3}[日号]"
BIRTH_BEFORE_WORD = re.compile(
    rf"(?:(?:18|19|20)\d{{2}}\s?[年./-]\s?|{_NUMERAL}{{4}}年)(?P<hidden>{_DAY}|{_HAN_DAY})(?=\s?(?:出生|生(?![化理长命存物活效成育病])|(?i:born)))"
)
_BIRTHDAY = r"(?:生日|(?i:birthday))\s?[:为是]?\s?"
_BORN = r"(?:出生日期|出生年月日?|出生时间|出生于|出生|生于|生日|(?i:date of birth|birth\s?date|birthday|d\.?o\.?b\.?|born(?: on)?))\s?[:为是]?\s?"
BIRTH_BEHIND_LABEL = re.compile(
    rf"{_BORN}(?:(?:18|19|20)\d{{2}}\s?[年./-]?\s?|{_NUMERAL}{{4}}年)(?P<hidden>{_DAY}|{_HAN_DAY}|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d))"
)
BIRTH_DAY_FIRST = re.compile(
    rf"{_BORN}(?P<hidden>\d{{1,2}}[\s./-](?:\d{{1,2}}|[A-Za-z]{{3,9}})|[A-Za-z]{{3,9}}\.?\s\d{{1,2}})[\s./,-]{{1,2}}(?:18|19|20)\d{{2}}"
    rf"|{_BIRTHDAY}(?P<day>{_DAY}|{_HAN_DAY})"
)
ADDRESS_HINT = r"[路街巷弄村庄栋幢室单镇乡县区址住籍户]|(?i:address)|Street|Road|Lane|Avenue|Drive|Boulevard"
_NO_PLACE = r"(?![\u3400-\u9fff]{0,6}(?:[院病医科]|中心))"
_WORD = r"(?:(?![院病医科段叶])[\u3400-\u9fff])"
_LIVING = r"(?:(?:家庭|家|现|原|居|暂)?住(?:在|于|址)?|来自|位于|地处|址)?"
_TOWN = r"(?:镇(?![痛静吐咳定惊])|乡|街道|村)"
_NUMBERED = r"\d{1,5}(?:[-－]\d{1,4})?"
_HOUSE = rf"(?:{_NUMBERED}\s?(?:号楼?|弄|栋|幢|座|单元|楼|层|室|房|户|组|队|门)(?:之{_NUMBERED})?|[东西南北][区院楼]|[A-Z]座)"
_LANE = rf"{_WORD}{{1,8}}(?<![尿通回胆径思线气旁套])(?:路|街|巷|弄|胡同|大道|大街)(?:[东西南北中]段?)?"
ADDRESSES = (
    # 现住, 家住, 住址: all up to the next comma
    re.compile(
        rf"(?:家庭住址|家庭地址|住址|地址|现住址?|家住|户籍地?|户口所?在?地|居住于|居住地|住于|住在|(?i:\baddress)(?=\s?:))\s?[:为是]?\s?(?P<hidden>(?!院|址)(?:{_TO_END}))"
    ),
    # a province or town, then a county, then what is smaller
    re.compile(
        rf"{_LIVING}(?P<hidden>{_WORD}{{2,7}}?(?:(?:省|自治区|市|自治州|盟|县){_WORD}{{1,6}}?(?:县|区|旗|{_TOWN})|区{_WORD}{{1,6}}?{_TOWN}){_NO_PLACE}"
        rf"(?:{_WORD}{{1,8}}?(?:{_TOWN}|社区|小区|组|屯|庄|路|街|巷)){{0,4}}(?:{_HOUSE}){{0,5}})"
    ),
    # a street with a house number
    re.compile(rf"{_LIVING}(?P<hidden>{_LANE}{_NUMBERED}\s?号(?!\s?(?:接头|引流|支架|针|线))(?:{_WORD}{{0,6}}(?:小区|花园|院|大院))?(?:{_HOUSE}){{0,5}})"),
    # a village with its group, or a house of several parts
    re.compile(rf"{_LIVING}(?P<hidden>{_WORD}{{1,8}}(?:村|庄|屯)(?:委会)?(?:{_HOUSE}|[一二三四五六七八九十]{{1,3}}[组队社]){{1,3}})"),
    re.compile(rf"{_LIVING}(?P<hidden>(?:{_WORD}{{0,8}}(?:花园|小区|新村|公寓|家园|苑|大厦))?(?:{_NUMBERED}\s?(?:栋|幢|号楼)|{_NUMBERED}\s?单元(?=\s?\d{{3,4}}(?:室|$|[,。;；、)]))|{_NUMBERED}弄(?=\d))\s?(?:{_HOUSE}\s?){{0,3}}(?:\d{{2,5}}(?!\d|\s?[a-zA-Z%]))?)"),
    re.compile(r"(?<![\d.第])\d{2,5}(?:室|房间)(?![性壁间上速早颤管])"),
    re.compile(
        r"(?:(?:Flat|Room|Unit|Apt\.?|Apartment|No\.?)\s?\d{1,5}[A-Z]?,?\s)?(?<![\d.])\d{1,5}[A-Z]?,?\s(?:[A-Z][a-z]{1,20}\s){1,4}"
        r"(?:Street|Road|Lane|Avenue|Drive|Boulevard)\b(?:,\s[A-Z][a-z]{1,20}){0,3}"
    ),
)  # fmt: skip
BED = re.compile(
    r"(?:床号|床位号?|病床)\s?[:#为是]?\s?(?P<hidden>[A-Za-z]?\+?\d{1,4}\+?[A-Za-z]?)|(?:(?i:\bbed\s?(?:no\.?|number|#))\s?:?\s?)\d{1,4}|\bBed\s\d{1,3}(?![\d.]|\s?[cm]m)"
    r"|(?<![\d.])(?:\d{1,3}(?:病区|病房|[楼区科])\s?)?\+?\d{1,3}\s?号?床(?![旁边头上尾日天位])"
)
EMPLOYER_HINT = r"单位|就职|任职|供职|受雇|[厂公司学团局所矿店队行社校]|(?i:employ|works? )"
EMPLOYER = re.compile(
    rf"(?:工作单位|单位名称|就职于|任职于|供职于|受雇于|(?i:employer|employed by|works? (?:at|for)))\s?[:为是]?\s?(?P<hidden>{_TO_END})"
    rf"|单位\s?:\s?(?P<institute>{_HAN}{{1,18}}?(?:厂|公司|集团|学校|[小中大]学|局|研究所|矿|店|部队|银行|合作社|委会))"
    rf"|在(?P<place>{_HAN}{{1,18}}?(?:厂|公司|集团|学校|[小中大]学|局|研究所|矿|店|部队|银行|合作社))(?=上班|工作|任教|就读|务工|打工|任职)"
)


def make_name_patterns(surnames: str) -> list[tuple[str, re.Pattern[str]]]:
    """Return hints and patterns of people's names where a title, a label or a relative says that it is one."""
    common = "".join(sorted({*read_words(SURNAME), *surnames}))
    alone = "".join(sorted({*common} - {*read_words(NO_SURNAME_ALONE)}))
    two = "|".join(sorted(read_words(COMPOUND_SURNAME)))
    name, whole = rf"(?:{two}|[{common}])", rf"(?:{two}|[{common}]){_HAN}{{1,2}}"
    any_name = rf"(?:{two}|[{common}{''.join(sorted(read_words(RARE_SURNAME)))}])"
    # Surnames that only this delivery has, and that begin no word: behind a title or a relative nothing else need tell that they are names.
    of_words = {word[0] for word in read_words(ALSO_A_NAME)}
    own = "".join(sorted({*surnames} - {*read_words(SURNAME)} - of_words)) or "\x00"
    begin = r"(?:^|(?<=[^\u3400-\u9fff])|(?<=[由请经与和及遵据随找让者]))"
    titles = "先生|女士|同志|小姐|太太|阿姨|大爷|大妈|大叔|师傅|老师"
    staff = "(?:副?主任|主治|住院|责任|主管)?(?:医师|医生|大夫|教授|主任|护士|药师|技师)"
    people = (
        r"医师|医生|大夫|护士长?|技师|药师|术者|主刀|[一二]助|助手|麻醉师|审核[人者]|报告[人者]|记录[人者]|检查[人者]|随访(?:人员?|者)|录入[人员者]|填表人|"
        r"签名|签字|联系人|家属姓名|监护人|委托人|代诉人|陪护人?|病史陈述者"
    )
    of = r"(?:其|患者|病人)(?:[长次大小幼])?[父母子女妻夫兄弟姐妹孙媳]|儿子|女儿|儿媳|女婿|妻子|丈夫|爱人|老伴|配偶|父亲|母亲|哥哥|弟弟|姐姐|妹妹|孙子|孙女|侄子"
    beside = r"陪|代诉|代述|签|来电|来院|要求|电话|诉说|提供|述"
    doing = r"查房|会诊|主刀|手术|签|阅|看|说|嘱|指示|建议|告知|同意|意见|医师|主任|护士"
    return [
        (titles, re.compile(rf"(?P<hidden>{name}{_HAN}{{0,2}}?)(?={titles})")),
        ("某", re.compile(rf"(?P<hidden>{name}某{{1,3}})(?![院医种些个日次年月处部科地市省县天段时药])")),
        ("医师|医生|大夫|教授|主任|护士|药师|技师", re.compile(rf"{begin}(?P<hidden>(?:{two}|[{alone}])|{whole})(?={staff})")),
        (
            ":|：|\\s|医|护|主任|教授|家属",
            re.compile(
                rf"(?:{people})(?:\s?:\s?|\s{{1,2}})(?P<hidden>{any_name}{_HAN}{{1,3}}?|{_HAN}{{1,2}}某{{1,2}})(?=[^\u3400-\u9fff]|$|{doing})"
                rf"|(?:医师|医生|大夫|主任|教授|护士长?)(?:(?P<other>{whole})(?={doing})|(?P<last>[{alone}]{_HAN}{{1,2}})(?=[^\u3400-\u9fff]|$))|家属(?P<kin>[{alone}]{_HAN}{{1,2}})(?=签|陪|代)"
            ),
        ),
        ("姓名|名字", re.compile(rf"(?:姓名|名字)(?:\s?[:为是]\s?(?P<hidden>{_HAN}[\u3400-\u9fff·]{{1,7}})|(?:\s?[:为是]\s?|\s)(?P<other>{any_name}{_HAN}{{1,3}}(?!{_HAN})|[A-Z][A-Za-z'-]+(?:[\s,]+[A-Z][A-Za-z'-]+){{0,2}}))")),
        (of.replace("(?:[长次大小幼])?", "[长次大小幼]?"), re.compile(rf"(?:{of})(?P<hidden>{name}{_HAN}{{1,2}}?)(?={beside})")),
        (f"[{own}]", re.compile(
            rf"(?:{of}|{people}|{staff}|家属|介绍人|陪人)(?P<hidden>[{own}](?:{_HAN}{{1,2}}?(?=[^\u3400-\u9fff]|$|{beside}|{doing})|{_HAN}))"
            rf"|[小老阿](?P<other>[{own}])(?!{_HAN})"
        )),
        (r"(?i:son|daughter|wife|husband|father|mother|brother|sister)\s", re.compile(
            r"\b(?:son|daughter|wife|husband|father|mother|brother|sister)\s{1,2}(?P<hidden>[A-Z][a-z]{1,20}\s[A-Z][a-z]{1,20})\b"
        )),
        ("患者|病人|病员", re.compile(rf"(?:患者|病人|病员)(?P<hidden>{whole})(?=[,、\s]{{0,2}}[男女](?:性|[,、\s]|$))")),
        ("Mr|Mrs|Ms|Miss|Mdm|Dr|Prof", re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mdm|Dr|Prof)\b\.?\s{1,2}(?P<hidden>[A-Z][A-Za-z'-]+(?:\s[A-Z][A-Za-z'-]+){0,2})")),
    ]  # fmt: skip
