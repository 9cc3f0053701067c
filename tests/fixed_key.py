"""Pseudonym keys that everybody knows and that protect nobody: for tests that hold pseudonyms and ids to recorded ones."""

import hashlib
from pathlib import Path

FIXED_KEY = "SYNTHETIC EXAMPLE DATA: the pseudonym key of the tests, known to everybody"
FIXED_KEY_OF_A_STUDY = hashlib.sha256(FIXED_KEY.encode()).hexdigest()
"""For deliveries that do not say that their patients are invented."""


def write_fixed_key(path: Path, key: str = FIXED_KEY) -> Path:
    """Write the key where only its owner can read it, as a key file has to be."""
    path.touch(mode=0o600)
    path.write_text(key, encoding="utf-8")
    return path
