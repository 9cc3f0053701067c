"""How fast, as a ratio against a peer or a bare read of the same data in one run. Ratios are printed, never asserted.

The file is not called `test_`: only `make bench`, which names it, runs it.
"""

import csv
import datetime as dt
import io
import time

import polars as pl
from judged_delivery import judge_mapped

from etl.delivery.read import read_delivery
from etl.example import write_example
from etl.example.model import HOSPITALS
from etl.mapping.dates import parse_dates
from etl.mapping.read_site import load_site
from etl.mapping.verbs import map_delivery
from etl.settings import PACKAGE_SITES

LAST_DAY = dt.date(2022, 11, 20)


def clock(action):
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def test_validating_a_delivery_against_reading_it(tmp_path):
    write_example(tmp_path / "extracts")
    for hospital in HOSPITALS:
        path = next((tmp_path / "extracts" / hospital).iterdir())
        read_seconds, delivery = clock(lambda path=path: read_delivery(path))
        site = load_site(PACKAGE_SITES / hospital)
        map_seconds, mapped = clock(lambda d=delivery, s=site: map_delivery(d, s))
        judge_seconds, validated = clock(lambda m=mapped, s=site: judge_mapped(m, s, LAST_DAY))
        assert validated.records_made > 0
        print(
            f"\n{hospital}: mapping {map_seconds / read_seconds:.1f} x, validating {judge_seconds / read_seconds:.1f} x reading"
        )


def test_parsing_dates_against_a_bare_csv_read_of_them():
    texts = [f"{2019 + i % 3}年{1 + i % 12}月{1 + i % 28}日" for i in range(500_000)]
    bare, rows = clock(lambda: list(csv.reader(io.StringIO("\n".join(texts)))))
    ours, days = clock(lambda: parse_dates(pl.Series("d", texts)))
    assert len(rows) == len(days)
    print(f"\nparsing 500,000 dates: {ours / bare:.1f} x reading them with the csv module")
