"""The console script `registry`: the statistician's commands beside those of `etl.cli`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

import etl.archive_commands
import etl.home_commands
import etl.key_commands
import etl.record_commands
import etl.withdrawal_commands  # noqa: F401 (they add their commands)
from etl import saved
from etl.cli import commands, pay, tell_state
from etl.command_line import RegistryCommand, both
from etl.console import Terminal
from etl.errors import ProvenanceError, RegistryError, UsageError
from etl.faults import describe_fault
from etl.installation import check_installation
from etl.interruption import listen_to_signals
from etl.pages.cells import escape_hidden
from etl.pages.text import Text
from etl.settings import EXAMPLE_STUDY, Settings, read_settings
from etl.suggestions import REPEATED, suggest_command
from etl.whole_files import FOR_THE_ACCOUNT_ALONE
from schemas.package_data import find_folder

if TYPE_CHECKING:
    import polars as pl


@commands.command(
    "analyse",
    cls=RegistryCommand,
    help=both("Compute a study: results, figures, report, manuscript.", "计算一项研究：结果、图、报告、论文稿。"),
)
def run_analyse(
    study: Annotated[
        str,
        typer.Option(
            metavar="STUDY",
            help=both(
                "a study of the workspace or of the registry; default: the main one (REGISTRY_STUDY)",
                "工作区或系统自带的研究；默认为主研究（REGISTRY_STUDY）",
            ),
        ),
    ] = "",
    journal: Annotated[
        bool,
        typer.Option(
            "--journal",
            help=both(
                "every figure as PDF and TIFF too, as journals take them", "另存每幅图的 PDF 和 TIFF，供投稿使用"
            ),
        ),
    ] = False,
    frozen: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=both("from this frozen set instead of the database", "使用此冻结数据集，而不读数据库"),
        ),
    ] = "",
    individual: Annotated[
        bool,
        typer.Option(
            "--individual",
            help=both(
                "of a study with a threshold: what shows single patients too, in whole months",
                "对设有显示阈值的研究：同时输出个体患者数据（以整月表示）",
            ),
        ),
    ] = False,
) -> None:
    """Compute a study: results, figures, report."""
    settings = read_settings()
    terminal = Terminal(settings.language)
    study = study or ("" if frozen else settings.main_study)
    tell_state(settings, terminal)
    pay(settings, terminal)
    with terminal.progress(terminal.text(f"analysing {study or frozen}", f"分析 {study or frozen}")):
        folder = _analyse(settings, study, frozen=frozen, for_journal=journal, with_individuals=individual)
    terminal.say(f"Report: {folder / 'index.html'}", f"报告：{folder / 'index.html'}")
    terminal.say(f"Results: {folder / 'results.csv'}", f"结果：{folder / 'results.csv'}")


def _analyse(
    settings: Settings, study: str, *, frozen: str = "", for_journal: bool = False, with_individuals: bool = False
) -> Path:
    """Compute a study from the database, or from a frozen set, by which the study is known too; return the folder of its results."""
    from analysis.inputs import read_current, record_analysis, take_frozen
    from analysis.run import run_study
    from analysis.study.at_start import AT_START, derive_study_at_start
    from analysis.study.read_spec import STUDIES, read_study
    from etl.archive.frozen import read_frozen

    held = read_frozen(settings, frozen) if frozen else None
    study = study or (held.manifest["study"] if held else settings.main_study)
    spec = read_study(study, (settings.studies_dir, STUDIES))
    frames, inputs = take_frozen(held, spec) if held else read_current(settings)
    frames[AT_START] = derive_study_at_start(frames, spec)
    name = f"frozen-{frozen}" if frozen else "analysis" if study == settings.main_study else f"analysis-{study}"
    folder = settings.reports_dir / name
    if with_individuals and spec.fewest_patients is None:
        raise UsageError(
            f'The study {study} has no threshold (disclosure = "none"): it shows single patients anyway. Leave out --individual.',
            f'研究 {study} 未设显示阈值（disclosure = "none"），本就包含个体患者数据。请去掉 --individual。',
        )
    run_study(frames, spec, folder, inputs, for_journal=for_journal, with_individuals=with_individuals)
    saved.note(Text(f"{study}: report and results are written.", f"{study}：报告与结果已写出。"))
    record_analysis(settings, spec, folder, inputs, n_patients=frames["analysis_subject"].height)
    return folder


@commands.command(
    "freeze",
    cls=RegistryCommand,
    help=both(
        "Fix what a study reads now, under a name that is used once, before its results are looked at.",
        "在查看结果之前，将某研究此刻读取的数据以一次性名称冻结。",
    ),
)
def run_freeze(
    frozen: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help=both("name of the frozen set: letters, digits, - and _", "冻结数据集的名称：字母、数字、- 和 _"),
        ),
    ] = "",
    study: Annotated[
        str,
        typer.Option(
            metavar="STUDY",
            help=both(
                "the study it is frozen for; default: the main one (REGISTRY_STUDY)",
                "所属研究；默认为主研究（REGISTRY_STUDY）",
            ),
        ),
    ] = "",
) -> None:
    """Fix what a study reads now, under a name that is used once."""
    from analysis.inputs import describe_results_before, freeze_inputs
    from analysis.study.read_spec import STUDIES, read_study

    settings = read_settings()
    terminal = Terminal(settings.language)
    study = study or settings.main_study
    if not frozen:
        example = suggest_command("freeze", frozen="lock1")
        raise UsageError(f"Give the frozen set a name, as in: {example}", f"请为冻结数据集命名，如：{example}")
    spec = read_study(study, (settings.studies_dir, STUDIES))
    tell_state(settings, terminal, is_paid=False)
    with terminal.progress(terminal.text(f"freezing {frozen}", f"冻结 {frozen}")):
        held = freeze_inputs(settings, frozen, spec)
    versions = ", ".join(f"{one['hospital']} {one['ingest_id']}" for one in held.manifest["ingests"])
    folder = settings.frozen_dir / frozen
    terminal.say(
        f"Frozen for the study {study}: {folder} (ingests: {versions}).",
        f"已为研究 {study} 冻结：{folder}（版本：{versions}）。",
    )
    before = describe_results_before(held.manifest["results_before"])
    terminal.say(before.en, before.zh)
    following = suggest_command("analyse", frozen=frozen)
    terminal.say(f"Then: {following}", f"随后：{following}")


@commands.command(
    "study",
    cls=RegistryCommand,
    help=both(
        "Make the synthetic example study: three hospitals' deliveries, their ingests, pages and the analysis.",
        "生成合成示例研究：三家医院的数据、载入、报告与分析。",
    ),
)
def run_example_study(
    workspace: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help=both("folder of the example; default: example", "示例文件夹；默认为 example")
        ),
    ] = Path("example"),
) -> None:
    """Make the synthetic example study: three hospitals' deliveries, their ingests, pages and the analysis."""
    from etl.example import write_example
    from etl.example.model import HOSPITALS
    from etl.ingest import ingest
    from etl.ingest_summary import show_ingest
    from etl.publish import write_quality

    settings = replace(read_settings(), workspace=workspace, main_study=EXAMPLE_STUDY)
    _refuse_real_patients(settings)
    terminal = Terminal(settings.language)
    with terminal.progress(terminal.text("writing the synthetic deliveries", "生成合成数据")):
        write_example(settings.extracts_dir)
    for hospital in HOSPITALS:
        with terminal.progress(hospital) as progress:
            summary = ingest(settings, hospital, extract=None, check=False, accept=False, progress=progress)
        show_ingest(terminal, summary)
    with terminal.progress(terminal.text("writing the quality pages", "生成质量报告")):
        write_quality(settings)
    with terminal.progress(terminal.text("analysing", "分析")):
        folder = _analyse(settings, EXAMPLE_STUDY)
    pages = settings.reports_dir / "quality" / "index.html"
    terminal.say(f"Quality: {pages}", f"质量：{pages}")
    terminal.say(f"Analysis: {folder / 'index.html'}", f"分析：{folder / 'index.html'}")


