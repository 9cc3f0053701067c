import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.dates import parse_dates
from etl.mapping.parse import clean_text, drop_missing, parse_censored, parse_field, parse_numbers
from etl.mapping.units import convert_units
from schemas.contract import read_contract
from schemas.tables import TABLES


def parse_date(text):
    return parse_dates(clean_text(pl.Series("d", [text], dtype=pl.String)))[0]


@pytest.mark.parametrize(
    "text",
    [
        "2020-03-05", "2020/3/5", "2020.3.5", "2020.03.05", "2020年3月5日", "２０２０年３月５日", "20200305", "20200305102000",
        "2020-03-05 00:00:00", "2020-03-05T13:30", " 2020-3-5 ",
    ],
)  # fmt: skip
def test_the_same_day_written_in_every_way(text):
    assert parse_date(text) == dt.date(2020, 3, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-30",
        "05/03/2020",
        "3/5/20",
        "2020-13-01",
        "2020",
        "2020年3月",
        "yesterday",
        "43895",  # Excel's day number: a text file or a plain number does not say that it is one
        "20213",
        "0",
        "1e5",
        "2020-03-05x",
        "1899-12-31 12:00:00",
    ],
)
def test_a_date_that_is_none_or_could_be_two_is_not_guessed(text):
    assert parse_date(text) is None


@given(st.dates(dt.date(1904, 3, 2), dt.date(2098, 12, 31)).filter(lambda day: day != dt.date(1970, 1, 1)))
@settings(max_examples=200, deadline=None)
def test_every_style_of_every_day_reads_back(day):
    styles = [
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        day.strftime("%Y%m%d"),
    ]
    assert parse_dates(pl.Series("d", styles)).to_list() == [day] * 4


@pytest.mark.parametrize(
    ("text", "number"),
    [("12.5", 12.5), ("１２．５", 12.5), ("1,210.5", 1210.5), ("1.2e3", 1200.0), ("-3", -3.0), ("12 mg", None), ("1,21", None),
     ("1.2.3", None), ("inf", None), ("nan", None), ("", None), ("12,345,678", 12345678.0), ("3.", 3.0), ("10^3", None),
     ("1 210.5", 1210.5), ("- 3", -3.0), ("12 5", None), ("3.9\n4.1", None), ("1e400", None)],
)  # fmt: skip
def test_numbers(text, number):
    assert parse_numbers(drop_missing(clean_text(pl.Series("n", [text]))))[0] == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("52岁", 52), ("52 周岁", 52), ("１分", 1), ("3个", 3), ("2级", 2), ("第1次", 1), ("第三次", 3), ("一线", 1), ("二线", 2), ("1.5级", 1.5),
     ("8mg", None), ("3-5个", None), ("约3个", None), ("C期", None), ("一", None), ("多个", None), ("5cm", None), ("3级以上", None)],
)  # fmt: skip
def test_a_counting_word_is_no_unit_and_a_unit_is_one(text, number):
    assert parse_numbers(drop_missing(clean_text(pl.Series("n", [text]))))[0] == number


def test_an_end_that_has_not_come_is_no_date_and_nothing_to_ask():
    spec = read_contract(TABLES["treatment"])["end_date"]
    parsed = parse_field(clean_text(pl.Series("d", ["至今", "2020-03-05", "ONGOING", "仍在用药", "soon"])), spec, {})
    assert parsed.values.to_list() == [None, dt.date(2020, 3, 5), None, None, None]
    assert parsed.fault.to_list() == [None, None, None, None, "unreadable"]


@pytest.mark.parametrize(
    ("text", "value", "sign"),
    [(">1210", 1210, ">"), ("＞1210", 1210, ">"), ("<0.6", 0.6, "<"), ("≤20", 20, "<="), (">= 3", 3, ">="), ("≧5", 5, ">="), ("≦ 5", 5, "<="), ("≥=3", 3, ">="), ("15", 15, "="),
     ("未检出", None, "not_detected"), ("Not detected", None, "not_detected"), ("阴性", None, "not_detected"),
     (">", None, None), ("<high", None, None), ("positive", None, None)],
)  # fmt: skip
def test_a_bound_stays_a_bound(text, value, sign):
    values, signs = parse_censored(clean_text(pl.Series("v", [text])))
    assert (values[0], signs[0]) == (value, sign)


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "canonical"),
    [
        ("bilirubin_umol_l", "mg/dL", 1.0, 17.1),
        ("bilirubin_umol_l", "μmol/L", 20.0, 20.0),
        ("albumin_g_l", "g/dl", 4.0, 40.0),
        ("afp_ng_ml", "IU/mL", 100.0, 121.0),
        ("afp_ng_ml", "ug/L", 100.0, 100.0),
        ("hbv_dna_iu_ml", "log10 IU/mL", 3.0, 1000.0),
        ("hbv_dna_iu_ml", "copies/mL", 3.0, None),
        ("albumin_g_l", "mmol/L", 4.0, None),
        ("albumin_g_l", None, 4.0, None),
    ],
)
def test_units_are_converted_where_a_factor_is_known_and_refused_elsewhere(quantity, unit, value, canonical):
    cell = {"quantity": quantity, "unit": unit, "sent": value, "fault": None}
    schema = {"quantity": pl.String, "unit": pl.String, "sent": pl.Float64, "fault": pl.String}
    converted = convert_units(pl.DataFrame([cell], schema=schema), None)
    assert converted["converted"][0] == (pytest.approx(canonical) if canonical else None)
    assert converted["fault"][0] == (None if canonical else "unit")


def test_codes_own_and_foreign_and_unknown():
    spec = read_contract(TABLES["baseline"])["hbsag"]
    texts = clean_text(pl.Series("h", ["阳性", "NEGATIVE", "+", "不详", "maybe", None]))
    parsed = parse_field(texts, spec, {"阳性": "positive", "+": "positive"})
    assert parsed.values.to_list() == ["positive", "negative", "positive", None, None, None]
    assert parsed.fault.to_list() == [None, None, None, None, "code", None]


def test_a_code_wins_over_a_text_that_elsewhere_means_missing():
    spec = read_contract(TABLES["baseline"])["hbsag"]
    parsed = parse_field(pl.Series("h", ["-"]), spec, {"-": "negative"})
    assert parsed.values.to_list() == ["negative"]


def test_a_count_with_a_fraction_is_not_rounded():
    spec = read_contract(TABLES["baseline"])["tumour_number"]
    parsed = parse_field(pl.Series("n", ["3", "3.0", "3.5"]), spec, {})
    assert parsed.values.to_list() == [3, 3, None]
    assert parsed.fault.to_list() == [None, None, "unreadable"]
