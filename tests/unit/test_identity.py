import datetime as dt
import hashlib
import hmac

import polars as pl
import pytest

from etl.mapping.identity import (
    PseudonymKey,
    compare_with_person,
    fingerprint_secrets,
    normalise_person,
    pseudonymise,
)
from etl.mapping.personal_forms import has_personal_data, mask_personal_data

KEY = PseudonymKey(b"k" * 64)


def test_a_pseudonym_is_the_hmac_of_hospital_and_number():
    expected = hmac.new(b"k" * 64, b"nanfang\x1f00123", hashlib.sha256).hexdigest()[:32]
    assert pseudonymise(pl.Series(["00123"]), KEY, "nanfang").to_list() == [expected]


def test_full_width_and_blanks_are_the_same_number_and_leading_zeros_are_not():
    ids = pseudonymise(pl.Series(["00123", "００１２３", " 00123 ", "123", None]), KEY, "nanfang").to_list()
    assert ids[0] == ids[1] == ids[2]
    assert ids[3] != ids[0]
    assert ids[4] is None


def test_another_hospital_or_another_key_makes_somebody_else():
    one = pseudonymise(pl.Series(["1"]), KEY, "nanfang")[0]
    assert one != pseudonymise(pl.Series(["1"]), KEY, "hunan")[0]
    assert one != pseudonymise(pl.Series(["1"]), PseudonymKey(b"x" * 64), "nanfang")[0]


def test_only_valid_id_cards_identify_a_person():
    # 11010519491231002X is the worked example in GB 11643-1999; 110105194913310021 has the right check digit and month 13.
    numbers = pl.Series(
        ["11010519491231002X", "11010519491231002x", "110105194912310021", "110105194913310021", "12345", None]
    )
    assert normalise_person(numbers).to_list() == ["11010519491231002X"] * 2 + [None] * 4


# 440106620615001 is the number of before 1999 of 440106196206150016 (GB 11643-1999 adds the century and a check digit).
# The digits are invented; no document of these exists.
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("440106620615001", "440106196206150016"),
        ("440106 620615 001", "440106196206150016"),
        ("440106196206150016", "440106196206150016"),
        ("110105 19491231 002X", "11010519491231002X"),
        ("110105-19491231-002x", "11010519491231002X"),
        ("身份证：11010519491231002X", "11010519491231002X"),
        ("440106621315001", None),
        ("11010519491231002", None),
        ("H08123456", "H08123456"),
        ("h0812345600", "H08123456"),
        ("H0812345601", "H08123456"),
        ("M12345678", "M12345678"),
        ("回乡证H08123456", "H08123456"),
        ("R123456(7)", "R1234567"),
        ("AB987654(3)", "AB9876543"),
        ("1234567(8)", "12345678"),
        ("12345678", "12345678"),
        ("1234567890(B)", "1234567890B"),
        ("A123456789", "A123456789"),
        ("护照G38827164", "G38827164"),
        ("护照号：EA1234567", "EA1234567"),
        ("C01X00T47", "C01X00T47"),
        ("USA110012345678", "USA110012345678"),
        ("19491231", None),
        ("1949-12-31", None),
        ("12345", None),
        ("123456789012", None),
        ("AB123", None),
    ],
)
def test_every_identity_document_links_a_person_however_it_is_written(written, read):
    assert normalise_person(pl.Series([written])).to_list() == [read]


@pytest.mark.parametrize("region", ["810000", "820000", "830000", "911124"])
def test_residence_permits_and_cards_of_foreigners_have_the_national_ids_form(region):
    """Of Hong Kong, Macau and Taiwan the region is 81, 82 and 83; the card of foreigners begins with a 9 (since 2023)."""
    body = f"{region}19800101001"
    number = body + "10X98765432"[sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body)) % 11]
    assert normalise_person(pl.Series([number])).to_list() == [number]


# 360426199101010071 is python-stdnum's own example; an odd 17th digit is a man's, an even one a woman's.
@pytest.mark.parametrize(
    ("number", "birth_date", "sex", "verdicts"),
    [
        ("11010519491231002X", dt.date(1949, 12, 31), "female", (True, True)),
        ("360426199101010071", dt.date(1991, 1, 1), "male", (True, True)),
        ("360426199101010071", dt.date(1991, 1, 10), "female", (False, False)),
        ("360426199101010071", None, None, (None, None)),
        ("440106620615001", dt.date(1962, 6, 15), "male", (True, True)),
        ("440106620615001", dt.date(1962, 6, 16), "female", (False, False)),
        ("H08123456", dt.date(1962, 6, 15), "male", (None, None)),
        (None, dt.date(1991, 1, 1), "male", (None, None)),
    ],
)
def test_birth_date_and_sex_are_held_to_the_national_id(number, birth_date, sex, verdicts):
    compared = compare_with_person(
        normalise_person(pl.Series([number], dtype=pl.String)),
        pl.Series([birth_date], dtype=pl.Date),
        pl.Series([sex], dtype=pl.String),
    )
    assert (compared["birth_date_is_of_national_id"][0], compared["sex_is_of_national_id"][0]) == verdicts


@pytest.mark.parametrize(
    "text",
    [
        "tel 13800138000",
        "１３８００１３８０００",
        "138-0013-8000",
        "+86 13800138000",
        "020-61641888",
        "11010519491231002X",
        "a.b@c.cn",
    ],
)
def test_personal_data_is_seen_and_masked(text):
    assert has_personal_data(text)
    masked = mask_personal_data(f"call {text} soon")
    assert "[masked]" in masked
    assert not has_personal_data(masked)


@pytest.mark.parametrize(
    "text",
    [
        "AFP 13800.5",
        "2020-03-05",
        "门静脉主干",
        "7.4*6.2/8*4.5",
        "HBV DNA 1380013",
        "1234567890123456789012",
        "0.010000000000000002",
        "2.13812345678",
    ],
)
def test_what_is_no_personal_data_stays(text):
    assert mask_personal_data(text) == text


def test_appended_secrets_are_applied_to_the_pseudonym_before():
    def mac(secret, text):
        return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:32]

    key = PseudonymKey(b"k" * 64, (b"second", b"third"), (b"linkage", b"appended"))
    first = KEY.pseudonym("nanfang", "00123")
    assert key.pseudonym("nanfang", "00123") == mac(b"third", mac(b"second", first))
    person = mac(b"k" * 64, "person\x1f11010519491231002X")
    assert KEY.hash_person("11010519491231002X") == person
    assert key.hash_person("11010519491231002X") == mac(b"appended", mac(b"linkage", person))
    rows = [(b"k" * 64,), (b"k" * 64, b"second"), (b"k" * 64 + b"second",), (b"k" * 64, b"second", b"third")]
    assert len({fingerprint_secrets(row) for row in rows}) == len(rows)
