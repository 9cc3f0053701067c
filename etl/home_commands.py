"""The command that a hospital runs at home, where there is neither database nor key: locate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli import PasswordFile, commands
from etl.command_line import RegistryCommand, both
from etl.console import Terminal
from etl.errors import UsageError
from etl.limits import bound_message
from etl.pages.text import Text
from etl.settings import read_settings


@commands.command(
    "locate",
    cls=RegistryCommand,
    help=both(
        "At the hospital: write a copy of a query workbook with your own patient number beside each question.",
        "在医院使用：生成质疑工作簿的副本，每条质疑旁附本院患者编号。",
    ),
)
def run_locate(
    workbook: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help=both("the query workbook, as it came", "收到的质疑工作簿")),
    ] = None,
    delivery: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help=both(
                "the file or folder that was sent; once for each delivery that the workbook asks about",
                "当时提交的文件或文件夹；工作簿涉及多次提交时逐一给出",
            ),
        ),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    """Write a copy of a query workbook with the hospital's own patient numbers."""
    from etl.delivery.given_password import read_password
    from etl.delivery.passwords import offer_password
    from etl.quality.locate import locate

    settings = read_settings()
    terminal = Terminal(settings.language)
    if workbook is None or not delivery:
        raise UsageError(
            "It takes the query workbook and what was sent: registry locate queries.xlsx --delivery path/to/delivery",
            "需要质疑工作簿和当时提交的数据，如：registry locate queries.xlsx --delivery 提交数据的路径",
        )
    if password_file is not None:
        offer_password(read_password(password_file, settings.workspace))
    with terminal.progress(terminal.text("looking up", "查找")):
        done = locate(settings, workbook, delivery)
    terminal.say(
        f"Patient numbers beside {done.n_found} questions: {done.path}",
        f"已为 {done.n_found} 条质疑附上患者编号：{done.path}",
    )
    lines = [Text(f"  row {number}: {reason.en}", f"  第 {number} 行：{reason.zh}") for number, reason in done.without]
    if lines:
        en = bound_message("\n".join(line.en for line in lines), "... and {n} more, as the copy says")
        zh = bound_message("\n".join(line.zh for line in lines), "…… 另有 {n} 行，见副本")
        terminal.say(f"Without a number:\n{en}", f"没有编号：\n{zh}")
    terminal.say(
        "This copy NAMES PATIENTS: only your account may read it. Keep it at the hospital, never send it, delete it when you have answered. "
        "Answers go into the query workbook itself.",
        "此副本含患者身份信息，仅您的账户可读。请留在医院内，切勿发出，答复完毕即删除。答复请填写在质疑工作簿原件中。",
    )
