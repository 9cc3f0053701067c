"""Every table of the registry; a module here is a table, found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from schemas.contract import Table, table_name


def _find_tables() -> dict[str, type[Table]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {table_name(table): table for table in sorted(Table.__subclasses__(), key=lambda t: t.__name__)}


TABLES: dict[str, type[Table]] = _find_tables()
