"""The data manager's and the coordinating centre's commands: new-hospital, ingest, quality, ingests, revert.

Each imports what it needs when it runs: a help or a slip waits for no library.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from etl.command_line import RegistryCommand, RegistryGroup, both
from etl.console import Terminal
from etl.errors import UsageError
from etl.settings import Settings, find_site, list_hospitals, read_settings
from etl.suggestions import suggest_command

commands = typer.Typer(
    cls=RegistryGroup,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=both(
        "A multi-centre clinical registry: from a hospital's extract to the matched survival comparison.",
        "多中心临床登记库：从医院导出的数据到匹配后的生存比较。",
    ),
)
Hospital = Annotated[
    str,
    typer.Argument(
        metavar="HOSPITAL",
        help=both("a hospital with a mapping: registry hospitals", "已有映射的医院：registry hospitals"),
    ),
]

Accept = Annotated[
    bool,
    typer.Option(
        "--accept",
        help=both("load although patients are far fewer, or a table is empty", "患者数大幅减少或某表为空时仍载入"),
    ),
]
Reason = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help=both("why it is accepted: kept in the trail", "接受的理由，写入操作记录（与 --accept 同用）"),
    ),
]

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=both(
            "a file, readable by you alone, whose first line is the password; default: typed on the terminal",
            "首行为密码、仅本人可读的文件；默认在终端输入",
        ),
    ),
]


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"hcc-registry {version('hcc-registry')}")
        raise typer.Exit


@commands.callback()
def run_registry(
    is_version_asked: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help=both("show the version", "显示版本")),
    ] = False,
) -> None:
    """Take the options before any command."""


@commands.command(
    "ingest",
    cls=RegistryCommand,
    help=both(
        "Read, validate and load one delivery of a hospital, and write its quality page.",
        "读取、校验并载入某医院的一次提交，并生成其质量报告。",
    ),
)
def run_ingest(
    hospital: Hospital = "",
    extract: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help=both("the delivery; default: the hospital's new one", "提交的数据；默认为该医院的新提交"),
        ),
    ] = None,
    extracted: Annotated[
        str,
        typer.Option(
            metavar="DATE",
            help=both(
                "the day on which the data were taken out of the hospital's system; default: as name or files say",
                "从医院系统导出数据的日期；默认取自名称或文件",
            ),
        ),
    ] = "",
    check: Annotated[bool, typer.Option("--check", help=both("do everything but load", "只校验，不载入"))] = False,
    accept: Accept = False,
    reason: Reason = "",
    password_file: PasswordFile = None,
) -> None:
    """Read, validate and load one delivery of a hospital, and write its quality page."""
    from etl.delivery.given_password import read_password
    from etl.delivery.passwords import offer_password
    from etl.ingest import ingest
    from etl.ingest_summary import show_ingest
    from etl.mapping.delivery_day import read_said_day

    settings = read_settings()
    said = read_said_day(extracted) if extracted else None
    _check_reason(reason, is_accepted=accept)
    terminal = Terminal(settings.language)
    folder = find_site(settings, hospital)
    if password_file is not None:
        offer_password(read_password(password_file, settings.workspace))
    tell_state(settings, terminal, is_paid=not check, but=hospital)
    if any(folder.glob("*.xlsx")):  # else nothing that reads one is imported
        _take_worksheet(settings, terminal, folder, extract)
    with terminal.progress(hospital) as progress:
        summary = ingest(
            settings,
            hospital,
            extract=extract,
            extracted=said,
            check=check,
            accept=accept,
            progress=progress,
            reason=reason,
        )
    # Said before the pages are written: what is loaded is loaded, also where they cannot be.
    show_ingest(terminal, summary)
    if not check:
        pay(settings, terminal)
    if summary.status == "loaded":
        terminal.say(
            *(f"  {page}: {settings.reports_dir / 'quality' / hospital / 'index.html'}" for page in ("Page", "报告"))
        )


def _take_worksheet(settings: Settings, terminal: Terminal, folder: Path, extract: Path | None) -> None:
    """Take the worksheet that lies beside a mapping, and say what is weak about it."""
    from etl.ingest import read_offered
    from etl.mapping_summary import show_weaknesses
    from etl.onboarding.take_worksheet import take_worksheet

    if weaknesses := take_worksheet(folder, lambda site: read_offered(settings, site, extract)):
        show_weaknesses(terminal, weaknesses)


def _check_reason(reason: str, *, is_accepted: bool) -> None:
    if reason and not is_accepted:
        raise UsageError(
            "A reason says why a delivery is accepted: give --accept (ACCEPT=yes) with it.",
            "理由用于说明为何接受该数据：请同时给出 --accept（ACCEPT=yes）。",
        )


def pay(settings: Settings, terminal: Terminal) -> None:
    """Write the pages that this command or a stopped one owes."""
    from etl.publish import pay_owed

    with terminal.progress(terminal.text("writing the quality pages", "生成质量报告")):
        pay_owed(settings, tell=lambda told: terminal.say(told.en, told.zh))


def tell_state(settings: Settings, terminal: Terminal, *, is_paid: bool = True, but: str = "") -> None:
    """Say what is odd about a workspace before a command works in it, and what is owed there where the command does not pay it.

    `but` is a hospital of whose permission the command tells by itself.
    """
    from etl.standing import find_standing

    for told in find_standing(settings, with_debts=not is_paid, but=but):
        terminal.say(told.en, told.zh)


@commands.command(
    "new-hospital",
    cls=RegistryCommand,
    help=both(
        "Scan an unknown delivery, propose its mapping, and write the worksheet of what a person must decide.",
        "扫描未知的数据，提出映射建议，并生成需由人决定的对应表。",
    ),
)
def run_new_hospital(
    hospital: Annotated[
        str,
        typer.Argument(
            metavar="HOSPITAL",
            help=both("short name of the hospital: small letters, digits, _", "医院代号：小写字母、数字、下划线"),
        ),
    ] = "",
    extract: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help=both("a delivery of the hospital: file or folder", "该医院的一次提交：文件或文件夹")
        ),
    ] = None,
) -> None:
    """Scan an unknown delivery, propose its mapping, and write the worksheet of what a person must decide."""
    from etl.mapping_summary import show_proposal
    from etl.onboarding.propose_hospital import propose_hospital

    settings = read_settings()
    terminal = Terminal(settings.language)
    tell_state(settings, terminal, is_paid=False)
    with terminal.progress(terminal.text("scanning the delivery", "扫描数据")):
        proposed = propose_hospital(settings, hospital, extract)
    show_proposal(terminal, proposed)


@commands.command(
    "quality",
    cls=RegistryCommand,
    help=both("Write the data-quality pages and query workbooks.", "生成数据质量报告和质疑工作簿。"),
)
def run_quality(
    hospital: Annotated[
        str | None, typer.Option(metavar="HOSPITAL", help=both("only this hospital", "仅此医院"))
    ] = None,
    encrypted: Annotated[
        bool,
        typer.Option(
            "--encrypted",
            help=both(
                "with --hospital: copies to send as well, the workbook with Excel's password, the pages as zip with AES",
                "与 --hospital 同用：另存待发送的副本，工作簿用 Excel 密码加密，页面为 AES 加密的 zip",
            ),
        ),
    ] = False,
    password_file: PasswordFile = None,
) -> None:
    """Write the data-quality pages and query workbooks."""
    from etl.publish import tell_incomplete_where_first, write_quality

    settings = read_settings()
    terminal = Terminal(settings.language)
    password = ""
    if encrypted or password_file:
        from etl.outbox import read_new_password

        password = read_new_password(settings, hospital if encrypted else None, password_file)
    tell_state(settings, terminal)
    with terminal.progress(terminal.text("writing the quality pages", "生成质量报告")):
        paths = write_quality(settings, hospital, tell=lambda told: terminal.say(told.en, told.zh))
    if hospital and password:
        from etl.outbox import fill_outbox

        with terminal.progress(terminal.text("encrypting", "加密")):
            paths += fill_outbox(settings, hospital, password)
    for path in paths:
        terminal.write(str(path))
    if hospital is None and (told := tell_incomplete_where_first(settings)):
        terminal.say(told.en, told.zh)


@commands.command(
    "ingests",
    cls=RegistryCommand,
    help=both(
        "List every ingest: hospital, delivery, when, patients, which is current.",
        "列出每次载入：医院、提交内容、时间、患者数、是否为当前版本。",
    ),
)
def list_ingests() -> None:
    """List every ingest: hospital, delivery, when, patients, which is current."""
    from etl.mapping.delivery_day import find_today
    from etl.quality.permissions import list_permissions
    from etl.store.warehouse import read_frames

    settings = read_settings()
    terminal = Terminal(settings.language)
    frames = read_frames(settings.warehouse_path, ["ingests", "permission"])
    ingests = frames["ingests"].sort("ingest_id")
    tell_state(settings, terminal, is_paid=False)
    for row in ingests.select(
        "ingest_id", "hospital", "delivery", "loaded_at", "patients", "is_current", "is_withdrawn"
    ).iter_rows(named=True):
        mark = "*" if row["is_current"] else "-" if row["is_withdrawn"] else " "
        terminal.write(
            f"{mark} {row['ingest_id']:>4}  {row['hospital']:<12} {row['loaded_at'][:16].replace('T', ' ')} UTC  "
            f"{row['patients']:>6} {terminal.text('patients', '名患者')}  {row['delivery']}"
        )
    terminal.say("* current version  - withdrawn by revert", "* 当前版本  - 已被恢复操作撤回")
    hospitals = ingests["hospital"].unique().sort().to_list()
    for hospital, (told, _) in list_permissions(frames["permission"], hospitals, find_today()).items():
        terminal.say(f"{hospital}: permission: {told.en}", f"{hospital}：许可：{told.zh}")


@commands.command(
    "revert",
    cls=RegistryCommand,
    help=both(
        "Make an earlier ingest of a hospital current again, and write the quality pages anew.",
        "将某医院恢复到更早的版本，并重新生成质量报告。",
    ),
)
def run_revert(
    hospital: Hospital = "",
    to: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help=both(
                "the ingest to go back to (registry ingests); run again it changes nothing; default: the one before",
                "要恢复到的版本编号（registry ingests）；重复运行不再更改；默认为上一版本",
            ),
        ),
    ] = None,
) -> None:
    """Make an earlier ingest of a hospital current again, and write the quality pages anew."""
    from etl.ingest import tell_mapping
    from etl.load import revert

    settings = read_settings()
    terminal = Terminal(settings.language)
    tell_state(settings, terminal)
    left, current = revert(settings, hospital, to)
    following = suggest_command("analyse")
    if left == current:
        terminal.say(
            f"{hospital}: ingest {current} is current already; nothing was changed.",
            f"{hospital}：版本 {current} 已是当前版本，未作更改。",
        )
    else:
        terminal.say(
            f"{hospital}: ingest {left} is no longer current; ingest {current} is again. Then: {following}",
            f"{hospital}：已从版本 {left} 恢复到版本 {current}。随后请运行：{following}",
        )
    mapping = tell_mapping(settings, hospital, current)
    terminal.say(mapping.en, mapping.zh)
    pay(settings, terminal)


@commands.command(
    "hospitals", cls=RegistryCommand, help=both("List the hospitals that have a mapping.", "列出已有映射的医院。")
)
def show_hospitals() -> None:
    """List the hospitals that have a mapping."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    for hospital in list_hospitals(settings):
        terminal.write(hospital)
