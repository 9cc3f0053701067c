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
        "vena cava": "下腔静脉 ivc 腔静脉", "atrium": "右心房 右房", "hepatic vein": "肝静脉 肝右静脉 肝短静脉", "sector": "右前支 左内支 右后叶支 左外叶段支",
    }  # fmt: skip
    read = {name: [[t.vessel for t in match_words(word)] for word in words.split()] for name, words in names.items()}
    assert {
        name: all(len(v) == 1 and v[0] and v[0].names == {name} for v in found) for name, found in read.items()
    } == dict.fromkeys(names, True)
    assert len(VESSELS) > len(names)


def test_many_texts_are_read_as_each_alone():
    texts = [None, "", "门静脉右支癌栓", "无", "门静脉右支癌栓"]
    read = pl.DataFrame({"text": texts}).select(compute_vein_reading(pl.col("text")).struct.field("pvtt_text_type"))
    assert read.to_series().to_list() == [None, None, "II", "0", "II"]
