"""Which delivery an ingest reads: the one named, the one new one, or the current one where mapping or code changed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import polars as pl

from etl.delivery.files import hash_delivery, is_desktop_file, list_files, list_hidden
from etl.errors import AmbiguousDeliveryError, DeliveryError
from etl.mapping.delivery_day import SAID, DeliveryDay, find_stated_day
from etl.mapping.site import Site
from etl.quality.answer_words import ANSWERS_FOLDER
from etl.settings import Settings
from etl.store.sql_files import list_sql_files
from etl.suggestions import suggest_command
from schemas.package_data import find_folder

JUDGING_ROOMS = ("etl.delivery", "etl.mapping", "etl.judging")
JUDGING_MODULES = ("additions.py", "configuration.py", "ingest.py", "load.py", "withdrawals.py")


@dataclass(frozen=True)
class Candidate:
    """A delivery that may be read: where it lies, the day it states, its content's hash, and that of all that decides its reading."""

    path: Path
    stated_day: DeliveryDay | None
    content_hash: str
    input_hash: str


def choose_delivery(
    settings: Settings,
    site: Site,
    extract: Path | None,
    extracted: dt.date | None,
    ingests: pl.DataFrame,
    *,
    check: bool,
    confirmed: str = "",
    has_answers: bool = False,
    lacks_persons: bool = False,
) -> Candidate | None:
    """Return the delivery to read: the given one, the one new one, or the current one where mapping, code, its day or confirmations changed.

    `extracted` is the extract day as somebody says it now; what was said of the same files at an earlier ingest still holds.
    `ingests` are those of the store; `confirmed` tells the hospital's confirmations apart. None says that there is nothing new; where answers
    came, that there is no delivery is no reason to refuse them. With `lacks_persons` the current one is read again, for the hashes of its persons.

    Raises:
        DeliveryError: there is none.
        AmbiguousDeliveryError: there are several new ones.
    """
    own = ingests.filter(pl.col("hospital") == site.hospital) if ingests.height else ingests
    if extract is not None:
        if not extract.exists():
            raise DeliveryError(f"There is no file or folder '{extract}'.", f"找不到文件或文件夹“{extract}”。")
        candidate = _describe(extract, site, own, extracted, confirmed)
        # Only the current version is not read again: naming an older delivery is the way forward after a revert.
        is_current = not lacks_persons and _is_read(candidate, own.filter(pl.col("is_current")) if own.height else own)
        return None if is_current and not check else candidate
    folder = settings.extracts_dir / site.hospital
    current = own.filter(pl.col("is_current")) if own.height else own
    elsewhere = _find_current(current)
    paths = _list_deliveries(folder, site.hospital, may_lack=has_answers or elsewhere is not None)
    hashed = sorted(
        (_describe(path, site, own, extracted, confirmed) for path in reversed(paths)),
        key=lambda c: str(c.stated_day or ""),
    )
    # Copies of one delivery under two names are one delivery, of the latest day that a name states.
    candidates = sorted({c.content_hash: c for c in hashed}.values(), key=lambda c: c.path)
    seen = set(own["content_hash"]) if own.height else set()
    new = [c for c in candidates if c.content_hash not in seen]
    if len(new) > 1:
        raise _ask_which(new, folder, site.hospital)
    if new:
        return new[0]
    if elsewhere is not None and not any(c.content_hash == current["content_hash"][0] for c in candidates):
        candidates.append(_describe(elsewhere, site, own, extracted, confirmed))
    changed = [c for c in candidates if current.height and c.content_hash == current["content_hash"][0]]
    return next((c for c in changed if lacks_persons or not _is_read(c, current)), None)


def _is_read(candidate: Candidate, current: pl.DataFrame) -> bool:
    """Whether the current version is all that a delivery gives: read as it would be read now, and nobody was erased from it since."""
    if current.is_empty():
        return False
    return current["input_hash"][0] == candidate.input_hash and not current["patients_erased"][0]


