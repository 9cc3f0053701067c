"""Pseudonyms: no number of a patient and no national id passes this module.

A pseudonym is HMAC-SHA256 under the study's key, cut to 128 bits. Without the key nobody can go from a pseudonym to a patient number, and the
warehouse refuses a key other than the one it was made with. Hashes of persons need a second key, which another party may hold.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from etl.mapping.identity_documents import read_birth_date, read_document, read_sex

_PSEUDONYM_HEX = 32


@dataclass(frozen=True)
class PseudonymKey:
    """The secrets under which pseudonyms are made, in the order in which they are applied; `fingerprint` may be stored, they may not.

    `later` are those that `registry rekey` appended to the first. `linkage` are those by which hashes of persons are made, on top of the
    first secret: whoever lacks one of both finds no national id. Databases of before the linkage key have none: there the first alone makes them.
    """

    secret: bytes
    later: tuple[bytes, ...] = ()
    linkage: tuple[bytes, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Return a digest that tells two keys apart and reveals neither."""
        return fingerprint_secrets((self.secret, *self.later))

    def pseudonym(self, *parts: str) -> str:
        """Return the pseudonym of normalised text parts."""
        return renew(_make_first(self.secret, *parts), self.later)

    def hash_person(self, document: str) -> str:
        """Return the hash of a normalised identity document (`normalise_person`), the same in every hospital."""
        return renew(_make_first(self.secret, "person", document), self.linkage)


def fingerprint_secrets(secrets: Iterable[bytes]) -> str:
    """Return a digest that tells two rows of secrets apart and reveals none."""
    digest = b""
    for secret in secrets:
        digest = hashlib.sha256(b"hcc-registry key fingerprint" + digest + secret).digest()
    return digest.hex()[:16]


def renew(pseudonym: str, secrets: Iterable[bytes]) -> str:
    """Return what becomes of a pseudonym or hash once secrets are appended: a pseudonym of the pseudonym, one after the other."""
    for secret in secrets:
        pseudonym = hmac.digest(secret, pseudonym.encode(), "sha256").hex()[:_PSEUDONYM_HEX]
    return pseudonym


def _make_first(secret: bytes, *parts: str) -> str:
    message = "\x1f".join(normalise_identifier(part) for part in parts)
    return hmac.digest(secret, message.encode(), "sha256").hex()[:_PSEUDONYM_HEX]


def normalise_identifier(text: str) -> str:
    """Return an identifier as it is compared: NFKC, stripped; `00123` stays `00123`."""
    return unicodedata.normalize("NFKC", text).strip()


def pseudonymise(texts: pl.Series, key: PseudonymKey, *scope: str) -> pl.Series:
    """Return the pseudonyms of identifier texts (null stays null); each distinct text is hashed once."""
    return replace_distinct(texts, lambda text: key.pseudonym(*scope, text))


def replace_distinct(texts: pl.Series, name: Callable[[str], str | None]) -> pl.Series:
    """Return what `name` makes of texts (null stays null), called once for each distinct one."""
    distinct = texts.drop_nulls().unique(maintain_order=True).to_list()
    known = {text: name(text) for text in distinct}
    return texts.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


def normalise_person(texts: pl.Series) -> pl.Series:
    """Return identity documents as they are compared across hospitals; what is none, such as a national id with a slip, gives null."""
    return replace_distinct(texts, read_document)


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
