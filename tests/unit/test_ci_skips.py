"""In CI a test that is skipped, for whatever reason, fails; anywhere else it is skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest

@pytest.fixture
def absent():
    pytest.skip("no data beside the project")

def test_by_fixture(absent): ...

@pytest.mark.skipif(True, reason="no browser")
def test_by_mark(): ...

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail():
    assert False

def test_that_passes(): ...
"""


@pytest.mark.parametrize(
    ("ci", "outcomes", "exit_code"),
    [("true", "1 passed, 1 xfailed, 2 errors", 1), ("", "1 passed, 2 skipped, 1 xfailed", 0)],
)
def test_a_skip_is_a_failure_in_ci_alone(tmp_path, ci, outcomes, exit_code):
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_skips.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", tmp_path],
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcomes in run.stdout
    assert run.returncode == exit_code
    assert ("no data beside the project" in run.stdout) == (ci == "true")
