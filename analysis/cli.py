"""The console script `registry`: the statistician's commands beside those of `etl.cli`."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from etl.cli import commands
from etl.console import Terminal
from etl.errors import InstallationError, InternalError, RegistryError, UsageError
from etl.example import write_example
from etl.example.model import HOSPITALS
from etl.ingest import ingest
from etl.installation import check_installation, make_incomplete
from etl.quality.run import write_quality
from etl.settings import EXAMPLE_STUDY, Settings, read_settings
from etl.store.warehouse import read_frames
from schemas.dictionary import write_dictionary
from schemas.example_patient import MissingCaseError
from schemas.package_data import MissingDataError, find_folder
from schemas.rule_catalogue import write_rule_catalogue

MARTS = ("marts.analysis_subject", "marts.analysis_adverse_event", "marts.unfilled_column", "ingests")


@commands.command("analyse")
def run_analyse(
    study: Annotated[str, typer.Option(help="a study of the workspace or of the registry; default: the main one")] = "",
) -> None:
    """Compute a study: results, figures, report."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    study = study or settings.main_study
    with terminal.progress(terminal.text(f"analysing {study}", f"分析 {study}")):
        folder = _analyse(settings, study)
    terminal.say(f"Report: {folder / 'index.html'}", f"报告：{folder / 'index.html'}")
    terminal.say(f"Results: {folder / 'results.csv'}", f"结果：{folder / 'results.csv'}")


def _analyse(settings: Settings, study: str) -> Path:
    # The statistics take two seconds to import, which an ingest need not wait for.
    from analysis.read_spec import STUDIES, read_study
    from analysis.run import run_study

    spec = read_study(study, (settings.studies_dir, STUDIES))
    frames = read_frames(settings.warehouse_path, MARTS)
    current = frames["ingests"].filter("is_current").sort("hospital")
    inputs = current.select("hospital", "ingest_id", "delivery", "content_hash", "input_hash", "loaded_at").to_dicts()
    folder = settings.reports_dir / ("analysis" if study == settings.main_study else f"analysis-{study}")
    run_study(frames, spec, folder, {"ingests": inputs})
    return folder


@commands.command("study")
def run_example_study(
    workspace: Annotated[Path, typer.Option(help="folder of the example")] = Path("example"),
) -> None:
    """Make the synthetic example study: three hospitals' deliveries, their ingests, pages and the analysis."""
    settings = replace(read_settings(), workspace=workspace, main_study=EXAMPLE_STUDY)
    terminal = Terminal(settings.language)
    with terminal.progress(terminal.text("writing the synthetic deliveries", "生成合成数据")):
        write_example(settings.extracts_dir)
    for hospital in HOSPITALS:
        with terminal.progress(hospital) as progress:
            summary = ingest(settings, hospital, extract=None, check=False, accept=False, progress=progress)
        terminal.show_ingest(summary, None)
    with terminal.progress(terminal.text("writing the quality pages", "生成质量报告")):
        write_quality(settings)
    with terminal.progress(terminal.text("analysing", "分析")):
        folder = _analyse(settings, EXAMPLE_STUDY)
    pages = settings.reports_dir / "quality" / "index.html"
    terminal.say(f"Quality: {pages}", f"质量：{pages}")
    terminal.say(f"Analysis: {folder / 'index.html'}", f"分析：{folder / 'index.html'}")


@commands.command("docs")
def write_docs() -> None:
    """Write the data dictionary, the rule catalogue and the page of the results table from the code, in its checkout."""
    from analysis.results_page import write_results_page
    from schemas.field_effects import EFFECTS, write_field_effects

    docs = Path("docs")
    if not (docs.is_dir() and Path("schemas").resolve() == find_folder("schemas").resolve()):
        raise UsageError(
            "`registry docs` writes the pages of the source checkout that it is installed from. In the top folder of that "
            "checkout run: make docs",
            "registry docs 用于更新源码目录中的文档。请在安装所用的源码目录顶层运行：make docs",
        )
    write_field_effects(EFFECTS)
    write_dictionary(docs / "data-dictionary.md")
    try:
        write_rule_catalogue(docs / "rule-catalogue.md")
    except MissingCaseError as error:
        zh = f"请在 schemas/rules/cases/{error.rule_id}.csv 中写入通过（pass）与不通过（fail）各一行。"
        raise UsageError(str(error), zh) from error
    write_results_page(docs / "results.md")


def main(arguments: list[str] | None = None) -> None:
    """Run `registry`; every error a user can cause ends in one message and its own exit code, never in a traceback."""
    try:
        terminal = Terminal(read_settings().language)
    except RegistryError as error:
        Terminal("both").show_error(error)
        sys.exit(error.exit_code)
    try:
        check_installation()
        result: Any = commands(args=arguments, standalone_mode=False)
    except MissingDataError as error:
        terminal.show_error(make_incomplete([error.path]))
        sys.exit(InstallationError.exit_code)
    except RegistryError as error:
        terminal.show_error(error)
        sys.exit(error.exit_code)
    except click.exceptions.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:
        terminal.show_error(_describe_unknown(error))
        sys.exit(InternalError.exit_code)
    sys.exit(result if isinstance(result, int) else 0)


def _describe_unknown(error: Exception) -> InternalError:
    """Return where an unexpected error arose, without its text; REGISTRY_DEBUG=1 shows all of it."""
    if os.environ.get("REGISTRY_DEBUG"):
        traceback.print_exception(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
    return InternalError(
        f"The registry itself failed ({where}). Nothing was half written. Please report this line; "
        "REGISTRY_DEBUG=1 shows more (it may show patients' values).",
        f"程序内部错误（{where}）。没有写入不完整的数据。请报告此行；REGISTRY_DEBUG=1 可显示更多（可能含患者数据）。",
    )


if __name__ == "__main__":
    main()
