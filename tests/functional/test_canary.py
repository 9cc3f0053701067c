"""Tokens in every place of several hospitals' deliveries, every command once, and then everything that was made is searched for them.

What stands in an identifying column, or is written as one of the listed forms, must be found nowhere outside extracts/ and answers/. What no scan
can find is put in too, so that the documents say truly what that is (docs/security.md).
"""

import csv
import io
import re
import zipfile
import zlib
from pathlib import Path

import clinic
import duckdb
import polars as pl
import pyreadstat
import pytest
import xlsxwriter
from answered_workbook import answer, list_queries
from worksheet_desk import fill

from analysis import cli
from etl.onboarding.worksheet.form import WORKSHEET

NAME, SHORT, LATIN, NUMBER, CODED = "亓官翠羽", "仉鸢", "Zhuge Liangyu", "00310469", "ZX-58291377"
NATIONAL_ID, PHONE, MAIL, ACCOUNT = "44010619530417362X", "13987650042", "cuiyu.zhuge@example.org", "wxid_abc8842zz"
ADDRESS, PASSPORT, CONTACT = "麻雀巷88号702室", "G38827164", "夏侯鹮"
HIDDEN = re.compile(
    "亓\\s*官|翠羽|仉鸢|zhuge|liangyu|310469|58291377|44010619530417|139.?8765.?0042|cuiyu|wxid_abc|麻雀巷|38827164|夏侯鹮",
    re.IGNORECASE,
)
WIDE = {ord("０") + n: str(n) for n in range(10)}
TEXTS = (
    f"患者{NAME}诉乏力，电话１３９８７６５００４２", f"与{SHORT}同室；{LATIN.upper()}", f"病理(住院号{NUMBER})，见{CODED.lower()}", f"护照{PASSPORT}，{MAIL}",
    f"家住{ADDRESS}，微信{ACCOUNT}", f"证{NATIONAL_ID[:6]} {NATIONAL_ID[6:14]} {NATIONAL_ID[14:]}；139-8765-0042", f"联系人{CONTACT}；Liangyu, Zhuge",
)  # fmt: skip
BEYOND = ("老仉头", "翠字辈羽姑娘", "the tall teacher from the lane")
"""What no scan can find: nicknames, names taken apart, descriptions."""
COLUMNS = clinic.COLUMNS + "patients,联系人,ignore,,,,,not needed\npatients,x9,ignore,,,,,not needed\n"
HEADER = clinic.PATIENTS.split("\n", maxsplit=1)[0] + ",联系人,x9\n"
PEOPLE = [(NUMBER, NAME, NATIONAL_ID), (CODED, SHORT, ""), ("003", LATIN, PASSPORT)]


def write_texts(text):
    """The clinic's patients with a text in every free field, an unreadable cell and an ignored column."""
    rows = [HEADER.strip().split(",")]
    for n in range(9):
        number, name, document = PEOPLE[n] if n < len(PEOPLE) else (f"7{n}", f"仉{chr(0x9E00 + n)}", "")
        vein, size, box, remark, born = (text(n + k) for k in range(5))
        values = [
            number,
            name,
            document,
            "男" if n % 2 else NAME,
            born if n == 1 else "1960-03-05",
            vein,
            size if n == 0 else "45",
        ]
        rows.append(
            [*values, box if n == 2 else "yes", "no", f"{remark} {BEYOND[n % 3]}", CONTACT if n == 0 else "", name]
        )
    return rows


def write_clinic(folder):
    rows = write_texts(lambda n: TEXTS[n % len(TEXTS)])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    labs = clinic.LABS.replace("001", NUMBER).replace("ng/mL", NAME, 1)
    clinic.write_delivery(folder, patients=text.getvalue(), labs=labs)


