"""The rules as a landed version had them (`recorded_rules.csv`), so that the rule catalogue can say which are new and which changed.

The file is written by running this module with that version's own code (`tests/rules/record_rules.py COMMIT`); nobody writes it by
hand, and no git is needed to read it. Therefore it imports of `schemas`, at its top, only what every version has.
"""

from __future__ import annotations

import csv
import hashlib
import inspect
import sys
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

import polars as pl

from schemas.rules import RULES

RECORDED = "recorded_rules.csv"
_WHOLE_LISTS = 10_000
"""Polars shortens a list of more values when it writes an expression."""


@dataclass(frozen=True)
class RuleRecord:
    """What makes a rule's meaning; `expression` is a hash of all that the rule computes, written out with its helpers."""

    rule_id: str
    severity: str
    place: str
    passes_where: str
    en: str
    zh: str
    expression: str

    def list_changes(self, before: RuleRecord) -> list[str]:
        """Return the names of the fields that differ from the rule as it was before."""
        return [field.name for field in fields(self) if getattr(self, field.name) != getattr(before, field.name)]


@cache
def list_rules() -> dict[str, RuleRecord]:
    """Return the rules of this code by id."""
    return {
        rule.rule_id: RuleRecord(
            rule.rule_id,
            rule.severity.value,
            f"{rule.table}.{rule.field}",
            " ".join((inspect.getdoc(rule.expression) or "").split()),
            rule.en,
            rule.zh,
            hash_expression(rule.expression()),
        )
        for rule in RULES.values()
    }


def hash_expression(expression: pl.Expr) -> str:
    """Return a hash of an expression as polars writes it out, with every value of its lists."""
    with pl.Config(fmt_table_cell_list_len=_WHOLE_LISTS):
        return hashlib.sha256(str(expression).encode()).hexdigest()[:16]


@cache
def read_recorded() -> tuple[str, dict[str, RuleRecord]]:
    """Return the recorded version (its day and commit) and its rules by id."""
    from schemas.package_data import find_data  # not at the top: older versions, which only write, do not have it

    with find_data("schemas", RECORDED).open(encoding="utf-8", newline="") as file:
        version = file.readline().strip()
        return version, {row["rule_id"]: RuleRecord(**row) for row in csv.DictReader(file)}


def list_gone() -> list[str]:
    """Return the ids of the recorded rules that there are no more."""
    return sorted(set(read_recorded()[1]) - set(RULES))


def write_recorded(version: str, path: Path) -> None:
    """Write the rules of this code as those of a version."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{version}\n")
        writer = csv.DictWriter(file, [field.name for field in fields(RuleRecord)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record) for _, record in sorted(list_rules().items()))


if __name__ == "__main__":
    write_recorded(sys.argv[1], Path(sys.argv[2]))
