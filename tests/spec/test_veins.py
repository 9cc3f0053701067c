"""Veins besides the portal vein: what a report affirms, denies or leaves uncertain, each a fact of its own."""

import csv
from pathlib import Path

import polars as pl
import pytest

from schemas.definitions.vein_words import VESSELS, match_words
from schemas.definitions.veins import compute_vein_reading

# Invented reports as radiologists write them, answered by hand; "ask" where a careful reader asks.
REPORTS = list(csv.DictReader(Path(__file__).with_name("vein_reports.csv").read_text(encoding="utf-8").splitlines()))
# vena cava or atrium, hepatic veins, other veins; the portal vein's type last
READINGS = """
| 门静脉右支癌栓，下腔静脉癌栓                 | affirmed  |           |           | II  |
| 门静脉右支癌栓，癌栓延伸至右心房             | affirmed  |           |           | II  |
| 门静脉右支癌栓，下腔静脉未见癌栓             | denied    |           |           | II  |
| 门静脉右支癌栓，下腔静脉受压变窄             |           |           |           | II  |
| 门静脉右支癌栓，下腔静脉未见显影             | uncertain |           |           | II  |
| 门静脉右支癌栓，下腔静脉受侵可能             | uncertain |           |           | II  |
| 门静脉右支癌栓，下腔静脉内血栓               | uncertain |           |           | II  |
| 门静脉右支癌栓，下腔静脉                     | uncertain |           |           | II  |
| 门静脉主干、下腔静脉癌栓                     | affirmed  |           |           | III |
| 下腔静脉受压变窄，未见癌栓                   | denied    |           |           |     |
| 下腔静脉癌栓，右心房未见癌栓                 | affirmed  |           |           |     |
| 下腔静脉癌栓，下腔静脉通畅                   | uncertain |           |           |     |
| 下腔静脉未见癌栓，余见癌栓                   | denied    |           |           |     |
| 程氏Ⅳb型                                     | affirmed  |           |           |     |
| 可疑程氏Ⅳb型                                 |           |           |           |     |
| 未见门静脉、下腔静脉及右房癌栓               | denied    |           |           | 0   |
| 肿瘤与下腔静脉分界不清，门静脉未见癌栓       |           |           |           | 0   |
| 肿瘤侵犯下腔静脉，门静脉未见癌栓             | affirmed  |           |           | 0   |
| 肝静脉癌栓                                   |           | affirmed  |           |     |
| 门静脉右支癌栓，肝静脉未见癌栓               |           | denied    |           | II  |
| 门静脉及肝静脉、下腔静脉未见癌栓征象         | denied    | denied    |           | 0   |
| 肝中、肝右静脉癌栓，下腔静脉通畅             | denied    | affirmed  |           |     |
| 门静脉主干、左支、右支癌栓；脾静脉(-)        |           |           | denied    | III |
| 左肾静脉及下腔静脉内癌栓，门静脉左支癌栓     | affirmed  |           | affirmed  | II  |
| SMV、SV癌栓                                  |           |           | affirmed  | IV  |
| 胆管癌栓，门静脉未见癌栓                     |           |           |           | 0   |
| The IVC is compressed but patent             | denied    |           |           |     |
| Right hepatic vein thrombus extending into the IVC and right atrium; portal vein patent | affirmed | affirmed | | 0 |
| No evidence of portal or hepatic vein thrombosis |       | denied    |           | 0   |
| IVCTT, no PVTT                               | affirmed  |           |           | 0   |
"""


@pytest.mark.parametrize("line", READINGS.strip().splitlines())
def test_each_vein_is_a_fact_of_its_own(line):
    text, *facts, pvtt_type = (cell.strip() for cell in line.strip("|").split("|"))
    read = pl.DataFrame({"text": [text]}).select(compute_vein_reading(pl.col("text"))).item()
    assert [value or "" for value in read.values()] == [pvtt_type, *facts]


@pytest.mark.parametrize("report", REPORTS, ids=[report["text"] for report in REPORTS])
def test_a_report_is_read_as_a_careful_reader_reads_it(report):
    text, pvtt_type, *facts = report.values()
    read = pl.DataFrame({"text": [text]}).select(compute_vein_reading(pl.col("text"))).item()
    assert [value or "" for value in read.values()] == ["" if pvtt_type == "ask" else pvtt_type, *facts]


