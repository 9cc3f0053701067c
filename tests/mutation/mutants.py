"""Small changes of a module's meaning, one at a time: what a test suite must notice.

`find_mutants` lists the changes, `build_mutant` gives the changed syntax tree. Left alone are texts, annotations,
decorators (a rule's wording and its address), imports and what only fixes the order of rows.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from schemas import codes

COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
OPERATORS: dict[type, type] = {
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div,
    ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
METHOD_PAIRS = (
    ("is_null", "is_not_null"), ("any", "all"), ("min", "max"), ("first", "last"), ("eq_missing", "ne_missing"),
    ("any_horizontal", "all_horizontal"), ("min_horizontal", "max_horizontal"), ("cum_min", "cum_max"),
    ("floor", "ceil"), ("arg_min", "arg_max"), ("forward_fill", "backward_fill"), ("backward", "forward"),
)  # fmt: skip
METHODS = {**dict(METHOD_PAIRS), **{right: left for left, right in METHOD_PAIRS}}
DROPPED_CALLS = {"filter", "fill_null", "abs", "otherwise", "drop_nulls", "unique", "over", "floor", "round"}
WORDS = {
    "closed": ("both", "left", "right", "none"), "how": ("left", "inner", "semi", "anti", "full"),
    "strategy": ("nearest", "backward", "forward"),
}  # fmt: skip
IGNORED_KEYWORDS = {"on", "maintain_order", "strict", "metadata", "caveat", "source", "unit", "frozen"}
IGNORED_FIELDS = {"decorator_list", "annotation", "returns", "ctx", "type_comment"}
IGNORED_NODES = (ast.Import, ast.ImportFrom, ast.Raise, ast.Assert, ast.JoinedStr)
CODES = {
    name: value for name, value in vars(codes).items() if isinstance(value, type) and issubclass(value, codes.Code)
}
CONTEXT = 45


@dataclass(frozen=True)
class Mutant:
    """One change: in which top-level name and line, the text around it before and after, and its place in the list."""

    scope: str
    line: int
    before: str
    after: str
    index: int


@dataclass(frozen=True)
class Change:
    """A place in the tree and what may stand there instead."""

    node: ast.AST
    put: Callable[[ast.AST], None]
    replacements: list[ast.AST]
    statement: ast.stmt
    scope: str


def find_mutants(source: str) -> list[Mutant]:
    """Return every change of a module's source, in the order of the text."""
    found = []
    for change in _find_changes(ast.parse(source), source):
        before = ast.unparse(change.statement)
        for replacement in change.replacements:
            change.put(replacement)
            after = ast.unparse(change.statement)
            change.put(change.node)
            line = getattr(change.node, "lineno", change.statement.lineno)
            found.append(Mutant(change.scope, line, *_trim(before, after), index=len(found)))
    return found


def build_mutant(source: str, index: int) -> ast.Module:
    """Return the tree of the module with the change of that place in `find_mutants`."""
    tree = ast.parse(source)
    for change in _find_changes(tree, source):
        if index < len(change.replacements):
            change.put(change.replacements[index])
            return ast.fix_missing_locations(tree)
        index -= len(change.replacements)
    raise IndexError(index)


def find_users(source: str, scope: str) -> set[str]:
    """Return the top-level functions of a module that use a top-level name, directly or through others, and itself."""
    uses = {
        name: {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)} | {name}
        for statement in ast.parse(source).body
        for name in _names_of(statement)
    }
    users, grown = {scope}, True
    while grown:
        added = {name for name, used in uses.items() if used & users} - users
        users, grown = users | added, bool(added)
    return users


def _names_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)]


def _find_changes(tree: ast.Module, source: str) -> Iterator[Change]:
    for statement in tree.body:
        scope = (_names_of(statement) or ["module"])[0]
        if scope != "__all__":
            yield from _walk(statement, statement, scope, source)