def write_book(path):
    """A workbook that is called after a patient, as is its sheet; comments and properties tell of another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        book.set_properties({"title": NAME, "author": CONTACT, "comments": MAIL, "keywords": NUMBER})
        sheet = book.add_worksheet(f"{NAME}的记录" if path.parent.name == "book" else "记录")
        for r, row in enumerate(write_texts(lambda n: TEXTS[n % len(TEXTS)])):
            sheet.write_row(r, 0, row)
        sheet.write_comment(1, 1, f"{NAME} {PHONE}")
    return path


def write_stat_file(path):
    """A file of SPSS, Stata or SAS whose labels and codes tell names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [(number, name, 1.0 + (n % 2), TEXTS[n][:60]) for n, (number, name, _) in enumerate(PEOPLE)]
    frame = pl.DataFrame(rows, schema=["number", "name", "sex", "vein"], orient="row")
    labels = ["住院号", f"姓名 {NAME}", "性别", f"门静脉 ({NAME} {PHONE})"]
    if path.suffix == ".xpt":
        pyreadstat.write_xport(frame, path, column_labels=["number", "name", "sex", f"vein {PHONE}"])
    else:
        write = {".sav": pyreadstat.write_sav, ".dta": pyreadstat.write_dta}[path.suffix]
        write(frame, path, column_labels=labels, variable_value_labels={"sex": {1: "男", 2: NAME}})
    return path


