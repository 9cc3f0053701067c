"""Opens workbooks with a password, which is asked for on the terminal: it is kept in memory until the command ends and written nowhere.

A file says itself how often its key is to be hashed, up to four billion times, so that it is opened in a process of its own.
"""

from __future__ import annotations

import getpass
import hashlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.delivery.apart import NotReadError, Reader, read_apart
from etl.errors import DeliveryError

_TRIES = 3
_WRONG = "password"
_opened: dict[str, bytes] = {}


def refuse_locked(path: str) -> None:
    """Refuse a workbook of Excel 97-2003 with a password; one that is damaged otherwise is left to its reader.

    Raises:
        NotReadError: `locked`.
    """
    import msoffcrypto

    try:
        is_locked = msoffcrypto.OfficeFile(io.BytesIO(Path(path).read_bytes())).is_encrypted()
    except MemoryError:
        raise
    except Exception as error:
        is_locked = isinstance(error, NotImplementedError)
    if is_locked:
        raise NotReadError("locked")


def unlock(path: str, password: str) -> bytes:
    """Return the bytes of a workbook without its password; called in a process of its own.

    Raises:
        NotReadError: `password` where it is not the right one.
    """
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

    opened = io.BytesIO()
    try:
        book = msoffcrypto.OfficeFile(io.BytesIO(Path(path).read_bytes()))
        book.load_key(password=password)
        book.decrypt(opened)
    except (InvalidKeyError, DecryptionError, FileFormatError):
        raise NotReadError(_WRONG) from None
    return opened.getvalue()


def unlock_workbook(path: Path, name: str) -> bytes:
    """Return the bytes of a workbook without its password.

    Raises:
        DeliveryError: there is no terminal to ask on, or no password that was typed is right.
        NotReadError: it is damaged, or not to be opened within the limits.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest not in _opened:
        _opened[digest] = _unlock(path, name)
    return _opened[digest]


def _unlock(path: Path, name: str) -> bytes:
    if not sys.stdin.isatty():
        raise DeliveryError(
            f"{name}: the workbook has a password. Run the command in a terminal, where it can be typed (it is stored nowhere), or ask the "
            "hospital for the workbook without one.",
            f"{name}：工作簿有密码。请在终端中运行该命令并按提示输入密码（不会保存），或请医院提供无密码的文件。",
        )
    for _ in range(_TRIES):
        password = getpass.getpass(f"{name}: password / 密码: ", stream=sys.stderr)
        try:
            return read_apart(Reader.UNLOCK, path, password)
        except NotReadError as error:
            if error.reason != _WRONG:
                raise
        sys.stderr.write("The password is wrong. / 密码错误。\n")
    raise DeliveryError(
        f"{name}: none of {_TRIES} passwords opened the workbook. Ask the hospital for the right one.",
        f"{name}：{_TRIES} 次输入的密码均不正确。请向医院核实密码。",
    )


@contextmanager
def lend_path(content: bytes) -> Iterator[Path]:
    """Give bytes a path that another process can read, without writing them to a disk."""
    descriptor = os.memfd_create("workbook")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)
