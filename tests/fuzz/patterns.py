"""Finds the regular expressions of the product in its own code, and texts made to let each of them take long.

Python's engine tries again from every place of a text and takes back what it took: where two ways lead through the same signs its time grows
with the square of a text, or faster. Texts that show it are made from the pattern itself: what a repeated part takes, many times over, behind
what stands before it and before a sign at which everything fails.
"""

import ast
import importlib
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "etl", "analysis", "sql")
CALLS = ("compile", "search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split")
AT_START = {"match", "fullmatch"}
REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}
FAILING = ("", "\x01", "!", "\u4e2d")
ALPHABET = "a1 中-.,(<\n\"'Z号=>/[;:_"
CATEGORIES = {
    codes.CATEGORY_DIGIT: "1",
    codes.CATEGORY_NOT_DIGIT: "a ",
    codes.CATEGORY_SPACE: " \t\n",
    codes.CATEGORY_NOT_SPACE: "a1",
    codes.CATEGORY_WORD: "a1中",
    codes.CATEGORY_NOT_WORD: " -.",
}
MOST_ATTACKS = 12


@dataclass(frozen=True)
class Found:
    """One pattern: where it stands, and whether it is only ever tried at the beginning of a text."""

    place: str
    pattern: re.Pattern
    is_at_start: bool


def list_modules() -> list[str]:
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def read_tree(module: str) -> ast.Module:
    path = ROOT / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def list_calls(module: str) -> Iterator[tuple[ast.Call, str, bool]]:
    """Every `re.<call>` of a module: the call, its name, whether it stands in a function."""
    tree = read_tree(module)
    within = {
        id(node) for scope in ast.walk(tree) if isinstance(scope, ast.FunctionDef | ast.Lambda) for node in ast.walk(scope)
    }  # fmt: skip
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "re":
            yield node, node.func.attr, id(node) in within


def find_written() -> Iterator[Found]:
    """The patterns that stand in a call as they are or by a name of the module, but for those that a module keeps."""
    for module in list_modules():
        for call, name, is_within in list_calls(module):
            written = read_written(module, call)
            if written is not None and (is_within or name != "compile"):
                flags = next((eval(ast.unparse(a), {"re": re}) for a in _list_flags(call, name)), 0)
                yield Found(f"{module}:{call.lineno}", re.compile(written, flags), name in AT_START)


def read_written(module: str, call: ast.Call) -> str | bytes | None:
    """The pattern of a call, where nothing has to run for it to be known."""
    first = call.args[0]
    value = first.value if isinstance(first, ast.Constant) else None
    if isinstance(first, ast.Name):
        value = getattr(importlib.import_module(module), first.id, None)
    return value if isinstance(value, str | bytes) else None


def _list_flags(call: ast.Call, name: str) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    return named or (call.args[1:2] if name == "compile" else call.args[2:3] if name in (*AT_START, "search") else [])


def find_kept() -> Iterator[Found]:
    """The patterns that modules keep, in whatever they keep them."""
    used = find_uses()
    for module in list_modules():
        for name, value in vars(importlib.import_module(module)).items():
            for pattern in _unfold(value, 3):
                uses = used.get((module if name.startswith("_") else "", name), set())
                yield Found(f"{module}.{name}", pattern, bool(uses) and uses <= AT_START)


def _unfold(value: object, depth: int) -> Iterator[re.Pattern]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        yield from (p for inner in value.values() for p in _unfold(inner, depth - 1))
    elif depth and isinstance(value, list | tuple | set | frozenset):
        yield from (p for inner in value for p in _unfold(inner, depth - 1))
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from (p for f in fields(value) for p in _unfold(getattr(value, f.name, None), depth - 1))


def find_uses() -> dict[tuple[str, str], set[str]]:
    """How each name is used as a pattern: `_CELL.match` is at the start only. A private name is its module's, another ("", name) everybody's.

    A name that is handed on or returned is used in ways that nobody sees here.
    """
    used: dict[tuple[str, str], set[str]] = {}
    for module in list_modules():
        tree = read_tree(module)
        methods = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                name = node.id if isinstance(node, ast.Name) else node.attr
                key = (module if name.startswith("_") else "", name)
                used.setdefault(key, set()).add(methods.get(id(node), "handed on"))
    return used


def list_made_within() -> dict[str, range]:
    """The calls in functions whose patterns are put together there: their lines, by module and first line."""
    return {
        f"{module}:{call.lineno}": range(call.lineno, (call.end_lineno or call.lineno) + 1)
        for module in list_modules()
        for call, _, is_within in list_calls(module)
        if is_within and read_written(module, call) is None
    }


@contextmanager
def recording() -> Iterator[list[Found]]:
    """Note the patterns that are compiled meanwhile, with the module and line of the call."""
    made: list[Found] = []
    compile_ = re._compile  # type: ignore[attr-defined]

    def note(pattern, flags):
        result, caller = compile_(pattern, flags), sys._getframe(2)
        place = f"{caller.f_globals.get('__name__')}:{caller.f_lineno}"
        made.append(Found(place, result, sys._getframe(1).f_code.co_name in AT_START))
        return result

    re._compile = note  # type: ignore[attr-defined]
    try:
        yield made
    finally:
        re._compile = compile_  # type: ignore[attr-defined]


