"""Sizes in the hospital's words, each decided by hand.

The shapes are those of the Chinese Liver Cancer Atlas 2024, with other numbers, and of Chinese and English reports.
"""

import polars as pl
import pytest
from clinical_tables import derive_case, read_rows

from schemas.contract import read_contract
from schemas.definitions.tumour_size import PLAUSIBLE_CM, compute_text_lesion_number, compute_text_size_cm
from schemas.tables.baseline import Baseline

SIZES = """
| text                                        | size | number | why                                                      |
| 2.4*1.7                                     | 2.4  | 1      |                                                          |
| 5.3*4                                       | 5.3  | 1      |                                                          |
| 13*11                                       | 13   | 1      |                                                          |
| 65毫米*40毫米                               | 6.5  | 1      |                                                          |
| 6.5公分                                     | 6.5  | 1      | the word used in Taiwan for cm                           |
| 9*6.4                                       | 9    | 1      |                                                          |
| 4.1*5.2                                     | 5.2  | 1      | the larger diameter may stand second                     |
| 9.1*6*5.2                                   | 9.1  | 1      | three diameters of one lesion                            |
| 2*2.8*2.5                                   | 2.8  | 1      |                                                          |
| 8.5*6*5                                     | 8.5  | 1      |                                                          |
| 5*4*3                                       | 5    | 1      |                                                          |
| 6.1*3.6/3.3*2.6                             | 6.1  | 2      |                                                          |
| 11.1*9.5/10.2*9                             | 11.1 | 2      |                                                          |
| 5.1*4/1.5*1.4                               | 5.1  | 2      |                                                          |
| 17*14/1.4*0.9                               | 17   | 2      |                                                          |
| 12*10.2/8.2*6.5                             | 12   | 2      |                                                          |
| 13.8*11/4*1.5                               | 13.8 | 2      |                                                          |
| 7.1*6.4/4*2.2                               | 7.1  | 2      |                                                          |
| 7.4*6.2/8*4.5/3.2*3                         | 8    | 3      | the largest need not be the first                        |
| 4.2*4/2.6*2.2/3.1*2.7                       | 4.2  | 3      |                                                          |
| 3.8*3.1/4.4*3.6/2.6*2                       | 4.4  | 3      |                                                          |
| 8.6*5.3/3*2.7/3.8*2.8                       | 8.6  | 3      |                                                          |
| 5*3/2                                       | 5    | 2      | the second lesion has one diameter                       |
| 8.1*4.3/dmax=0.8                            | 8.1  | 2      | dmax announces the largest diameter                      |
| 16.1*15/dmax=1.7                            | 16.1 | 2      |                                                          |
| 4.2*3.8/dmax=1                              | 4.2  | 2      |                                                          |
| 9*7/dmax=2                                  | 9    | 2      |                                                          |
| 3*3/dmax=0.6                                | 3    | 2      |                                                          |
| 14*12.8/dmax=2.6                            | 14   | 2      |                                                          |
| 2.9*2.3/0.8*0.5/dmax=1.2                    | 2.9  | 3      |                                                          |
| 15.1*13/4.7*3.6/dmax=0.8                    | 15.1 | 3      |                                                          |
| 15.7*11.7/dmax=1.8/2.5                      | 15.7 | 3      | dmax may announce several                                |
| 11*11/dmax=0.7/1.5                          | 11   | 3      |                                                          |
| 4.4*4/dmax=1/dmax=0.6/dmax=1.1              | 4.4  | 4      |                                                          |
| dmax=2.8/dmax=2                             | 2.8  | 2      |                                                          |
| dmax=3/dmax=2.5                             | 3    | 2      |                                                          |
| dmax=4/dmax=2.4/dmax=0.7                    | 4    | 3      |                                                          |
| 2.5*1.8/damx=1                              | 2.5  | 2      | a slip of the pen                                        |
| 6.5*5/dmanx=1.3                             | 6.5  | 2      | a slip of the pen                                        |
| 9.3*7.3/dmax=0.3~0.8                        | 9.3  |        | satellites, not counted; the main tumour is larger       |
| 3.5*3/dmax=0.9~2.7                          | 3.5  |        |                                                          |
| 8.4*7.1/dmax=0.5_0.8                        | 8.4  |        | whatever the dash means, nothing of it exceeds 8.4       |
| 18.1*13/dmax=0.4_1.6                        | 18.1 |        |                                                          |
| 5*4.1/dmax=0.8_1.4                          | 5    |        |                                                          |
| 9*8/dmax=1.8_3.1                            | 9    |        |                                                          |
| 8*7/dmax=2/dmax=1/others dmax=0.4-1.0       | 8    |        | others, not counted                                      |
| 2*1.5/dmax=1.8~2.6                          |      |        | the range may hold the largest                           |
| 3*2/dmax=1~3                                | 3    |        | nothing of the range is larger                           |
| 3*2/dmax=0.5~0.9/dmax=2~3.5                 |      |        | the second range may hold the largest                    |
| dmax=1.3_4                                  |      |        | a range, two diameters or a slip                         |
| 5~6cm                                       |      |        | one lesion of about that, or several                     |
| 13*10.2/dmax=NA                             |      | 2      | the second lesion's size is not known                    |
| 85*70                                       |      | 1      | mm are probably meant                                    |
| 85*70mm                                     | 8.5  | 1      |                                                          |
| 85mm×70mm/12mm                              | 8.5  | 2      |                                                          |
| 8.5cm x 7cm; 12mm X 9mm                     | 8.5  | 2      | each lesion states its unit                              |
| 8.5*7cm/12                                  | 12   | 2      | the unit holds for the text                              |
| 8.5*7cm/12mm/9                              |      |        | the third lesion may be in mm or cm                      |
| 25*20                                       | 25   | 1      |                                                          |
| 25.1*20                                     |      | 1      | mm are probably meant                                    |
| 0.5*0.4                                     | 0.5  | 1      |                                                          |
| 0.4*0.4                                     |      | 1      | smaller than a tumour's plausible size                   |
| 0.8*0.6                                     | 0.8  | 1      |                                                          |
| 8.5cm*70mm/3cm                              |      |        | two units in one lesion                                  |
| 8.5cm*70mm                                  |      |        | two units in one lesion                                  |
| 8.5                                         | 8.5  | 1      |                                                          |
| 最大径约8.5cm                               | 8.5  | 1      |                                                          |
| 肿瘤大小8.5×7.0厘米、3.2×3.0厘米            | 8.5  | 2      |                                                          |
| ８．５＊７．０／３．２＊３．０              | 8.5  | 2      | full width                                               |
| 8.5*7，3.2*3                                | 8.5  | 2      | a full-width comma is no decimal point                   |
| 8.5*7, 3.2*3                                | 8.5  | 2      | a comma and a blank part lesions                         |
| 8.5*7cm,3.2*3cm                             | 8.5  | 2      | a comma after a unit parts lesions                       |
| 8,5*7,0                                     |      |        | a decimal point or three lesions                         |
| 8.5*7+3.2*3                                 | 8.5  | 2      |                                                          |
| 8*7*6*5                                     |      |        | four diameters                                           |
| 8.5*7 3.2*3                                 |      |        | one lesion or two                                        |
| 8.5*                                        |      |        |                                                          |
| 8.5*7/                                      |      |        | a lesion is missing                                      |
| 8.5.2*7                                     |      |        |                                                          |
| >10                                         |      |        | a bound                                                  |
| 多发                                        |      |        | many, of no size                                         |
| 多发，最大8.5*7                             |      |        | words that are not known                                 |
| 0*0                                         |      | 1      |                                                          |
|                                             |      |        |                                                          |
"""


