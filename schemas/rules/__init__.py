"""Every rule and eligibility criterion; modules of this package are imported by themselves. `cases/` holds their cases."""

from __future__ import annotations

import importlib
import pkgutil

from schemas.rules.rule import CRITERIA, RULES

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["CRITERIA", "RULES"]
