"""Pseudonyms: no number of a patient and no national id passes this module.

A pseudonym is HMAC-SHA256 under the registry's key, cut to 128 bits. Without the key nobody can go from a pseudonym to a
patient number, and the warehouse refuses a key other than the one it was made with.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.errors import IdentityError
from etl.mapping.identity_documents import read_birth_date, read_document, read_sex
from etl.suggestions import quote_path
from etl.whole_files import name_scratch

_KEY_BYTES = 32
_PSEUDONYM_HEX = 32


@dataclass(frozen=True)
class PseudonymKey:
    """The secret under which pseudonyms are made; `fingerprint` may be stored, the key may not."""

    secret: bytes

    @property
    def fingerprint(self) -> str:
        """Return a digest that tells two keys apart and reveals neither."""
        return hashlib.sha256(b"hcc-registry key fingerprint" + self.secret).hexdigest()[:16]

    def pseudonym(self, *parts: str) -> str:
        """Return the pseudonym of normalised text parts."""
        message = "\x1f".join(normalise_identifier(part) for part in parts)
        return hmac.digest(self.secret, message.encode(), "sha256").hex()[:_PSEUDONYM_HEX]


def normalise_identifier(text: str) -> str:
    """Return an identifier as it is compared: NFKC, stripped; `00123` stays `00123`."""
    return unicodedata.normalize("NFKC", text).strip()


def read_key(path: Path, *, may_create: bool) -> PseudonymKey:
    """Read the pseudonym key, or make one where there is no database yet.

    Raises:
        IdentityError: the file is missing though a database exists, is readable by others, is not a key, or cannot be read or made.
    """
    try:
        return _read_key(path, may_create=may_create)
    except OSError as error:
        raise IdentityError(
            f"The pseudonym key '{path}' cannot be read or made ({error.strerror}). Set REGISTRY_KEY_FILE to a file you may write.",
            f"无法读取或创建匿名密钥文件“{path}”（{error.strerror}）。请用 REGISTRY_KEY_FILE 指明可写的文件。",
        ) from None


def _read_key(path: Path, *, may_create: bool) -> PseudonymKey:
    if not path.exists():
        if not may_create:
            raise IdentityError(
                f"The pseudonym key '{path}' is missing, but this workspace was loaded with one. Put the key file back, or set "
                "REGISTRY_KEY_FILE to where it lies.",
                f"缺少匿名密钥文件“{path}”，而本工作区已用密钥建库。请恢复密钥文件，或用 REGISTRY_KEY_FILE 指明其位置。",
            )
        _create_key(path)
    if path.stat().st_mode & 0o077:
        raise IdentityError(
            f"The pseudonym key '{path}' can be read by others. Run: chmod 600 {quote_path(path)}",
            f"匿名密钥文件“{path}”可被他人读取。请运行：chmod 600 {quote_path(path)}",
        )
    secret = path.read_bytes().strip()
    if len(secret) < _KEY_BYTES:
        raise IdentityError(f"'{path}' does not hold a pseudonym key.", f"“{path}”不是有效的匿名密钥文件。")
    return PseudonymKey(secret)


def _create_key(path: Path) -> None:
    """Make a new key: whole or not at all, and not where another command has made one in the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = name_scratch(path)
    scratch.unlink(missing_ok=True)
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def pseudonymise(texts: pl.Series, key: PseudonymKey, *scope: str) -> pl.Series:
    """Return the pseudonyms of identifier texts (null stays null); each distinct text is hashed once."""
    distinct = texts.drop_nulls().unique(maintain_order=True).to_list()
    known = {text: key.pseudonym(*scope, text) for text in distinct}
    return texts.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


def normalise_person(texts: pl.Series) -> pl.Series:
    """Return identity documents as they are compared across hospitals; what is none, such as a national id with a slip, gives null."""
    distinct = texts.drop_nulls().unique(maintain_order=True).to_list()
    known = {text: read_document(text) for text in distinct}
    return texts.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


def compare_with_person(
    persons: pl.Series, birth_dates: pl.Series, sexes: pl.Series, months: pl.Series | None = None
) -> dict[str, pl.Series]:
    """Return whether birth date and sex are those that the national id states; null where the id or the value is missing.

    `months` tells of which birth dates only the month is known: that of the id is to be the same, whatever its day.
    `persons` are normalised documents (`normalise_person`); only a national id states them. Only the two verdicts leave this function.
    """
    distinct = persons.drop_nulls().unique(maintain_order=True).to_list()
    stated = pl.DataFrame(
        [(number, read_birth_date(number), read_sex(number)) for number in distinct],
        schema={"person": pl.String, "birth_date": pl.Date, "sex": pl.String},
        orient="row",
    )
    joined = persons.alias("person").to_frame().join(stated, on="person", how="left", maintain_order="left")
    is_month = pl.lit(value=False) if months is None else months
    stated_birth, known_birth = (
        pl.when(is_month).then(dates.dt.truncate("1mo")).otherwise(dates)
        for dates in (joined["birth_date"], birth_dates)
    )
    return {
        "birth_date_is_of_national_id": joined.select(same=stated_birth == known_birth)["same"],
        "sex_is_of_national_id": joined["sex"] == sexes,
    }
