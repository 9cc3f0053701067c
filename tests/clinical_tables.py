"""Tables of invented patients for readable tests: an ASCII table in, contract-typed frames out. SYNTHETIC EXAMPLE DATA.

The correct patient and the edits that make a case of him are those of the rule catalogue (`schemas/example_patient.py`).
"""

import polars as pl

from schemas.example_patient import PARSERS, derive_case, make_case, make_frame, read_correct_patient, read_rows
from schemas.tables import TABLES

CORRECT_PATIENT = read_correct_patient()

__all__ = ["CORRECT_PATIENT", "PARSERS", "derive_case", "make_case", "make_frame", "make_tables", "read_rows"]


def make_tables(**texts: str) -> dict[str, pl.DataFrame]:
    """All tables; those that are not given are empty."""
    return {name: make_frame(name, read_rows(texts[name]) if name in texts else []) for name in TABLES}
