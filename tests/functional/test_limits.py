"""What is beyond a limit is refused by name and place, with what to do, at once; what is within is read."""

import dataclasses
import os
import re
import struct
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import clinic
import pytest

from etl import limits
from etl.delivery import apart, beyond
from etl.delivery.apart import NotReadError, Reader, read_apart
from etl.delivery.read import read_delivery
from etl.errors import DeliveryError, RegistryError, StructureError

ROOT = Path(__file__).parents[2]
CANARY = "Zq7canary"


def refuse(path: Path) -> str:
    """Read what is refused; return the message, which is short and holds no cell."""
    with pytest.raises(DeliveryError) as caught:
        read_delivery(path)
    for told in (caught.value.en, caught.value.zh):
        assert path.name in told
        assert CANARY not in told
        assert len(told) < 1_000
    assert caught.value.exit_code == 3
    return caught.value.en


def lower(monkeypatch, limit: limits.Limit, most: int) -> None:
    """Lower a limit wherever it is used, so that a small file is beyond it."""
    small = dataclasses.replace(limit, most=most)
    for module in [m for name, m in sys.modules.items() if name.startswith("etl.")]:
        for name, value in list(vars(module).items()):
            if value is limit:
                monkeypatch.setattr(module, name, small)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(tmp_path):
    for name in ("a.csv", "a.xlsx", "a.xls", "a.sav", "a.html"):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(limits.FILE_BYTES.most + 1)
        started = time.process_time()
        assert "1,025 MB" in refuse(path) or "2 GB, more than the limit of 1 GB" in refuse(path)
        assert time.process_time() - started < 0.5


def test_an_ingest_waits_for_no_hash_of_a_terabyte(desk):
    folder = clinic.write_delivery(desk.extracts / "x")
    with (folder / "labs.csv").open("wb") as file:
        file.truncate(2**40)
    started = time.process_time()
    with pytest.raises(DeliveryError, match=r"labs.csv: 1,024 GB, more than the limit of 1 GB"):
        desk.ingest()
    assert time.process_time() - started < 5


