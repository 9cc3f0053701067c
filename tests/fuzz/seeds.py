"""Small valid files of every format that is read, each with a token in its cells that no message may show. SYNTHETIC EXAMPLE DATA."""

import datetime as dt
import io
from pathlib import Path

import clinic
import msoffcrypto
import polars as pl
import pyreadstat
import xlsxwriter
from example_hospital import list_fields, make_rows

from schemas.tables import TABLES

CANARY = "Zq7canary"
N_PATIENTS = 12
FUNCTIONAL = Path(__file__).parents[1] / "functional"
ROWS = [
    [f"{n:03}", f"{CANARY}{n}", "男" if n % 2 else "女", f"19{40 + n}-03-05", f"{20 + n}.5", f"门静脉左支癌栓 {CANARY}", ">1210" if n == 3 else "3,5"]
    for n in range(1, N_PATIENTS + 1)
]  # fmt: skip
NAMES = ["number", "name", "sex", "born", "size", "portal vein", "afp"]
SS = 'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'


def write_text(delimiter: str, end: str = "\n", quote: str = "") -> str:
    return "".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) + end for row in [NAMES, *ROWS])


def make_workbook() -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    page, day = book.add_worksheet("data"), book.add_format({"num_format": "yyyy-mm-dd", "font_strikeout": True})
    page.write_row(0, 0, NAMES)
    for n, row in enumerate(ROWS, 1):
        page.write_row(n, 0, row)
        page.write_datetime(n, 3, dt.datetime(1950, 3, n), day)
        page.write_number(n, 4, 20.5 + n)
        page.write_formula(n, 7, "=1/0", None, "#DIV/0!" if n == 2 else 5)
    page.write_rich_string(5, 8, "10", book.add_format({"font_script": 1}), "5", " x")
    page.merge_range(14, 0, 16, 0, "013")
    page.set_row(4, None, None, {"hidden": True})
    book.add_worksheet("empty")
    book.close()
    return content.getvalue()


def make_html() -> str:
    body = "".join(
        "<tr>" + "".join(f"<td rowspan=1 x:num='1'>{c}</td>" for c in row) + "</tr>" for row in [NAMES, *ROWS]
    )
    return f"<html><head><meta charset=utf-8></head><body><h1>title</h1><table border=1>{body}</table><p>制表人</p></body></html>"


def make_xml() -> str:
    cells = "".join(
        "<Row>"
        + "".join(
            f'<Cell><Data ss:Type="String">{c.replace("<", "&lt;").replace(">", "&gt;")}</Data></Cell>' for c in row
        )
        + "</Row>"
        for row in [NAMES, *ROWS]
    )
    style = '<Styles><Style ss:ID="s1"><NumberFormat ss:Format="Short Date"/></Style></Styles>'
    more = '<Row ss:Index="20"><Cell ss:Index="2" ss:StyleID="s1" ss:MergeAcross="1" ss:MergeDown="1"><Data ss:Type="DateTime">2020-03-05T00:00:00.000</Data></Cell></Row>'
    return f'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook {SS}>{style}<Worksheet ss:Name="data"><Table>{cells}{more}</Table></Worksheet></Workbook>'


def make_statistics(folder: Path) -> dict[str, bytes]:
    frame = pl.DataFrame(
        {"id": [row[0] for row in ROWS], "name": [row[1] for row in ROWS], "sex": [1.0, 2.0] * 6, "born": [dt.date(1950, 3, n) for n in range(1, 13)],
         "size": [20.5] * 11 + [None]},
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    pyreadstat.write_sav(frame, folder / "a.sav", variable_value_labels={"sex": {1: "男", 2: "女"}})
    pyreadstat.write_sav(frame, folder / "a.zsav", compress=True)
    pyreadstat.write_dta(frame, folder / "a.dta", variable_value_labels={"sex": {1: "男", 2: "女"}})
    pyreadstat.write_xport(frame, folder / "a.xpt")
    return {path.name: path.read_bytes() for path in sorted(folder.glob("a.*"))}


def make_locked(content: bytes) -> bytes:
    locked = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(content)).encrypt("secret", locked)
    return locked.getvalue()


def make_seeds(folder: Path) -> dict[str, bytes]:
    """Every format by the name that a file of it has."""
    workbook = make_workbook()
    return {
        "utf8.csv": write_text(",").encode(),
        "quoted.csv": write_text(",", "\r\n", '"').encode("utf-8-sig"),
        "gbk.csv": write_text(";").encode("gb18030"),
        "wide.txt": write_text("\t").encode("utf-16"),
        "mac.tsv": write_text("\t", "\r").encode(),
        "new.xlsx": workbook,
        "old.xls": (FUNCTIONAL / "excel97" / "clinic.xls").read_bytes(),
        "page.xls": make_html().encode(),
        "sheet.xml": make_xml().encode(),
        "locked.xlsx": make_locked(workbook),
        **make_statistics(folder),
        "a.sas7bdat": (FUNCTIONAL / "sas" / "clinic.sas7bdat").read_bytes(),
        "formats.sas7bcat": (FUNCTIONAL / "sas" / "formats.sas7bcat").read_bytes(),
    }


def make_everything() -> dict[str, list[list[str]]]:
    """A delivery with every field of every table: lines by file, the header first."""
    rows = make_rows({f"{n:03}": "" for n in range(1, N_PATIENTS + 1)})
    files = {}
    for table in TABLES:
        columns = ["number", *(("name", "id card") if table == "patient" else ()), *list_fields(table), "remark"]
        lines = [
            [f"{CANARY}{row['number']}" if c in ("name", "remark") else row.get(c, "") for c in columns]
            for row in rows[table]
        ]
        files[f"{table}.csv"] = [columns, *lines]
    return files


def write_clinic(folder: Path) -> Path:
    """Twelve patients of the clinic of the tests."""
    head, labs = clinic.PATIENTS.splitlines()[0], clinic.LABS.splitlines()[0]
    patients = [
        f"{n:03},{CANARY}{n},,男,19{40 + n}-03-05,门静脉左支,{40 + n},yes,no,{CANARY}" for n in range(1, N_PATIENTS + 1)
    ]
    values = [f"{n:03},2020-03-{n:02},3.9,{10 * n},ng/mL" for n in range(1, N_PATIENTS + 1)]
    return clinic.write_delivery(folder, patients="\n".join([head, *patients, ""]), labs="\n".join([labs, *values, ""]))
