"""Portal vein tumour thrombus: the radiologist's words in, Cheng's type out (None: not readable, the hospital is asked)."""

import csv
from pathlib import Path

import polars as pl
import pytest

from schemas.definitions.veins import compute_vein_reading

CASES = Path(__file__).parents[3] / "shared" / "cases" / "portal_vein.csv"
OUTSIDE = list(csv.DictReader(CASES.read_text(encoding="utf-8").splitlines())) if CASES.exists() else []

READINGS = {
    "IV": [
        "SMV癌栓，门静脉主干可疑癌栓",
        "SMV癌栓，肠系膜静脉可疑癌栓",
        "肠系膜静脉癌栓，程氏Ⅳ型",
        "门静脉主干癌栓延伸至脾静脉及肠系膜上静脉近端",
        "Ⅳa型",
        "程氏Ⅳ型",
        "肠系膜上静脉癌栓",
        "门静脉主干、肠系膜上静脉癌栓",
        "IV",
        "SMV thrombus",
        "superior mesenteric vein",
        "tumor thrombus in the main portal vein, extending to SMV",
    ],
    "III": [
        "门静脉癌栓(主干及左右支)",
        "MPV癌栓",
        "门脉干癌栓",
        "门静脉主干末端及分叉处、左右支癌栓",
        "门静脉主干癌栓，右支可疑癌栓",
        "门静脉主干癌栓（Vp4）",
        "癌栓由右支延伸至主干，未达肠系膜上静脉",
        "门静脉癌栓Ⅲb型",
        "门静脉癌栓：左支，主干",
        "Tumor thrombus in the main, right and left portal veins",
        "门静脉主干癌栓",
        "门静脉主干及左支癌栓",
        "门静脉右支及主干",
        "Ⅲ型",
        "main portal vein thrombus",
        "程氏III型",
        "门静脉主干、左支、右支癌栓",
        "PVTT type 3",
        "门静脉左支及主干部分",
        "main",
        "门静脉主干增宽伴癌栓",
        "门静脉主干受侵",
        "右支癌栓延伸至主干",
        "thrombus extending from the left portal vein to the main trunk",
        "门静脉主干癌栓及血栓形成",
    ],
    "II": [
        "肝右叶内低密度影，门静脉右支癌栓",
        "门静脉右支癌栓，伴血栓形成",
        "门静脉右支癌栓，肝右叶占位，考虑肝细胞癌",
        "门静脉右支充盈缺损，考虑癌栓",
        "右支癌栓余未见癌栓",
        "门静脉右支见癌栓其余未见癌栓",
        "门静脉右支癌栓余通畅",
        "门静脉右支癌栓累及其余分支",
        "门静脉右支癌栓未见其余分支癌栓",
        "门静脉右支癌栓，余分支见癌栓",
        "余通畅）右支癌栓",
        "VP3型门静脉癌栓",
        "门静脉右支癌栓，其余分支见癌栓，余门静脉未见癌栓",
        "门静脉左支（矢状部）癌栓",
        "门静脉左支（LPV）癌栓，门静脉主干（MPV）未见癌栓",
        "VP3，肠系膜静脉通畅",
        "门静脉左支未见癌栓，程氏Ⅱ型",
        "门静脉主干未见癌栓，程氏Ⅱ型",
        "门静脉右支癌栓，程氏Ⅳb型",
        "Ⅱ型门静脉癌栓",
        "右肝巨块型肝癌并门静脉右支癌栓、肝内转移",
        "主干阴性，左支阳性",
        "IVC(-)，PV右支(+)",
        "主干-，左支+，右支-",
        "左支（-） 右支（+） 主干（-）",
        "RPV",
        "LPV癌栓，MPV(-)",
        "程氏分型：Ⅱ型，主干未受累",
        "Vp3",
        "左支：有，右支：无，主干：无",
        "门静脉右支癌栓，左支可疑癌栓",
        "门静脉右支癌栓，余门静脉通畅",
        "门静脉右支癌栓，其余分支未见癌栓",
        "门静脉右支闭塞，其内见癌栓",
        "门静脉右支癌栓，管腔闭塞",
        "门静脉右支癌栓较前缩小",
        "门静脉右支癌栓未见明显变化",
        "1. 肝癌；2. 门静脉右支癌栓；3. 脾大",
        "无动静脉瘘，门静脉右支",
        "main trunk patent, right portal vein",
        "门静脉左支癌栓形成",
        "门静脉右支",
        "门静脉主干未见癌栓，右支癌栓形成",
        "PVTT II型",
        "right portal vein tumour thrombus",
        "left and right portal vein",
        "main trunk patent; left branch thrombus",
        "门脉左右支癌栓",
        "门静脉癌栓（右支）",
        "门静脉右支、右前支癌栓",
        "门静脉主干内径14mm，右支癌栓",
        "Tumor thrombus in right branch of portal vein",
        "左支、右前支",
        "right posterior sectoral branch, left portal vein",
        "no thrombus in main trunk but thrombus in left branch",
        "门静脉右支受累，肝右静脉癌栓",
        "bilateral portal veins",
        "left/right portal vein",
        "门静脉左、右支",
        "癌栓位于门静脉右支",
        "门静脉右支癌栓，未累及主干",
        "左支",
        "门静脉主干增宽，右支癌栓",
        "门静脉主干显影良好，左支癌栓",
        "门静脉主干正常，右支癌栓形成",
        "门静脉主干海绵样变性，右支癌栓",
        "main portal vein normal, right portal vein thrombus",
        "left portal vein thrombus; main portal vein dilated",
        "门静脉右支癌栓未累及主干",
        "门静脉右支癌栓形成，未达主干",
        "门静脉一级分支癌栓",
        "门静脉癌栓（Ⅱ型）",
        "thrombus in left portal vein not extending to main trunk",
        "门静脉右支充盈缺损未累及主干",
        "filling defect in left portal vein not extending to main trunk",
        "tumour thrombus of the right branch, which does not reach the main trunk",
        "left portal vein thrombosis without involvement of the main trunk",
    ],
    "I": [
        "门静脉主干及左右支未见癌栓，程氏Ⅰ型",
        "Vp1",
        "Vp2",
        "程氏Ⅰb型",
        "门静脉右支部分分支癌栓",
        "门静脉左支矢状部未见癌栓，左外支癌栓",
        "Tumor in vein: segment 6/7 portal branches",
        "门静脉右前支癌栓",
        "门静脉分支癌栓",
        "段支癌栓",
        "segmental branch",
        "right anterior branch",
        "门静脉右支分支癌栓",
        "门静脉二级分支",
        "右后支",
        "门静脉左内支",
        "segment 8 branch",
        "branch of the portal vein",
        "Right anterior portal branch",
        "右支分支",
        "左外叶段支",
        "门静脉右前及右后支癌栓",
        "右前、后支癌栓",
        "PVTT I型",
        "程氏Ⅰ型",
        "PVTT type 1",
    ],
    "0": [
        "门静脉右支未见癌栓或血栓",
        "门静脉未见血栓或癌栓形成",
        "门静脉未见癌栓/血栓",
        "no tumor thrombus or bland thrombus in portal vein",
        "门静脉主干（MPV）未见癌栓",
        "门静脉（主干及左右支）未见癌栓",
        "门静脉主干（直径14mm）未见癌栓",
        "未见主干癌栓或右支癌栓",
        "未见主干及（右支）癌栓",
        "未见门静脉（）癌栓",
        "门静脉（主干或右支）未见癌栓",
        "门静脉未见癌栓余未见异常",
        "未见癌栓，及右支",
        "no main portal vein thrombus or left branch thrombus",
        "no thrombus in the main trunk, left branch, and right branch",
        "门静脉主干通畅无癌栓",
        "portal vein patent without thrombus",
        "门静脉未见癌栓，门静脉右支旁可疑肿大淋巴结",
        "门静脉主干及汇合部未见癌栓",
        "无明显门静脉癌栓",
        "暂未见门静脉癌栓",
        "VP0",
        "PV(-)",
        "癌栓（-）",
        "门静脉、肝静脉及下腔静脉显示清晰，未见异常",
        "主干，左支，右支均未见癌栓",
        "门静脉主干，左支及右支通畅",
        "no thrombus in the main trunk, left branch, or right branch",
        "Main, right and left portal veins are patent",
        "门静脉左支、右支及主干未见癌栓",
        "No macrovascular invasion",
        "无",
        "未见癌栓",
        "门静脉未见癌栓",
        "No PVTT",
        "None",
        "门静脉通畅",
        "门静脉主干及右支未见癌栓",
        "肝S8病灶，门静脉未见癌栓",
        "segment 8 lesion, no PVTT",
        "right lobe tumour; no portal vein thrombus",
        "肝右静脉癌栓，门静脉未见癌栓",
        "门静脉 未见癌栓",
        "门静脉主干受压，未见癌栓",
        "门静脉主干扩张，未见充盈缺损",
        "门静脉主干及左右支显示清晰",
        "main portal vein compressed, no thrombus",
        "门静脉癌栓：无",
        "癌栓未见",
        "PVTT: none",
        "门静脉癌栓（-）",
        "门静脉主干未见癌栓及血栓",
        "门静脉主干内径14mm，未见充盈缺损",
        "门静脉未见癌栓，门静脉主干旁见肿大淋巴结",
        "门静脉主干、左右支走行自然，未见充盈缺损",
        "main portal vein 14 mm, no filling defect",
        "肿瘤紧邻门静脉左支，未见癌栓",
    ],
    None: [
        "门静脉右支癌栓或血栓",
        "门静脉右支癌栓/血栓",
        "门静脉右支血栓/癌栓形成",
        "门静脉右支栓子，癌栓或血栓",
        "right portal vein bland or tumor thrombus",
        "门静脉右支一级分支癌栓",
        "tumour thrombus right branch, no longer seen",
        "门静脉右支癌栓，较前消退",
        "门静脉右支充盈缺损，考虑血栓",
        "门静脉右支充盈缺损，考虑为伪影",
        "门静脉右支内低密度影",
        "门静脉右支未见癌栓余见癌栓",
        "门静脉右支未见癌栓，余见癌栓",
        "门静脉主干未见癌栓，余分支见癌栓",
        "门静脉右前支癌栓，其余分支见癌栓",
        "门静脉主干，左支通畅右支增宽",
        "门静脉通畅）右支",
        "未见其余分支癌栓",
        "门静脉左支未见余未见癌栓",
        "通畅余未见癌栓",
        "见癌栓余通畅",
        "门静脉右支通畅（+）",
        "门静脉右支未见癌栓（+）",
        "门静脉右支不无癌栓",
        "门静脉右支未见无癌栓",
        "门静脉右支 分支癌栓",
        "门静脉主干，增宽",
        "门静脉右支，受压变窄",
        "门静脉右支，闭塞",
        "门静脉主干不通畅",
        "门静脉主干未见癌栓，程氏Ⅲ型",
        "门静脉未见癌栓，程氏Ⅰ型",
        "门静脉左右支未见癌栓，程氏Ⅱ型",
        "左支未见癌栓，右支未见癌栓，程氏Ⅱ型",
        "right portal vein patent, left portal vein patent, VP3",
        "门静脉未见癌栓，右支旁见癌栓",
        "门静脉主干（可疑）癌栓",
        "肠系膜静脉通畅",
        "肠系膜静脉未见癌栓",
        "脾静脉与肠系膜上静脉汇合部未见癌栓",
        "splenomesenteric confluence patent",
        "右前支未见癌栓",
        "门静脉左支及主干未见癌栓，肠系膜静脉可疑癌栓",
        "门静脉右支未见显影",
        "门静脉右支显影欠佳",
        "门静脉右支未除外癌栓",
        "门静脉左右支分叉处癌栓",
        "门静脉右支癌栓，主干可疑癌栓",
        "门静脉右支癌栓，待排",
        "门静脉右支癌栓，目前存疑",
        "门静脉癌栓：有",
        "Vp2-3",
        "Ⅱ-Ⅲ型",
        "程氏Ⅰ0型",
        "门静脉右支癌栓（程氏Ⅲ型）",
        "门静脉左右支癌栓（Vp4）",
        "程氏Ⅳb型",
        "门静脉未见癌栓，右支癌栓",
        "门静脉右支癌栓，右支未见癌栓",
        "门静脉右支，主干通畅",
        "门静脉主干，右支未见癌栓",
        "未见主干癌栓右支癌栓",
        "主干未见癌栓及右支癌栓",
        "未累及主干的右支癌栓",
        "门静脉右支闭塞",
        "门静脉右支内见软组织密度影",
        "肠系膜静脉癌栓",
        "下腔静脉癌栓",
        "胆管癌栓",
        "脾静脉癌栓",
        "肠系膜上静脉通畅",
        "門靜脈右支無癌栓",
        "门静脉右支冇癌栓",
        "门静脉右支栓塞术后",
        "Filling defect in the right portal vein, cannot exclude tumour thrombus",
        "main portal vein thrombus, bland",
        "1",
        "2",
        "门静脉主干未见癌栓，左支",
        "门静脉主干内径14mm",
        "见报告",
        "",
        "不详",
        "门静脉癌栓",
        "VP4",
        "门静脉主干无癌栓 右支癌栓",
        "门静脉主干无法评估",
        "门静脉显示不清",
        "可疑右支癌栓",
        "PVTT: right",
        "not assessed",
        "门静脉右支主干癌栓",
        "门静脉主干受压变窄",
        "门静脉主干癌栓消失",
        "门静脉癌栓，未累及主干",
        "癌栓形成，主干通畅",
        "PVTT present, main trunk patent",
        "门静脉主干癌栓可能",
        "主干癌栓？",
        "门静脉主干癌栓与血栓鉴别",
        "门静脉主干血栓",
        "门静脉主干血栓，右支癌栓形成",
        "bland thrombus in main portal vein",
        "likely thrombus in main portal vein",
        "主干癌栓已取出",
        "术后门静脉主干支架",
    ],
}


