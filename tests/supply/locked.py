"""The run-time dependencies as `requirements.txt` locks them, and the licence of each as it was read."""

import csv
import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.txt"
LICENCES = Path(__file__).parent / "licences.csv"
OURS = "hcc-registry"
_LINE = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.*?))? \\")
_HASH = re.compile(r" {4}--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One version of a package: its hashes are those of its files, `wanted_by` the packages that need it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]


@dataclass(frozen=True)
class Licence:
    """The licence of a package as an SPDX expression, what its metadata say of it, and where it is developed."""

    name: str
    licence: str
    stated: str
    home: str


def read_lock(path: Path = LOCK) -> list[Locked]:
    """Return what is locked, in the order of the file; some packages have a version for older Pythons and one for newer ones."""
    found: list[Locked] = []
    for block in re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8")):
        head = _LINE.match(block)
        assert head, f"{path.name}: this is no locked package: {block[:60]}"
        comments = [
            line.removeprefix("    #").removeprefix(" via").strip()
            for line in block.splitlines()
            if line.startswith("    #")
        ]
        wanted_by = tuple(
            OURS if name.startswith(OURS) else name for name in comments if name and not name.startswith("-c")
        )
        hashes = tuple(_HASH.findall(block))
        assert hashes, f"{path.name}: {head['name']} has no hash"
        found.append(Locked(head["name"], head["version"], head["marker"] or "", hashes, wanted_by))
    return found


def read_licences() -> dict[str, Licence]:
    """Return the licence of each package by its name."""
    with LICENCES.open(encoding="utf-8", newline="") as file:
        return {row["name"]: Licence(**row) for row in csv.DictReader(file)}


def describe_stated(name: str) -> str | None:
    """Return in one line what the metadata of an installed package say of its licence; None where it is not installed here."""
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if expression := told.get("License-Expression"):
        return expression
    first = (told.get("License") or "").strip().splitlines()[:1]
    classes = [text.split("::")[-1].strip() for text in told.get_all("Classifier", []) if text.startswith("License")]
    return " | ".join(" ".join(text.split())[:60] for text in [*first, *classes])