def _refuse_real_patients(settings: Settings) -> None:
    """Keep the example's deliveries out of the folders of a study's real ones, before anything is written."""
    from etl.store.warehouse import read_frames

    path = settings.warehouse_path
    if path.exists() and not read_frames(path, ["registry"])["registry"]["is_synthetic"].all():
        raise ProvenanceError(
            f"'{settings.workspace}' holds real patients; the synthetic example goes into a folder of its own. Nothing was written.",
            f"“{settings.workspace}”存放真实患者；合成示例须放入单独的文件夹。未写入任何内容。",
        )


@commands.command(
    "docs",
    cls=RegistryCommand,
    help=both(
        "Write the data dictionary, the rule catalogue, the page of questions and the page of the results table from the code.",
        "由代码生成数据字典、规则目录、质疑示例和结果表说明。",
    ),
)
def write_docs() -> None:
    """Write the data dictionary, the rule catalogue and the pages of questions and results from the code, in its checkout."""
    from analysis.report.results_page import write_results_page
    from analysis.report.studies_page import write_studies_page
    from etl.quality.question_page import write_question_page
    from schemas.dictionary import write_dictionary
    from schemas.example_patient import MissingCaseError
    from schemas.field_effects import EFFECTS, write_field_effects
    from schemas.rule_catalogue import write_rule_catalogue

    docs = Path("docs")
    if not (docs.is_dir() and Path("schemas").resolve() == find_folder("schemas").resolve()):
        raise UsageError(
            "`registry docs` writes the pages of the source checkout that it is installed from. In the top folder of that "
            "checkout run: make docs",
            "registry docs 用于更新源码目录中的文档。请在安装所用的源码目录顶层运行：make docs",
        )
    try:
        write_field_effects(EFFECTS)
        write_dictionary(docs / "data-dictionary.md")
        write_rule_catalogue(docs / "rule-catalogue.md")
    except MissingCaseError as error:
        raise UsageError(str(error), error.zh) from error
    write_results_page(docs / "results.md")
    write_studies_page(docs / "studies.md")
    write_question_page(_ask_example(), docs / "questions.md")


