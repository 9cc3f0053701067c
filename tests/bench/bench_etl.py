"""From a delivery to its pages: against imports, DuckDB, calamine, one pass of polars, or the landed version b1270dd. Printed, never asserted.

Only `make bench`, which names the file, runs it. The hospital of 100,000 patients takes minutes: BENCH_LARGE=1.
"""

import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import textwrap

import duckdb
import polars as pl
import pytest
from bench.large_hospital import write_large_hospital
from bench.measure import Line, clock, compute_exponent, measure_pairs, measure_sizes
from fixed_key import write_fixed_key
from judged_delivery import KEY, LAST_DAY
from landed_version import ROOT, LandedVersion, check_out

from etl.delivery.read import read_delivery
from etl.example import write_example
from etl.mapping.masking import OwnTexts
from etl.mapping.records import type_records
from etl.mapping.site import Site
from etl.mapping.verbs import GROUP, PATIENT_TEXT, PERSON_TEXT
from schemas.contract import read_contract
from schemas.tables import TABLES
from schemas.units import LAB_RANGES

BEFORE = "b1270dd"
HOSPITAL_SIZES = (1_000, 10_000, 100_000) if os.environ.get("BENCH_LARGE") else (1_000, 3_000, 10_000)
IMPORTS = "import polars, pandera.polars, duckdb"
JUDGE = """
    import datetime as dt, statistics, sys, time
    from dataclasses import replace
    from pathlib import Path
    try:
        from etl.delivery.read import read_delivery
        from etl.judging.validate import validate_delivery
        from etl.mapping.identity import PseudonymKey
        from etl.mapping.read_site import load_site
        from etl.mapping.records import type_delivery
        from etl.mapping.verbs import map_delivery
        def judge(mapped):
            records = type_delivery(mapped, site, "d", dt.date(2022, 11, 20), key)
            return validate_delivery(records, mapped, site.tables)
    except ImportError:  # as it was at b1270dd
        from etl.extract import read_delivery
        from etl.identity import PseudonymKey
        from etl.mapping import map_delivery
        from etl.site import load_site
        from etl.validate import validate_delivery
        def judge(mapped):
            return validate_delivery(mapped, site, "d", key)
    key = PseudonymKey(b"k" * 64)
    site = load_site(Path("etl/sites/hunan"))
    delivery = read_delivery(Path(sys.argv[1]))
    seconds = []
    for turn in range(8):
        start = time.process_time()
        validated = judge(map_delivery(delivery, site))
        seconds.append(time.process_time() - start)
    assert validated.tables["patient"].height > 6
    print(statistics.median(seconds[1:]))
"""
MEASURE = """
    import json, resource, subprocess, sys
    from pathlib import Path
    subprocess.run([sys.executable, "-P", "-m", "analysis.cli", *sys.argv[2:]], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(sys.argv[1]).write_text(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
WRITE_PAGES = """
    import sys, time
    from pathlib import Path
    from quality_frames import CHECKS, make_frames, make_many_findings
    from etl.pages.text import Text
    from etl.quality.report import write_quality_pages
    frames = make_frames(findings=make_many_findings(int(sys.argv[2])))
    start = time.process_time()
    write_quality_pages(frames, Path(sys.argv[1]), {"nanfang": Text("Nanfang Hospital", "x")}, expectations=CHECKS)
    print(time.process_time() - start)
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    return check_out(BEFORE, tmp_path_factory.mktemp(BEFORE))


@pytest.fixture
def today(tmp_path):
    return LandedVersion("today", ROOT, tmp_path / "workspace")


