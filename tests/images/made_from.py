"""The file beside the pictures of the documents, `docs/img/made_from.csv`: each picture's sha256 and that of what it was made from."""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "img"
_MADE_FROM = FOLDER / "made_from.csv"


@dataclass(frozen=True)
class Made:
    """One picture, and `Source.sha256` of what it was made from."""

    picture: str
    picture_sha256: str
    made_from_sha256: str


def read_made_from() -> dict[str, Made]:
    """Return what is written down, by picture."""
    with _MADE_FROM.open(encoding="utf-8", newline="") as file:
        return {row["picture"]: Made(**row) for row in csv.DictReader(file)}


def write_made_from(sources: Mapping[str, str]) -> None:
    """Write down the pictures as they lie there, and the sha256 of their sources."""
    with _MADE_FROM.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Made)])
        writer.writerows(astuple(Made(name, hash_picture(name), sha256)) for name, sha256 in sources.items())


def hash_picture(name: str) -> str:
    """Return the sha256 of a picture."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
