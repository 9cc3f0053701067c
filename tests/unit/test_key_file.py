import secrets

import pytest

from etl.errors import IdentityError
from etl.mapping.key_file import draw_secret, find_weakness, make_key_file, read_secrets, replace_key_file


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("a" * 64, "few of its digits"),
        ("0123456789" + "0" * 54, "few of its digits"),
        ("0123456789abcdef" * 4, "repeated"),
        ("9f86d081884c7d659a2feaa0c55ad015" * 2, "repeated"),
        ("0123456789abcdef" * 3 + "0123456789abcde", "hexadecimal"),
        ("correct horse battery staple correct horse battery staple correct horse", "words"),
        ("CorrectHorseBatteryStaple2026CorrectHorseBatteryStaple2026Correct", "words"),
        ("南方医院肝癌登记研究二零二六年密钥南方医院肝癌登记研究二零二六年密钥", "words"),
        ("9f86d081884c7d659a2feaa0c55ad015", "too short"),
    ],
)
def test_what_somebody_could_guess_is_weak(secret, why):
    assert why in find_weakness(secret.encode()).en


def test_what_chance_makes_is_not_weak():
    assert not [s for s in (secrets.token_hex(32 + n % 9) for n in range(2000)) if find_weakness(s.encode())]


def test_a_file_is_private_made_once_appended_to_and_keeps_whatever_it_held_first(tmp_path):
    path = tmp_path / "keys" / "key"
    assert make_key_file(path, (b"\x00binary\nwith lines\xff" * 3,))
    assert not make_key_file(path, (b"another" * 9,))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    (first,) = read_secrets(path)
    assert first == b"\x00binary\nwith lines\xff" * 3
    appended = (first, draw_secret(), draw_secret())
    replace_key_file(path, appended)
    assert read_secrets(path) == appended
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes() + b"\r\n\n")  # an editor that ends each file with a line feed
    assert read_secrets(path) == appended
    assert [one.name for one in path.parent.iterdir()] == ["key"]


def test_one_that_others_can_read_or_that_holds_nothing(tmp_path):
    path = tmp_path / "key"
    path.write_text("short")
    path.chmod(0o640)
    with pytest.raises(IdentityError, match="chmod 600"):
        read_secrets(path)
    path.chmod(0o600)
    with pytest.raises(IdentityError, match="does not hold"):
        read_secrets(path)
