"""The sheet on which a person says by what a hospital's data may be used; what is left open there does not hold up the mapping, only the first load."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from etl.configuration import validate
from etl.delivery.read import Grid
from etl.errors import WorksheetError
from etl.mapping.permission import KEYS, KINDS, NO_END, Kind, Permission
from etl.mapping.site import normalise_text
from etl.mapping.site_file import PERMISSION
from etl.onboarding.worksheet.form import DECISION, HEADER_ROW, KEY, MEANING, PERMISSION_COLUMNS, PERMISSION_SHEET
from etl.onboarding.worksheet.rows import Reading, Row, read_rows
from etl.pages.spreadsheet import fit_height
from etl.pages.text import Text

if TYPE_CHECKING:
    from etl.onboarding.proposing.draft import Draft
    from etl.onboarding.worksheet.entries import Written

Values = Mapping[str, str | dt.date]
"""What stands in the cells, by the keys of `[permission]`; only those that are filled."""
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?: 00:00:00)?")
_NO_END = (NO_END, "无截止日期", "无")


def write_permission(start: Callable[..., Any], formats: Mapping[str, Any], draft: Draft, written: Written) -> None:
    """Write the keys, each with what it means and a cell to fill in, on a sheet that `start(name, columns, draft)` begins."""
    sheet = start(PERMISSION_SHEET, PERMISSION_COLUMNS, draft)
    for row, (key, meaning) in enumerate(KEYS.items(), start=HEADER_ROW + 1):
        sheet.write_string(row, 0, key, formats["text"])
        sheet.write_string(row, 1, f"{meaning.zh}\n{meaning.en}", formats["text"])
        known = Kind.SYNTHETIC.value if draft.is_synthetic and key == "kind" else ""
        sheet.write_string(
            row, 2, written.permission.get(key) or known, formats["text" if draft.is_synthetic else "open"]
        )
        sheet.set_row(row, fit_height((f"{meaning.zh}\n{meaning.en}", PERMISSION_COLUMNS[1][1])))
    kinds = [f"{kind} | {label.zh}" for kind, label in KINDS.items()]
    sheet.data_validation(HEADER_ROW + 1, 2, HEADER_ROW + 1, 2, {"validate": "list", "source": kinds})


def read_texts(grids: Mapping[str | None, Grid]) -> dict[str, Row]:
    """Return the rows of the sheet that are filled in, by their keys; none of a worksheet of an earlier version."""
    if PERMISSION_SHEET not in grids:
        return {}
    rows = read_rows(grids, PERMISSION_SHEET, (KEY, MEANING, DECISION))
    return {row.texts[KEY.en]: row for row in rows if row.texts[DECISION.en]}


def read_permission(grids: Mapping[str | None, Grid], reading: Reading) -> Values:
    """Return what is filled in, and note what cannot be taken, each with its cell."""
    rows = read_texts(grids)
    for key in rows.keys() - KEYS.keys():
        listed = ", ".join(KEYS)
        reading.blame(rows[key].place(KEY), f"'{key}' is none of {listed}", f"“{key}”不在 {listed} 之中")
    values = {key: _read_value(key, normalise_text(rows[key].texts[DECISION.en])) for key in KEYS if key in rows}
    _, faults = validate(Permission, values)
    for fault in faults:
        place = rows[fault.place].place(DECISION)
        reading.blame(place, fault.problem.en, fault.problem.zh)
    return values


def _read_value(key: str, text: str) -> str | dt.date:
    if key == "kind":
        named = {name: kind for kind, label in KINDS.items() for name in (kind, label.en, label.zh)}
        return named.get(text.split(" | ", maxsplit=1)[0], text)
    if key not in ("date", "end"):
        return text
    if key == "end" and text in _NO_END:
        return NO_END
    try:
        return dt.date(*map(int, match.groups())) if (match := _DAY.fullmatch(text)) else text
    except ValueError:  # 2026-02-30
        return text


def add_permission(site: Mapping[str, Any], filled: Values) -> dict[str, Any]:
    """Return the `[permission]` of site.toml with what a worksheet says.

    Raises:
        WorksheetError: both say something, and not the same: one of them is older, and nobody knows which.
    """
    stated = {key: value for key, value in site.get(PERMISSION, {}).items() if value != ""}
    other = [key for key in filled if key in stated and str(stated[key]).strip() != str(filled[key])]
    if other:
        names = Text(", ".join(other), "、".join(other))
        raise WorksheetError(
            f"The worksheet's sheet '{PERMISSION_SHEET}' says otherwise than [{PERMISSION}] of site.toml about: {names.en}. Nothing was taken. Change it in "
            "site.toml, where it stands once a worksheet was taken, and empty the cell.",
            f"对应表的“{PERMISSION_SHEET}”与 site.toml 的 [{PERMISSION}] 不一致：{names.zh}。未采用任何内容。对应表采用之后以 site.toml 为准："
            "请在 site.toml 中修改，并清空该单元格。",
        )
    return {**stated, **filled}
