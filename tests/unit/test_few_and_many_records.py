"""Few records are read as they stand, many by their distinct texts: what a record becomes does not depend on how many others there are."""

import datetime as dt
from itertools import islice, product

import polars as pl
from polars.testing import assert_frame_equal

from etl.mapping.identity import PseudonymKey
from etl.mapping.masking import OwnTexts
from etl.mapping.records import RECORD, type_records
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT
from schemas.contract import read_contract
from schemas.derive import derive
from schemas.example_patient import make_case
from schemas.tables import TABLES

SITE = Site("clinic", "Clinic", "医院", (), (), ())
PART = 200
VALUES = ("39", "3.9", "<3.9", ">1210", "0", "未检出", "abc", "", None, "1e5", "3,900", "-", "5.2")
UNITS = ("g/L", "g/dL", "U/L", "IU/mL", "log10 IU/mL", "copies/mL", "furlongs", "", None)
TESTS = ("albumin_g_l", "alt_u_l", "hbv_dna_iu_ml", "hbv_dna_copies_ml", "no such test", None)
DAYS = ("2020-03-05", "2020年3月5日", "43895", "2031-01-01", "soon", None)
PVTT_TEXTS = ("门静脉主干癌栓", "右支癌栓", "无", "门静脉左支二级分支癌栓, 主干未见", "?", "", None)
SIZE_TEXTS = ("12×8cm", "3.5cm, 4.2cm", "0.3~0.7cm", "弥漫", "", None)


def make_texts():
    """Laboratory records as the mapping hands them over, with every pair of value and unit of every test."""
    fixed = {"source_file": "f", "source_sheet": None, "source_column": None, PERSON_TEXT: None}
    rows = [
        {**fixed, PATIENT_TEXT: f"p{n}", "source_row": n, GROUP: 1, "visit_number": str(n % 3), "test": test,
         "value": value, "value__unit": unit, "sample_date": DAYS[n % len(DAYS)]}
        for n, (test, value, unit) in enumerate(product(TESTS, VALUES, UNITS), start=1)
    ]  # fmt: skip
    names = dict.fromkeys([*fixed, PATIENT_TEXT, *read_contract(TABLES["laboratory"]), "value__unit"], pl.String)
    return pl.DataFrame(rows, schema=names | {"source_row": pl.Int64, GROUP: pl.Int64})


def read(texts):
    model, day = TABLES["laboratory"], dt.date(2022, 11, 20)
    key = PseudonymKey(b"k" * 64)
    return type_records("laboratory", model, texts, site=SITE, delivery="d", last_day=day, key=key, own=OwnTexts())


def test_cells_are_read_the_same_among_few_and_among_many():
    texts = make_texts()
    assert texts.height > 3 * PART
    many, parts = read(texts), [read(part) for part in texts.iter_slices(PART)]
    assert_frame_equal(many.frame.drop(RECORD), pl.concat([part.frame for part in parts]).drop(RECORD))
    assert_frame_equal(many.raw.read(), pl.concat([part.raw.read() for part in parts]))
    shifted = [part.faults.with_columns(pl.col(RECORD) + PART * i) for i, part in enumerate(parts)]
    order = [RECORD, "field", "kind"]
    assert_frame_equal(many.faults.sort(order), pl.concat(shifted).sort(order))
    assert many.faults["kind"].n_unique() > 4


def test_patients_are_described_the_same_among_few_and_among_many():
    """By subject, one patient after the other and all together."""
    said = list(islice(product(PVTT_TEXTS, SIZE_TEXTS), 40))
    cases = [
        make_case(f"baseline.pvtt_text={pvtt or ''}; baseline.tumour_size_text={size or ''}".replace("; ", ";"))
        for pvtt, size in said
    ]
    rename = pl.col("patient_id")
    patients = [
        {
            name: frame.filter(rename == "p1").with_columns(pl.format("q{}", pl.lit(i)).alias("patient_id"))
            for name, frame in case.items()
        }
        for i, case in enumerate(cases)
    ]
    copies = [
        {
            name: frame.with_columns(pl.format("{}c{}", rename, pl.lit(copy)).alias("patient_id"))
            for name, frame in patient.items()
        }
        for copy in range(15)
        for patient in patients
    ]
    together = derive({name: pl.concat([one[name] for one in copies]) for name in TABLES}, sent=TABLES)["subject"]
    assert together.height > 500
    alone = pl.concat([derive(patient, sent=TABLES)["subject"] for patient in patients])
    for copy in range(15):
        suffix = f"c{copy}"
        own = together.filter(rename.str.ends_with(suffix)).with_columns(rename.str.strip_suffix(suffix))
        assert_frame_equal(own.sort("patient_id"), alone.sort("patient_id"))
