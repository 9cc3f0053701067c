"""The registry as it is installed: its version, and whether all of its files are there."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from etl.errors import InstallationError
from schemas.package_data import find_folder

DISTRIBUTION = "hcc-registry"
SHOWN = 5
_BESIDE_THE_PACKAGES = re.compile(r"\.\./|[^/]+\.dist-info/")


def read_version() -> str:
    """Return the version of the installed registry, which `pyproject.toml` alone states.

    Raises:
        InstallationError: the registry is not installed in this Python.
    """
    return _find_distribution().version


def read_commit() -> str | None:
    """Return the commit of the checkout that the registry runs from; None where a wheel is installed, or git keeps it elsewhere."""
    git = find_folder("schemas").parent / ".git"
    with suppress(OSError):
        if git.is_file():  # a worktree: its folder is named in the file
            git = (git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        named = git / "commondir"
        common = git / named.read_text(encoding="utf-8").strip() if named.is_file() else git
        return _read_reference(common, head.removeprefix("ref: "))
    return None


def _read_reference(git: Path, name: str) -> str | None:
    """Return the commit of a branch, which lies in a file of its own or in the list of packed ones."""
    if (git / name).is_file():
        return (git / name).read_text(encoding="ascii").strip()
    lines = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)


def check_installation() -> None:
    """Check that every file is there that the installer wrote, before a command reads or writes anything.

    A template that is gone would fail late, a site or a check of the warehouse not at all: folders are listed. A checkout
    (`pip install -e`) has no such list; there `schemas.package_data` notices a file when it is asked for.

    Raises:
        InstallationError: the registry is not installed, or files are missing; says which.
    """
    distribution = _find_distribution()
    recorded = [row[0] for row in csv.reader((distribution.read_text("RECORD") or "").splitlines())]
    ours = [name for name in recorded if not name.endswith(".pyc") and not _BESIDE_THE_PACKAGES.match(name)]
    if missing := [name for name in ours if not Path(str(distribution.locate_file(name))).is_file()]:
        raise make_incomplete(missing)


def make_incomplete(missing: Iterable[object]) -> InstallationError:
    """Return the error that names the files which an installation lacks, the first five where there are many."""
    names = [str(name) for name in missing]
    listed = ", ".join(names[:SHOWN])
    more = len(names) - SHOWN
    return InstallationError(
        f"The installation of the registry is incomplete. Missing: {listed}{f' and {more} more' if more > 0 else ''}. "
        "Install the wheel again (pip install --force-reinstall --no-deps, then its path); in a checkout git status names such "
        "files, and git restore brings them back.",
        f"登记系统的安装不完整，缺少：{listed}{f'，另有 {more} 个文件' if more > 0 else ''}。"
        "请重新安装 wheel（pip install --force-reinstall --no-deps 加其路径）；若为源码目录，git status 可列出缺失文件，git restore 可恢复。",
    )


def _find_distribution() -> metadata.Distribution:
    try:
        return metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise InstallationError(
            "The registry is not installed in this Python, so that its version is not known. In a checkout run: make study",
            "登记系统未安装在此 Python 中，无法得知其版本。在源码目录中请运行：make study",
        ) from None