def _walk(node: ast.AST, statement: ast.stmt, scope: str, source: str) -> Iterator[Change]:
    for name, value in ast.iter_fields(node):
        if name in IGNORED_FIELDS:
            continue
        children = value if isinstance(value, list) else [value]
        for position, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_left_alone(child):
                continue
            inner = child if isinstance(child, ast.stmt) else statement
            put = functools.partial(_put, node, name, position if isinstance(value, list) else None)
            if replacements := list(_replace(child, source)):
                yield Change(child, put, replacements, inner, scope)
            if not _is_date(child):
                yield from _walk(child, inner, scope, source)


def _put(parent: ast.AST, name: str, position: int | None, node: ast.AST) -> None:
    if position is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[position] = node


def _is_left_alone(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_type = isinstance(node, ast.BinOp) and all(
        isinstance(side, ast.Name) and side.id in {"int", "float", "str", "None"} for side in (node.left, node.right)
    )
    return (
        is_text
        or is_type
        or isinstance(node, IGNORED_NODES)
        or (isinstance(node, ast.Assign) and _names_of(node) == ["metadata"])
        or (isinstance(node, ast.keyword) and node.arg in IGNORED_KEYWORDS)
    )


def _replace(node: ast.AST, source: str) -> Iterator[ast.AST]:
    kinds: dict[type, Callable[..., Iterator[ast.AST]]] = {
        ast.Compare: _replace_comparison, ast.Constant: _replace_constant, ast.Call: _replace_call,
        ast.BinOp: _replace_operator, ast.BoolOp: _replace_logic, ast.UnaryOp: _replace_sign, ast.keyword: _replace_word,
        ast.Attribute: _replace_code, ast.List: _shorten, ast.Tuple: _shorten, ast.Set: _shorten, ast.Dict: _shorten_dict,
    }  # fmt: skip
    if type(node) in kinds:
        yield from kinds[type(node)](node, source)


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _replace_comparison(node: ast.Compare, _: str) -> Iterator[ast.AST]:
    for position, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _changed(node, ops=[*node.ops[:position], other(), *node.ops[position + 1 :]])


def _replace_constant(node: ast.Constant, source: str) -> Iterator[ast.AST]:
    """The other truth value; a number one more and one less in its last written digit."""
    if isinstance(node.value, bool):
        yield _changed(node, value=not node.value)
    elif isinstance(node.value, int | float):
        written = Decimal((ast.get_source_segment(source, node) or str(node.value)).replace("_", ""))
        step = Decimal(1).scaleb(int(written.as_tuple().exponent))
        for value in (written + step, written - step):
            yield _changed(node, value=type(node.value)(value))


def _replace_operator(node: ast.BinOp, _: str) -> Iterator[ast.AST]:
    if type(node.op) in OPERATORS:
        yield _changed(node, op=OPERATORS[type(node.op)]())


def _replace_logic(node: ast.BoolOp, _: str) -> Iterator[ast.AST]:
    yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _replace_sign(node: ast.UnaryOp, _: str) -> Iterator[ast.AST]:
    yield node.operand


def _replace_word(node: ast.keyword, _: str) -> Iterator[ast.AST]:
    if node.arg in WORDS and isinstance(node.value, ast.Constant):
        for word in WORDS[node.arg]:
            if word != node.value.value:
                yield _changed(node, value=ast.Constant(word))


def _replace_code(node: ast.Attribute, _: str) -> Iterator[ast.AST]:
    """The next member of the enumeration."""
    if isinstance(node.value, ast.Name) and node.value.id in CODES:
        members = list(CODES[node.value.id].__members__)
        if node.attr in members:
            yield _changed(node, attr=members[(members.index(node.attr) + 1) % len(members)])


def _shorten(node: ast.List | ast.Tuple | ast.Set, _: str) -> Iterator[ast.AST]:
    """Leave out one element, where they are codes or words; a pair of limits keeps both."""
    is_store = isinstance(getattr(node, "ctx", None), ast.Store)
    is_limits = all(isinstance(e, ast.Constant | ast.UnaryOp) and not _is_word(e) for e in node.elts)
    if len(node.elts) < 2 or is_store or is_limits:
        return
    if all(_is_word(e) or isinstance(e, ast.Attribute | ast.Call) for e in node.elts):
        for position in range(len(node.elts)):
            yield _changed(node, elts=node.elts[:position] + node.elts[position + 1 :])


def _is_word(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _shorten_dict(node: ast.Dict, _: str) -> Iterator[ast.AST]:
    for i in range(len(node.keys) if len(node.keys) > 1 else 0):
        yield _changed(node, keys=node.keys[:i] + node.keys[i + 1 :], values=node.values[:i] + node.values[i + 1 :])


def _is_date(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "date"
        and all(isinstance(a, ast.Constant) for a in node.args)
    )


def _replace_call(node: ast.Call, _: str) -> Iterator[ast.AST]:
    if _is_date(node):
        yield from _shift_date(node)
    elif isinstance(node.func, ast.Attribute):
        yield from _replace_method(node, node.func)
        yield from _replace_arguments(node, node.func.attr)


def _shift_date(node: ast.Call) -> Iterator[ast.AST]:
    day = date(*(a.value for a in node.args))  # type: ignore[union-attr]
    for near in (day - timedelta(days=1), *([day + timedelta(days=1)] if day < date.max else [])):
        yield _changed(node, args=[ast.Constant(n) for n in (near.year, near.month, near.day)])


def _replace_method(node: ast.Call, method: ast.Attribute) -> Iterator[ast.AST]:
    """The method's counterpart; the value without the method; a chain of conditions without its last."""
    if method.attr in METHODS:
        yield _changed(node, func=_changed(method, attr=METHODS[method.attr]))
    if method.attr in DROPPED_CALLS:
        yield method.value
    if method.attr == "then" and _is_call_of(method.value, "when"):
        earlier = method.value.func.value  # type: ignore[attr-defined]
        if _is_call_of(earlier, "then"):
            yield earlier


def _replace_arguments(node: ast.Call, name: str) -> Iterator[ast.AST]:
    if name == "coalesce" and len(node.args) > 1:
        yield _changed(node, args=node.args[::-1])
    if name == "over" and len(node.args) > 1:
        for position in range(len(node.args)):
            yield _changed(node, args=node.args[:position] + node.args[position + 1 :])
    if name == "is_between" and not any(k.arg == "closed" for k in node.keywords):
        for word in ("left", "right"):
            yield _changed(node, keywords=[*node.keywords, ast.keyword("closed", ast.Constant(word))])
    if name == "when" and len(node.args) == 1 and not node.keywords:
        yield from _negate_condition(node)


def _negate_condition(node: ast.Call) -> Iterator[ast.AST]:
    """What is changed by itself (a comparison, a negation, a question for nulls) is not negated here as well."""
    (condition,) = node.args
    if _is_word(condition):
        condition = ast.parse(f"pl.col({condition.value!r})", mode="eval").body  # type: ignore[attr-defined]
    is_changed_itself = isinstance(condition, ast.Compare | ast.UnaryOp) or any(
        _is_call_of(condition, name) for name in METHODS
    )
    if not is_changed_itself:
        yield _changed(node, args=[ast.UnaryOp(ast.Invert(), condition)])


def _is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


def _trim(before: str, after: str) -> tuple[str, str]:
    """Keep what differs with a little text on both sides, on one line."""
    before, after = " ".join(before.split()), " ".join(after.split())
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    end = next((i for i in range(shorter - start) if before[-1 - i] != after[-1 - i]), shorter - start)
    low = max(0, start - CONTEXT)
    return before[low : len(before) - max(0, end - CONTEXT)], after[low : len(after) - max(0, end - CONTEXT)]