def test_a_folder_of_thousands_of_files_is_no_delivery(tmp_path, monkeypatch):
    lower(monkeypatch, limits.FILES, 3)
    for n in range(4):
        write(tmp_path / f"{n}.csv", "a,b\n1,2\n")
    with pytest.raises(DeliveryError, match=r"4 files, more than the limit of 3 files\. Put the files"):
        read_delivery(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_text_with_too_many_columns_names_the_row(tmp_path, end, quote):
    wide = ",".join([f"{quote}{CANARY}{quote}"] * (limits.COLUMNS.most + 1))
    told = refuse(write(tmp_path / "a.csv", f"a,b{end}1,2{end}{wide}{end}"))
    assert "a.csv, row 3: 16,385 columns, more than the limit of 16,384 columns" in told


@pytest.mark.parametrize("quote", ["", '"'])
def test_one_endless_line_is_refused_in_linear_time(tmp_path, quote):
    seconds = []
    for size in (2_000_000, 16_000_000):
        path = write(tmp_path / "a.csv", f"a,b\n{quote}{CANARY * (size // len(CANARY))}{quote},2\n")
        started = time.process_time()
        refuse(path)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 30 * seconds[0] + 1


def test_a_cell_beyond_the_limit_is_named_by_its_row(tmp_path):
    told = refuse(write(tmp_path / "a.csv", f"a,b\n1,2\n3,{'肝' * (limits.CELL_CHARACTERS.most + 1)}\n"))
    assert "row 3: 1,000,001 characters" in told
    read_delivery(write(tmp_path / "a.csv", f"a,b\n1,2\n3,{'肝' * limits.CELL_CHARACTERS.most}\n"))


def test_few_rows_and_one_wide_one_that_would_fill_the_memory(tmp_path, monkeypatch):
    """16,000 commas in one row and 20,000 rows: the frame would have 320 million cells for 400 kilobytes."""
    told = refuse(write(tmp_path / "a.csv", "1,2\n" * 20_000 + "," * 16_000 + "\n"))
    assert "320,036,001 cells, more than the limit of 200,000,000 cells" in told
    lower(monkeypatch, limits.ONE_BY_ONE_CELLS, 10)
    assert "one" not in refuse(write(tmp_path / "a.csv", '"1","2"\n' * 20))


def test_two_files_count_together(tmp_path, monkeypatch):
    lower(monkeypatch, limits.CELLS, 20)
    for n in range(2):
        write(tmp_path / f"{n}.csv", "a,b\n1,2\n3,4\n5,6\n")
    with pytest.raises(DeliveryError, match="24 cells, more than the limit of 20 cells"):
        read_delivery(tmp_path)


def write_bomb(path: Path, size: int, *, says: int | None = None) -> Path:
    """A workbook one part of which is `size` bytes of one cell, and says that it has `says`."""
    clinic.write_workbook(path, [["a"]])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            if not name.endswith("sheet1.xml"):
                new.writestr(name, content)
                continue
            begin, end = (
                b'<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>',
                b"</t></is></c></row></sheetData></worksheet>",
            )
            with new.open(name, "w", force_zip64=True) as part:
                part.write(begin)
                for _ in range(size // 2**20):
                    part.write(b"x" * 2**20)
                part.write(end)
    if says is not None:
        content = bytearray(path.read_bytes())
        place = content.rfind(b"PK\x01\x02", 0, content.rfind(b"sheet1.xml"))
        content[place + 24 : place + 28] = struct.pack("<I", says)
        path.write_bytes(content)
    return path


def test_a_workbook_that_says_that_it_unpacks_to_gigabytes(tmp_path, monkeypatch):
    lower(monkeypatch, limits.UNPACKED_BYTES, 30 * 2**20)
    assert "the workbook unpacks to 33 MB, more than the limit of 30 MB" in refuse(
        write_bomb(tmp_path / "a.xlsx", 32 * 2**20)
    )


def test_a_workbook_that_unpacks_to_more_than_it_says(tmp_path):
    assert "cannot be read" in refuse(write_bomb(tmp_path / "a.xlsx", 32 * 2**20, says=1000))


def test_a_cell_of_a_workbook_beyond_the_limit(tmp_path):
    assert "a.xlsx" in refuse(write_bomb(tmp_path / "a.xlsx", 4 * 2**20))


def test_a_reader_that_needs_too_much_memory_or_time_ends_alone(tmp_path, monkeypatch):
    path = write(
        tmp_path / "a.html", "<table>" + "<tr><td colspan=9000 rowspan=9000>x</td><td>y</td></tr>" * 3000 + "</table>"
    )
    assert "impossible size" in refuse(path)
    started = time.monotonic()
    monkeypatch.setattr(
        apart,
        "_CHILD",
        "import sys, etl.delivery.apart as a, resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2)); [0 for _ in iter(int, 1)]",
    )
    assert "was not read within 900 seconds" in refuse(path)
    monkeypatch.setattr(apart, "_CHILD", "import time; time.sleep(60)")
    lower(monkeypatch, limits.READER_SECONDS, 1)
    assert "was not read within" in refuse(path)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "6 GB of memory"), (-9, "6 GB of memory"), (-24, "within 900 seconds"), (-6, "damaged"), (1, "damaged")],
)
def test_a_reader_says_of_what_it_ended(tmp_path, monkeypatch, code, words):
    """Out of memory by Python's word (0) or the system's (SIGKILL), out of time (SIGXCPU), aborted by a library, or with a traceback."""

    def end(*_):
        raise MemoryError

    monkeypatch.setattr(apart, "_find_reader", lambda _: end)
    monkeypatch.setattr(
        apart,
        "_run",
        lambda command, given: subprocess.CompletedProcess(command, code, apart.answer_call(command[-1], given), b""),
    )
    assert words in refuse(write(tmp_path / "a.html", "<table><tr><td>x</td><td>y</td></tr></table>"))


