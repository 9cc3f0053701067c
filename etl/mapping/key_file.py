"""The files of keys: read and checked, made whole or not at all, appended to by `registry rekey`.

A file holds the first secret as it is and, below it, one line for each that was appended (`then 64 hexadecimal digits`), in the order in
which they are applied.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from etl.errors import IdentityError
from etl.pages.text import Text
from etl.suggestions import quote_path
from etl.whole_files import name_scratch, put_in_place

_KEY_BYTES = 32
_EXAMPLE = b"SYNTHETIC "
"""What the key of invented patients begins with: no file says more plainly what it is for."""
_APPENDED = re.compile(rb"[ \t\r]{0,8}\nthen (?P<secret>[0-9a-f]{64})\s{0,8}\Z")
_DIGITS = re.compile(rb"[0-9a-fA-F]{64,}")
_FEWEST_DIFFERENT, _MOST_OF_ONE = 10, 1 / 3
"""Of 64 random digits fewer than 10 are different, or more than a third the same, less often than once in a thousand million keys."""


def draw_secret(*, is_synthetic: bool = False) -> bytes:
    """Return a new secret, 256 bits from the system's source for secrets; that of an example says so."""
    return (_EXAMPLE if is_synthetic else b"") + secrets.token_hex(_KEY_BYTES).encode()


def read_secrets(path: Path) -> tuple[bytes, ...]:
    """Return the secrets of a key file, in the order in which they are applied.

    Raises:
        IdentityError: it is readable by others, holds no key, or cannot be read.
    """
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise refuse_place(path, error) from None
    if mode & 0o077:
        raise IdentityError(
            f"The pseudonym key '{path}' can be read by others. Run: chmod 600 {quote_path(path)}",
            f"匿名密钥文件“{path}”可被他人读取。请运行：chmod 600 {quote_path(path)}",
        )
    appended: list[bytes] = []
    while found := _APPENDED.search(content):
        appended.insert(0, found["secret"])
        content = content[: found.start()]
    first = content.strip()
    if len(first) < _KEY_BYTES:
        raise IdentityError(f"'{path}' does not hold a pseudonym key.", f"“{path}”不是有效的匿名密钥文件。")
    return (first, *appended)


def is_of_example(found: Sequence[bytes]) -> bool:
    """Whether the secrets of a file are those of invented patients."""
    return found[0].startswith(_EXAMPLE)


def refuse_place(path: Path, error: OSError) -> IdentityError:
    """Return the error of a key that the system lets nobody read or make there."""
    return IdentityError(
        f"The pseudonym key '{path}' cannot be read or made ({error.strerror}). Set REGISTRY_KEY_FILE to a file you may write.",
        f"无法读取或创建匿名密钥文件“{path}”（{error.strerror}）。请用 REGISTRY_KEY_FILE 指明可写的文件。",
    )


def check_strength(path: Path, found: Sequence[bytes], *, is_synthetic: bool) -> None:
    """Refuse to begin a database with a key that somebody could guess, or that is meant for patients of the other kind (IdentityError)."""
    if is_synthetic != is_of_example(found):
        of, instead = ("real", "invented") if is_synthetic else ("invented", "real")
        of_zh, instead_zh = ("真实", "合成") if is_synthetic else ("合成", "真实")
        raise IdentityError(
            f"The key in '{path}' is for {of} patients, and the delivery holds {instead} ones. Nothing was loaded. Set REGISTRY_KEY_FILE to "
            "another file, in which a key of their own is made.",
            f"“{path}”中的密钥用于{of_zh}患者，而本次提交为{instead_zh}患者。未载入任何数据。请将 REGISTRY_KEY_FILE 设为另一文件，系统将在其中另建密钥。",
        )
    if not is_synthetic and (weakness := find_weakness(found[0])):
        raise IdentityError(
            f"The key in '{path}' could be guessed: {weakness.en}. Nothing was loaded. Move the file away: the next ingest makes a random key there, "
            "of 64 hexadecimal digits.",
            f"“{path}”中的密钥可能被猜出：{weakness.zh}。未载入任何数据。请移走该文件：下次载入时系统将在该处生成 64 位十六进制随机密钥。",
        )


def find_weakness(secret: bytes) -> Text | None:
    """Return why a secret could be guessed; None of one that was drawn at random as hexadecimal digits."""
    if not _DIGITS.fullmatch(secret):
        return Text(
            "it is not 64 or more hexadecimal digits, as chance makes them, but words, another text or too short",
            "不是 64 位以上的十六进制随机数字，而是词语、其他文本或过短",
        )
    digits = secret.lower()
    steps = [b - a for a, b in pairwise(digits)]
    if len(set(digits)) < _FEWEST_DIFFERENT or max(map(digits.count, set(digits))) > _MOST_OF_ONE * len(digits):
        return Text("few of its digits are different", "其中不同的数字太少")
    if any(digits[n:] == digits[:-n] for n in range(1, len(digits) // 2 + 1)):
        return Text("a part of it is repeated", "其内容有重复规律")
    if max(map(steps.count, set(steps))) > len(steps) / 2:
        return Text("its digits go up or down in steps", "其数字按顺序排列")
    return None


def make_key_file(path: Path, found: Sequence[bytes]) -> bool:
    """Make a key file, whole or not at all; False where another command has made one in the same moment, which stays.

    Raises:
        IdentityError: it cannot be made there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = _write_beside(path, found)
        try:
            os.link(scratch, path)
        except FileExistsError:
            return False
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise refuse_place(path, error) from None
    return True


def replace_key_file(path: Path, found: Sequence[bytes]) -> None:
    """Let a file with more secrets take the place of a key file; at every moment there is the old one or the new one.

    Raises:
        IdentityError: it cannot be written; the file is as it was.
    """
    try:
        scratch = _write_beside(path, found)
        try:
            put_in_place(scratch, path)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise refuse_place(path, error) from None


def _write_beside(path: Path, found: Sequence[bytes]) -> Path:
    scratch = name_scratch(path)
    with suppress(FileNotFoundError):
        scratch.unlink()
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"\nthen ".join(found))
        file.flush()
        os.fsync(file.fileno())
    return scratch
