"""Makes the workspaces of landed versions that tests/store keeps: `.venv/bin/python tests/store/make_old_workspaces.py [COMMIT ...]`.

Each commit's own code does the work, on few of the invented patients of its own example: three hospitals are loaded and
asked, their answers taken where that version takes answers; hunan sends a corrected delivery, sysu one that is taken back;
the main study is analysed. The folder of the commit keeps the result; README.md says what lies there. It needs the git
history and takes one to two minutes a commit. Only what a maintainer adds here is ever made again: the versions stay as they were.
"""

import lzma
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from answered_workbook import CONFIRMED, CORRECTED, NOT_AVAILABLE, Answers, answer, list_queries  # noqa: E402
from landed_version import LandedVersion, check_out  # noqa: E402

COMMITS = ("f7a896e", "e5b4aa5", "16219c9", "487f45f", "b1270dd")
HOSPITALS = ("nanfang", "hunan", "sysu")
MARK = "SYNTHETIC EXAMPLE DATA"
HELD = {
    "ingests": "select ingest_id, hospital, delivery, content_hash, patients, is_current from ingests order by all",
    "findings": "select ingest_id, hospital, rule_id, finding_id from versions.findings order by all",
    "cross_findings": "select hospital, rule_id, finding_id from cross_findings order by all",
    "answers": "select answer_id, hospital, finding_id, answer, comment, ingest_id, file_hash from answers order by all",
}


def make_workspace(commit: str) -> None:
    """Run a commit's story and keep its end under `old_workspaces/<commit>/`."""
    with tempfile.TemporaryDirectory() as scratch:
        version = check_out(commit, Path(scratch))
        load_first(version)
        if takes_answers(version):
            answer_first(version)
        load_second(version)
        version.run("analyse")
        keep(version, HERE / "old_workspaces" / commit)


def load_first(version: LandedVersion) -> None:
    """Load a delivery of each hospital, by the mappings of that time, and write what they are asked."""
    version.run(str(HERE / "write_few_patients.py"), str(version.workspace / "extracts"))
    for hospital in HOSPITALS:
        shutil.copytree(version.code / "etl" / "sites" / hospital, version.workspace / "sites" / hospital)
        version.run("ingest", hospital)
    version.run("quality")


def answer_first(version: LandedVersion) -> None:
    """Nanfang answers three questions of three kinds; hunan says of two that they are corrected, and confirms a third."""
    answer_questions(
        version, "nanfang", [(CONFIRMED, "seen in the chart"), (NOT_AVAILABLE, ""), ("", "asked the ward")]
    )
    version.run("ingest", "nanfang")
    answer_questions(version, "hunan", [(CORRECTED, ""), (CORRECTED, ""), (CONFIRMED, "")])


def load_second(version: LandedVersion) -> None:
    """Hunan sends patients and laboratory corrected; sysu sends all corrected, which is taken back. Both are asked again."""
    corrected = version.workspace.parent / "corrected" / "extracts"
    version.run(str(HERE / "write_few_patients.py"), str(corrected), "corrected")
    extracts = version.workspace / "extracts"
    for hospital in ("hunan", "sysu"):
        first = next(path for path in (extracts / hospital).iterdir() if path.name != "answers")
        second = shutil.copytree(first, first.with_name(f"{hospital}_2022-12-20"))
        for name in ("患者.csv", "检验.csv", "sysu_redcap_export.csv"):
            if (second / name).exists():
                shutil.copyfile(corrected / hospital / first.name / name, second / name)
        version.run("ingest", hospital)
    version.run("revert", "sysu")
    version.run("quality")


def takes_answers(version: LandedVersion) -> bool:
    """Whether that version already read the workbooks that hospitals fill in; the first ones only wrote them."""
    return (version.code / "etl" / "answers.py").exists()


def answer_questions(version: LandedVersion, hospital: str, answers: Iterable[tuple[str, str]]) -> None:
    """Answer the first questions to be answered of a hospital's workbook, in a copy among its answers."""
    workbook = version.workspace / "reports" / "quality" / hospital / "queries.xlsx"
    queries = [row["Query id"] for row in list_queries(workbook) if "to be answered" in row["Kind"]]
    chosen: Answers = dict(zip(queries, answers, strict=False))
    answer(workbook, version.workspace / "extracts" / hospital / "answers" / "answered.xlsx", chosen)


def keep(version: LandedVersion, folder: Path) -> None:
    """Keep the deliveries with their mappings, the workspace as it was left, and lists of what it holds."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    workspace = version.workspace
    files = sorted(path for path in workspace.rglob("*") if path.is_file())
    deliveries = [p for p in files if p.is_relative_to(workspace / "extracts") and p.parent.name != "answers"]
    mappings = [p for p in files if p.is_relative_to(workspace / "sites")]
    left = [p for p in files if p.name in ("registry.duckdb", "queries.xlsx", "answered.xlsx")]
    pack(folder / f"deliveries {MARK}.tar.xz", workspace, [*deliveries, *mappings])
    pack(folder / f"registry {MARK}.tar.xz", workspace, left)
    with duckdb.connect(str(workspace / "registry.duckdb"), read_only=True) as database:
        for name, query in HELD.items():
            if name != "answers" or takes_answers(version):
                database.sql(query).pl().write_csv(folder / f"{name}.csv")
    results = pl.read_csv(workspace / "reports" / "analysis" / "results.csv", infer_schema=False)
    counts = results.filter(pl.col("analysis").is_in(["flow", "matching"])).select("result_id", "value")
    counts.write_csv(folder / "counts.csv")


def pack(archive: Path, root: Path, paths: Iterable[Path]) -> None:
    """Write an archive, the same bytes for the same files."""
    with (
        lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as stream,
        tarfile.open(fileobj=stream, mode="w") as out,
    ):
        for path in paths:
            member = tarfile.TarInfo(path.relative_to(root).as_posix())
            member.size = path.stat().st_size
            with path.open("rb") as content:
                out.addfile(member, content)


if __name__ == "__main__":
    for landed in sys.argv[1:] or COMMITS:
        make_workspace(landed)
        print(landed, "made")
