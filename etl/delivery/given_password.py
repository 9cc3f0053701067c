"""The password that a person gives to a command: read from a file of theirs or typed, never a word of the command line, kept in memory alone."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from etl.errors import PasswordError
from etl.suggestions import quote_path

SHORTEST, LONGEST = 12, 255
"""Of a password that protects what leaves: Excel takes no longer one, and a short one is found by trying."""


def read_password(path: Path, workspace: Path) -> str:
    """Return the password that a file holds in its first line.

    Raises:
        PasswordError: it cannot be read, others may read it, it lies in the workspace, or its first line is empty.
    """
    try:
        if path.resolve().is_relative_to(workspace.resolve()):
            raise PasswordError(
                f"The password file '{path}' lies in the workspace, whose backups would hold it. Keep it elsewhere.",
                f"密码文件“{path}”位于工作区内，会进入备份。请存放在别处。",
            )
        if path.stat().st_mode & 0o077:
            raise PasswordError(
                f"The password file '{path}' can be read by others. Run: chmod 600 {quote_path(path)}",
                f"密码文件“{path}”可被他人读取。请运行：chmod 600 {quote_path(path)}",
            )
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise PasswordError(
            f"The password file '{path}' cannot be read ({why}).", f"无法读取密码文件“{path}”（{why}）。"
        ) from None
    if not lines or not lines[0]:
        raise PasswordError(f"The first line of the password file '{path}' is empty.", f"密码文件“{path}”的首行为空。")
    return lines[0]


def ask_new_password() -> str:
    """Return a password that is typed twice on a terminal.

    Raises:
        PasswordError: there is no terminal, or the two differ.
    """
    if not sys.stdin.isatty():
        raise PasswordError(
            "A password is needed: run the command in a terminal, where it can be typed, or name a file that holds it: --password-file path/to/file",
            "需要密码：请在终端中运行并输入，或指明存放密码的文件：--password-file 文件路径",
        )
    typed = [getpass.getpass(prompt, stream=sys.stderr) for prompt in ("password / 密码: ", "again / 再次输入: ")]
    if typed[0] != typed[1]:
        raise PasswordError("The two passwords differ. Nothing was written.", "两次输入的密码不一致。未写入任何文件。")
    return typed[0]


def check_new_password(password: str) -> str:
    """Return a password that may protect what leaves.

    Raises:
        PasswordError: it is too short or too long, or has a sign that programs do not read in one way.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(
            f"A password for what leaves has {SHORTEST} to {LONGEST} characters. Nothing was written.",
            f"用于外发文件的密码须为 {SHORTEST} 至 {LONGEST} 个字符。未写入任何文件。",
        )
    if not (password.isascii() and password.isprintable()):
        raise PasswordError(
            "A password for what leaves has only the letters, digits and signs of an English keyboard: programs that open zip files disagree about "
            "others. Nothing was written.",
            "用于外发文件的密码只能使用英文键盘上的字母、数字和符号：不同解压程序对其他字符的处理不一致。未写入任何文件。",
        )
    return password
