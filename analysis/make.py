"""What the Makefile runs: the variables typed to `make` become the words of one command of `registry`.

`make ingest HOSPITAL=x EXTRACT=y CHECK=yes` is `registry ingest --extract=y --check -- x`: a variable is called like the
argument or option it stands for. The Makefile hands every text over in the environment, so that neither make nor a shell
reads a character of it; what no command takes is refused here rather than ignored.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import typer
from typer.core import TyperOption

from analysis.cli import commands, run
from etl.errors import UsageError
from etl.suggestions import did_you_mean

GOALS, TARGETS, TYPED = "REGISTRY_GOALS", "REGISTRY_TARGETS", "REGISTRY_TYPED"
"""Set by the Makefile: the goals of this call of make, all targets there are, the variables of make's command line."""
SETTINGS = ("WORKSPACE", "REGISTRY_KEY_FILE", "REGISTRY_LINKAGE_KEY_FILE", "REGISTRY_LANG", "REGISTRY_DEBUG")
OF_MAKE = ("PYTHON", "ONLY")
YES = "yes"


def read_arguments(target: str, environ: Mapping[str, str]) -> list[str]:
    """Return the words of the command that a target of the Makefile stands for.

    Raises:
        UsageError: a goal or a variable that there is not, a variable without a value, a switch that is not `yes`.
    """
    goals, typed = environ.get(GOALS, "").split(), environ.get(TYPED, "").split()
    _check_goals(goals, environ.get(TARGETS, "").split())
    group: Any = typer.main.get_command(commands)
    if target not in group.commands:
        raise UsageError("A file that make needs is missing.", "缺少 make 所需的文件。")
    of_goals = {goal: _list_variables(group.commands[goal]) for goal in goals if goal in group.commands}
    _check_variables(typed, of_goals)
    options, arguments = [target], []
    for name, param in _list_variables(group.commands[target]).items():
        value = environ.get(name, "") if name in typed or name not in SETTINGS else ""
        if name in typed and not value:
            raise UsageError(
                f"{name} is empty. Give it a value or leave it out.", f"{name} 为空。请给出取值或将其省略。"
            )
        if not value:
            continue
        if not isinstance(param, TyperOption):
            arguments = ["--", value]
        elif param.is_flag:
            options.append(_read_switch(name, value, param))
        else:
            options.append(f"{param.opts[0]}={value}")
    return [*options, *arguments]


def _list_variables(command: Any) -> dict[str, Any]:
    return {param.name.upper(): param for param in command.params}


def _check_goals(goals: Iterable[str], targets: list[str]) -> None:
    for goal in goals:
        if goal not in targets and not goal.startswith(".venv/"):
            near = did_you_mean(goal, targets)
            raise UsageError(
                f"make has no target '{goal}'.{near.en} Targets: {', '.join(targets)}. A hospital, a file, a study are given as "
                "HOSPITAL=, EXTRACT=, STUDY=.",
                f"make 没有目标“{goal}”。{near.zh}现有目标：{'、'.join(targets)}。医院、文件、研究请写作 HOSPITAL=、EXTRACT=、STUDY=。",
            )


def _check_variables(typed: Iterable[str], of_goals: Mapping[str, Mapping[str, Any]]) -> None:
    known = list(dict.fromkeys([*(name for names in of_goals.values() for name in names), *SETTINGS]))
    for name in typed:
        if name not in known and name not in OF_MAKE:
            near = did_you_mean(name, known)
            raise UsageError(
                f"make {' '.join(of_goals)} takes no {name}.{near.en} It takes {', '.join(known)}.",
                f"make {' '.join(of_goals)} 没有变量 {name}。{near.zh}可用：{'、'.join(known)}。",
            )


def _read_switch(name: str, value: str, param: TyperOption) -> str:
    if value != YES:
        raise UsageError(
            f"{name} is '{value}'; it can be {YES}, or be left out.", f"{name} 为“{value}”；只能是 {YES}，或省略。"
        )
    return param.opts[0]


def main() -> None:
    """Run what make was asked for; make itself ends with 2 whatever went wrong, so that our own exit code is printed last."""
    code = run(lambda: read_arguments(sys.argv[1] if len(sys.argv) > 1 else "", os.environ))
    if code:
        print(f"registry: exit {code}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