@pytest.mark.parametrize("suffix", ["sav", "dta", "xpt", "sas7bdat"])
def test_a_file_of_statistics_whose_header_claims_the_earth(tmp_path, suffix):
    """Two billion rows, a million variables: refused or read for what it holds, within the limits, and never by this process."""
    path = tmp_path / f"a.{suffix}"
    content = {
        "sav": make_sav_header,
        "dta": make_dta_header,
        "xpt": make_xpt_header,
        "sas7bdat": lambda: bytes(1024) * 64,
    }[suffix]()
    path.write_bytes(content)
    started = time.monotonic()
    assert "cannot be read" in refuse(path)
    assert time.monotonic() - started < 60


def make_sav_header() -> bytes:
    """The header of a .sav of a million variables and two billion cases, and the first variable."""
    head = b"$FL2" + b"@(#) SPSS DATA FILE".ljust(60) + struct.pack("<iiiiid", 2, 1_000_000, 0, 0, 2**31 - 1, 100.0)
    head += b"01 Jan 2612:00:00" + b" " * 64 + bytes(3)
    return head + struct.pack("<iiiiii", 2, 0, 0, 0, 0, 0) + b"A" * 8


def make_dta_header() -> bytes:
    return b"\x73\x02\x01\x00" + struct.pack("<hi", 32_767, 2**31 - 1) + b" " * 99 + b"\xff" * 2000


def make_xpt_header() -> bytes:
    head = "HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000"
    member = "HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000999900000000000000000000"
    return f"{head:80}{'SAS':80}{member:80}".encode()


def test_a_row_of_thousands_of_stray_cells_is_told_in_one_line(desk):
    for cells, words in (
        (",x" * 16_000, "columns 11 to 16010 have values but no header (first in row 2)"),
        (",x,," * 4_000, "4,000 of the columns 11 to 12008 have values but no header (first in row 2)"),
    ):
        patients = clinic.PATIENTS.replace("82,yes,no,\n", f"82,yes,no,{cells.replace('x', CANARY)}\n")
        header, rest = patients.split("\n", 1)
        clinic.write_delivery(desk.extracts / "x", patients=f"{header}{',' * 16_000}\n{rest}")
        started = time.process_time()
        with pytest.raises(StructureError) as caught:
            desk.ingest()
        assert time.process_time() - started < 20
        assert words in caught.value.en
        assert CANARY not in caught.value.en
        assert caught.value.en.count("\n") < 5


def test_a_message_is_never_long_however_many_faults(desk):
    header, rest = clinic.PATIENTS.split("\n", 1)
    strange = ",".join(f"unknown column {n} {'x' * 30_000 if n == 1 else ''}" for n in range(2_000))
    clinic.write_delivery(desk.extracts / "x", patients=f"{header},{strange}\n{rest}")
    with pytest.raises(StructureError) as caught:
        desk.ingest()
    for told in (caught.value.en, caught.value.zh):
        assert told.count("\n") < limits.MESSAGE_LINES.most
        assert max(map(len, told.split("\n"))) <= limits.LINE_CHARACTERS.most
    assert "more lines" in caught.value.en
    assert "行" in caught.value.zh
    assert "let the mapping follow" in caught.value.en, "what to do is said at the end, and stays"


@pytest.mark.parametrize("n", [1, 60, 61, 10_000])
def test_a_long_message_keeps_its_beginning_and_its_end(n):
    error = RegistryError("\n".join(f"line {i}" for i in range(n)), "")
    shown = error.en.split("\n")
    assert len(shown) == min(n, limits.MESSAGE_LINES.most)
    assert (shown[0], shown[-1]) == ("line 0", f"line {n - 1}")
    left_out = [
        int(found[1].replace(",", ""))
        for line in shown
        if (found := re.fullmatch(r"  \.\.\. and (.+) more lines", line))
    ]
    assert sum(left_out) + len(shown) - len(left_out) == n


