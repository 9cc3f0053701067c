"""Runs the registry as a landed version left it: that commit's own code, with the packages of today's environment."""

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from fixed_key import write_fixed_key

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class LandedVersion:
    """A commit whose files lie in `code`, at work in `workspace` under the tests' fixed pseudonym key."""

    commit: str
    code: Path
    workspace: Path

    def run(self, *arguments: str) -> None:
        """Run a command of `registry` or, where the first argument is a file, that script; it must succeed."""
        script = [] if arguments[0].endswith(".py") else ["-m", "analysis.cli"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.code),
            "WORKSPACE": str(self.workspace),
            "REGISTRY_KEY_FILE": str(write_fixed_key(self.workspace.with_name("key"))),
            "REGISTRY_LANG": "en",
        }
        command = [sys.executable, "-P", *script, *arguments]
        done = subprocess.run(command, cwd=self.code, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.commit}: {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")


def check_out(commit: str, folder: Path) -> LandedVersion:
    """Write a commit's files below `folder` and return it with an empty workspace beside them."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder / "code", filter="data")
    return LandedVersion(commit, folder / "code", folder / "workspace")
