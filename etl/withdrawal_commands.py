"""The coordinating centre's commands about patients who withdrew their consent.

Each imports what it needs when it runs, as those of `etl/cli.py` do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import Hospital, commands, pay, tell_state
from etl.command_line import RegistryCommand, both
from etl.console import Terminal
from etl.errors import UsageError
from etl.settings import read_settings
from etl.suggestions import suggest_command

if TYPE_CHECKING:
    from etl.withdrawals import Outcome

Stop = Annotated[
    bool,
    typer.Option(
        "--stop",
        help=both(
            "take no further data; what was loaded stays and is analysed",
            "不再采集新数据；已载入的数据保留并参与分析",
        ),
    ),
]
Erase = Annotated[
    bool,
    typer.Option(
        "--erase",
        help=both(
            "take the patient out of every version, question, answer and report",
            "从所有版本、质疑、答复和报告中删除该患者",
        ),
    ),
]
Undo = Annotated[bool, typer.Option("--undo", help=both("take a withdrawal back", "取消撤回登记"))]
Numbers = Annotated[
    Path | None,
    typer.Option(
        "--numbers",
        metavar="FILE",
        help=both(
            "a text file of patient numbers, one a line; without it one number is asked for, and not shown",
            "患者编号的文本文件，每行一个；不指定时将提示输入一个编号（不显示）",
        ),
    ),
]
NotLoaded = Annotated[
    bool,
    typer.Option(
        "--not-loaded", help=both("also patients of whom nothing was loaded yet", "也包括尚未载入任何数据的患者")
    ),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help=both("kept in the trail, masked", "经遮蔽后记入操作记录"))]


@commands.command(
    "withdraw",
    cls=RegistryCommand,
    help=both(
        "Note that a patient withdrew: no further data (--stop), or nothing of the patient is kept (--erase).",
        "登记患者撤回同意：不再采集新数据（--stop），或删除其全部数据（--erase）。",
    ),
)
def run_withdraw(
    hospital: Hospital = "",
    stop: Stop = False,
    erase: Erase = False,
    undo: Undo = False,
    numbers: Numbers = None,
    not_loaded: NotLoaded = False,
    reason: Reason = "",
) -> None:
    """Note that patients withdrew, and do what follows from it; the number is never part of the command."""
    from etl.mapping.personal_forms import mask_personal_data
    from etl.withdrawals import ERASE, STOP, take_back, withdraw

    settings = read_settings()
    terminal = Terminal(settings.language)
    if [stop, erase, undo].count(True) != 1:
        raise UsageError(
            "Say one of --stop (no further data; what there is stays), --erase (nothing of the patient is kept) and --undo.",
            "请在 --stop（不再采集新数据，已有数据保留）、--erase（删除全部数据）和 --undo 中选择其一。",
        )
    tell_state(settings, terminal)
    given = _ask_numbers(terminal, numbers)
    masked = mask_personal_data(reason)
    if undo:
        n = take_back(settings, hospital, given, reason=masked)
        terminal.say(
            f"{hospital}: the withdrawal of {n} patients is taken back.", f"{hospital}：已取消 {n} 名患者的撤回登记。"
        )
    else:
        kind = ERASE if erase else STOP
        told = withdraw(settings, hospital, given, kind, may_be_unknown=not_loaded, reason=masked)
        _report(terminal, hospital, told, is_erased=erase)
    with terminal.progress(terminal.text("writing the database anew", "重写数据库")):
        pay(settings, terminal)
    _tell_next(terminal, hospital)
    if erase:
        _tell_remaining(terminal, hospital)


def _ask_numbers(terminal: Terminal, path: Path | None) -> list[str]:
    """Return the patients' numbers, of a file or as they are typed without being shown."""
    from etl.withdrawals import read_numbers

    if path is not None:
        return read_numbers(path)
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to type the patient's number at. Write it into a text file and name that: --numbers FILE",
            "没有可输入患者编号的终端。请将编号写入文本文件并指明：--numbers FILE",
        )
    prompt = terminal.text("Patient number (not shown)", "患者编号（不显示）")
    return [typer.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)]


def _report(terminal: Terminal, hospital: str, told: Sequence[Outcome], *, is_erased: bool) -> None:
    for one in told:
        versions = ", ".join(map(str, one.ingests)) or "–"
        if one.erased:
            terminal.say(
                f"{hospital}, no. {one.place}: erased from ingests {versions}: {one.erased.n_records} records, {one.erased.n_row_texts} row texts, "
                f"{one.erased.n_findings} questions, {one.erased.n_answers} answers.",
                f"{hospital}，第 {one.place} 个：已从版本 {versions} 删除：{one.erased.n_records} 条记录、{one.erased.n_row_texts} 行原文、"
                f"{one.erased.n_findings} 条质疑、{one.erased.n_answers} 条答复。",
            )
            if one.erased.n_unassigned:
                terminal.say(
                    f"    Older versions did not note whose rows they keep: all {one.erased.n_unassigned} row texts in which no other patient's record "
                    "stands were erased.",
                    f"    较早的版本未记录各行所属患者：不含其他患者记录的全部 {one.erased.n_unassigned} 行原文均已删除。",
                )
        else:
            terminal.say(
                f"{hospital}, no. {one.place}: no further data are taken; what ingests {versions} hold stays.",
                f"{hospital}，第 {one.place} 个：不再采集新数据；版本 {versions} 中的数据保留。",
            )
        if one.elsewhere:
            listed = ", ".join(one.elsewhere)
            terminal.say(
                f"    The same person has data at: {listed}. Ask whether the withdrawal is meant for them too.",
                f"    同一人在以下医院也有数据：{listed}。请确认撤回是否也适用于这些数据。",
            )


def _tell_next(terminal: Terminal, hospital: str) -> None:
    again, analyse = suggest_command("ingest", hospital), suggest_command("analyse")
    terminal.say(
        f"Next: {again} (reads the current delivery again by this), then {analyse}",
        f"下一步：{again}（据此重新读取当前数据），然后 {analyse}",
    )


def _tell_remaining(terminal: Terminal, hospital: str) -> None:
    """Name what the registry does not touch: the hospital's own files, and copies that somebody made."""
    from etl.erased_files import list_remaining

    remaining = list_remaining(read_settings(), hospital)
    terminal.say(
        "The patient may still stand in these, which the registry does not change; take them away or have them sent anew:"
        if remaining
        else "No delivery, answer, copy, export or backup is known in which the patient may still stand.",
        "以下文件中可能仍有该患者，登记库不会更改；请删除或要求重新提交："
        if remaining
        else "未发现可能仍含该患者的原始数据、答复、副本、导出或备份。",
    )
    for told in remaining:
        terminal.say(f"    {told.en}", f"    {told.zh}")