def _ask_example() -> pl.DataFrame:
    """Return the findings of the example study, which is read in a workspace and under a key of its own."""
    from etl.example import write_example
    from etl.example.model import HOSPITALS
    from etl.ingest import ingest
    from etl.store.warehouse import read_frames

    with TemporaryDirectory() as folder:
        settings = Settings(Path(folder) / "workspace", Path(folder) / "key", "en")
        write_example(settings.extracts_dir)
        for hospital in HOSPITALS:
            ingest(settings, hospital, extract=None, check=False, accept=False, progress=lambda *_: None)
        return read_frames(settings.warehouse_path, ["marts.finding"])["finding"]


def main(arguments: list[str] | None = None) -> None:
    """Run `registry` with the given words, or those of its command line."""
    # A command lives for seconds, and its imports hold a million objects: to look through them for cycles took a tenth of its time.
    gc.set_threshold(100_000, 20, 100)
    code = run(lambda: sys.argv[1:] if arguments is None else arguments)
    _let_go_of_streams()
    sys.exit(code)


def _let_go_of_streams() -> None:
    """Send what a stream could not take to nowhere: at its end Python would try again, and complain over our own message."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):  # a full disk; closed
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(read_arguments: Callable[[], list[str]]) -> int:
    """Run a command and return its exit code: every error a user can cause ends in one message, never in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a terminal that knows no Chinese shows it as codes
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    terminal = Terminal("both")
    saved.start()
    before = os.umask(FOR_THE_ACCOUNT_ALONE)  # whatever is written, by whichever library
    try:
        with listen_to_signals():
            check_installation()
            _check_environment()
            terminal = Terminal(read_settings().language)
            result: Any = commands(args=_check_texts(read_arguments()), prog_name="registry", standalone_mode=False)
            return result if isinstance(result, int) else 0
    except SystemExit:  # typer's own way where the reader of a help went away (`| head`)
        return 0
    except BaseException as error:
        return _show_fault(terminal, describe_fault(error))
    finally:
        os.umask(before)


def _show_fault(terminal: Terminal, fault: RegistryError) -> int:
    with suppress(OSError):  # nowhere to say it: the exit code still does
        terminal.show_error(fault)
    return fault.exit_code


def _check_environment() -> None:
    _check_texts([value for name in REPEATED if (value := os.environ.get(name))])


def _check_texts(words: list[str]) -> list[str]:
    """Return words that are text; a name in another encoding could be neither stored nor shown."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = escape_hidden(word)
            raise UsageError(
                f"'{shown}' is not in UTF-8. Rename that file or folder.",
                f"“{shown}”不是 UTF-8 编码。请将该文件或文件夹改名。",
            ) from None
    return words


if __name__ == "__main__":
    main()
