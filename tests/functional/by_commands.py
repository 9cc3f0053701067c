"""The commands as a data manager runs them, each in a process of its own, and what a worksheet asks."""

import subprocess
import sys
from pathlib import Path

from worksheet_desk import CODE_DECISION, COLUMN_DECISION, list_rows, read_cells

from etl.onboarding.worksheet.form import CODES, COLUMNS, SHEETS


def run(settings, *arguments):
    environment = {
        "WORKSPACE": str(settings.workspace), "REGISTRY_KEY_FILE": str(settings.key_file), "REGISTRY_LANG": "en", "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    command = [str(Path(sys.executable).with_name("registry")), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def propose(settings, path):
    done = run(settings, "new-hospital", "new", "--extract", str(path))
    assert done.returncode == 0, done.stderr
    return settings.workspace / "sites" / "new" / "worksheet.xlsx"


def list_questions(path):
    """{sheet: what is asked there}, of the cells that a person must fill."""
    cells = read_cells(path)
    asked = [(COLUMNS, row["C"]) for _, row in list_rows(cells, COLUMNS) if COLUMN_DECISION not in row]
    asked += [(CODES, row["C"]) for _, row in list_rows(cells, CODES) if CODE_DECISION not in row]
    return asked + [(SHEETS, row["A"]) for _, row in list_rows(cells, SHEETS) if "G" not in row]
