"""The keys of a workspace: which files hold them, with which of their secrets its database was made, and whether it may be begun with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from errno import EEXIST
from pathlib import Path

from etl.errors import IdentityError
from etl.mapping.identity import PseudonymKey, fingerprint_secrets
from etl.mapping.key_file import (
    check_strength,
    draw_secret,
    is_of_example,
    make_key_file,
    read_secrets,
    refuse_place,
    replace_key_file,
)
from etl.settings import Settings
from etl.suggestions import quote_path
from etl.whole_files import write_whole

NO_LINKAGE_KEY = "none"
"""What a database says of the linkage key where it was begun without one: no person was ever hashed in it."""
Secrets = tuple[bytes, ...]


@dataclass(frozen=True)
class Keys:
    """The keys by which a delivery is read.

    `linkage_fingerprint` is what the database has to say of the linkage key once the delivery is loaded. Where `hashes_persons` is False that
    key is not here: `key` then makes hashes of persons that hold for this delivery alone and are not to be stored. `drawn` are secrets of files
    that are not there yet, for a database that is begun. Behind those that a database was made with a file may hold secrets that it does not know,
    `n_pending` of the pseudonym key: those of a `rekey` that was cut off, or that another copy of the database has had.
    """

    key: PseudonymKey
    file: Path
    linkage_file: Path
    linkage_fingerprint: str | None
    hashes_persons: bool
    is_begun: bool = False
    drawn: tuple[tuple[Path, Secrets], ...] = ()

    def make_files(self, settings: Settings, *, is_synthetic: bool) -> bool:
        """Make the files of keys that were drawn, before the database that needs them is; False where another command came first."""
        if not all(make_key_file(path, secrets) for path, secrets in self.drawn):
            return False
        if self.is_begun and not is_synthetic:
            write_whole(_locate_owner(self.file), f"{settings.workspace.resolve()}\n".encode())
        return True


def begin_keys(settings: Settings, *, is_synthetic: bool) -> Keys:
    """Return the keys for a database that is begun: those that lie there, else new ones, which are not written yet.

    A linkage key is made beside the pseudonym key; where somebody says where it lies, it is another's to make.

    Raises:
        IdentityError: one that lies there is weak, unsafe, or of another study.
    """
    file = _choose_example_file(settings) if is_synthetic else settings.key_file
    linkage_file = settings.locate_linkage_key(file)
    drawn: list[tuple[Path, Secrets]] = []
    found: dict[Path, Secrets] = {}
    for path in (file, linkage_file):
        check_place(settings, path)
        if path.exists():
            found[path] = read_secrets(path)
            check_strength(path, found[path], is_synthetic=is_synthetic)
        elif path == file or settings.linkage_key_file is None:
            found[path] = (draw_secret(is_synthetic=is_synthetic),)
            drawn.append((path, found[path]))
    if file.exists() and not is_synthetic:
        _check_owner(settings, file)
    first, *later = found[file]
    linkage = found.get(linkage_file, ())
    _check_apart(file, found[file], linkage_file, linkage)
    fingerprint = fingerprint_secrets(linkage) if linkage else NO_LINKAGE_KEY
    key = PseudonymKey(first, tuple(later), linkage or (draw_secret(),))
    return Keys(key, file, linkage_file, fingerprint, bool(linkage), is_begun=True, drawn=tuple(drawn))


def _choose_example_file(settings: Settings) -> Path:
    """Return where the key of invented patients lies: in a place of its own, unless somebody names a file that is one."""
    is_named = settings.key_file.is_file() and is_of_example(read_secrets(settings.key_file))
    return settings.key_file if is_named or settings.example_key_file is None else settings.example_key_file


def find_keys(settings: Settings, key_fingerprint: str, linkage_fingerprint: str | None, *, is_synthetic: bool) -> Keys:
    """Return the keys that a database was made with; `linkage_fingerprint` is None in one of before there was a linkage key.

    Raises:
        IdentityError: the pseudonym key is missing, unsafe or another; the linkage key that lies there is.
    """
    file, secrets = _find_study_key(settings, key_fingerprint, is_synthetic=is_synthetic)
    linkage_file = settings.locate_linkage_key(file)
    first, *later = secrets
    if linkage_fingerprint is None:
        return Keys(PseudonymKey(first, tuple(later)), file, linkage_file, None, hashes_persons=True)
    check_place(settings, linkage_file)
    if not linkage_file.exists():
        key = PseudonymKey(first, tuple(later), (draw_secret(),))
        return Keys(key, file, linkage_file, linkage_fingerprint, hashes_persons=False)
    held = read_secrets(linkage_file)
    _check_apart(file, secrets, linkage_file, held)
    if linkage_fingerprint == NO_LINKAGE_KEY:
        check_strength(linkage_file, held, is_synthetic=is_synthetic)
        linkage, linkage_fingerprint = held, fingerprint_secrets(held)
    elif (known := select_known(held, linkage_fingerprint)) is None:
        raise IdentityError(
            f"The key in '{linkage_file}' is not the linkage key by which the persons of this workspace were hashed. Nothing was loaded. Set "
            "REGISTRY_LINKAGE_KEY_FILE to the right one, as it is since the last rekey; or take the file away: then no hashes of persons are made.",
            f"“{linkage_file}”中的密钥不是本工作区用于个人散列的关联密钥。未载入任何数据。请用 REGISTRY_LINKAGE_KEY_FILE "
            "指明正确的密钥（须为最近一次更换后的文件）；或移走该文件，则不生成个人散列。",
        )
    else:
        linkage = known
    return Keys(
        PseudonymKey(first, tuple(later), linkage), file, linkage_file, linkage_fingerprint, hashes_persons=True
    )


def select_known(secrets: Sequence[bytes], fingerprint: str) -> Secrets | None:
    """Return the first secrets of a file whose fingerprint it is; None where there are no such."""
    parts = (tuple(secrets[:n]) for n in range(1, len(secrets) + 1))
    return next((part for part in parts if fingerprint_secrets(part) == fingerprint), None)


@dataclass(frozen=True)
class Renewal:
    """What is appended to the keys: `pseudonyms` and `persons` are the secrets that are applied, in their order, to what the database holds.

    They are those that the files hold and the database does not know, left by a renewal that was cut off or made in another copy of it; else
    new ones, which `files` are to hold behind those of before. `fingerprints` are those of the pseudonym key and the linkage key then.
    """

    pseudonyms: Secrets
    persons: Secrets
    fingerprints: tuple[str, str | None]
    files: tuple[tuple[Path, Secrets], ...]

    def write_files(self) -> None:
        """Let the files hold what is appended. Until the database knows of it nobody uses it, so that it does no harm if the change is not made."""
        for path, secrets in self.files:
            if path.exists():
                replace_key_file(path, secrets)
            elif not make_key_file(path, secrets):
                raise refuse_place(path, FileExistsError(EEXIST, "it was made in this moment"))


def plan_renewal(settings: Settings, keys: Keys, *, is_synthetic: bool) -> Renewal:
    """Return what is to be appended to the keys of a database.

    Persons that are hashed by the pseudonym key alone, as before there was a linkage key, get that one: it is made where it is not here.

    Raises:
        IdentityError: the linkage key is another's to make and is not here, or is weak, unsafe or the pseudonym key.
    """
    held, known = read_secrets(keys.file), (keys.key.secret, *keys.key.later)
    pseudonyms = held[len(known) :] or (draw_secret(),)
    files = [(keys.file, (*known, *pseudonyms))] if held == known else []
    fingerprint, persons = keys.linkage_fingerprint, Secrets()
    if keys.hashes_persons:
        persons, linkage = _plan_linkage(settings, keys, is_synthetic=is_synthetic)
        fingerprint = fingerprint_secrets(linkage)
        is_written = keys.linkage_file.exists() and read_secrets(keys.linkage_file) == linkage
        files += [] if is_written else [(keys.linkage_file, linkage)]
        _check_apart(keys.file, held, keys.linkage_file, linkage)
    return Renewal(pseudonyms, persons, (fingerprint_secrets((*known, *pseudonyms)), fingerprint), tuple(files))


def _plan_linkage(settings: Settings, keys: Keys, *, is_synthetic: bool) -> tuple[Secrets, Secrets]:
    """Return the secrets to be applied to the hashes of persons, and all those of the linkage key then."""
    file, known = keys.linkage_file, keys.key.linkage
    if file.exists():
        held = read_secrets(file)
        if keys.linkage_fingerprint is None:
            check_place(settings, file)
            check_strength(file, held, is_synthetic=is_synthetic)
        appended = held[len(known) :] or (draw_secret(),)
        return appended, (*known, *appended)
    if settings.linkage_key_file is not None:
        raise IdentityError(
            f"Persons of this workspace are hashed by the pseudonym key, and are now to be by the linkage key, which is missing: '{file}'. Nothing "
            "was changed. Put it there; or leave REGISTRY_LINKAGE_KEY_FILE out, and one is made beside the pseudonym key.",
            f"本工作区的个人散列由匿名密钥生成，现应改用关联密钥，但“{file}”缺失。未作任何更改。请放入该文件；"
            "或不设 REGISTRY_LINKAGE_KEY_FILE，系统将在匿名密钥旁新建。",
        )
    first = (draw_secret(is_synthetic=is_synthetic),)
    return first, first


def has_linkage_key(settings: Settings, *, is_synthetic: bool) -> bool:
    """Whether a linkage key lies where it is looked for."""
    places = [settings.example_key_file, settings.key_file] if is_synthetic else [settings.key_file]
    return any(settings.locate_linkage_key(file).exists() for file in filter(None, places))


def check_place(settings: Settings, path: Path) -> None:
    """Refuse a key inside the workspace, where whoever gets the data would get it too (IdentityError)."""
    if not path.resolve().is_relative_to(settings.workspace.resolve()):
        return
    name, place = ("REGISTRY_LINKAGE_KEY_FILE" if path == settings.linkage_key_file else "REGISTRY_KEY_FILE"), "~/keys"
    moved = f"mkdir -m 700 {place}; mv {quote_path(path)} {place}/"
    raise IdentityError(
        f"The key '{path}' lies inside the workspace: whoever gets a copy of the one has the other. Nothing was loaded. Move it out of there, as by: "
        f"{moved} ; then set {name} to its new place.",
        f"密钥文件“{path}”位于工作区之内：得到工作区副本者即得到密钥。未载入任何数据。请将其移出，例如：{moved} ；然后将 {name} 设为新的位置。",
    )


def _find_study_key(settings: Settings, fingerprint: str, *, is_synthetic: bool) -> tuple[Path, Secrets]:
    """Return the file that holds the key of a database, and the secrets of it that the database was made with."""
    places = [settings.example_key_file] if is_synthetic and settings.example_key_file else []
    places = [*places, settings.key_file]  # an example of before it had a key of its own
    for path in places:
        check_place(settings, path)
    there = [path for path in places if path.exists()]
    for path in there:
        if (known := select_known(read_secrets(path), fingerprint)) is not None:
            return path, known
    if there:
        raise refuse_other_key(there[0])
    raise IdentityError(
        f"The pseudonym key '{places[0]}' is missing, but this workspace was loaded with one. Put the key file back, or set "
        "REGISTRY_KEY_FILE to where it lies.",
        f"缺少匿名密钥文件“{places[0]}”，而本工作区已用密钥建库。请恢复密钥文件，或用 REGISTRY_KEY_FILE 指明其位置。",
    )


def refuse_other_key(path: Path) -> IdentityError:
    """Return the error of a key that is not the one that the workspace was made with."""
    return IdentityError(
        f"The key in '{path}' is not the one this workspace was loaded with; with another key every patient would become somebody else. Set "
        "REGISTRY_KEY_FILE to the right key, as it is since the last rekey: a copy from before lacks a part. Nothing was loaded.",
        f"“{path}”中的密钥与本工作区建库时所用的不同；换密钥会使所有患者变成他人。请用 REGISTRY_KEY_FILE 指明正确的密钥"
        "（须为最近一次更换后的文件，此前的副本并不完整）。未载入任何数据。",
    )


def _check_apart(file: Path, secrets: Secrets, linkage_file: Path, linkage: Secrets) -> None:
    if set(secrets) & set(linkage):
        raise IdentityError(
            f"'{linkage_file}' holds the pseudonym key of '{file}'. The linkage key is another one: move the file away, or set "
            "REGISTRY_LINKAGE_KEY_FILE to its own. Nothing was loaded.",
            f"“{linkage_file}”中是“{file}”的匿名密钥。关联密钥必须是另一密钥：请移走该文件，或用 REGISTRY_LINKAGE_KEY_FILE 指明。未载入任何数据。",
        )


def _locate_owner(file: Path) -> Path:
    """Where it is noted beside a key which workspace was begun with it."""
    return file.with_name(f"{file.name}.workspace")


def _check_owner(settings: Settings, file: Path) -> None:
    """Refuse the key of another study that is still there: under one key the patients of two studies could be joined."""
    note = _locate_owner(file)
    owner = Path(note.read_text(encoding="utf-8").strip()) if note.is_file() else settings.workspace
    if owner.resolve() == settings.workspace.resolve() or not (owner / settings.warehouse_path.name).exists():
        return
    raise IdentityError(
        f"The key '{file}' is that of the workspace '{owner}'. Each study has a key of its own, or its patients could be joined with another's. "
        "Nothing was loaded. Set REGISTRY_KEY_FILE to a file that is not there yet: a new key is made in it. Where both are of one study, remove the "
        f"note '{note}'.",
        f"密钥“{file}”属于工作区“{owner}”。每个研究须有各自的密钥，否则不同研究的患者可被关联。未载入任何数据。"
        f"请将 REGISTRY_KEY_FILE 设为尚不存在的文件，系统将在其中新建密钥。若两者属同一研究，请删除说明文件“{note}”。",
    )
