"""How a command that fails says so: what went wrong, and the truth about what was saved before it did."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path

import typer

from etl.errors import InternalError, RegistryError, StoppedError, UnfinishedError, UsageError
from etl.installation import make_incomplete
from etl.interruption import Stopped, find_signal
from etl.saved import list_saved
from etl.suggestions import suggest_command
from schemas.package_data import MissingDataError, find_folder

OWN_PACKAGES = ("schemas", "etl", "analysis", "sql")


def describe_fault(error: BaseException) -> RegistryError:
    """Return what a command ends with: the error in words, below what it had saved by then.

    A fault of the registry itself is named by its place, without its text, which may hold a patient's value; REGISTRY_DEBUG=1 shows all of it.
    """
    fault = _name_fault(error)
    if saved := list_saved():
        return _tell_unfinished([text.en for text in saved], [text.zh for text in saved], fault)
    if fault is error:
        return fault
    fault.en += " Nothing was changed in the database."
    fault.zh += "数据库未作任何更改。"
    return fault


def _tell_unfinished(saved_en: list[str], saved_zh: list[str], fault: RegistryError) -> UnfinishedError:
    exit_code = fault.exit_code if isinstance(fault, (InternalError, StoppedError)) else UnfinishedError.exit_code
    owed = suggest_command("quality")
    return UnfinishedError(
        f"{' '.join(saved_en)} What follows was not finished:\n{fault.en}\nPages and workbooks that are owed for it are noted in the "
        f"database; the next command that writes makes them, as does: {owed}",
        f"{''.join(saved_zh)}后续步骤未完成：\n{fault.zh}\n因此尚欠的报告和工作簿已记入数据库，下一条写入命令会补做，也可运行：{owed}",
        exit_code,
    )


def _name_fault(error: BaseException) -> RegistryError:
    if (number := error.number if isinstance(error, Stopped) else find_signal()) is not None:
        return StoppedError(signal.Signals(number).name, number)
    if isinstance(error, RegistryError):
        return error
    if isinstance(error, MissingDataError):
        return make_incomplete([error.path])
    if isinstance(error, OSError):
        return _describe_system_error(error)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return StoppedError("SIGINT", signal.SIGINT)
    return _describe_unknown(error)


def _describe_system_error(error: OSError) -> RegistryError:
    """Return what the system refused: a folder that cannot be written, a full disk; a file of ours that is gone is our fault."""
    if error.filename and any(Path(os.fsdecode(error.filename)).is_relative_to(find_folder(p)) for p in OWN_PACKAGES):
        return _describe_unknown(error)
    what = f"'{os.fsdecode(error.filename)}'" if error.filename else f"({_find_place(error)})"
    return UsageError(
        f"The system refused {what}: {error.strerror}. Check the path, who may write there, and the space on the disk.",
        f"系统拒绝 {what}：{error.strerror}。请检查路径、写入权限和磁盘空间。",
    )


def _describe_unknown(error: BaseException) -> InternalError:
    if os.environ.get("REGISTRY_DEBUG"):
        traceback.print_exception(error)
    where = f"{type(error).__name__} in {_find_place(error)}"
    return InternalError(
        f"The registry itself failed ({where}). Please report this line; REGISTRY_DEBUG=1 shows more (it may show patients' values).",
        f"程序内部错误（{where}）。请报告此行；REGISTRY_DEBUG=1 可显示更多（可能含患者数据）。",
    )


def _find_place(error: BaseException) -> str:
    """Return the last line of our own packages that an error came through: a library's line tells nobody what was done."""
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [item for item in frames if item[0].f_globals.get("__name__", "").partition(".")[0] in OWN_PACKAGES]
    frame, line = (own or frames)[-1]
    return f"{frame.f_globals.get('__name__')}, line {line}"
