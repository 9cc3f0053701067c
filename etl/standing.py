"""What is odd about a workspace when a command begins to work in it, and what earlier commands left behind."""

from __future__ import annotations

import os

from etl.pages.text import Text
from etl.permission import tell_gaps
from etl.settings import Settings
from etl.store.lock import forget_dead_holder
from etl.store.owed import REWRITING, list_owed, tell_owed, tell_rewriting
from etl.store.seen import find_change, find_seen, tell_older_copy
from etl.store.warehouse import open_for_reading
from etl.suggestions import quote_path, suggest_command
from etl.whole_files import FOR_THE_ACCOUNT_ALONE, sweep


def find_standing(settings: Settings, *, with_debts: bool, but: str = "") -> list[Text]:
    """Return sentences about a workspace: that its database is older than the work done here, and what is owed where `with_debts`.

    And of which hospitals with data the permission does not cover today; `but` is one of which the command tells it by itself.
    What dead processes left half written is swept away first.
    """
    _sweep(settings)
    path = settings.warehouse_path
    seen = find_seen(path)
    held, debts, hospitals = None, [], list[str]()
    if path.exists():
        with open_for_reading(path) as warehouse:
            held = find_change(warehouse)
            hospitals = warehouse.query("select distinct hospital from ingests order by hospital")["hospital"].to_list()
            debts = (
                [tell_owed(list_owed(warehouse)), tell_rewriting(list_owed(warehouse, REWRITING))] if with_debts else []
            )
    told = [_tell_open(settings), tell_older_copy(path, held, seen)]
    paid = suggest_command("quality")
    told += [
        Text(
            f"{debt.en} The next command that writes does it, as does: {paid}",
            f"{debt.zh}下一条写入命令会补做，也可运行：{paid}",
        )
        for debt in debts
        if debt
    ]
    told += tell_gaps(settings, (hospital for hospital in hospitals if hospital != but))
    return [text for text in told if text]


def _tell_open(settings: Settings) -> Text | None:
    """Tell that others may enter the workspace; who may not enter the folder reaches nothing in it. Where modes mean nothing nobody can tell."""
    folder = settings.workspace
    if os.name != "posix" or not folder.is_dir() or not folder.stat().st_mode & FOR_THE_ACCOUNT_ALONE:
        return None
    mended = f"chmod -R go= {quote_path(folder)}"
    return Text(
        f"Others may enter the workspace '{folder}', which holds data of single patients. Close it: {mended}",
        f"他人可进入工作区“{folder}”，其中含个体患者数据。请将其关闭：{mended}",
    )


def _sweep(settings: Settings) -> None:
    written = (settings.reports_dir, settings.workspace / "sites", settings.frozen_dir, settings.backups_dir)
    for folder in (*written, *settings.extracts_dir.glob("*/answers")):
        sweep(folder)
    sweep(settings.workspace, is_deep=False)
    for locked in (settings.warehouse_path, settings.reports_dir / "quality"):
        forget_dead_holder(locked)