def test_every_word_of_a_vessel_is_reached():
    """A vessel's name is that vessel alone, whatever longer or shorter names there are."""
    names = {
        "main": "门静脉主干 门脉干 mpv", "left": "左支 门静脉左支 lpv 左门静脉", "right": "右支 门静脉右支 rpv", "smv": "肠系膜上静脉 smv",
        "vena cava": "下腔静脉 上腔静脉 腔静脉 ivc svc inferior_vena_cava venae_cavae", "atrium": "右心房 左心房 右房 心腔 右心 right_atrium atrial ra",
        "hepatic vein": "肝静脉 肝右静脉 肝中静脉 右肝静脉 肝短静脉 rhv mhv lhv hvs middle_hepatic_vein", "sector": "右前支 左内支 右后叶支 左外叶段支",
        "other vein": "脾静脉 肾静脉 左肾静脉 肠系膜下静脉 胃左静脉 胃冠状静脉 脐静脉 脐旁静脉 奇静脉 肾上腺静脉 髂静脉 splenic_vein sv "
        "left_renal_vein renal_veins inferior_mesenteric_vein imv gonadal_vein",
        "no vein": "胆管 胆总管 胆囊管 胆道 肝总管 肝动脉 肝固有动脉 肺动脉 肺静脉 腹主动脉 肠系膜上动脉 bile_duct biliary_tree hepatic_artery "
        "hepatic_arteries pulmonary_artery superior_mesenteric_artery sma",
    }  # fmt: skip
    read = {
        name: [[t.vessel for t in match_words(word.replace("_", " "))] for word in words.split()]
        for name, words in names.items()
    }
    assert {
        name: all(len(v) == 1 and v[0] and v[0].names == {name} for v in found) for name, found in read.items()
    } == dict.fromkeys(names, True)
    assert len(VESSELS) > len(names)


def test_many_texts_are_read_as_each_alone():
    texts = [None, "", "门静脉右支癌栓", "无", "门静脉右支癌栓"]
    read = pl.DataFrame({"text": texts}).select(compute_vein_reading(pl.col("text")).struct.field("pvtt_text_type"))
    assert read.to_series().to_list() == [None, None, "II", "0", "II"]


# Cheng's types that a site leaves possible: I segmental and sectoral branches, II the left and right portal vein, III the main trunk, IV the
# superior mesenteric vein; a bifurcation is of trunk and branches, what lies outside the portal vein or is not told apart can be any.
SITES = """
| 1 1 | 右前支 右后叶支 门静脉二级分支 段支 s8段门静脉支 right_anterior_branch segmental_branch s6/7_portal_branches     |
| 2 2 | 左支 门静脉右支 门静脉左右支 双侧支 门静脉一级分支 矢状部 lpv both_portal_veins umbilical_portion left_portal_vein |
| 3 3 | 主干 门静脉主干 门脉干 主门静脉 mpv main_portal_vein main_trunk                                                 |
| 2 3 | 门静脉分叉部 左右支主干 portal_vein_bifurcation                                                                |
| 1 2 | 左右分支 门静脉肝内分支 门静脉各支                                                                            |
| 4 4 | 肠系膜上静脉 smv superior_mesenteric_vein                                                                      |
| 1 4 | 门静脉 门脉系统 portal_vein pv pvs                                                                             |
| 0 4 | 肠系膜静脉 mesenteric_vein 大血管 macrovascular portal_confluence splenomesenteric_confluence            |
"""


@pytest.mark.parametrize("line", SITES.strip().splitlines(), ids=lambda line: line[2:5])
def test_a_site_leaves_the_types_possible_that_lie_there(line):
    ends, words = (cell.strip() for cell in line.strip("|").split("|"))
    vessels = {word: [t.vessel for t in match_words(word.replace("_", " "))] for word in words.split()}
    found = {word: " ".join(f"{v.low} {v.high}" if v else "?" for v in own) for word, own in vessels.items()}
    assert found == dict.fromkeys(vessels, ends)
