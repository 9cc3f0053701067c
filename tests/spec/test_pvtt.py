"""Portal vein tumour thrombus: the radiologist's words in, Cheng's type out (None: not readable, the hospital is asked)."""

import polars as pl
import pytest

from schemas.definitions.pvtt import compute_pvtt_type

READINGS = {
    "IV": [
        "肠系膜上静脉癌栓",
        "门静脉主干、肠系膜上静脉癌栓",
        "IV",
        "SMV thrombus",
        "superior mesenteric vein",
        "tumor thrombus in the main portal vein, extending to SMV",
    ],
    "III": [
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
        "PVTT I型",
        "程氏Ⅰ型",
        "PVTT type 1",
    ],
    "0": [
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
    ],
    None: [
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
        "RPV",
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


@pytest.mark.parametrize(("text", "expected"), [(text, code) for code, texts in READINGS.items() for text in texts])
def test_pvtt_type_of_a_description(text, expected):
    assert pl.DataFrame({"text": [text]}).select(compute_pvtt_type(pl.col("text"))).item() == expected


def test_no_description_is_unknown():
    frame = pl.DataFrame({"text": [None]}, schema={"text": pl.String})
    assert frame.select(compute_pvtt_type(pl.col("text"))).item() is None


@pytest.mark.parametrize("order", [("门静脉主干", "右支"), ("右支", "门静脉主干")])
def test_of_several_sites_the_highest_counts_in_any_order(order):
    frame = pl.DataFrame({"text": ["、".join(order) + "癌栓"]})
    assert frame.select(compute_pvtt_type(pl.col("text"))).item() == "III"
