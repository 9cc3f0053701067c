"""How a large hospital's frames fit into the memory: compressed until they are needed again, and nothing said a million times."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import polars as pl

ROWS_AT_ONCE = 250_000
_FEW_ROWS = 20_000


class KeptFrame:
    """A frame laid aside; one of few rows is kept as it is, since packing it would take longer than it saves."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.columns, self.height = frame.columns, frame.height
        self._frame = frame if frame.height <= _FEW_ROWS else None
        self._packed = b"" if self._frame is not None else _pack(frame)

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the frame, or some columns of it."""
        if self._frame is None:
            return pl.read_ipc(self._packed, columns=None if columns is None else list(columns))
        return self._frame if columns is None else self._frame.select(columns)

    def pick(self, rows: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
        """Return columns of the rows at the given places, unpacking one column after the other."""
        if self._frame is None:
            return pl.DataFrame([self.read([name])[name].gather(rows) for name in columns])
        return self._frame.select(columns)[rows]


def _pack(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd", compat_level=pl.CompatLevel.newest())
    return buffer.getvalue()


def slice_rows(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield a frame in parts that take little memory each; none of an empty one."""
    return frame.iter_slices(ROWS_AT_ONCE)


def say_once(frame: pl.DataFrame, names: Sequence[str] = ()) -> pl.DataFrame:
    """Return the frame with its empty columns, and those of `names` that say the same in every row, as one value each.

    polars holds such a column in a few bytes however many rows it has.
    """
    if frame.is_empty():
        return frame
    same = {name: None for name, n in frame.null_count().row(0, named=True).items() if n == frame.height}
    for name in names:
        if name not in same and frame.select(pl.col(name).n_unique()).item() == 1:
            same[name] = frame.item(0, name)
    return frame.with_columns(pl.lit(value, dtype=frame.schema[name]).alias(name) for name, value in same.items())
