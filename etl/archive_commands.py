"""The commands by which data leave the database as files and come back: export, restore, backup.

Each imports what it needs when it runs, as those of `etl/cli.py` do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli import commands, pay, tell_state
from etl.command_line import RegistryCommand, both
from etl.console import Terminal
from etl.errors import UsageError
from etl.pages.synthetic_marks import IN_TERMINALS
from etl.settings import Settings, read_settings
from etl.suggestions import suggest_command

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help=both("a new or empty folder", "新文件夹或空文件夹")),
]


@commands.command(
    "export",
    cls=RegistryCommand,
    help=both(
        "Write the whole registry as open files: Parquet, SQL, dictionary, trail, with a manifest.",
        "将整个登记库写成开放格式文件：Parquet、SQL、数据字典、操作记录及清单。",
    ),
)
def run_export(archive: Folder = None) -> None:
    """Write the whole registry as open files."""
    from etl.archive.export import export_registry

    settings = read_settings()
    terminal = Terminal(settings.language)
    if archive is None:
        raise _make_missing(
            "a new or empty folder", "新文件夹或空文件夹", suggest_command("export", archive=Path("folder"))
        )
    tell_state(settings, terminal, is_paid=False)
    with terminal.progress(terminal.text("exporting", "导出")):
        written = export_registry(settings, archive)
    terminal.say(
        f"Exported: {written.n_files} files, {_show_size(written.n_bytes)}: {written.folder}",
        f"已导出：{written.n_files} 个文件，{_show_size(written.n_bytes)}：{written.folder}",
    )
    _warn(terminal, is_synthetic=written.is_synthetic)
    terminal.say(
        "Layout: docs/export.md. registry restore (make restore) makes the same database of it in a WORKSPACE that has none.",
        "格式说明：docs/export.md。registry restore（make restore）可在尚无数据库的 WORKSPACE 中重建同一数据库。",
    )


@commands.command(
    "restore",
    cls=RegistryCommand,
    help=both(
        "Make the database of an export again, or the workspace of a backup, where there is none.",
        "由导出内容重建数据库，或由备份重建工作区（该处须尚无数据库）。",
    ),
)
def run_restore(
    archive: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR|FILE",
            help=both("the folder of an export, or the file of a backup", "导出的文件夹，或备份文件"),
        ),
    ] = None,
) -> None:
    """Make the database of an export again, or the workspace of a backup."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    if archive is None:
        raise _make_missing(
            "the folder of an export or the file of a backup",
            "导出的文件夹或备份文件",
            suggest_command("restore", archive=Path("folder")),
        )
    with terminal.progress(terminal.text("restoring", "恢复")):
        _restore(settings, terminal, archive)
    terminal.say(
        "The pseudonym key is in no export and in no backup: put it back from where you keep it before the next ingest (REGISTRY_KEY_FILE).",
        "导出和备份均不含假名密钥：下次载入前请从保管处放回（REGISTRY_KEY_FILE）。",
    )
    tell_state(settings, terminal)
    pay(settings, terminal)


def _restore(settings: Settings, terminal: Terminal, archive: Path) -> None:
    if archive.is_dir() or not archive.exists():
        from etl.archive.restore import restore_registry

        done = restore_registry(settings, archive)
        terminal.say(
            f"Restored as it was exported at {_show_time(done.written_at)}: {done.n_ingests} ingests, {done.n_rows:,} rows: {settings.warehouse_path}",
            f"已恢复到 {_show_time(done.written_at)} 导出时的状态：{done.n_ingests} 次载入，{done.n_rows:,} 行：{settings.warehouse_path}",
        )
        return
    from etl.archive.read_backup import restore_backup

    backup = restore_backup(settings, archive)
    made = _show_time(backup.manifest["written_at"])
    terminal.say(
        f"Restored as it was backed up at {made}: {backup.n_files} files: {settings.workspace}. Deliveries are not in a backup.",
        f"已恢复到 {made} 备份时的状态：{backup.n_files} 个文件：{settings.workspace}。备份不含提交的原始数据。",
    )


@commands.command(
    "backup",
    cls=RegistryCommand,
    help=both(
        "Write the workspace into one file, all but deliveries and key; --check tells whether such a file is whole.",
        "将工作区（不含原始提交和密钥）写入一个文件；--check 检查该文件是否完整。",
    ),
)
def run_backup(
    archive: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR|FILE",
            help=both(
                "a folder, or a new file that ends in .tar; default: backups/ in the workspace",
                "文件夹，或以 .tar 结尾的新文件；默认为工作区的 backups/",
            ),
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help=both(
                "only check this file: is it whole, is it older than the database",
                "仅检查该文件是否完整、是否早于当前数据库",
            ),
        ),
    ] = False,
) -> None:
    """Write the workspace into one file, or check such a file."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    if check:
        _check_backup(settings, terminal, archive)
        return
    from etl.archive.backup import back_up

    tell_state(settings, terminal, is_paid=False)
    with terminal.progress(terminal.text("backing up", "备份")):
        backup = back_up(settings, archive)
    terminal.say(
        f"Backed up: {backup.n_files} files, {_show_size(backup.n_bytes)}: {backup.file}",
        f"已备份：{backup.n_files} 个文件，{_show_size(backup.n_bytes)}：{backup.file}",
    )
    terminal.say(
        "Not in it: the deliveries, which name patients, and the pseudonym key. Keep both apart from it; without the key no patient is found again. "
        "Copy this file to another disk.",
        "其中不含：原始提交（含患者姓名）和假名密钥。请分别另行保管；没有密钥将无法再对应患者。请将此文件复制到另一磁盘。",
    )
    _warn(terminal, is_synthetic=backup.is_synthetic)


def _check_backup(settings: Settings, terminal: Terminal, archive: Path | None) -> None:
    from etl.archive.read_backup import compare_with_present, read_backup

    if archive is None:
        raise _make_missing("the file that is to be checked", "要检查的文件", "registry backup --check file.tar")
    with terminal.progress(terminal.text("checking", "检查")):
        backup = read_backup(archive)
        behind = compare_with_present(settings, backup)
    terminal.say(
        f"Whole: {backup.n_files} files, as they were written at {_show_time(backup.manifest['written_at'])}.",
        f"完整：{backup.n_files} 个文件，与 {_show_time(backup.manifest['written_at'])} 写入时一致。",
    )
    told = behind.tell(settings.warehouse_path) if behind else None
    if told:
        terminal.say(told.en, told.zh)


def _make_missing(en: str, zh: str, example: str) -> UsageError:
    return UsageError(f"Nothing is named. It takes {en}: {example}", f"未指明{zh}，如：{example}")


def _warn(terminal: Terminal, *, is_synthetic: bool) -> None:
    """Say what lies there now, and who may read it."""
    if is_synthetic:
        terminal.say(IN_TERMINALS.en, IN_TERMINALS.zh)
    terminal.say(
        "It holds data of single patients under pseudonyms; only your account may read it. Keep it as you keep the database.",
        "其中含个体患者数据（假名），仅您的账户可读。请与数据库同等保管。",
    )


def _show_size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def _show_time(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC"