def read_type(text):
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    return frame.select(compute_vein_reading(pl.col("text"))).item()["pvtt_text_type"]


@pytest.mark.parametrize(("text", "expected"), [(text, code) for code, texts in READINGS.items() for text in texts])
def test_pvtt_type_of_a_description(text, expected):
    assert read_type(text) == expected


@pytest.mark.skipif(not OUTSIDE, reason="no ../shared/cases beside the project")
@pytest.mark.parametrize("case", OUTSIDE, ids=[case["text"] for case in OUTSIDE])
def test_a_case_from_outside_is_read_right(case):
    assert (read_type(case["text"]) or "ask") in case["right"].split(" or ")


def test_no_description_is_unknown():
    assert read_type(None) is None


@pytest.mark.parametrize("order", [("门静脉主干", "右支"), ("右支", "门静脉主干")])
def test_of_several_sites_the_highest_counts_in_any_order(order):
    assert read_type("、".join(order) + "癌栓") == "III"


@pytest.mark.parametrize("word", ["岀", "冇", "諸", "foo", "@"])
@pytest.mark.parametrize("text", ["门静脉右支{}癌栓", "右支{}未见癌栓", "{}主干通畅", "right portal vein {} thrombus"])
def test_a_word_that_is_not_known_is_never_read_over(word, text):
    """It may be a negation."""
    assert read_type(text.format(word)) is None