def test_a_number_beyond_a_limit_is_never_told_as_the_limit_itself():
    for limit in limits.LIMITS:
        assert limit.show(limit.most + 1) != limit.show(), limit
        assert limit.show() == limit.show(limit.most)


def test_the_document_says_every_limit_and_why():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for limit in limits.LIMITS:
        assert f"| {limit.what} | {limit.show().en} | {limit.why} |" in page, (
            f"| {limit.what} | {limit.show().en} | {limit.why} |"
        )


def test_no_reader_runs_in_the_process_of_the_command():
    """The libraries that can abort or ask for terabytes are imported by readers alone, which `apart` calls in a process of their own."""
    code = "import sys, etl.delivery.read, etl.mapping.delivery_day; print([m for m in ('fastexcel', 'pyreadstat', 'msoffcrypto', 'xlrd') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "[]"
    assert {reader.split(".")[0] for reader in Reader} == {"workbook", "passwords", "markup", "stat_files"}
    with pytest.raises(NotReadError, match="damaged"):
        read_apart(Reader.STATISTICS, ROOT / "Makefile", {})
    assert beyond.refuse_unread("a.sav", "time", ".sav").exit_code == 3


def write_overlapping(path: Path, n: int) -> Path:
    clinic.write_workbook(path, [["a", "b"], *([["1", "2"]] * 50)])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    ranges = b"<mergeCells>" + b'<mergeCell ref="A2:XFD1048576"/>' * n + b"</mergeCells>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(
                name,
                content.replace(b"</sheetData>", b"</sheetData>" + ranges) if name.endswith("sheet1.xml") else content,
            )
    return path


def test_merged_ranges_that_overlap_fill_nothing_a_thousand_times(tmp_path):
    assert read_delivery(write_overlapping(tmp_path / "a.xlsx", 1)).grids[0].merged
    assert "damaged" in refuse(write_overlapping(tmp_path / "a.xlsx", 2))


@pytest.mark.parametrize(
    "place", ['ss:MergeAcross="-1"', 'ss:MergeDown="-1"', 'ss:Index="-1"', 'ss:Index="0"', 'ss:Index="x"']
)
def test_a_place_before_the_first_is_no_place(tmp_path, place):
    """Counted from behind it would be another cell, and its text there in silence."""
    ss = "urn:schemas-microsoft-com:office:spreadsheet"
    cells = f"<Row><Cell><Data>a</Data></Cell><Cell><Data>b</Data></Cell></Row><Row><Cell {place}><Data>{CANARY}</Data></Cell></Row>"
    page = (
        f'<Workbook xmlns="{ss}" xmlns:ss="{ss}"><Worksheet ss:Name="x"><Table>{cells}</Table></Worksheet></Workbook>'
    )
    assert "damaged" in refuse(write(tmp_path / "a.xml", page))


@pytest.mark.parametrize("place", range(0, 46, 4))
def test_a_zip_with_a_damaged_directory_is_refused_or_read_as_it_was(tmp_path, place):
    path = clinic.write_workbook(tmp_path / "a.xlsx", [["a"]])
    whole = read_delivery(path).grids[0].cells.rows()
    content = bytearray(path.read_bytes())
    start = content.rfind(b"PK\x01\x02") + place
    content[start : start + 4] = b"\xff" * 4
    path.write_bytes(content)
    read = whole
    with suppress(DeliveryError):  # nothing else
        read = read_delivery(path).grids[0].cells.rows()
    assert read == whole


def test_a_header_that_ends_in_a_patients_row_is_called_by_its_place(desk):
    header, rest = clinic.PATIENTS.split("\n", 1)
    clinic.write_delivery(
        desk.extracts / "x", patients=f"{header},extra 1951-03-05 {CANARY},extra 13912345678,{CANARY * 20}\n{rest}"
    )
    with pytest.raises(StructureError, match=r"column 'no\. 11' is not in the mapping") as caught:
        desk.ingest()
    assert CANARY not in caught.value.en + caught.value.zh
    assert "13912345678" not in caught.value.en
