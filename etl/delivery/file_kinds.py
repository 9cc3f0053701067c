"""Tells what a file is by its content, whatever it is called, and refuses what is not read with the way out.

A way out never leads through a program that would change digits: a table opened and saved again loses those of long numbers, leading
zeros, and takes `3-5` for a day.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from enum import StrEnum
from pathlib import Path

from etl.errors import DeliveryError
from etl.limits import UNPACKED_BYTES
from etl.pages.text import Text

_HEAD = 65_536
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    LookupError,
)
"""What the standard library raises of a zip with damaged bytes."""
_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|style|div|center|form|frameset)\b", re.IGNORECASE)
_SPREADSHEET_XML = b"urn:schemas-microsoft-com:office:spreadsheet"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MARKS = ((b"%PDF", ".pdf"), (b"Rar!", ".rar"), (b"7z\xbc\xaf\x27\x1c", ".7z"), (b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"),
          (b"GIF8", ".gif"), (b"\x1f\x8b", ".gz"), (b"{\\rtf", ".rtf"), (b"MIME-Version:", ".mht"))  # fmt: skip
_PROTECTED = (b"%TSD-Header-###%", b"E-SafeNet", b"Esafenet")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b\x1c-\x1e]")
_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".webp")
_ARCHIVES = (".zip", ".rar", ".7z", ".gz", ".tar", ".tgz", ".bz2", ".xz")
_DOCUMENTS = (".doc", ".docx", ".rtf", ".wps", ".ppt", ".pptx", ".odt")


class FileKind(StrEnum):
    """What a file is read as."""

    WORKBOOK = "workbook"
    LOCKED = "workbook with a password"
    HTML = "web page"
    SPREADSHEET_XML = "SpreadsheetML 2003"
    TEXT = "text"


def find_kind(path: Path, name: str) -> FileKind:
    """Return what a file that is called a workbook, a page or a text is.

    Raises:
        DeliveryError: it is none of these; says what it is and what to do.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_ZIP):
        return _check_zip(path, name)
    if head.startswith(_OLE):
        return _check_ole(path, name)
    for mark, suffix in _MARKS:
        if head.startswith(mark):
            raise refuse(name, suffix)
    if any(mark in head[:512] for mark in _PROTECTED):
        raise refuse_protected(name)
    markup = find_markup(head)
    is_wide = head.startswith(_UTF16)
    if markup is None and not is_wide and _CONTROL.search(head):
        raise refuse_protected(name)
    return markup or FileKind.TEXT


def find_markup(head: bytes) -> FileKind | None:
    """Return whether the beginning of a file is that of a web page or of SpreadsheetML."""
    plain = head.decode("utf-16", errors="replace").encode() if head.startswith(_UTF16) else head
    if _SPREADSHEET_XML in plain:
        return FileKind.SPREADSHEET_XML
    start = plain.removeprefix(b"\xef\xbb\xbf").lstrip()
    return FileKind.HTML if start.startswith(b"<") and _HTML.search(start) else None


def _check_zip(path: Path, name: str) -> FileKind:
    """Tell a workbook from what else is a zip."""
    parts = {part.filename for part in list_parts(path, name)}
    if any(part.startswith("xl/") and part.endswith(".bin") and "workbook" in part for part in parts):
        raise refuse(name, ".xlsb")
    if "content.xml" in parts and "mimetype" in parts:
        raise refuse(name, ".ods")
    if any(part.startswith(("word/", "ppt/")) for part in parts):
        raise refuse(name, ".docx")
    if "[Content_Types].xml" not in parts:
        raise refuse(name, ".zip")
    return FileKind.WORKBOOK


def list_parts(path: Path, name: str) -> list[zipfile.ZipInfo]:
    """Return what a zip says that it holds.

    Raises:
        DeliveryError: the zip is cut off or damaged.
    """
    try:
        with zipfile.ZipFile(path) as container:
            return container.infolist()
    except DAMAGED_ZIP:
        raise DeliveryError(
            f"{name}: the file is cut off or damaged: it begins as a workbook or zip and does not end as one. Copy it again, when it is complete.",
            f"{name}：文件不完整或已损坏：开头是工作簿或压缩包，但没有正常的结尾。请待其完整后重新复制。",
        ) from None


