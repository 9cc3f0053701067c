"""The files of a delivery: which they are, and the hash of what they hold."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from io import BufferedReader
from pathlib import Path

from etl.delivery.beyond import SMALLER_FILES, refuse_beyond
from etl.errors import DeliveryError
from etl.limits import FILE_BYTES, FILES
from etl.pages.cells import escape_hidden
from etl.pages.text import Text

OLD_WORKBOOK = ".xls"
WORKBOOKS = (".xlsx", ".xlsm", OLD_WORKBOOK)
PAGES = (".html", ".htm", ".xml")
TEXT_FILES = (".csv", ".tsv", ".txt")
CATALOGUE_SUFFIX = ".sas7bcat"
STAT_SUFFIXES = (".sav", ".zsav", ".dta", ".xpt", ".sas7bdat")
READ_SUFFIXES = (*WORKBOOKS, *PAGES, *TEXT_FILES, *STAT_SUFFIXES)
_IGNORED_NAMES = re.compile(r"^(\.|~\$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_DESKTOP_MARKS = ("._", ".~")
_FEWER_FILES = Text(
    "Put the files of this delivery alone into one folder, and name that",
    "请仅将本次提交的文件放入一个文件夹，并指定该文件夹",
)


def is_desktop_file(path: Path) -> bool:
    """Tell a temporary or hidden file of a desktop program, such as Excel's `~$book.xlsx` while a workbook is open."""
    return bool(_IGNORED_NAMES.match(path.name))


def list_hidden(folder: Path) -> list[str]:
    """Return the names in a folder that begin with a dot and could hold patients: they are left out, and must be told.

    What desktop programs hide (`._x` of macOS, `.~lock.x#` of LibreOffice) is not.
    """
    hidden = (p for p in folder.rglob(".*") if not p.name.startswith(_DESKTOP_MARKS))
    return sorted(p.relative_to(folder).as_posix() for p in hidden if p.suffix.lower() in READ_SUFFIXES)


def list_files(path: Path) -> list[Path]:
    """Return the files of a delivery, sorted; temporary and hidden files of desktop programs are left out.

    Raises:
        DeliveryError: the folder holds a link to a folder or to nothing, whose files would be overlooked, a name that
            is no text, or more files than the limit.
    """
    for named in [path, *path.rglob("*")]:
        _check_name(named)
    if path.is_file():
        return [path]
    inside = sorted(p for p in path.rglob("*") if not is_desktop_file(p))
    if len(inside) > FILES.most:
        raise refuse_beyond(path.name, FILES, len(inside), _FEWER_FILES)
    for link in (p for p in inside if p.is_symlink() and not p.is_file()):
        raise DeliveryError(
            f"{link.name}: this is a link to a folder or to nothing. Put the files themselves into the delivery.",
            f"{link.name}：这是指向文件夹或不存在内容的链接。请将文件本身放入提交内容。",
        )
    return [p for p in inside if p.is_file()]


def _check_name(path: Path) -> None:
    """Refuse a name that is no UTF-8, as old zip programs leave behind: it could be neither stored nor shown."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        shown = escape_hidden(path.name)
        raise DeliveryError(
            f"'{shown}': the name of this file is not in UTF-8. Rename it.",
            f"“{shown}”：文件名不是 UTF-8 编码。请改名。",
        ) from None


def open_file(path: Path) -> BufferedReader:
    """Open a file of a delivery.

    Raises:
        DeliveryError: the system does not let it be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise DeliveryError(
            f"{path.name}: the file cannot be opened ({error.strerror}). Close it in other programs and check who may read it.",
            f"{path.name}：无法打开文件（{error.strerror}）。请关闭占用该文件的程序，并检查读取权限。",
        ) from None


def hash_delivery(path: Path) -> str:
    """Return the SHA-256 of a delivery's content, the same whatever its files are called."""
    return join_hashes(hash_file(file) for file in list_files(path))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, which may be larger than memory.

    Raises:
        DeliveryError: it is larger than the limit, so that nobody waits for its hash, or cannot be opened.
    """
    with open_file(path) as file:
        if (size := path.stat().st_size) > FILE_BYTES.most:
            raise refuse_beyond(path.name, FILE_BYTES, size, SMALLER_FILES)
        return hashlib.file_digest(file, "sha256").hexdigest()


def join_hashes(digests: Iterable[str]) -> str:
    """Return the hash of a delivery from those of its files."""
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def name_files(path: Path) -> dict[Path, str]:
    """Return the files of a delivery with their names as they are told: below the folder that was given, with slashes."""
    base = path.parent if path.is_file() else path
    return {file: file.relative_to(base).as_posix() for file in list_files(path)}


def hash_places(digests: Mapping[str, str]) -> str:
    """Return the hash of a delivery by which its rows are found again: of what its files hold and, where they are several, of their names.

    `digests` are the hashes of the files by their names. Two files that changed names give another hash; a single one may bear any.
    """
    if len(digests) == 1:
        return join_hashes(digests.values())
    lines = sorted(f"{unicodedata.normalize('NFC', name)}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