def _find_current(current: pl.DataFrame) -> Path | None:
    """Return where the delivery of a hospital's current version lay, if it still lies there."""
    path = Path(current["path"][0]) if current.height and current["path"][0] else None
    return path if path is not None and path.exists() else None


def _ask_which(new: Sequence[Candidate], folder: Path, hospital: str) -> AmbiguousDeliveryError:
    names = "\n  ".join(c.path.name for c in new)
    example = suggest_command("ingest", hospital, extract=new[0].path)
    return AmbiguousDeliveryError(
        f"{len(new)} new deliveries lie in '{folder}':\n  {names}\nWhere these files are one delivery, put them into one "
        f"folder there. Otherwise name one: {example}",
        f"“{folder}”中有 {len(new)} 份新提交：\n  {names}\n若这些文件属于同一次提交，请放入其下的一个文件夹；"
        f"否则请指明其一：{example}",
    )


def _list_deliveries(folder: Path, hospital: str, *, may_lack: bool) -> list[Path]:
    offered = (p for p in folder.glob("*") if p.name != ANSWERS_FOLDER and not is_desktop_file(p))
    paths = sorted(p for p in offered if list_files(p))
    hidden = list_hidden(folder)
    if paths or may_lack:
        return paths
    if hidden:
        example, names = suggest_command("ingest", hospital, extract=folder / hidden[0]), ", ".join(hidden)
        raise DeliveryError(
            f"There is no delivery in '{folder}' but what is hidden, since its name begins with a dot: {names}. Rename it, or "
            f"name it: {example}",
            f"“{folder}”中没有提交内容，只有以点开头、因而隐藏的：{names}。请改名，或指明：{example}",
        )
    example = suggest_command("ingest", hospital, extract=Path("path/to/delivery"))
    raise DeliveryError(
        f"There is no delivery in '{folder}'. Put the hospital's file or folder there, or name it: {example}",
        f"“{folder}”中没有提交内容。请将医院的文件或文件夹放入其中，或指明：{example}",
    )


def _describe(path: Path, site: Site, own: pl.DataFrame, extracted: dt.date | None, confirmed: str) -> Candidate:
    """Return a delivery with its day, as somebody says it now or said it of the same files before, else as it states it, and its hashes.

    `own` are the hospital's ingests, which tell what was said before.
    """
    content_hash = hash_delivery(path)
    said = extracted or _find_said_before(content_hash, own)
    stated_day = DeliveryDay(said, SAID) if said else find_stated_day(path)
    return Candidate(path, stated_day, content_hash, hash_input(content_hash, site.mapping_hash, stated_day, confirmed))


def hash_input(content_hash: str, mapping_hash: str, stated_day: DeliveryDay | None, confirmed: str) -> str:
    """Return the hash of all that decides how a delivery is read, with the code that reads it."""
    text = f"{content_hash}:{mapping_hash}:{hash_judging_code()}:{stated_day or ''}:{confirmed}"
    return hashlib.sha256(text.encode()).hexdigest()


def _find_said_before(content_hash: str, own: pl.DataFrame) -> dt.date | None:
    if own.is_empty():
        return None
    is_said = (pl.col("content_hash") == content_hash) & (pl.col("extract_day_origin") == SAID)
    days = own.filter(is_said)["extract_day"]
    return days[-1] if len(days) else None


def list_judging_code() -> Sequence[Path | Traversable]:
    """Return the files that decide what a delivery is read as: the rooms that read or judge, and what they stand on."""
    rooms = [file for room in JUDGING_ROOMS for file in find_folder(room).rglob("*") if file.suffix in (".py", ".csv")]
    single = [find_folder("etl") / name for name in JUDGING_MODULES]
    schemas = [*find_folder("schemas").rglob("*.py"), *find_folder("schemas.definitions").glob("*.csv")]
    return [*sorted([*schemas, *rooms, *single]), *list_sql_files("core"), *list_sql_files("marts")]


def hash_judging_code() -> str:
    """Return the hash of the code that reads and judges: a change of it re-reads the current deliveries."""
    digest = hashlib.sha256()
    for file in list_judging_code():
        digest.update(file.read_bytes())
    return digest.hexdigest()
