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
from etl.errors import PasswordError

_TRIES = 3
_WRONG = "password"
_opened: dict[str, bytes] = {}
_offered: list[str] = []


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
    return unlock_content(Path(path).read_bytes(), password)


def unlock_content(content: bytes, password: str) -> bytes:
    """Do the same with the bytes of a workbook that is the registry's own."""
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

    opened = io.BytesIO()
    try:
        book = msoffcrypto.OfficeFile(io.BytesIO(content))
        book.load_key(password=password)
        book.decrypt(opened)
    except (InvalidKeyError, DecryptionError, FileFormatError):
        raise NotReadError(_WRONG) from None
    return opened.getvalue()


def offer_password(password: str) -> None:
    """Have a password tried before anybody is asked: for commands that run without a terminal."""
    _offered.append(password)


def unlock_workbook(path: Path, name: str) -> bytes:
    """Return the bytes of a workbook without its password.

    Raises:
        PasswordError: there is no terminal to ask on, or no password that was given or typed is right.
        NotReadError: it is damaged, or not to be opened within the limits.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest not in _opened:
        _opened[digest] = _unlock(path, name)
    return _opened[digest]


def _unlock(path: Path, name: str) -> bytes:
    for password in _offered:
        if (content := _try(path, password)) is not None:
            return content
    if not sys.stdin.isatty():
        raise _refuse_given(name) if _offered else _refuse_unasked(name)
    for _ in range(_TRIES):
        if (content := _try(path, getpass.getpass(f"{name}: password / 密码: ", stream=sys.stderr))) is not None:
            return content
        sys.stderr.write("The password is wrong. / 密码错误。\n")
    raise PasswordError(
        f"{name}: none of {_TRIES} passwords opened the workbook. Ask the hospital for the right one.",
        f"{name}：{_TRIES} 次输入的密码均不正确。请向医院核实密码。",
    )


def _try(path: Path, password: str) -> bytes | None:
    """Return the bytes of a workbook without its password; None where it is another."""
    try:
        return read_apart(Reader.UNLOCK, path, password)
    except NotReadError as error:
        if error.reason != _WRONG:
            raise
        return None


def _refuse_given(name: str) -> PasswordError:
    return PasswordError(
        f"{name}: the password that was given does not open this workbook. Check the file of --password-file, or run the command in a terminal, where it "
        "can be typed.",
        f"{name}：所给密码无法打开该工作簿。请检查 --password-file 所指文件，或在终端中运行该命令并输入密码。",
    )


def _refuse_unasked(name: str) -> PasswordError:
    return PasswordError(
        f"{name}: the workbook has a password. Run the command in a terminal, where it can be typed (it is stored nowhere), name a file that holds it "
        "(--password-file), or ask the hospital for the workbook without one.",
        f"{name}：工作簿有密码。请在终端中运行该命令并按提示输入密码（不会保存），或指明存放密码的文件（--password-file），或请医院提供无密码的文件。",
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
