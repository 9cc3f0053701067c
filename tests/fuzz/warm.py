"""A warm process that reads files and ingests deliveries in forks of itself, each with a limit of time, and tells how each ended.

It has imported all that they need and computed nothing, so that a fork is as a new process. It reads one JSON object a line: {"do": "read", "path"}
or {"do": "ingest", "path", "workspace", "key", "hospital"}, each with "seconds" and "answer", the file in which the fork writes what came of it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

MEMORY_BYTES = 4 * 1024**3
READER_SECONDS = 20
WALL = 10
"""So many times its computing time a case may take by the clock: the machine may be busy."""


def read_in_fork(command: list[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    """What `etl.delivery.apart` starts, as a fork: a new process costs more than all the rest."""
    from etl.delivery.apart import answer_call

    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(here)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (READER_SECONDS, READER_SECONDS + 1))
        code = 1  # as of a process that ends with a traceback
        try:
            with os.fdopen(there, "wb") as out:
                out.write(answer_call(command[-1], given))
            code = 0
        finally:
            os._exit(code)
    os.close(there)
    with os.fdopen(here, "rb") as answer:
        read = answer.read()
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), read, b"")


def read(task: dict) -> dict:
    from etl.delivery.read import ROW, read_delivery

    delivery = read_delivery(Path(task["path"]))
    for grid in delivery.grids:
        rows = grid.cells[ROW]
        assert rows.is_sorted()
        assert rows.n_unique() == len(rows)
        assert all(first >= 0 and left >= 0 for first, left, _, _ in grid.merged)
    return {"rows": sum(grid.cells.height for grid in delivery.grids)}


def ingest(task: dict) -> dict:
    import datetime as dt

    from etl.delivery.read import read_delivery
    from etl.ingest import ingest as ingest_
    from etl.settings import Settings
    from etl.store.warehouse import read_frames

    settings = Settings(Path(task["workspace"]), Path(task["key"]), "both")
    summary = ingest_(
        settings, task["hospital"], extract=Path(task["path"]), extracted=dt.date(2026, 1, 1), check=False, accept=True,
        progress=lambda *_: None,
    )  # fmt: skip
    if summary.status != "loaded":
        return {"rows": 0}
    # The accounts again, from what was read and what stands in the database.
    accounts, n_rows = summary.accounts, sum(grid.cells.height for grid in read_delivery(Path(task["path"])).grids)
    assert accounts["rows_read"] == n_rows == accounts["rows_used"] + accounts["rows_ignored"], "rows"
    assert accounts["records_made"] == accounts["records_loaded"] + accounts["records_quarantined"], "records"
    fates = sum(accounts[f"cells_{fate}"] for fate in ("mapped", "identifier", "ignored", "quarantined"))
    assert accounts["cells"] == fates, "cells"
    from schemas.tables import TABLES

    tables = read_frames(settings.warehouse_path, [f"core.{name}" for name in TABLES])
    own = [frame.filter(frame["hospital"] == task["hospital"]).height for frame in tables.values()]
    assert sum(own) == accounts["records_loaded"], "database"
    return {"rows": n_rows}


def run(task: dict) -> dict:
    """Do a task as a command does: what it came to, its exit code, and its message in both languages."""
    from etl.faults import describe_fault

    try:
        return {"code": 0, "told": "", **{"read": read, "ingest": ingest}[task["do"]](task)}
    except BaseException as error:
        fault = describe_fault(error)
        frames = []
        at = error.__traceback__
        while at is not None:
            frames.append(f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}")
            at = at.tb_next
        return {
            "code": fault.exit_code,
            "told": f"{fault.en}\n{fault.zh}",
            "where": frames[-6:],
            "what": repr(error)[:500],
        }


def do(task: dict) -> dict:
    """Do a task in a fork."""
    answer, started = Path(task["answer"]), time.monotonic()
    answer.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (task["seconds"], task["seconds"] + 1))
        warnings.simplefilter("ignore")
        answer.with_suffix(".part").write_text(json.dumps(run(task), ensure_ascii=True), encoding="ascii")
        answer.with_suffix(".part").replace(answer)
        os._exit(0)
    ended = 0
    while not ended and time.monotonic() < started + WALL * task["seconds"]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0 if ended else 0.002)
    if not ended:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return {"code": None, "told": "", "what": "no end"}
    made = (
        json.loads(answer.read_text(encoding="ascii"))
        if answer.exists()
        else {"code": -status, "told": "", "what": "died"}
    )
    return {**made, "seconds": time.monotonic() - started}


def main() -> None:
    import fastexcel  # noqa: F401
    import msoffcrypto  # noqa: F401
    import pyarrow  # noqa: F401
    import pyreadstat  # noqa: F401
    import xlrd  # noqa: F401

    import etl.delivery.markup
    import etl.delivery.workbook
    import etl.ingest
    import etl.mapping.delivery_day  # noqa: F401
    from etl.delivery import apart

    apart._run = read_in_fork
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(do(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
