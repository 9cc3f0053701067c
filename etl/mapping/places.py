"""Files and sheets that are called after a patient are named by their place: file 2 of 3, sheet 3 of 12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from etl.delivery.read import Grid
from etl.mapping.accounts import SheetRows
from etl.mapping.masking import OwnTexts

Place = tuple[str, str | None]


def name_by_place(
    grids: Sequence[Grid], sheets: Sequence[SheetRows], ignored: Sequence[tuple[Grid, str]], own: OwnTexts
) -> tuple[list[SheetRows], list[tuple[Grid, str]]]:
    """Return sheets and ignored grids as they are told of: a name of a file or sheet that names a patient is its place instead."""
    told = tell_places(grids, own)
    named = [replace(s, file=told[s.file, s.sheet][0], sheet=told[s.file, s.sheet][1]) for s in sheets]
    return named, [
        (replace(g, file=told[g.file, g.sheet][0], sheet=told[g.file, g.sheet][1]), why) for g, why in ignored
    ]


def tell_places(grids: Sequence[Grid], own: OwnTexts) -> Mapping[Place, Place]:
    """Return how the file and sheet of each grid of a delivery may be told; what kind of file it is stays."""
    files = list(dict.fromkeys(grid.file for grid in grids))
    told: dict[Place, Place] = {}
    for grid in grids:
        within = [other.sheet for other in grids if other.file == grid.file]
        sheet = grid.sheet
        if sheet is not None and own.mask_text(sheet) != sheet:
            sheet = f"sheet {within.index(sheet) + 1} of {len(within)}"
        file = grid.file
        if any(own.mask_text(part) != part for part in PurePosixPath(file).with_suffix("").parts):
            file = f"file {files.index(file) + 1} of {len(files)}{PurePosixPath(file).suffix}"
        told[grid.file, grid.sheet] = file, sheet
    return told
