"""Layouts, profiles and proposals on small deliveries whose headers stand in no example."""

import random

import polars as pl
import pytest
import xlsxwriter

from etl.delivery.read import read_delivery
from etl.errors import DeliveryError
from etl.onboarding.proposing.draft import draft_mapping
from etl.onboarding.proposing.file_patterns import name_file
from etl.onboarding.proposing.layout import read_layout
from etl.onboarding.proposing.profile import Kind, profile_column, show_values, split_unit
from etl.onboarding.proposing.proposal import LOWEST, SURE


def draft(tmp_path, text, name="data.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return draft_mapping(read_delivery(tmp_path / name), "x")


def propose(tmp_path, header, row):
    """{column: (meaning, unit, confidence)} of a sheet with this header and 20 rows like `row` ({} is the row's number)."""
    lines = [header, *(row.format(n, n % 2, 30 + n % 10) for n in range(20))]
    return {c.column: (c.meaning, c.unit, c.confidence) for c in draft(tmp_path, "\n".join(lines)).columns}


@pytest.mark.parametrize(
    ("header", "value", "meaning"),
    [
        ("登记号", "D{0:05}", "patient_number"), ("Patient-ID", "P{0}", "patient_number"), ("家庭住址", "广州市越秀区{0}号", "identifier"),
        ("Date of Birth", "19{2}-01-02", "patient.birth_date"), ("出生年月日", "19{2}年1月2日", "patient.birth_date"),
        ("性别(1=男,2=女)", "{1}", "patient.sex"), ("PS评分", "{1}", "baseline.ecog_status"), ("PLT(×10^9/L)", "1{2}", "laboratory.value.platelets_10e9_l"),
        ("入院时白蛋白", "{2}.5", "laboratory.value.albumin_g_l"), ("Hepatitis B surface antigen", "阳性", "baseline.hbsag"),
        ("有无肝硬化", "有", "baseline.has_cirrhosis"), ("末次随访时间", "2021/3/{2}", "outcome.last_contact_date"), ("肺转移", "有", "metastasis.organ.lung"),
        ("Tumor diameter [mm]", "{2}", "baseline.tumour_size_cm"), ("Albumine", "{2}.1", "laboratory.value.albumin_g_l"),
    ],
)  # fmt: skip
def test_headers_of_other_hospitals(tmp_path, header, value, meaning):
    value = value.replace("2021/3/{2}", "2021/3/1")
    quoted = f'"{header}"'
    assert propose(tmp_path, f"{quoted},备注,第三列", f"{value},a{{0}},b{{0}}")[header][0] == meaning


@pytest.mark.parametrize("header", ["编码X", "随机号", "Score", "变量17", "治疗后情况", "Metastasis", "F12"])
def test_nothing_is_proposed_for_what_nobody_can_know(tmp_path, header):
    assert propose(tmp_path, f"住院号,{header},性别", "{0},{2},男")[header] == ("", "", 0.0)


# What Chinese and English hospital systems and registries export beside what the registry asks for.
OTHER_THINGS = [
    "直接胆红素",
    "间接胆红素",
    "前白蛋白",
    "尿微量白蛋白",
    "缺铁修饰性白蛋白",
    "白/球比值",
    "平均血小板体积",
    "血小板体积分布宽度",
    "血小板比容",
    "大血小板比例",
    "甲胎蛋白异质体",
    "糖化血红蛋白",
    "凝血酶原时间测定",
    "凝血酶原活动度",
    "谷酰转肽酶",
    "碱性磷酸酶",
    "乙肝病毒表面抗体",
    "乙肝病毒e抗原",
    "丙肝病毒抗体(化学发光法)",
    "胱抑素C",
    "尿蛋白",
    "胆红素",
    "Child-Pugh评分",
    "CNLC分期",
    "TNM分期",
    "Vp分型",
    "TACE次数",
    "既往TACE史",
    "住院次数",
    "医疗付款方式",
    "入院时间",
    "出院时间",
    "出院诊断1",
    "实际住院天数",
    "住院总费用",
    "主诉",
    "现病史",
    "既往史",
    "家族史",
    "血压",
    "淋巴结(N)",
    "组织学分级",
    "死亡原因",
    "PVTT_VP",
    "CTP_score",
    "PFS_event",
    "Age_at_diagnosis",
    "direct_bilirubin",
    "prealbumin",
    "creatinine_clearance",
    "number_of_TACE",
    "prior_TACE",
    "TNM_stage",
    "HCV",
    "MVI",
    "albi_grade",
    "PIVKA-II",
    "GGT",
]


@pytest.mark.parametrize("header", OTHER_THINGS)
@pytest.mark.parametrize("value", ["{1}", "{2}.5", "2020-03-{2}"])
def test_what_resembles_a_field_is_not_proposed_for_it(tmp_path, header, value):
    value = value.replace("-{2}", "-1{1}")
    assert propose(tmp_path, f'住院号,"{header}",性别', f"{{0}},{value},男")[header][0] in ("", "not_needed")


def test_a_study_s_id_is_no_patient_s_number(tmp_path):
    found = propose(tmp_path, "STUDYID,USUBJID,VISITNUM,RSDTC,RSORRES", "S1,01-{0},{1},2020-03-1{1},SD")
    assert [name for name, (meaning, _, _) in found.items() if meaning == "patient_number"] == ["USUBJID"]


def test_values_that_may_be_somebody_s_are_not_shown(tmp_path):
    """Ten rows a patient: each name occurs ten times, and is still one patient's."""
    names = ["欧阳某", "Smith J", "甲乙", "Garcia L"]
    lines = [
        f"H{n:02},P{n:02},{names[n % 4]}{n},{'红色' if n % 2 else '绿色'},N{n:02},5.{k}"
        for n in range(9)
        for k in range(10)
    ]
    known = draft(tmp_path, "\n".join(["住院号,门诊号,照片,颜色,旧编码,ALT", *lines]))
    unknown = draft(tmp_path, "\n".join(["甲号,乙号,照片,颜色,旧编码,ALT", *lines]))
    seen, hidden = ({c.column: (c.seen, c.codes) for c in found.columns} for found in (known, unknown))
    assert seen["照片"] == ("", {})  # 欧阳某 is written like a name
    assert seen["旧编码"] == ("… +9", {})
    assert (
        seen["住院号"] == seen["门诊号"] == ("", {})
    )  # two numbers may be the patient's: neither is proposed, neither is shown
    assert seen["颜色"][0] == "绿色 (50); … +1"  # four patients are red
    assert hidden["颜色"] == ("… +2", {})  # nobody knows how many patients they are


def write_book(path, **sheets):
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return draft_mapping(read_delivery(path), "x")


def test_what_a_legend_among_the_sheets_says_is_not_guessed(tmp_path):
    rows = [["住院号", "腹水", "F1"], *([f"A{n}", str(n % 3), str(7 + n % 2)] for n in range(30))]
    legend = [["数据说明"], ["表名", "字段", "代码", "含义"], ["基线", "腹水", "0", "无"], ["", "", "1", "少量"], ["", "", "2", "中量"],
              ["", "F1", "7", "男"], ["", "F1", "8", "女"], ["", "F1", "", "性别"]]  # fmt: skip
    found = write_book(tmp_path / "a.xlsx", 基线=rows, 说明=legend)
    assert [s.reason for s in found.sources] == [None, "legend of the codes / 编码说明"]
    codes = {(c.field, c.code): (c.value, c.is_open) for c in found.codes}
    assert codes["ascites", "1"] == ("mild", False)
    assert codes["ascites", "0"] == ("none", False)
    assert codes["sex", "7"] == ("male", False)
    assert {c.column: c.meaning for c in found.columns}["F1"] == "patient.sex"


def test_the_number_that_joins_most_sheets_is_the_patient_s_and_the_other_is_never_shown(tmp_path):
    first = [["登记号", "住院号", "性别"], *([f"A{n}", f"Z{n}", "男"] for n in range(20))]
    second = [["登记号", "ALT(U/L)"], *([f"A{n}", 20 + n] for n in range(20))]
    found = write_book(tmp_path / "a.xlsx", 患者=first, 检验=second)
    meanings = {(c.source, c.column): (c.meaning, c.is_open) for c in found.columns}
    assert meanings["patient", "登记号"] == ("patient_number", False)
    assert meanings["patient", "住院号"] == ("identifier", False)
    alone = write_book(tmp_path / "b.xlsx", 患者=first)
    assert {c.column: c.meaning for c in alone.columns} == {"登记号": "", "住院号": "", "性别": "patient.sex"}


def test_names_of_physicians_are_not_shown(tmp_path):
    lines = [f"{n},{['王建国', '李敏', '张伟'][n % 3]},男" for n in range(60)]
    found = draft(tmp_path, "\n".join(["住院号,管理者,性别", *lines]))
    assert {c.column: (c.seen, c.codes) for c in found.columns}["管理者"] == ("", {})


def test_a_drug_is_known_by_its_name_within_the_product_s(tmp_path):
    lines = [f"{n},{['甲磺酸仑伐替尼胶囊', '甲苯磺酸索拉非尼片', '仑伐替尼'][n % 3]},2020-03-01" for n in range(30)]
    found = draft(tmp_path, "\n".join(["住院号,药品名称,开始日期", *lines]))
    codes = {c.code: (c.value, c.is_open) for c in found.codes}
    assert codes["甲磺酸仑伐替尼胶囊"] == ("lenvatinib", True)
    assert codes["甲苯磺酸索拉非尼片"] == ("sorafenib", True)
    assert codes["仑伐替尼"] == ("lenvatinib", False)


def test_mrecist_is_not_taken_for_recist(tmp_path):
    found = draft(tmp_path, "住院号,mRECIST疗效\n" + "\n".join(f"{n},{'PR' if n % 2 else 'SD'}" for n in range(20)))
    (constants,) = [c for c in found.columns if not c.column]
    assert (constants.record, constants.is_open) == ("reader=site;criteria=mrecist", True)


@pytest.mark.parametrize(
    ("header", "value"),
    [("TACE", "{1}"), ("是否复发", "{1}"), ("手术日期", "2020-03-1{1}"), ("Best overall response", "PR")],
)
def test_a_word_of_more_than_one_thing_is_asked_about(tmp_path, header, value):
    meaning, _, confidence = propose(tmp_path, f"住院号,{header},性别", f"{{0}},{value},男")[header]
    assert meaning
    assert LOWEST <= confidence < SURE


def test_several_rows_of_a_visit_may_be_several_readings(tmp_path):
    row = "{0},1,2020-03-01,RECIST,PR"
    head = "住院号,评估次数,评估日期,标准,疗效评价"
    once = draft(tmp_path, "\n".join([head, *(row.format(n) for n in range(20))]))
    twice = draft(tmp_path, "\n".join([head, *(row.format(n // 2) for n in range(40))]))
    assert [c.is_open for c in once.columns if not c.column] == [False]
    assert [c.is_open for c in twice.columns if not c.column] == [True]


def test_values_that_contradict_the_header_stop_a_proposal(tmp_path):
    assert propose(tmp_path, "住院号,出生日期,白蛋白(g/L)", "{0},男,阳性") == {
        "住院号": ("patient_number", "", 0.95), "出生日期": ("", "", 0.0), "白蛋白(g/L)": ("", "", 0.0),
    }  # fmt: skip


def test_a_header_with_two_meanings_is_settled_by_its_values(tmp_path):
    number = propose(tmp_path, "住院号,肿瘤大小", "{0},{2}.5")
    text = propose(tmp_path, "住院号,肿瘤大小", "{0},{2}*3/4*5")
    assert number["肿瘤大小"][0] != text["肿瘤大小"][0]
    assert text["肿瘤大小"][0] == "baseline.tumour_size_text"


def test_two_columns_for_one_field_leave_it_to_a_person(tmp_path):
    found = propose(tmp_path, "住院号,体重,Weight", "{0},6{1},6{1}")
    assert found["体重"][0] == found["Weight"][0] == ""


def test_identifiers_are_told_by_their_values_whatever_the_header(tmp_path):
    names = [random.Random(n).choice("王李张刘陈") + chr(0x4E00 + 7 * n) + chr(0x5000 + n) for n in range(40)]
    rows = [f"{n},138{n:08},{name},u{n}@mail.cn" for n, name in enumerate(names)]
    columns = {c.column: c for c in draft(tmp_path, "\n".join(["病案号,A,B,C", *rows])).columns}
    assert [columns[name].meaning for name in "ABC"] == ["identifier"] * 3
    assert [columns[name].seen for name in "ABC"] == ["", "", ""]
    assert [columns[name].codes for name in "ABC"] == [{}, {}, {}]


def test_a_unit_is_taken_as_stated_or_guessed_and_then_open(tmp_path):
    stated = draft(tmp_path, "住院号,白蛋白(g/dL)\n" + "\n".join(f"{n},3.{n % 9}" for n in range(20)), "a.csv").columns[
        1
    ]
    guessed = draft(tmp_path, "住院号,白蛋白\n" + "\n".join(f"{n},3.{n % 9}" for n in range(20)), "b.csv").columns[1]
    unclear = draft(tmp_path, "住院号,总胆红素\n" + "\n".join(f"{n},1{n % 9}" for n in range(20)), "c.csv").columns[1]
    assert (stated.unit, stated.unit_confidence >= SURE) == ("g/dL", True)
    assert (guessed.unit, guessed.unit_confidence >= SURE, guessed.is_open) == ("g/dL", False, True)
    assert (unclear.unit, unclear.unit_confidence, unclear.is_open) == ("", 0.0, True)


def test_one_column_per_visit_is_unpivoted_and_asked_about(tmp_path):
    found = {
        c.column: c
        for c in draft(
            tmp_path,
            "住院号,ALT_0,ALT_1,白蛋白基线(g/L),白蛋白V2(g/L)\n" + "\n".join(f"{n},20,30,38.1,39.2" for n in range(20)),
        ).columns
    }
    assert found["ALT_1"].record == "test=alt_u_l;visit_number=1"
    assert found["白蛋白基线(g/L)"].record == "test=albumin_g_l;visit_number=0"
    assert found["白蛋白V2(g/L)"].record == "test=albumin_g_l;visit_number=2"
    assert found["ALT_0"].is_open


def test_a_redcap_export_with_several_events_asks_which_visit_each_is(tmp_path):
    rows = [f"{n // 3},{('baseline_arm_1', 'month_3_arm_1', 'month_3_arm_2')[n % 3]},{38 + n % 3}" for n in range(24)]
    found = draft(tmp_path, "\n".join(["record_id,redcap_event_name,alb", *rows]))
    assert (found.columns[1].meaning, found.columns[1].is_open) == ("visit_number", False)
    visits = {c.code: (c.value, c.is_open) for c in found.codes if c.field == "visit_number"}
    assert visits == {"baseline_arm_1": ("0", False), "month_3_arm_1": ("1", True), "month_3_arm_2": ("1", True)}


def test_what_a_data_dictionary_says_is_not_guessed(tmp_path):
    head = 'Variable / Field Name,Form Name,Field Type,Field Label,"Choices, Calculations, OR Slider Labels",Field Note,Identifier?'
    lines = [
        "record_id,main,text,登记号,,,", "f1,main,radio,<b>性别</b>,\"7, 男 | 8, 女\",,", "f2,main,text,通讯,,,y", "f3,main,yesno,肝硬化,,,",
        "f4,main,text,白蛋白,,g/dL,", "f5,main,checkbox,转移部位,\"1, 肺 | 2, 骨\",,", "f6,lab,text,采样日期,,,", "f7,lab,text,ALT (U/L),,,",
    ]  # fmt: skip
    rows = [f"{n},,,{7 + n % 2},x{n},{n % 2},3.{n % 9},{n % 2},0,," for n in range(20)]
    rows += [f"{n},lab,1,,,,,,,2020-03-0{1 + n % 9},{20 + n}" for n in range(20)]
    (tmp_path / "dictionary.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    header = "record_id,redcap_repeat_instrument,redcap_repeat_instance,f1,f2,f3,f4,f5___1,f5___2,f6,f7"
    (tmp_path / "export.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    found = draft_mapping(read_delivery(tmp_path), "x")
    columns = {(c.source, c.column): (c.meaning, c.unit, c.is_open) for c in found.columns}
    assert columns["main", "f1"] == ("patient.sex", "", False)
    assert columns["main", "f2"] == ("identifier", "", False)
    assert columns["main", "f3"] == ("baseline.has_cirrhosis", "", False)
    assert columns["main", "f4"] == ("laboratory.value.albumin_g_l", "g/dL", False)
    assert columns["main", "f5___2"] == ("metastasis.organ.bone", "", False)
    assert columns["lab", "f6"] == ("laboratory.sample_date", "", False)
    assert columns["lab", "f7"] == ("laboratory.value.alt_u_l", "U/L", False)
    codes = {(c.field, c.code): (c.value, c.is_open) for c in found.codes}
    assert codes["sex", "7"] == ("male", False)
    assert codes["has_cirrhosis", "1"] == ("true", False)


def test_numbers_mean_what_a_standard_or_the_header_says_and_else_nothing(tmp_path):
    rows = [f"{n},{1 + n % 2},{n % 2},{n % 2},{1 + n % 2}" for n in range(40)]
    codes = {
        (c.field, c.code): (c.value, c.is_open)
        for c in draft(tmp_path, "\n".join(["住院号,性别,肝硬化,是否死亡,腹水(1=无 2=轻度)", *rows])).codes
    }
    assert codes["sex", "1"] == ("male", True)  # a standard's, to be confirmed
    assert codes["has_cirrhosis", "1"] == ("true", False)
    assert codes["vital_status", "1"] == ("dead", True)
    assert codes["ascites", "2"] == ("mild", False)
    unknown = {
        (c.field, c.code): c.value
        for c in draft(tmp_path, "住院号,肝硬化\n" + "\n".join(f"{n},{1 + n % 2}" for n in range(20)), "b.csv").codes
    }
    assert set(unknown.values()) == {""}


def test_the_header_is_found_below_titles_and_comments_and_may_be_absent(tmp_path):
    (tmp_path / "a.csv").write_text(
        "# 住院号说明,x,y\n南方医院肝癌数据,,\n,,\n住院号,性别,年龄\n1,男,50\n2,女,60\n合计,,2\n", encoding="utf-8"
    )
    (source,) = read_layout(read_delivery(tmp_path / "a.csv")).sources
    assert (source.header_row, source.rows.height, source.left_out) == (4, 2, {"totals row / 合计行": 1})
    (tmp_path / "b.csv").write_text("1,0,67\n0,?,62\n1,1,78\n", encoding="utf-8")
    (bare,) = read_layout(read_delivery(tmp_path / "b.csv")).sources
    assert (bare.header_row, bare.columns, bare.rows.height) == (None, ["column 1", "column 2", "column 3"], 3)


def test_a_first_row_of_somebody_s_texts_is_no_header(tmp_path):
    (tmp_path / "a.csv").write_text("张三丰,男,门诊\n李小四,女,住院\n王老五,男,门诊\n", encoding="utf-8")
    (source,) = read_layout(read_delivery(tmp_path / "a.csv")).sources
    assert source.header_row is None
    (tmp_path / "b.csv").write_text("v1,v2,v3\n1,0,67\n2,1,62\n", encoding="utf-8")
    (coded,) = read_layout(read_delivery(tmp_path / "b.csv")).sources
    assert (coded.header_row, coded.columns) == (1, ["v1", "v2", "v3"])


def test_two_files_of_one_kind_are_not_taken_for_one(tmp_path):
    for year in (2021, 2022):
        (tmp_path / f"检验_{year}.csv").write_text(f"住院号,ALT(U/L)\n1,{year - 2000}\n2,30\n", encoding="utf-8")
    assert {s.file for s in read_layout(read_delivery(tmp_path)).sources} == {"检验_2021.csv", "检验_2022.csv"}


@pytest.mark.parametrize("text", ["只有一段说明\n没有数据\n", "a\n"])
def test_a_delivery_without_records_says_so(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DeliveryError, match="holds no sheet with records"):
        read_layout(read_delivery(tmp_path / "a.csv"))


def test_the_next_delivery_s_files_match_the_pattern():
    assert name_file("数据_20221115.xlsx", 3) == "数据_*.xlsx"
    assert name_file("数据_20221115.xlsx", 1) == "*.xlsx"
    assert name_file("2022/labs_2022-11-15.csv", 2) == "labs_*.csv"
    assert name_file("患者.csv", 2) == "患者.csv"


@pytest.mark.parametrize(
    ("header", "stem", "unit"),
    [
        ("白蛋白(g/L)", "白蛋白", "g/L"), ("ALB（g/dl）", "ALB", "g/dL"), ("体重kg", "体重", "kg"), ("tumour_size_mm", "tumour_size", "mm"),
        ("os_months", "os", "month"), ("HBV-DNA(log10 IU/mL)", "HBV-DNA", "log10 IU/mL"), ("AFP [ug/L]", "AFP", "ug/L"),
        ("AFP_ng_ml", "AFP", "ng/mL"), ("alb_g_dl", "alb", "g/dL"), ("总胆红素umol/L", "总胆红素", "umol/L"), ("血小板×10^9/L", "血小板", "10^9/L"),
        ("alarm", "alarm", None), ("program", "program", None), ("BCLC(分期)", "BCLC(分期)", None), ("首剂mg", "首剂", "mg"),
    ],
)  # fmt: skip
def test_units_in_headers(header, stem, unit):
    assert split_unit(header) == (stem, unit)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["2020-03-05", "2021/1/2", "2020年3月5日"], Kind.DATE), (["20200305", "20210102"], Kind.DATE), (["03/05/2020"], Kind.DATE),
        (["1", "2", "12"], Kind.INTEGER), (["1.5", "2"], Kind.NUMBER), ([">1210", "20", "31", "<0.6", "7"], Kind.CENSORED),
        (["男", "女", "男"], Kind.CODE), ([f"text {n}" for n in range(50)], Kind.TEXT), ([None, "", "NA"], Kind.EMPTY), (["+", "-", "+"], Kind.CODE),
    ],
)  # fmt: skip
def test_kinds_of_columns(texts, kind):
    assert profile_column("x", pl.Series(texts, dtype=pl.String), {}).kind == kind


def test_small_counts_are_not_told():
    profile = profile_column("x", pl.Series(["男"] * 7 + ["女"] * 4), {})
    assert show_values(profile) == "男 (7); 女 (<5)"
    ages = profile_column("x", pl.Series([str(20 + n % 40) for n in range(400)]), {})
    assert show_values(ages) == ""


def test_minus_is_a_result_only_beside_plus():
    both = profile_column("HBsAg", pl.Series(["+", "-", "+"]), {})
    alone = profile_column("HBsAg", pl.Series(["-", "-", None]), {})
    assert (both.counts, both.n_filled) == ({"+": 2, "-": 1}, 3)
    assert alone.n_filled == 0


def test_what_is_proposed_is_at_least_as_sure_as_stated(tmp_path):
    found = propose(tmp_path, "住院号,性别,随访,AFP值,体重指数,ECOG评分值", "{0},男,{1},{2},2{1},{1}")
    assert all(confidence == 0.0 or confidence >= LOWEST for _, _, confidence in found.values())
