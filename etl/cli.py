"""The data manager's and the coordinating centre's commands: new-hospital, ingest, quality, ingests, revert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.console import Terminal
from etl.ingest import ingest, revert
from etl.onboarding.run import propose_hospital
from etl.onboarding.take import take_worksheet
from etl.quality.run import write_quality
from etl.settings import find_site, list_hospitals, read_settings
from etl.store.warehouse import read_frames

commands = typer.Typer(add_completion=False, no_args_is_help=True)


@commands.command("ingest")
def run_ingest(
    hospital: Annotated[str, typer.Argument(help="hospital with a mapping")] = "",
    extract: Annotated[Path | None, typer.Option(help="the delivery; default: the new one of the hospital")] = None,
    check: Annotated[bool, typer.Option("--check", help="do everything but load")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="load although patients are far fewer")] = False,
) -> None:
    """Read, validate and load one delivery of a hospital, and write its quality page."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    weaknesses = take_worksheet(find_site(settings, hospital))
    with terminal.progress(hospital) as progress:
        summary = ingest(settings, hospital, extract=extract, check=check, accept=accept, progress=progress)
        page = settings.reports_dir / "quality" / hospital / "index.html"
        if summary.status == "loaded" or (summary.answers and not check):
            progress("writing the quality pages", "生成质量报告")
            write_quality(settings)
    terminal.show_ingest(summary, page if page.exists() and summary.status != "checked" else None)
    terminal.show_weaknesses(weaknesses or [])


@commands.command("new-hospital")
def run_new_hospital(
    hospital: Annotated[str, typer.Argument(help="short name for the hospital: small letters, digits, _")] = "",
    extract: Annotated[Path | None, typer.Option(help="a delivery of the hospital: file or folder")] = None,
) -> None:
    """Scan an unknown delivery, propose its mapping, and write the worksheet of what a person must decide."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    with terminal.progress(terminal.text("scanning the delivery", "扫描数据")):
        proposed = propose_hospital(settings, hospital, extract)
    terminal.show_new_hospital(proposed)


@commands.command("quality")
def run_quality(
    hospital: Annotated[str | None, typer.Option(help="only this hospital")] = None,
) -> None:
    """Write the data-quality pages and query workbooks."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    with terminal.progress(terminal.text("writing the quality pages", "生成质量报告")):
        paths = write_quality(settings, hospital)
    for path in paths:
        terminal.out.print(str(path), markup=False)


@commands.command("ingests")
def list_ingests() -> None:
    """List every ingest: hospital, delivery, when, patients, which is current."""
    settings = read_settings()
    ingests = read_frames(settings.warehouse_path, ["ingests"])["ingests"].sort("ingest_id")
    terminal = Terminal(settings.language)
    for row in ingests.select("ingest_id", "hospital", "delivery", "loaded_at", "patients", "is_current").iter_rows(
        named=True
    ):
        mark = "*" if row["is_current"] else " "
        terminal.out.print(
            f"{mark} {row['ingest_id']:>4}  {row['hospital']:<12} {row['loaded_at'][:16].replace('T', ' ')} UTC  "
            f"{row['patients']:>6} {terminal.text('patients', '名患者')}  {row['delivery']}",
            markup=False,
        )
    terminal.say("* current version", "* 当前版本")


@commands.command("revert")
def run_revert(hospital: Annotated[str, typer.Argument(help="hospital to take back by one ingest")]) -> None:
    """Make a hospital's previous ingest current again, and write the quality pages anew."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    left, current = revert(settings, hospital)
    with terminal.progress(terminal.text("writing the quality pages", "生成质量报告")):
        write_quality(settings)
    terminal.say(
        f"{hospital}: ingest {left} is no longer current; ingest {current} is again. Then: make analyse",
        f"{hospital}：已从版本 {left} 恢复到版本 {current}。随后请运行：make analyse",
    )


@commands.command("hospitals")
def show_hospitals() -> None:
    """List the hospitals that have a mapping."""
    for hospital in list_hospitals(read_settings()):
        typer.echo(hospital)
