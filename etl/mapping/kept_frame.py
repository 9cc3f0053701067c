"""Frames that are needed again only at the end of an ingest: held compressed until then, for a large hospital's fill the memory."""

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
