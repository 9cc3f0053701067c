"""What the example gave at a landed version, made by that version: `.venv/bin/python tests/functional/example_reference.py COMMIT`.

It runs `registry study` of the commit under the tests' fixed pseudonym key (about a minute; needs the git history) and keeps
in `example_<commit>/`:

- `finding_ids.csv`: hospital, rule and id of every finding;
- `results.csv.xz`: the table of results, compressed;
- `drawn.csv`: the sha256 of what is drawn: the points of the curves as csv text, and each figure as svg. The other forms of
  a figure are made from the same drawing by libraries of pictures, and tell nothing more about it.

All patients are invented.
"""

import hashlib
import lzma
import sys
import tempfile
from pathlib import Path

import duckdb
import polars as pl

HERE = Path(__file__).parent
_FINDINGS = "select hospital, rule_id, finding_id from marts.finding order by all"


def list_findings(workspace: Path) -> pl.DataFrame:
    """The findings of a workspace's current versions and between them: hospital, rule_id, finding_id."""
    with duckdb.connect(str(workspace / "registry.duckdb"), read_only=True) as database:
        return database.sql(_FINDINGS).pl()


def hash_drawn(analysis: Path) -> pl.DataFrame:
    """The sha256 of the curves' points and of every figure's svg in a folder of reports: name, sha256."""
    drawn = {"curves": pl.read_parquet(analysis / "curves.parquet").write_csv().encode()}
    drawn |= {path.name: path.read_bytes() for path in sorted((analysis / "figures").glob("*.svg"))}
    digests = [hashlib.sha256(content).hexdigest() for content in drawn.values()]
    return pl.DataFrame({"name": list(drawn), "sha256": digests})


def make_reference(commit: str) -> None:
    """Run the commit's example study and keep what it gave."""
    from landed_version import check_out

    folder = HERE / f"example_{commit}"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        version = check_out(commit, Path(scratch))
        version.run("study", "--workspace", str(version.workspace))
        analysis = version.workspace / "reports" / "analysis"
        list_findings(version.workspace).write_csv(folder / "finding_ids.csv")
        hash_drawn(analysis).write_csv(folder / "drawn.csv")
        results = lzma.compress((analysis / "results.csv").read_bytes(), preset=9 | lzma.PRESET_EXTREME)
        (folder / "results.csv.xz").write_bytes(results)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    make_reference(sys.argv[1])
