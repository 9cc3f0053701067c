"""What reads one cell or one header takes time in proportion to it, whatever stands there: loops of our own have no pattern that could be found."""

import time

import polars as pl
import pytest

from etl.delivery.html_tables import find_tables
from etl.delivery.text_files import cut_rows, decode_text, find_delimiter
from etl.mapping.header import number_repeated
from etl.mapping.masking import OwnTexts
from etl.mapping.personal_forms import mask_personal_data
from etl.mapping.row_kinds import _squeeze_chinese
from etl.mapping.site import normalise_text, split_items
from etl.onboarding.proposing.profile import split_unit
from etl.onboarding.proposing.words import squeeze
from etl.pages.cells import escape_hidden, neutralise
from schemas.definitions.vein_text import read_report

SHORT, LONG = 1_000, 4_000
AT_ONCE_SECONDS, GROWTH = 0.1, 9.0
PIECES = (
    "1", "9", "x", "肝", " ", "\n", "(", "（", "。", "，", "、", "-", "+", ".", "'", '"', "=", "<", "@", "0 ", "13912345678 ", "110105194912310025 ", "住院号12345 ", "患者张三丰 ", "张三丰", "王医生、",
    "门静脉", "癌栓", "门静脉左支癌栓，", "未见门静脉癌栓。", "(门静脉", "程氏II型 ", "vp3 ", "至", "无", "2020-03-05 ", "3.5x2.1cm ", "a@b.cn ", "住在广州市", "ﷺ", "\u202e", "e\u0301", "𠮷", "x,", "1\t", "x\r", '"x",', "<td>", "<table>", "</b", "&amp;",
)  # fmt: skip
OWN = OwnTexts({f"{n:03}": [f"张三{n}", "张三丰", "Smith, John", f"0031046{n}"] for n in range(20)})
PARTLY = OwnTexts({"001": [piece * 8_000 for piece in "x肝1("], "002": ["x", "肝", "11", "1 2", "张"]})
READERS = {
    "look for names of any length": lambda text: OwnTexts(PARTLY.by_patient).mask_texts(pl.Series([text] * 5)),
    "mask what is written like personal data": mask_personal_data,
    "mask names of the delivery": lambda text: OwnTexts(OWN.by_patient).mask_texts(pl.Series([text])),
    "a report of veins": read_report,
    "a list of items": split_items,
    "a header": normalise_text,
    "a header without blanks": squeeze,
    "a header's unit": split_unit,
    "a first cell": _squeeze_chinese,
    "a cell of a page": escape_hidden,
    "a cell of a file": neutralise,
    "a text file": lambda text: cut_rows(text, ",", "a.csv") if '"' not in text else None,
    "its delimiter": find_delimiter,
    "its encoding": lambda text: decode_text(text.encode(), "a.csv"),
}


def time_reader(read, text: str) -> float:
    started = time.process_time()
    read(text)
    return time.process_time() - started


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_time_in_proportion_to_its_text(name):
    read, slow = READERS[name], {}
    read("x")
    for piece in PIECES:
        short, long = (piece * (size // len(piece)) for size in (SHORT, LONG))
        if time_reader(read, long) < AT_ONCE_SECONDS:
            continue
        times = [min(time_reader(read, text) for _ in range(2)) for text in (short, long)]
        if times[1] > max(AT_ONCE_SECONDS, GROWTH * times[0]):
            slow[piece] = times
    assert not slow


@pytest.mark.parametrize(
    "piece",
    [
        "<table>",
        "<table><tr><td>x",
        "<td>",
        "<tr>",
        "</table>",
        "<b",
        "&",
        "<script>",
        "<p>",
        "<td rowspan=9 colspan=9>",
    ],
)
def test_a_page_takes_time_in_proportion_to_its_tags(piece):
    texts = [piece * (size // len(piece)) for size in (SHORT, LONG)]
    times = [min(time_reader(find_tables, text) for _ in range(2)) for text in texts]
    assert times[1] < max(AT_ONCE_SECONDS, GROWTH * times[0])


def test_sixteen_thousand_headers_are_numbered_at_once():
    started = time.process_time()
    assert number_repeated(["a"] * 16_384)[-1] == "a (16384)"
    assert time.process_time() - started < 1
