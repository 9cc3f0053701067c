"""The identity documents by which a person is known in every hospital, read from what a hospital writes.

A national id has 18 digits, before 1999 fifteen (GB 11643-1999 and its forerunner); both hold the date of birth and the sex, and one
written either way is the same person. Residence permits of Hong Kong, Macau and Taiwan (regions 81, 82, 83) and, since
2023, the residence card of foreigners have the national id's form. Other documents are known by their form alone: the permits to
the mainland (H or M and 8 digits, besides 2 that count its renewals; Taiwan 8 digits, formerly 10 and a letter), the identity cards of Hong Kong,
Macau and Taiwan, the older residence card of foreigners, passports.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from contextlib import suppress

from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent

from schemas.codes import Sex

_LABEL = re.compile(r"^[一-鿿]{2,}[:：]?")
_BESIDES = re.compile(r"[\s()\-./]")
_NATIONAL_ID = re.compile(r"\d{17}[\dX]")
_OLD_NATIONAL_ID = re.compile(r"\d{15}")
_HOME_RETURN_PERMIT = re.compile(r"([HM]\d{8})\d{2}")
_EIGHT_DIGITS = re.compile(r"\d{8}")
_OTHER_DOCUMENTS = re.compile(
    "|".join(
        (
            r"[HM]\d{8}",  # permit of Hong Kong or Macau to the mainland
            r"\d{10}[A-Z]",  # the same of Taiwan, before 2015
            r"[A-Z]{1,2}\d{6}[\dA]",  # identity card of Hong Kong
            r"[A-Z][12]\d{8}",  # identity card of Taiwan
            r"[A-Z]{3}\d{12}",  # residence card of foreigners, before 2023
            r"[A-Z]{1,2}\d{7,8}",  # passport of China and of most countries
            r"[A-Z]\d{2}[A-Z0-9]{5}\d|[A-Z]{2}\d{3}[A-Z]{2}\d{2}|\d{2}[A-Z]{2}\d{5}",  # passport with letters within
        )
    )
)
_MACAU_CARD = re.compile(r"[157]/?\d{6}[/(]\d\)?")


def read_document(text: str) -> str | None:
    """Return the document as it is compared, whichever way it is written; None for what is none, such as a national id with a slip.

    Eight digits are a permit of Taiwan, unless they are a day: a date of birth in the wrong column links nobody.
    """
    written = _LABEL.sub("", unicodedata.normalize("NFKC", text).strip().upper()).strip()
    number = _BESIDES.sub("", written)
    if (national_id := _read_national_id(number)) is not None:
        return national_id
    if renewed := _HOME_RETURN_PERMIT.fullmatch(number):
        return renewed[1]
    is_permit = bool(_EIGHT_DIGITS.fullmatch(number)) and (bool(_MACAU_CARD.fullmatch(written)) or not _is_day(number))
    return number if is_permit or _OTHER_DOCUMENTS.fullmatch(number) else None


def is_national_id(text: str) -> bool:
    """Return whether a text is a national id of 18 or 15 digits."""
    return _read_national_id(_BESIDES.sub("", unicodedata.normalize("NFKC", text).upper())) is not None


def _read_national_id(number: str) -> str | None:
    """Return a national id of 18 digits, also of one of fifteen; None where check digit or birth date is none.

    The region is not looked up: it changes over the years.
    """
    if _OLD_NATIONAL_ID.fullmatch(number):
        body = f"{number[:6]}19{number[6:]}"
        number = body + ric.calc_check_digit(body + "0")
    is_written = bool(_NATIONAL_ID.fullmatch(number)) and ric.calc_check_digit(number) == number[-1]
    return number if is_written and read_birth_date(number) is not None else None


def read_birth_date(document: str) -> dt.date | None:
    """Return the date of birth that a document holds, as `read_document` returns it; only a national id holds one."""
    if _NATIONAL_ID.fullmatch(document):
        with suppress(InvalidComponent):
            return ric.get_birth_date(document)
    return None


def read_sex(document: str) -> str | None:
    """Return the sex that a document holds: the 17th digit of a national id is odd for men and even for women."""
    if not _NATIONAL_ID.fullmatch(document):
        return None
    return Sex.MALE.value if int(document[16]) % 2 else Sex.FEMALE.value


def _is_day(digits: str) -> bool:
    with suppress(ValueError):
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year >= 1900
    return False