@pytest.mark.parametrize("case", read_rows(SIZES), ids=lambda case: case["text"])
def test_sizes_in_the_hospitals_words(case):
    frame = pl.DataFrame({"t": [case["text"]]}, schema={"t": pl.String})
    size, number = frame.select(
        compute_text_size_cm(pl.col("t")), compute_text_lesion_number(pl.col("t")).alias("n")
    ).row(0)
    assert size == (case["size"] and pytest.approx(float(case["size"])))
    assert number == (case["number"] and int(case["number"]))


def test_lines_of_a_cell_are_lesions():
    frame = pl.DataFrame({"t": ["8.5*7\r\n3.2*3\n"]})
    assert frame.select(compute_text_size_cm(pl.col("t")), compute_text_lesion_number(pl.col("t")).alias("n")).row(
        0
    ) == (8.5, 2)


def test_rows_are_read_one_by_one():
    texts = [row["text"] for row in read_rows(SIZES)]
    together = pl.DataFrame({"t": texts}).select(compute_text_size_cm(pl.col("t"))).to_series().to_list()
    alone = [
        pl.DataFrame({"t": [t]}, schema={"t": pl.String}).select(compute_text_size_cm(pl.col("t"))).item()
        for t in texts
    ]
    assert together == alone


def test_the_limits_are_those_of_the_field():
    assert read_contract(Baseline)["tumour_size_cm"].plausible == PLAUSIBLE_CM


@pytest.mark.parametrize(
    ("edits", "size", "text_size", "number"),
    [
        ("", 8.0, None, None),
        ("baseline.tumour_size_cm=; baseline.tumour_size_text=7.4*6.2/9*4.5", 9.0, 9.0, 2),
        ("baseline.tumour_size_text=7.4*6.2/9*4.5", 8.0, 9.0, 2),  # the number sent stays; a rule asks
        ("baseline.tumour_size_cm=; baseline.tumour_size_text=dmax=1.2_4", None, None, None),
    ],
)
def test_the_size_of_a_patient(edits, size, text_size, number):
    subject = derive_case(edits)[1]["subject"].row(0, named=True)
    assert (subject["tumour_size_from_number_or_text_cm"], subject["tumour_size_text_cm"], subject["tumour_size_text_number"]) == (
        size, text_size, number,
    )  # fmt: skip