def _check_ole(path: Path, name: str) -> FileKind:
    """Tell a workbook of Excel 97-2003, and a newer one with a password, from an old document."""
    content = path.read_bytes()
    if _names_stream(content, "EncryptedPackage"):
        return FileKind.LOCKED
    if _names_stream(content, "WordDocument"):
        raise refuse(name, ".doc")
    return FileKind.WORKBOOK


def _names_stream(content: bytes, stream: str) -> bool:
    return stream.encode("utf-16-le") in content


def refuse_protected(name: str) -> DeliveryError:
    """Return the refusal of a file that a document-protection program has encrypted, or that is damaged."""
    return DeliveryError(
        f"{name}: the content is neither a workbook nor text. Software that protects documents has probably encrypted the file: it opens only "
        "on the hospital's own computers. Ask the hospital's IT to take the protection off this file, and send it again as it is.",
        f"{name}：内容既非工作簿也非文本，很可能被医院的文档加密软件加密，只能在院内电脑打开。请联系信息科对该文件解密（外发审批）后，原样重新提交。",
    )


def refuse(name: str, suffix: str) -> DeliveryError:
    """Return the refusal of a type of file that is not read, with the way to one that is."""
    way = _find_way(suffix)
    return DeliveryError(
        f"{name}: files of type '{suffix or 'none'}' are not read. {way.en}",
        f"{name}：不支持“{suffix or '无扩展名'}”类型的文件。{way.zh}",
    )


_WAYS = {
    (".et",): Text(
        "It is a table of WPS: save it there as .xlsx (not as .csv, which loses digits).",
        "这是 WPS 表格：请在 WPS 中另存为 .xlsx（不要存为 .csv，以免丢失数字）。",
    ),
    (".ods",): Text(
        "It is a table of LibreOffice: save it there as .xlsx.", "这是 LibreOffice 表格：请在其中另存为 .xlsx。"
    ),
    (".xlsb",): Text(
        "It is a binary workbook: save it in Excel as .xlsx (not as .csv, which loses digits).",
        "这是二进制工作簿：请在 Excel 中另存为 .xlsx（不要存为 .csv，以免丢失数字）。",
    ),
    _ARCHIVES: Text(
        "Unpack it, put its files into one folder and name that folder.",
        "请先解压，将其中的文件放入一个文件夹，并指定该文件夹。",
    ),
    (*_PICTURES, ".pdf"): Text(
        "It is a picture of the data: ask for the data themselves, exported from the system as .xlsx or CSV.",
        "这只是数据的图像：请从系统中重新导出数据本身（.xlsx 或 CSV）。",
    ),
    _DOCUMENTS: Text(
        "It is a document: ask for the table itself, exported from the system as .xlsx or CSV.",
        "这是文档：请从系统中重新导出表格本身（.xlsx 或 CSV）。",
    ),
    (".mht", ".mhtml"): Text(
        "It is a web page with all its parts in one file: export again as .xlsx, CSV or .xls.",
        "这是单文件网页：请重新导出为 .xlsx、CSV 或 .xls。",
    ),
}
_ANY_WAY = Text(
    "Export the data again from the system as .xlsx or as .csv (.xls, web tables, .sav, .dta, .xpt and .sas7bdat are read too).",
    "请从系统中重新导出为 .xlsx 或 .csv（也可读取 .xls、网页表格、.sav、.dta、.xpt、.sas7bdat）。",
)


def _find_way(suffix: str) -> Text:
    return next((way for suffixes, way in _WAYS.items() if suffix in suffixes), _ANY_WAY)


def check_container(path: Path, name: str) -> None:
    """Refuse a zip that says that it unpacks to more than the limit; one that says less than it does ends its reader.

    Raises:
        DeliveryError: it would.
    """
    size = sum(part.file_size for part in list_parts(path, name))
    if size > UNPACKED_BYTES.most:
        found, most = UNPACKED_BYTES.show(size), UNPACKED_BYTES.show()
        raise DeliveryError(
            f"{name}: the workbook unpacks to {found.en}, more than the limit of {most.en}. Split it by table.",
            f"{name}：工作簿解压后达 {found.zh}，超过上限 {most.zh}。请按表拆分。",
        )