def run(*words: str, **environment: str) -> float:
    """CPU seconds of a Python process and its children."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    everything = {**os.environ, **environment}
    subprocess.run([sys.executable, "-P", *words], cwd=ROOT, env=everything, capture_output=True, check=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def run_script(version: LandedVersion, script: str, *words: str) -> float:
    """The seconds that a script prints, under the code of a version."""
    path = f"{version.code}{os.pathsep}{version.code / 'tests'}"
    command = [sys.executable, "-P", "-c", textwrap.dedent(script), *words]
    done = subprocess.run(
        command, cwd=version.code, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def test_commands_against_imports(tmp_path):
    """Byte code is compiled by the first, uncounted run."""
    write_example(tmp_path / "extracts")
    environment = {
        "WORKSPACE": str(tmp_path),
        "REGISTRY_KEY_FILE": str(write_fixed_key(tmp_path.with_name(f"{tmp_path.name} key"))),
    }
    for hospital in ("hunan", "sysu", "nanfang"):
        run("-m", "analysis.cli", "ingest", hospital, **environment)
    delivery = next((tmp_path / "extracts" / "nanfang").iterdir())
    commands = {
        "`registry --help`": ["--help"],
        "`registry ingest --check`, 171 patients, .xlsx": ["ingest", "nanfang", "--extract", str(delivery), "--check"],
    }
    for what, words in commands.items():
        ratio, _ = measure_pairs(
            lambda words=words: run("-m", "analysis.cli", *words, **environment), lambda: run("-c", IMPORTS), 7
        )
        Line(what, 171, ratio, "importing polars, pandera.polars and duckdb").report()

    def load():
        delivery.touch()
        fresh = {**environment, "WORKSPACE": str(tmp_path / "fresh")}
        subprocess.run(["rm", "-rf", fresh["WORKSPACE"]], check=True)
        return run("-m", "analysis.cli", "ingest", "nanfang", "--extract", str(delivery), **fresh)

    ratio, _ = measure_pairs(load, lambda: run("-c", IMPORTS), 5)
    Line(
        "`registry ingest` with page, 171 patients, .xlsx", 171, ratio, "importing polars, pandera.polars and duckdb"
    ).report()


def test_a_judged_delivery_of_twelve_patients(before, today, tmp_path):
    delivery = str(write_large_hospital(tmp_path, 12))
    ratio, _ = measure_pairs(lambda: run_script(today, JUDGE, delivery), lambda: run_script(before, JUDGE, delivery), 3)
    Line("one judged delivery, warm process", 12, ratio, f"version {BEFORE}").report()


def _draw_laboratory(n: int) -> pl.DataFrame:
    """Text records of the laboratory as the mapping hands them over, with values as varied as real ones."""
    tests = list(LAB_RANGES)
    rows = pl.select(i=pl.int_range(n))
    limits = {test.value: LAB_RANGES[test].plausible for test in tests}
    names = list(limits)
    test = rows["i"].map_elements(lambda i: names[i % len(names)], return_dtype=pl.String)
    value = pl.select((rows["i"] * 7919 % 4001) / 100 + 1).to_series().cast(pl.String)
    fixed = {"source_file": "f", "source_sheet": None, "source_column": None, PERSON_TEXT: None}
    texts = rows.select(
        source_row=pl.col("i") + 2,
        **{PATIENT_TEXT: pl.format("p{}", pl.col("i") // 50), GROUP: pl.lit(1, dtype=pl.Int64)},
        **{name: pl.lit(text, dtype=pl.String) for name, text in fixed.items()},
        visit_number=(pl.col("i") // len(names) % 5).cast(pl.String),
        sample_date=pl.format("2020-{}-{}", pl.col("i") % 12 + 1, pl.col("i") % 28 + 1),
    )
    others = {n: pl.lit(None, dtype=pl.String) for n in read_contract(TABLES["laboratory"]) if n not in texts.columns}
    return texts.with_columns(**others).with_columns(test=test, value=value, value__unit=pl.lit(None, dtype=pl.String))


def _judge_by_hand(texts: pl.DataFrame) -> pl.DataFrame:
    """The same work for this table alone: numbers, dates, keys, ranges and what lies outside, in one pass."""
    tests = {test.value: limits for test, limits in LAB_RANGES.items()}
    low, high = (
        pl.col("test").replace_strict(
            {n: float(t.plausible[side] or 0) for n, t in tests.items()}, default=None, return_dtype=pl.Float64
        )
        for side in (0, 1)
    )
    value = pl.col("value").str.strip_chars()
    sign = value.str.extract(r"^([<>]=?)", 1)
    number = value.str.strip_chars_start("<>= ").cast(pl.Float64, strict=False)
    key = ("_patient_text", "visit_number", "test")
    return texts.lazy().select(
        pl.col("_patient_text"), pl.col("visit_number").str.strip_chars().cast(pl.Int64, strict=False), "test",
        pl.col("sample_date").str.strip_chars().str.to_date("%Y-%m-%d", strict=False),
        number.alias("number"), sign.fill_null("=").alias("sign"), number.is_between(low, high).alias("usual"),
        pl.concat_str(key, separator=";").alias("key"), pl.len().over(key).alias("n"),
    ).collect()  # fmt: skip


def test_a_laboratory_judged_from_text():
    site = Site("clinic", "Clinic", "医院", (), (), ())

    def prepare(n):
        texts = _draw_laboratory(n)
        model = TABLES["laboratory"]
        ours = lambda: type_records(  # noqa: E731
            "laboratory", model, texts, site=site, delivery="d", last_day=LAST_DAY, key=KEY, own=OwnTexts()
        )
        return ours, lambda: clock(lambda: _judge_by_hand(texts))

    measure_sizes(
        "laboratory read from text", "one pass of polars by hand", (10_000, 100_000, 1_000_000), prepare, runs=3
    )


def test_reading_text_against_duckdb(tmp_path):
    def prepare(n):
        path = tmp_path / f"{n}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["病案号", "日期", "值", "备注"])
            writer.writerows(
                [
                    f"HN{i}",
                    f"2020-01-{i % 28 + 1:02d}",
                    f"{i % 997 / 10}",
                    f"门静脉右支癌栓, {i % 50}" if i % 50 == 0 else "无",
                ]
                for i in range(n)
            )
        read = f"select * from read_csv('{path}', all_varchar=true, header=true)"
        return lambda: read_delivery(path), lambda: clock(lambda: duckdb.sql(read).pl())

    measure_sizes("a .csv file read", "DuckDB, all as text", (10_000, 100_000, 1_000_000), prepare, runs=3)


def test_reading_a_workbook_against_calamine(tmp_path):
    import xlsxwriter

    path, n = tmp_path / "book.xlsx", 60_000
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("检验")
        for i in range(n):
            sheet.write_row(i, 0, [f"NF{i // 6}", f"2020-01-{i % 28 + 1:02d}", "谷丙转氨酶", i % 997 / 10, "U/L"])
    floor = f"import sys; from python_calamine import CalamineWorkbook as W; [[str(c) for c in r] for r in W.from_path({str(path)!r}).get_sheet_by_index(0).to_python()]"
    read = f"from pathlib import Path; from etl.delivery.read import read_delivery; read_delivery(Path({str(path)!r}))"
    imports, no_more = "import etl.delivery.read", "import python_calamine"
    ratio, _ = measure_pairs(
        lambda: run("-c", read) - run("-c", imports), lambda: run("-c", floor) - run("-c", no_more), 5
    )
    Line("a workbook read, 10,000 patients", n, ratio, "calamine, all as text").report()


def test_a_whole_hospital(before, today, tmp_path):
    """Memory is the most that the command held at once, its code included."""
    script, found = tmp_path / "measure.py", tmp_path / "found.json"
    script.write_text(textwrap.dedent(MEASURE), encoding="utf-8")
    seconds = []
    for n in HOSPITAL_SIZES:
        delivery = write_large_hospital(tmp_path, n)
        spent = {}
        for version in (today, before):
            subprocess.run(["rm", "-rf", str(version.workspace)], check=True)
            version.workspace.mkdir(parents=True)
            version.run(str(script), str(found), "ingest", "hunan", "--extract", str(delivery))
            spent[version.commit] = json.loads(found.read_text(encoding="utf-8"))
        (own, peak_mb), (theirs, _) = spent["today"], spent[BEFORE]
        seconds.append(own)
        Line("a whole hospital, .csv, with page", n, own / theirs, f"version {BEFORE}", peak_mb=peak_mb).report()
    Line(
        "a whole hospital, growth", HOSPITAL_SIZES[-1], 1, "itself", compute_exponent(HOSPITAL_SIZES, seconds)
    ).report()


def test_pages_of_many_findings(before, today, tmp_path):
    n = 200_000
    ratio, _ = measure_pairs(
        lambda: run_script(today, WRITE_PAGES, str(tmp_path / "a"), str(n)),
        lambda: run_script(before, WRITE_PAGES, str(tmp_path / "b"), str(n)), 1,
    )  # fmt: skip
    Line("page and workbook of many findings", n, ratio, f"version {BEFORE}").report()


def test_ingests_of_changing_extracts_into_one_database(tmp_path):
    """Seconds and bytes an ingest adds, the last tenth against the first: 1 is flat. BENCH_LARGE=1: 300 of them."""
    n = 300 if os.environ.get("BENCH_LARGE") else 40
    write_example(tmp_path / "extracts")
    delivery = next((tmp_path / "extracts" / "hunan").iterdir())
    environment = {
        "WORKSPACE": str(tmp_path),
        "REGISTRY_KEY_FILE": str(write_fixed_key(tmp_path.with_name(f"{tmp_path.name} key"))),
    }
    database, seconds, sizes = tmp_path / "registry.duckdb", [], []
    laboratory = delivery / "检验.csv"
    content = laboratory.read_bytes()
    for turn in range(n):
        laboratory.write_bytes(content + f"HN-20138,{50 + turn % 40},2021/3/4,{20 + turn % 60},,,,,,,,,\n".encode())
        seconds.append(run("-m", "analysis.cli", "ingest", "hunan", "--extract", str(delivery), **environment))
        sizes.append(database.stat().st_size)
    tenth = n // 10
    ratio = statistics.mean(seconds[-tenth:]) / statistics.mean(seconds[1 : tenth + 1])
    Line("CPU of the last ingests into one database", n, ratio, "the first ones").report()
    grown = (sizes[-1] - sizes[-1 - tenth]) / max(sizes[tenth] - sizes[0], 1)
    Line("bytes that the last ingests added", n, grown, "the first ones").report()
