"""A warm process that runs `registry` commands in forks of itself, and kills them where it is told to.

Run as a program it has imported all that a command needs, and has computed nothing, so that a fork is as a new process. It reads one
JSON list a line of commands that run at the same time ({"arguments", "environment", "kill_at", "kill_after", "signal"}), and answers each with a
line of the same length ({"code", "steps", "told", "seconds"}).
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

SYSTEM_CALLS = ("replace", "rename", "unlink", "mkdir", "rmdir", "fsync", "link")


def count_steps(kill_at: int | None, steps: Path) -> None:
    """Number every step that changes something outside the process: system calls on names, and statements of the writer; die before one."""
    import etl.store.database as database

    seen: list[str] = []

    def step(name: str) -> None:
        seen.append(name)
        with steps.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        if len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(name, original):
        def call(*arguments, **options):
            step(name)
            return original(*arguments, **options)

        return call

    for name in SYSTEM_CALLS:
        setattr(os, name, wrap(name, getattr(os, name)))

    class Counted:
        def __init__(self, connection):
            self.connection = connection

        def __getattr__(self, name):
            return getattr(self.connection, name)

        def execute(self, sql, *arguments):
            if not sql.startswith(("select", "set")):
                step(sql.split(" ", 2)[0])
            return self.connection.execute(sql, *arguments)

    begin = database.Warehouse.__init__
    database.Warehouse.__init__ = lambda self, connection, path: begin(self, Counted(connection), path)


def start_fork(task: dict) -> int:
    """Start a command in a fork and return its number; where it is to die after a time, a clock is set."""
    environment = task["environment"]
    Path(environment["STEPS"]).write_text("")
    pid = os.fork()
    if pid == 0:
        with Path(environment["TOLD"]).open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.environ.update(environment)
        os.chdir(environment["PLACE"])
        count_steps(task.get("kill_at"), Path(environment["STEPS"]))
        from analysis.cli import run

        code = run(lambda: task["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if delay := task.get("kill_after"):
        threading.Timer(delay, os.kill, (pid, task.get("signal", signal.SIGKILL))).start()
    return pid


def end_fork(pid: int, task: dict, started: float) -> dict:
    """Wait for a command; return its exit code (negative: the signal it died of), its steps, what it printed, and how long it took."""
    _, status = os.waitpid(pid, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "steps": Path(task["environment"]["STEPS"]).read_text().split(),
        "told": Path(task["environment"]["TOLD"]).read_text(encoding="utf-8", errors="replace"),
        "seconds": time.monotonic() - started,
    }


def main() -> None:
    import great_expectations  # noqa: F401

    import analysis.cli  # noqa: F401
    import etl.ingest_summary
    import etl.onboarding.propose_hospital
    import etl.publish
    import etl.show_trail
    import etl.standing
    import etl.verify  # noqa: F401

    # Tests that are themselves run under nohup or in the background ignore these, and so would every command, rightly.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        started, tasks = time.monotonic(), json.loads(line)
        pids = [start_fork(task) for task in tasks]
        ended = [end_fork(pid, task, started) for pid, task in zip(pids, tasks, strict=True)]
        print(json.dumps(ended), file=answers, flush=True)


if __name__ == "__main__":
    main()