def list_signs(node: tuple) -> str:
    """Signs that one element takes."""
    kind, value = node
    if kind is codes.LITERAL:
        return chr(value)
    if kind is codes.NOT_LITERAL:
        return "".join(c for c in ALPHABET if ord(c) != value)[:2]
    if kind is codes.ANY:
        return "a1"
    if kind is not codes.IN:
        return ""
    taken = ""
    for inner, what in value:
        if inner is codes.LITERAL:
            taken += chr(what)
        elif inner is codes.RANGE:
            taken += chr(what[0]) + chr(what[1])
        elif inner is codes.CATEGORY:
            taken += CATEGORIES.get(what, "")
    if value and value[0][0] is codes.NEGATE:
        return "".join(c for c in ALPHABET if c not in taken)[:4]
    return taken[:1] + taken[-3:] if len(taken) > 4 else taken


def write_sample(tree: object) -> str:
    """The shortest text, or nearly, that a part of a pattern takes; look-arounds are not looked at."""
    told = ""
    for kind, value in tree:  # type: ignore[attr-defined]
        if kind in REPEATS:
            told += write_sample(value[2]) * min(value[0], 40)
        elif kind is codes.SUBPATTERN:
            told += write_sample(value[-1])
        elif kind is codes.BRANCH:
            told += write_sample(value[1][0])
        elif kind is codes.ATOMIC_GROUP:
            told += write_sample(value)
        else:
            told += list_signs((kind, value))[:1]
    return told


def list_pumps(tree: object, before: str = "") -> Iterator[tuple[str, str]]:
    """What stands before each repeated part, and what that part takes once, in as many ways as it has."""
    for kind, value in tree:  # type: ignore[attr-defined]
        if kind in REPEATS:
            body = write_sample(value[2])
            yield before, body
            yield from ((before, sign) for part in value[2] for sign in list_signs(part))
            yield from ((before + more, pump) for more, pump in list_pumps(value[2]))
            before += body * min(value[0], 40)
        elif kind is codes.SUBPATTERN:
            yield from ((before + more, pump) for more, pump in list_pumps(value[-1]))
            before += write_sample(value[-1])
        elif kind is codes.BRANCH:
            for branch in value[1]:
                yield from ((before + more, pump) for more, pump in list_pumps(branch))
            before += write_sample(value[1][0])
        elif kind in (codes.ASSERT, codes.ASSERT_NOT):
            yield from ((before + more, pump) for more, pump in list_pumps(value[1]))
        else:
            before += list_signs((kind, value))[:1]


def list_attacks(pattern: re.Pattern) -> list[tuple[str, str, str]]:
    """Texts as beginning, what is repeated, and end; the same in every run."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = _parser.parse(text, pattern.flags & ~re.UNICODE)
    whole = write_sample(tree)
    pumps = [*list_pumps(tree), ("", whole), ("", whole[:-1])]
    attacks = [(before, pump, end) for before, pump in pumps if pump for end in FAILING]
    attacks += [("", before + pump, end) for before, pump in pumps if before + pump for end in FAILING[:2]]
    unique = list(dict.fromkeys(attacks))
    return unique[:: max(1, len(unique) // MOST_ATTACKS)]


class TooLongError(Exception):
    """A pattern did not come to an end."""


def time_pattern(found: Found, attack: tuple[str, str, str], length: int, most: float) -> float:
    """Seconds for one text of about so many signs, `most` where it takes longer."""
    before, pump, end = attack
    text: str | bytes = before + pump * max(1, length // len(pump)) + end
    if isinstance(found.pattern.pattern, bytes):
        text = text.encode("utf-8", errors="replace")
    run = found.pattern.match if found.is_at_start else lambda t: sum(1 for _ in found.pattern.finditer(t))

    def stop(*_):
        raise TooLongError

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 4 * most)
    started = time.process_time()
    try:
        run(text)
    except TooLongError:
        return 4 * most
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    return time.process_time() - started


SHORT, LONG = 2_000, 8_000
AT_ONCE_SECONDS = 0.004
"""What a text of 8,000 signs takes at most in a pattern that needs no second look: half a microsecond a sign."""
MOST_SECONDS = 0.2
GROWTH = 9.0
"""Four times the text: four times the time, sixteen times where it grows with the square."""


def find_slow(found: Found) -> tuple[float, tuple[str, str, str]] | None:
    """How much longer a pattern takes for a text four times as long, where that is more than it should be, and for which text."""
    for attack in list_attacks(found.pattern):
        if time_pattern(found, attack, LONG, MOST_SECONDS) < AT_ONCE_SECONDS:
            continue
        short, long = (min(time_pattern(found, attack, n, MOST_SECONDS) for _ in range(3)) for n in (SHORT, LONG))
        if long > AT_ONCE_SECONDS and (long > GROWTH * short or long >= MOST_SECONDS):
            return long / short, attack
    return None
