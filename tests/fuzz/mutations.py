"""What may become of a file: bytes of it, its structure, its cells. Every change follows from the random numbers that it is given."""

import io
import re
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from random import Random

NUMBERS = (
    "0",
    "-1",
    "1",
    "x",
    "",
    "99999",
    "2147483647",
    "-2147483648",
    "4294967296",
    "1e9",
    "1.5",
    "99999999999999999999",
    "NaN",
    "０",
    " 7 ",
)
PLACES = (
    "A0",
    "A1",
    "XFD1",
    "XFE1",
    "A1048576",
    "A1048577",
    "XFD1048576",
    "ZZZZZZ9",
    "A99999999999",
    "a1",
    "1A",
    "",
    "-A1",
    "B3",
    "中1",
)
RANGES = ("A1:XFD1048576", "B2:A1", "A1", "", "A1:A1048576", "A1:XFD1", "A1:ZZZ99999999", "A:B", "A1:B2:C3", "C3:D9")
ODD_CELLS = (
    "NaN", "inf", "-inf", "1e308", "-1e308", "1e309", "1e-320", "0", "-0", "-1", "-99999", "00", "1e", "e5", ".", "..", "+", "--5", "0x10", "1_000",
    "9" * 30, "9" * 400, "0." + "1" * 300, "1,234,567.89", "1.234.567,89", "12,5", "1 234", "１２．５", "٣٫٥", "१२", "一百", "½", "²", "Ⅳ", "①", "1×10^3", "1.2*10^400",
    "0001-01-01", "9999-12-31", "2091-01-01", "1899-12-30", "1900-02-29", "2020-02-30", "2020-13-01", "20200305", "2020/3", "Mar-20", "29/02/2021", "0", "60", "2958465",
    "2958466", "99999999", "民国109年", "二〇二〇年", "2020-03-05T25:61:61Z", "2020-03-05 24:00:00", "10000-01-01", "-2020-01-01", "43895.999999", "1e10",
    "TRUE", "false", "是", "yes", "√", "#REF!", "#DIV/0!", "#N/A", "#ERROR", "#ROUNDED", "=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1-1", "'00123", '="00123"', "\t5",
    "😀", "👩🏽\u200d⚕️", "\u202e12\u202c", "\u200b5\u200b", "\ufeff5", "5\u0301", "\u00a05\u3000", "\x1b[31m5", "\x00", "\x01", "a\x1ab", "\ufffd", "\ud800x", "\ue000", "\U0010ffff", "ﷺ" * 50,
    "x" * 32_767, "肝" * 32_767, " " * 5_000 + "5", "(" * 3_000, "1" * 5_000, "-" * 3_000, "," * 3_000, "。" * 3_000, "门静脉" * 3_000, "癌栓（" * 2_000, "a\nb\nc", "\r", "\\", '"', "'", "/",
    "-", "无", "不详", ">", ">=", "<", ">>5", "<0", "> 1e400", "≥", "5-3", "3-5", "35/40", "5+3", "约5", "5%", "500%", "5cm", "5 mm", "5kg/m2", "5个", "9999", "-9", ".A", "None", "null",
)  # fmt: skip


def change_bytes(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Flip, cut, drop, double, move, fill or splice bytes, once or a few times."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        random.choice(BYTE_CHANGES)(random, data, others)
    return bytes(data)


def _pick(random: Random, data: bytearray, most: int = 400) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.randint(1, most))


