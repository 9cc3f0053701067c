"""Writes `schemas/recorded_rules.csv`, the rules of a landed version: `.venv/bin/python tests/rules/record_rules.py COMMIT`.

The commit's own rules are written, with the packages of today's environment (needs the git history). After it `make docs`: the catalogue
says which rules are new and which changed since.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1]
RECORDER = TESTS.parent / "schemas" / "recorded_rules.py"


def record_rules(commit: str, path: Path) -> None:
    """Write the rules of a commit."""
    from landed_version import ROOT, check_out

    words = ["git", "show", "--no-patch", "--format=%cs (%h)", "--abbrev=7", commit]
    version = subprocess.run(words, cwd=ROOT, capture_output=True, check=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as scratch:
        check_out(commit, Path(scratch)).run(str(RECORDER), version, str(path))


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    record_rules(sys.argv[1], RECORDER.with_suffix(".csv"))
