"""Opens workbooks with a password, which is asked for on the terminal: it is kept in memory until the command ends and written nowhere."""

from __future__ import annotations

import getpass
import hashlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msoffcrypto
from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

from etl.errors import DeliveryError

_TRIES = 3
_opened: dict[str, bytes] = {}


def unlock_workbook(path: Path, name: str) -> bytes:
    """Return the bytes of a workbook without its password.

    Raises:
        DeliveryError: there is no terminal to ask on, or no password that was typed is right.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest not in _opened:
        _opened[digest] = _unlock(content, name)
    return _opened[digest]


def _unlock(content: bytes, name: str) -> bytes:
    if not sys.stdin.isatty():
        raise DeliveryError(
            f"{name}: the workbook has a password. Run the command in a terminal, where it can be typed (it is stored nowhere), or ask the "
            "hospital for the workbook without one.",
            f"{name}：工作簿有密码。请在终端中运行该命令并按提示输入密码（不会保存），或请医院提供无密码的文件。",
        )
    for _ in range(_TRIES):
        password = getpass.getpass(f"{name}: password / 密码: ", stream=sys.stderr)
        with suppress(InvalidKeyError, DecryptionError, FileFormatError):
            return _decrypt(content, password)
        sys.stderr.write("The password is wrong. / 密码错误。\n")
    raise DeliveryError(
        f"{name}: none of {_TRIES} passwords opened the workbook. Ask the hospital for the right one.",
        f"{name}：{_TRIES} 次输入的密码均不正确。请向医院核实密码。",
    )


def _decrypt(content: bytes, password: str) -> bytes:
    book = msoffcrypto.OfficeFile(io.BytesIO(content))
    book.load_key(password=password)
    opened = io.BytesIO()
    book.decrypt(opened)
    return opened.getvalue()


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