def _flip(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    for _n in range(random.choice((1, 3, 20))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _cut(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[random.randrange(len(data) + 1) :]


def _drop(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _pick(random, data)
    del data[start:end]


def _repeat(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _pick(random, data)
    data[end:end] = data[start:end] * random.choice((1, 2, 200))


def _fill(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, end = _pick(random, data, 40)
    data[start:end] = bytes([random.choice((0, 0xFF, 0x20, 0x22, 0x3C, 0x2C))]) * (end - start)


def _insert(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, _end = _pick(random, data)
    data[start:start] = random.randbytes(random.choice((1, 4, 300)))


def _splice(random: Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = random.choice(others)
    start, _end = _pick(random, data)
    cut = random.randrange(len(other) + 1)
    data[start:] = other[cut:] if random.random() < 0.5 else other[cut : cut + 500] + bytes(data[start:])


def _head(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Counts and sizes stand at the beginning: two or four bytes of it become a number that is rarely one."""
    size = random.choice((2, 4, 8))
    if len(data) > size:
        start = random.randrange(min(len(data) - size, 600))
        number = random.choice(
            (0, -1, 1, 127, 2**15 - 1, 2 ** (8 * size - 1) - 1, -(2 ** (8 * size - 1)), 65_536 % 2 ** (8 * size - 1))
        )
        data[start : start + size] = struct.pack(
            {2: "<h", 4: "<i", 8: "<q"}[size] if random.random() < 0.7 else {2: ">h", 4: ">i", 8: ">q"}[size], number
        )


BYTE_CHANGES: tuple[Callable[..., None], ...] = (_flip, _cut, _drop, _repeat, _fill, _insert, _splice, _head, _head)


def change_structure(random: Random, name: str, content: bytes, others: Sequence[bytes]) -> bytes:
    """Change what a format says of itself: parts and attributes of a workbook, tags of a page, marks of a text, the header of statistics."""
    if content.startswith(b"PK"):
        return _change_zip(random, content)
    if name.endswith((".xml", ".xls", ".html")) and b"<" in content[:10]:
        return _change_markup(random, content.decode()).encode("utf-8", errors="surrogatepass")
    if name.endswith((".csv", ".txt", ".tsv")):
        return _change_text(random, content)
    data = bytearray(content)
    for _ in range(random.choice((1, 2, 4))):
        _head(random, data, others)
    return bytes(data)


def _replace_one(random: Random, pattern: str, text: str, new: str) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    match = random.choice(found)
    return text[: match.start(1)] + new + text[match.end(1) :]


_XML_CHANGES = (
    (r'\br="([A-Z]+\d+)"', PLACES), (r'\br="(\d+)"', NUMBERS), (r'\bs="(\d+)"', NUMBERS), (r'\bt="(\w+)"', ("s", "b", "e", "d", "str", "inlineStr", "n", "zzz", "")),
    (r"<v>([^<]*)</v>", (*NUMBERS, "1e400", "a", "#N/A", "2020-03-05", "&#0;", "9" * 500)), (r'ref="([^"]*)"', RANGES), (r'count="(\d+)"', NUMBERS), (r'uniqueCount="(\d+)"', NUMBERS),
    (r'numFmtId="(\d+)"', NUMBERS), (r'formatCode="([^"]*)"', ("[" * 900, '"' * 901, "m" * 5_000, "yyyy", "0%", "h:mm", "[$-804]e", "", ";" * 300)), (r'fontId="(\d+)"', NUMBERS),
    (r'r:id="([^"]*)"', ("rId1", "rId999", "")), (r'Target="([^"]*)"', ("worksheets/sheet1.xml", "../../../etc/passwd", "", "/xl/worksheets/sheet2.xml", "x" * 300)), (r'name="([^"]*)"', ("data", "", "x" * 300, "a/b")),
    (r'sheetId="(\d+)"', NUMBERS), (r'hidden="(\d)"', NUMBERS), (r'xmlns="([^"]*)"', ("", "urn:x")), (r'encoding="([^"]*)"', ("UTF-16", "gbk", "x", "")), (r"(<row )", ("<row hidden='1' r='5' ", "<row r='1' ", "")),
    (r"(</sheetData>)", ("", "</sheetData><mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells>", "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData>", "<x>" * 5_000)),
    (r"(<si>)", ("<si><si>", "", "<si><r><rPr><vertAlign val='superscript'/></rPr><t>5</t></r>", "<si/>")), (r"(\?>)", ('?><!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>', "")), (r"<t[^>]*>([^<]*)</t>", ("&a;", "&#x1F;", "_x0000_", "1.234")),
)  # fmt: skip


def _change_zip(random: Random, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    for _ in range(random.choice((1, 1, 2, 6))):
        name = random.choice(sorted(parts) or [""])
        kind = random.random()
        if not parts:
            break
        if kind < 0.06:
            del parts[name]
        elif kind < 0.10:
            parts[random.choice((name.upper(), name + "x", "xl/../" + name, "xl/workbook.bin", "content.xml"))] = (
                parts.pop(name)
            )
        elif kind < 0.14:
            parts[name] = random.choice((b"", b"<", b"\x00" * 100, parts[random.choice(sorted(parts))]))
        elif kind < 0.17:
            parts[name] = parts[name].decode("utf-8", "replace").encode("utf-16")
        elif kind < 0.22:
            parts[name] = change_bytes(random, parts[name], [content])
        else:
            name = random.choice([n for n in parts if n.endswith((".xml", ".rels"))] or [name])
            text = parts[name].decode("utf-8", errors="replace")
            fitting = [(pattern, news) for pattern, news in _XML_CHANGES if re.search(pattern, text)]
            pattern, news = random.choice(fitting) if fitting else (r"(<)", ("",))
            parts[name] = _replace_one(random, pattern, text, random.choice(news)).encode("utf-8", errors="replace")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(name, part)
    return made.getvalue()


_MARKUP_CHANGES = (
    (r"rowspan=(\d+)", NUMBERS), (r"(<td)", ("<td colspan=16384", "<td colspan=9 rowspan=9999999", "<table><tr><td", "<td hidden", "", "<td style='display:none'")), (r"(</t[dr]>)", ("", "</table>", "</td></td>")),
    (r"x:num='([^']*)'", (*NUMBERS, "1" * 400)), (r"charset=([\w-]+)", ("gb2312", "x", "utf-16", "")), (r"(<tr)", ("<tr style='display:none'", "<input type=checkbox checked><tr", "<script>", "<table>" * 500)),
    (r'ss:Index="(\d+)"', NUMBERS), (r'ss:MergeAcross="(\d+)"', NUMBERS), (r'ss:MergeDown="(\d+)"', NUMBERS), (r'ss:Type="(\w+)"', ("Number", "DateTime", "Boolean", "Error", "zzz", "")), (r"(<Cell)", ('<Cell ss:Index="16384"', '<Cell ss:Formula="=1"', "<Cell ss:Index='0'", "")),
    (r"(<Row)", ('<Row ss:Index="1048577"', '<Row ss:Index="1"', "<Row ss:Hidden='1'", "")), (r'ss:Format="([^"]*)"', ("[" * 900, "General Date", "mmm-yy", "h:mm", "Percent", "")), (r"(<Data)", ("<Data><B", "<Comment><Data", "")), (r"(>\d[^<]*<)", (">NaN<", ">1e400<", "><", ">&bogus;<", ">&#0;<", ">&#55296;<")),
)  # fmt: skip


def _change_markup(random: Random, text: str) -> str:
    for _ in range(random.choice((1, 1, 2, 6))):
        fitting = [(pattern, news) for pattern, news in _MARKUP_CHANGES if re.search(pattern, text)]
        pattern, news = random.choice(fitting)
        text = _replace_one(random, pattern, text, random.choice(news))
    return text


_TEXT_PIECES = (
    b'"', b"'", b'""', b"\x00", b"\x00" * 50, b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\r\n", b"\n\r", b"\x1a", b",", b"\t" * 20, b";" * 3, b"|", b"," * 17_000, b'="', b"\xa4\xa4\xa4\xe5",
    "中文".encode(), "中文".encode("gb18030"), b"\xe4\xb8", b"\x80\x81\xfe\xff", b"\x0b\x0c\x1c\x85", "\u2028".encode(), b"<html><table>", b"PK\x03\x04", b"x" * 20_000, b"\n" * 500, b'"\n,"', b"\\", b"^",
)  # fmt: skip


def _change_text(random: Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 3, 10))):
        place = random.choice((0, len(data), random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
        data[place : place + random.choice((0, 0, 1))] = random.choice(_TEXT_PIECES)
    lines = bytes(data).split(b"\n")
    if random.random() < 0.2:
        lines = [
            line.replace(b",", random.choice((b";", b"\t", b""))) if random.random() < 0.3 else line for line in lines
        ]
    if random.random() < 0.1:
        lines = [*lines, *lines] if random.random() < 0.5 else random.sample(lines, len(lines))
    return b"\n".join(lines)


def change_cells(random: Random, files: Mapping[str, list[list[str]]]) -> dict[str, list[list[str]]]:
    """Put odd values into cells of a delivery, one to a hundred of them; now and then a row or a column is gone, doubled or moved."""
    changed = {name: [list(row) for row in rows] for name, rows in files.items()}
    for _ in range(random.choice((1, 5, 30, 100))):
        rows = changed[random.choice(sorted(changed))]
        if len(rows) > 1:
            row = random.choice(rows[1:])
            row[random.randrange(len(row))] = random.choice(ODD_CELLS)
    if random.random() < 0.3:
        rows = changed[random.choice(sorted(changed))]
        column, value = random.randrange(len(rows[0])), random.choice(ODD_CELLS)
        for row in rows[1:]:
            row[min(column, len(row) - 1)] = value
    if random.random() < 0.3:
        rows = changed[random.choice(sorted(changed))]
        place = random.randrange(len(rows))
        random.choice(
            (
                rows.pop,
                lambda n: rows.insert(n, list(rows[n])),
                lambda n: rows[n].insert(1, "x"),
                lambda n: rows[n].pop(),
                lambda n: rows.insert(n, []),
            )
        )(place)
    return changed