def write_redcap(folder):
    folder.mkdir(parents=True)
    export = (
        f"record_id,name,sex,pvtt,baseline_complete\n{CODED},{NAME},1,{TEXTS[0]},2\n{NUMBER},{LATIN},2,{TEXTS[1]},2\n"
    )
    (folder / "export.csv").write_text(export, encoding="utf-8")
    head = 'Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"Choices, Calculations, OR Slider Labels",Field Note\n'
    fields = f'record_id,baseline,,text,Record ID,,\nname,baseline,,text,Name,,\nsex,baseline,,radio,Sex,"1, male | 2, {NAME}",\n'
    (folder / "dictionary.csv").write_text(
        f"{head}{fields}pvtt,baseline,,notes,Portal vein,,ask {CONTACT} {PHONE}\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace through which every command went, and all that was printed."""
    folder = tmp_path_factory.mktemp("canary")
    patch = pytest.MonkeyPatch()
    for name, value in {
        "WORKSPACE": folder / "workspace",
        "REGISTRY_KEY_FILE": folder / "key",
        "TMPDIR": folder / "tmp",
    }.items():
        patch.setenv(name, str(value))
    (folder / "tmp").mkdir()
    printed = io.StringIO()
    with patch.context() as streams:
        for stream in ("stdout", "stderr"):
            streams.setattr(f"sys.{stream}", _Stream(printed))
        run_everything(folder)
    patch.undo()
    return folder, printed.getvalue()


class _Stream(io.StringIO):
    def __init__(self, printed):
        super().__init__()
        self.printed = printed

    def write(self, text):
        return self.printed.write(text)

    def reconfigure(self, **_):
        """Take any wish, as a terminal does."""


def run(*words):
    return cli.run(lambda: [str(word) for word in words])


def run_everything(folder):
    workspace = folder / "workspace"
    sites, extracts = workspace / "sites", workspace / "extracts"
    clinic.write_site(sites / "clinic", columns=COLUMNS)
    write_clinic(extracts / "clinic" / "x_2026-01-01")
    assert run("ingest", "clinic", "--check") == 0
    assert run("ingest", "clinic") == 0
    queries = workspace / "reports" / "quality" / "clinic" / "queries.xlsx"
    told = {query["Query id"]: ("", f"{TEXTS[n % 7]}") for n, query in enumerate(list_queries(queries)[:8])}
    answer(queries, extracts / "clinic" / "answers" / "a.xlsx", told)
    (extracts / "clinic" / "x_2026-01-01" / "labs.csv").write_text(clinic.LABS.replace("001", NUMBER), encoding="utf-8")
    assert run("ingest", "clinic") == 0
    write_book(extracts / "book" / f"{NAME}_2026-01-01.xlsx")
    source = clinic.SITE.split("[[source]]")[0] + '[[source]]\nname = "patients"\nfile = "*.xlsx"\nheader_row = 1\n'
    columns = "\n".join(line for line in COLUMNS.splitlines() if not line.startswith("labs"))
    clinic.write_site(sites / "book", site=source.replace("clinic", "book"), columns=columns + "\n")
    assert run("ingest", "book") == 0
    provoke(folder)
    for number, delivery in enumerate(list_unknown(folder)):
        if run("new-hospital", f"new{number}", "--extract", delivery) == 0:
            fill(sites / f"new{number}" / WORKSHEET, lambda *_: ("not_needed", "", ""), lambda *_: "missing")
            run("ingest", f"new{number}", "--extract", delivery, "--extracted", "2026-01-01")
    run("quality")
    run("analyse")
    run("ingests")


def provoke(folder):
    """Errors that name what stands in a delivery: another header, a column after a patient, a missing sheet, a file that is none."""
    other = folder / "other_2026-01-01"
    clinic.write_delivery(other, patients=f"{NAME},{PHONE}\n{NUMBER},{NAME}\n")
    assert run("ingest", "clinic", "--extract", other) != 0
    clinic.write_delivery(
        other, patients=HEADER.replace("x9", f"{NAME}的备注") + ",".join([NUMBER, NAME, *"" * 10]) + "\n"
    )
    assert run("ingest", "clinic", "--extract", other) != 0
    broken = folder / "broken_2026-01-01.xlsx"
    broken.write_bytes(f"PK {NAME} {PHONE}".encode())
    assert run("ingest", "clinic", "--extract", broken) != 0
    assert run("ingest", "nobody") != 0


def list_unknown(folder):
    sent = folder / "sent"
    write_clinic(sent / "csv_2026-01-01")
    yield sent / "csv_2026-01-01"
    yield write_redcap(sent / "redcap_2026-01-01")
    yield write_book(sent / "book_2026-01-01" / "book.xlsx").parent
    yield from (write_stat_file(sent / f"stat_2026-01-01{suffix}") for suffix in (".sav", ".dta", ".xpt"))


def unpack(content):
    """A file's bytes, and what is packed in it: parts of a workbook, and streams of zlib in a page or a picture."""
    yield content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield name.encode()
                yield from unpack(packed.read(name))
    for packed in re.findall(rb'"([A-Za-z0-9+/]{200,}={0,2})"', content):
        yield from unpack_stream(packed)


def unpack_stream(packed):
    import base64

    raw = base64.b64decode(packed + b"=" * (-len(packed) % 4))
    for bits in (47, -15):
        try:
            yield zlib.decompress(raw, bits)
        except zlib.error:
            continue
        return


def read_everything(folder):
    """All that was made outside extracts/ and answers/, as text by place."""
    workspace = folder / "workspace"
    for path in sorted(p for p in [*workspace.rglob("*"), *(folder / "tmp").rglob("*"), folder / "key"] if p.is_file()):
        if path.is_relative_to(workspace / "extracts"):
            continue
        yield "name", str(path.relative_to(folder))
        for part in unpack(path.read_bytes()):
            yield path.name, part.decode(errors="replace")
    with duckdb.connect(str(next(workspace.rglob("*.duckdb"))), read_only=True) as connection:
        tables = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
        for schema, name in tables:
            rows = connection.execute(f'select * from {schema}."{name}"').fetchall()
            yield f"{schema}.{name}", "\n".join(map(str, rows))


def test_nothing_that_was_made_or_printed_tells_who_a_patient_is(made):
    folder, printed = made
    told = []
    for place, text in [("printed", printed), *read_everything(folder)]:
        plain = text.translate(WIDE)
        told += [(place, plain[max(0, m.start() - 60) : m.end() + 30]) for m in HIDDEN.finditer(plain)]
    assert not told, "\n".join(f"{place}: {text!r}" for place, text in told[:40])


def test_every_command_ran_and_what_no_scan_can_find_is_what_the_documents_say(made):
    folder, printed = made
    assert "checked" in printed
    everything = "\n".join(text for _, text in read_everything(folder))
    assert "[masked]" in everything
    assert "sheet 1 of 1" in everything
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    assert "nicknames" in page
    assert "taken apart" in page
