import datetime as dt
import hashlib
import hmac

import polars as pl
import pytest

from etl.mapping.identity import (
    PseudonymKey,
    compare_with_person,
    has_personal_data,
    mask_personal_data,
    normalise_person,
    pseudonymise,
    read_key,
)

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


# 360426199101010071 is python-stdnum's own example; an odd 17th digit is a man's, an even one a woman's.
@pytest.mark.parametrize(
    ("number", "birth_date", "sex", "verdicts"),
    [
        ("11010519491231002X", dt.date(1949, 12, 31), "female", (True, True)),
        ("360426199101010071", dt.date(1991, 1, 1), "male", (True, True)),
        ("360426199101010071", dt.date(1991, 1, 10), "female", (False, False)),
        ("360426199101010071", None, None, (None, None)),
        (None, dt.date(1991, 1, 1), "male", (None, None)),
    ],
)
def test_birth_date_and_sex_are_held_to_the_national_id(number, birth_date, sex, verdicts):
    compared = compare_with_person(
        pl.Series([number], dtype=pl.String),
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


def test_a_new_key_is_private_and_read_back(tmp_path):
    path = tmp_path / "keys" / "key"
    key = read_key(path, may_create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, may_create=False) == key
    assert key.fingerprint not in path.read_text()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (
            "440106620615001",
            "440106196206150016",
        ),  # the same person before and after 1999; invented, with its check digit
        ("H08123456", "H08123456"),
        ("m0812345601", "M0812345601"),
        ("E12345678", "E12345678"),
        ("A123456(3)", "A1234563"),
        ("ABC123456789012", "ABC123456789012"),
        ("04567891", "04567891"),  # a permit of Taiwan
        ("440106196206150017", None),  # another check digit
        ("440106621315001", None),  # month 13
        ("19620615", None),  # a date would link all who were born on it
        ("13800138000", None),
    ],
)
def test_documents_of_identity_link_a_person_and_unreadable_national_ids_do_not(written, kept):
    assert normalise_person(pl.Series([written])).to_list() == [kept]


def test_birth_date_and_sex_are_those_of_an_old_national_id_and_of_no_other_document():
    persons = normalise_person(pl.Series(["440106620615001", "440106620615002", "H08123456"]))
    told = compare_with_person(persons, pl.Series([dt.date(1962, 6, 15)] * 3), pl.Series(["male"] * 3))
    assert told["birth_date_is_of_national_id"].to_list() == [True, True, None]
    assert told["sex_is_of_national_id"].to_list() == [True, False, None]
