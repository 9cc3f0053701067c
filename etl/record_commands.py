"""The commands about the record of what was done: trail and verify.

Each imports what it needs when it runs, as those of `etl/cli.py` do.
"""

from __future__ import annotations

from typing import Annotated

import typer

from etl.cli import commands
from etl.command_line import RegistryCommand, both
from etl.console import Terminal
from etl.settings import read_settings


@commands.command(
    "trail",
    cls=RegistryCommand,
    help=both(
        "Show what happened here: every load, answer, revert, page and analysis, by whom and when.",
        "查看操作记录：每次载入、答复、恢复、报告和分析，由谁在何时进行。",
    ),
)
def run_trail(
    hospital: Annotated[
        str | None, typer.Option(metavar="HOSPITAL", help=both("only of this hospital", "仅此医院"))
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help=both("only of this kind: ingest, revert, ...", "仅此类：ingest、revert 等")),
    ] = None,
    since: Annotated[str, typer.Option(metavar="DATE", help=both("from this day on (UTC)", "自该日起（UTC）"))] = "",
) -> None:
    """Show what happened here, by whom and when, and whether the trail holds."""
    from etl.show_trail import read_day, show_trail

    settings = read_settings()
    day = read_day(since) if since else None
    show_trail(settings, Terminal(settings.language), hospital=hospital, kind=kind, since=day)


@commands.command(
    "verify",
    cls=RegistryCommand,
    help=both(
        "Hold trail, tables, deliveries and reports against what was recorded of them; nothing is changed.",
        "将操作记录、数据表、原始数据和报告与登记时的记录核对；不作任何更改。",
    ),
)
def run_verify() -> None:
    """Hold trail, tables, deliveries and reports against what was recorded of them; nothing is changed."""
    from etl.errors import DiffersError
    from etl.verify import verify

    settings = read_settings()
    terminal = Terminal(settings.language)
    with terminal.progress(terminal.text("verifying", "核对")):
        verdict = verify(settings)
    for note in verdict.notes:
        terminal.say(f"Note: {note.en}", f"说明：{note.zh}")
    for difference in verdict.differences:
        terminal.say(f"DIFFERS: {difference.en}", f"不符：{difference.zh}")
    if n := len(verdict.differences):
        raise DiffersError(
            f"{n} thing(s) are not what the registry recorded of them. Find out who changed them; then put back a copy from before.",
            f"有 {n} 处与登记时的记录不符。请查明是谁更改，然后恢复此前的备份。",
        )
    terminal.say(f"All as recorded: {verdict.checked.en}.", f"与记录一致：{verdict.checked.zh}。")
