"""A pseudonym key that everybody knows and that protects nobody: for tests that hold pseudonyms and ids to recorded ones."""

from pathlib import Path

FIXED_KEY = "SYNTHETIC EXAMPLE DATA: the pseudonym key of the tests, known to everybody"


def write_fixed_key(path: Path) -> Path:
    """Write the key where only its owner can read it, as a key file has to be."""
    path.touch(mode=0o600)
    path.write_text(FIXED_KEY, encoding="utf-8")
    return path
