"""How `registry` reads what was typed: slips are told in both languages with the usage, and help comes in the chosen one.

typer tells them in English alone, each kind of slip in a form of its own, and takes an option given twice by its last value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise, takewhile
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from etl.errors import UsageError
from etl.pages.text import Text
from etl.settings import read_settings
from etl.suggestions import did_you_mean

HELP = Text("show this help", "显示此帮助")
USAGE = Text("Usage", "用法")
_COLUMN = 20


def both(en: str, zh: str) -> str:
    """Return a help text as typer can carry it: one language a line."""
    return f"{en}\n{zh}"


class RegistryCommand(TyperCommand):
    """A command whose slips and help speak both languages."""

    allow_extra_args = True  # so that `_parse` sees them, and can say which they are

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words after the command's name; `UsageError` tells what is wrong with them."""
        rest = _parse(self, ctx, args, super().parse_args, args)
        if rest:
            near = did_you_mean(rest[0], _list_options(self, ctx))
            raise _slip(self, ctx, f"There is a word too many: '{rest[0]}'.", f"多出一个词：“{rest[0]}”。", near)
        return rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, what the command does, its arguments and options."""
        formatter.write(_describe(self, ctx))


class RegistryGroup(TyperGroup):
    """All commands together."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the options before the command; without any word the help is shown, which is no success."""
        if not args:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(UsageError.exit_code)
        before = list(takewhile(lambda word: word.startswith("-"), args))
        return _parse(self, ctx, args, super().parse_args, before)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find the command; `UsageError` names the nearest and all there are."""
        if args[0] not in self.commands:
            known = ", ".join(self.commands)
            raise _slip(
                self, ctx, f"There is no command '{args[0]}'. Commands: {known}.",
                f"没有命令“{args[0]}”。现有命令：{known}。", did_you_mean(args[0], self.commands),
            )  # fmt: skip
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, the commands and the options."""
        formatter.write(_describe(self, ctx))


def _parse(
    command: Any, ctx: Any, args: list[str], parse: Callable[[Any, list[str]], list[str]], own: Sequence[str]
) -> list[str]:
    """Parse, with the slips told in our words; `own` are those of the words that are this command's."""
    _check_words(command, ctx, own)
    given = list(own)
    try:
        return parse(ctx, args)
    except typer.TyperException as fault:
        raise _describe_fault(fault, command, ctx, given) from None


def _describe_fault(fault: typer.TyperException, command: Any, ctx: Any, given: Sequence[str]) -> UsageError:
    """Return what typer refuses in our words; its kinds are told apart by what they carry, since their classes are private."""
    option = getattr(fault, "option_name", None)
    if option and hasattr(fault, "possibilities"):
        # Of `-check` typer names `-c` alone.
        typed = next((word.split("=")[0] for word in given if word.startswith(option)), option)
        near = did_you_mean(f"--{typed.lstrip('-')}", _list_options(command, ctx))
        return _slip(command, ctx, f"There is no option '{typed}' here.", f"此处没有选项“{typed}”。", near)
    if option and option in _list_options(command, ctx, with_value=True):
        return _slip(command, ctx, f"'{option}' needs a value.", f"“{option}”需要一个值。")
    if option:
        return _slip(command, ctx, f"'{option}' takes no value.", f"“{option}”不带值。")
    name = getattr(getattr(fault, "param", None), "display_name_raw", "")
    return _slip(command, ctx, f"{name}: {fault.format_message()}", f"{name}：缺失或取值不正确。")


def _check_words(command: Any, ctx: Any, args: Sequence[str]) -> None:
    """Refuse what typer would take in another sense than was meant: nothing, an option as a value, an option twice."""
    words = args[: args.index("--")] if "--" in args else args
    valued, options = _list_options(command, ctx, with_value=True), _list_options(command, ctx)
    for word, following in pairwise(words):
        if word in valued and following in options:
            raise _slip(
                command, ctx, f"'{word}' needs a value, and '{following}' is an option. A file of that name: ./{following}",
                f"“{word}”需要一个值，而“{following}”是选项。若确有此名的文件，请写作 ./{following}",
            )  # fmt: skip
    if "" in args or any(word.endswith("=") and word[:-1] in options for word in words):
        raise _slip(command, ctx, "One of the values is empty.", "有一个值为空。")
    counts = Counter(name for word in words if (name := word.split("=")[0]) in options)
    several = {name for param in command.get_params(ctx) if getattr(param, "multiple", False) for name in param.opts}
    if twice := [name for name, n in counts.items() if n > 1 and name not in several]:
        raise _slip(command, ctx, f"'{twice[0]}' is given twice.", f"“{twice[0]}”给出了两次。")


def _list_options(command: Any, ctx: Any, *, with_value: bool = False) -> list[str]:
    options = [param for param in command.get_params(ctx) if isinstance(param, TyperOption)]
    return [name for param in options if not (with_value and param.is_flag) for name in param.opts]


def _slip(command: Any, ctx: Any, en: str, zh: str, near: Text | None = None) -> UsageError:
    usage, near = _describe_usage(command, ctx), near or Text("", "")
    return UsageError(
        f"{en}{near.en}\n{USAGE.en}: {usage}\nMore: {ctx.command_path} --help",
        f"{zh}{near.zh}\n{USAGE.zh}：{usage}\n详情：{ctx.command_path} --help",
    )


def _describe_usage(command: Any, ctx: Any) -> str:
    """Return a command as it is typed, as in `registry ingest HOSPITAL [--extract PATH]`."""
    if isinstance(command, TyperGroup):
        return f"{ctx.command_path} COMMAND ..."
    options = [_name_option(param) for param in command.params if isinstance(param, TyperOption)]
    arguments = [param.display_name_raw for param in command.params if not isinstance(param, TyperOption)]
    return " ".join([ctx.command_path, *arguments, *(f"[{option}]" for option in options)])


def _name_option(param: TyperOption) -> str:
    names = ", ".join(sorted(param.opts, key=len))
    return names if param.is_flag else f"{names} {param.metavar}{' ...' if param.multiple else ''}"


def _describe(command: Any, ctx: Any) -> str:
    """Return the help of a command or of all of them, in the language of messages; both languages are two lines."""
    rows = [(name, sub.help) for name, sub in getattr(command, "commands", {}).items()]
    rows += [_describe_param(param, ctx) for param in command.get_params(ctx)]
    lines = [f"{_choose(USAGE)}: {_describe_usage(command, ctx)}", *_split(command.help), ""]
    for name, text in rows:
        first, *others = _split(text)
        lines.append(f"  {name:<{_COLUMN}}{first}")
        lines += [f"  {'':<{_COLUMN}}{line}" for line in others]
    return "\n".join(lines) + "\n"


def _describe_param(param: Any, ctx: Any) -> tuple[str, str]:
    if not isinstance(param, TyperOption):
        return param.display_name_raw, param.help
    is_help = set(param.opts) == set(ctx.help_option_names)
    return _name_option(param), both(HELP.en, HELP.zh) if is_help else param.help or ""


def _split(help_text: str) -> list[str]:
    en, _, zh = help_text.partition("\n")
    return {"en": [en], "zh": [zh], "both": [en, zh]}[read_settings().language]


def _choose(text: Text) -> str:
    return {"en": text.en, "zh": text.zh, "both": str(text)}[read_settings().language]
