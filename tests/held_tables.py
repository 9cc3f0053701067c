"""What a database holds, read without the registry's code, so that two of them can be compared."""

from pathlib import Path

import duckdb

OF_THE_COPY = ("main.change", "main.event", "main.owed", "main.page")
"""Tables that tell of what was done with a database, so also of its export and its restoring."""
_LISTED = """
    select schema_name || '.' || table_name as name, list('"' || column_name || '"' order by column_name)
    from duckdb_columns() where not internal group by all order by all
"""


def read_tables(
    path: Path, *, without: tuple[str, ...] = OF_THE_COPY, with_seals: bool = True
) -> dict[str, list[tuple]]:
    """Every row of every table and view; the order of rows and columns means nothing. Salts are drawn, and so are the seals with them."""
    with duckdb.connect(str(path), read_only=True) as database:
        return list_rows(database, without=without, with_seals=with_seals)


def list_rows(
    database: duckdb.DuckDBPyConnection, *, without: tuple[str, ...] = OF_THE_COPY, with_seals: bool = True
) -> dict[str, list[tuple]]:
    """The same of an open database."""
    held = {}
    for name, columns in database.execute(_LISTED).fetchall():
        chosen = [column for column in columns if with_seals or column not in ('"row_salt"', '"row_check"')]
        if name not in without:
            held[name] = database.execute(f"select {', '.join(chosen)} from {name} order by all").fetchall()
    return held
