"""Runs commands of `registry` one after the other, each in a fork of a process that has imported what they need; prints their exit codes as JSON."""

import json
import os
import sys

import duckdb  # noqa: F401
import pandera.polars  # noqa: F401

import analysis.cli


def run(arguments: list[str]) -> int:
    pid = os.fork()
    if pid == 0:
        sys.argv = ["registry", *arguments]
        os.dup2(2, 1)  # the codes alone go to the output
        analysis.cli.main()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.stdout.write(json.dumps([run(arguments) for arguments in json.loads(sys.argv[1])]))