@pytest.mark.parametrize(
    "text",
    ["门静脉右支癌栓", "门静脉右支内见充盈缺损", "门静脉右支受侵", "癌栓累及门静脉右支", "right portal vein tumour thrombus", "thrombus in the right portal vein"],
)  # fmt: skip
@pytest.mark.parametrize(
    "word", ["未见", "未", "无", "不", "非", "没有", "可疑", "？", "待排", "(-)", "莫", "假性", " no ", " not "]
)
def test_no_denial_or_doubt_is_read_over_wherever_it_stands(text, word):
    places = [i for i in range(len(text) + 1) if not text[max(i - 1, 0) : i + 1].isalpha() or not text.isascii()]
    changed = [text[:i] + word + text[i:] for i in places]
    assert [one for one in changed if read_type(one) == "II"] == []


WRITTEN = {
    "0": ["0"], "I": ["I", "i", "Ⅰ", "1", "一"], "II": ["II", "ii", "Ⅱ", "2", "二"], "III": ["III", "iii", "Ⅲ", "3", "三"],
    "IV": ["IV", "iv", "Ⅳ", "4", "四"],
}  # fmt: skip


@pytest.mark.parametrize("text", ["程氏{}型", "PVTT {}型", "癌栓分型：{}", "PVTT type {}"])
@pytest.mark.parametrize(("expected", "numeral"), [(code, one) for code, all_ in WRITTEN.items() for one in all_])
def test_a_stated_type_in_every_way_of_writing_its_number(text, expected, numeral):
    assert read_type(text.format(numeral)) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("VP0", "0"), ("VP1", "I"), ("VP2", "I"), ("VP3", "II"), ("VP1-2", "I"), ("VP2-3", None), ("VP3-4", None), ("VP4", None)],
)  # fmt: skip
def test_the_japanese_classes_and_their_ranges(stated, expected):
    """VP4 is the main trunk or the branch of the other side."""
    assert read_type(stated) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ⅰ-Ⅱ型", None),
        ("Ⅲ-Ⅳ型，主干癌栓", "III"),
        ("Ⅱ-Ⅲ型，主干癌栓", "III"),
        ("Ⅰ-Ⅱ型，主干癌栓", None),
        ("Ⅲ型，Ⅳ型", None),
    ],
)
def test_a_range_of_types_is_settled_by_a_site_within_it(text, expected):
    assert read_type(text) == expected
