"""Reads one workbook in a child process with a memory limit: `python -m etl.workbook FILE` writes its sheets to stdout.

A workbook is a zip of XML that can claim terabytes; a fault in it ends this process and not the registry. The output is
a pickle of plain types and Arrow buffers, read by `etl/extract.py` alone.
"""

from __future__ import annotations

import pickle
import resource
import sys
from typing import Any

MEMORY_LIMIT_BYTES = 6 * 1024**3
ERROR_TEXT = "#ERROR"


def read_workbook(path: str) -> list[dict[str, Any]]:
    """Return every sheet as text with coordinates.

    Each sheet is a dict: `name`; `columns` (0-based positions in the workbook), `grid` (Arrow IPC bytes, row 0 is the
    workbook's row 1), `errors` (row, column of cells such as #DIV/0!), `merged` (first and last corner, 0-based).
    """
    import fastexcel
    import pyarrow as pa
    from python_calamine import CalamineWorkbook

    reader = fastexcel.read_excel(path)
    merged_of = CalamineWorkbook.from_path(path)
    sheets: list[dict[str, Any]] = []
    for name in reader.sheet_names:
        sheet = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        batch, faults = sheet.to_arrow_with_errors()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        sheets.append(
            {
                "name": name,
                "columns": [column.absolute_index for column in sheet.available_columns()],
                "grid": sink.getvalue().to_pybytes(),
                "errors": [fault.position for fault in faults.errors] if faults else [],
                "merged": merged_of.get_sheet_by_name(name).merged_cell_ranges or [],
            }
        )
    return sheets


def main() -> None:
    """Read the workbook named on the command line and write it to stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    sys.stdout.buffer.write(pickle.dumps(read_workbook(sys.argv[1])))


if __name__ == "__main__":
    main()
