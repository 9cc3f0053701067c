"""Reads `sql/`: statements by folder, templates filled with the tables and criteria that `schemas` declares.

In a view's file `{table}` is replaced by the table's name, and `{columns}` by those that are declared of it. A line with `{criterion}` or `{order}` stands once for each
eligibility criterion, in the order of the flow chart; `{next_order}` is the number after the last one.
"""

from __future__ import annotations

import hashlib
import re
from graphlib import TopologicalSorter
from importlib.resources import files
from importlib.resources.abc import Traversable

from etl.store.shape import declare_tables, list_versioned
from schemas.rules import CRITERIA

_MART = re.compile(r"\bmarts\.(\w+)")


def read_folder(folder: str) -> dict[str, str]:
    """Return the statements of one folder of `sql/` by their names, sorted."""
    return {path.name.removesuffix(".sql"): path.read_text(encoding="utf-8") for path in list_sql_files(folder)}


def list_sql_files(folder: str) -> list[Traversable]:
    """Return the files of one folder of `sql/`, sorted by name."""
    found = (path for path in files("sql").joinpath(folder).iterdir() if path.name.endswith(".sql"))
    return sorted(found, key=lambda path: path.name)


def list_views() -> dict[str, str]:
    """Return the statement of every view by `schema.view`, each after those it reads."""
    current, declared = read_folder("core")["current_version"], declare_tables()
    columns = {
        name: ", ".join(f"record.{column}" for column in declared[f"versions.{name}"]) for name in list_versioned()
    }
    core = {
        f"core.{name}": current.replace("{table}", name).replace("{columns}", told) for name, told in columns.items()
    }
    marts = {name: fill_criteria(sql) for name, sql in read_folder("marts").items()}
    uses = {name: sorted((set(_MART.findall(sql)) & set(marts)) - {name}) for name, sql in marts.items()}
    return {**core, **{f"marts.{name}": marts[name] for name in TopologicalSorter(uses).static_order()}}


def fill_criteria(sql: str) -> str:
    """Return a mart's statement with the eligibility criteria of `schemas/rules` in their places."""
    criteria = sorted(CRITERIA.values(), key=lambda criterion: criterion.order)
    lines = []
    for line in sql.splitlines():
        is_repeated = "{criterion}" in line or "{order}" in line
        lines += [
            line.replace("{criterion}", criterion.criterion_id).replace("{order}", str(criterion.order))
            for criterion in (criteria if is_repeated else criteria[:0])
        ] or [line]
    return "\n".join(lines).replace("{next_order}", str(len(criteria) + 1)) + "\n"


def hash_views() -> str:
    """Return a hash of all views and checks, so that a database knows whether its own are those of this code."""
    texts = [*list_views().items(), *read_folder("checks").items()]
    return hashlib.sha256("\n".join(f"{name}\n{sql}" for name, sql in texts).encode()).hexdigest()
