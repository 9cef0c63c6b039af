"""Mutations: every small change of a source that a machine can think of, on its syntax tree.

Signs, comparisons and conditions are turned, constants moved by one, terms and factors dropped, and
names, attributes and keys exchanged for others of the same kind in the same function.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import re
import textwrap
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    Slot = tuple[Any, str, int | None]  # a node, its field, and the index in a list


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A changed source: in which function, which part of a statement, and what it became."""

    module: str
    place: str
    before: str
    after: str
    source: str = dataclasses.field(repr=False)

    @property
    def key(self) -> str:
        """Return the place and the change in one line, which no other mutation has."""
        return f"{self.place}: {self.before} -> {self.after}"


_OPERATORS: Final[dict[type[ast.AST], tuple[type[ast.AST], ...]]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mod,),
    ast.Mod: (ast.FloorDiv,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_SKIPPED: Final = ("annotation", "returns", "decorator_list", "type_params", "ctx")
_AROUND: Final = 24  # letters around a change that a key shows
_ARGUMENTS: Final = ("strict", "over", "invalid")  # what is refused or warned of, not computed


def find_mutations(module: str, source: str, skip: tuple[str, ...] = ()) -> Iterator[Mutation]:
    """Yield every mutation inside the functions of a source, without those named in `skip`."""
    for name, function in _functions(ast.parse(source), module.rpartition(".")[2]):
        if name.rpartition(".")[2] not in skip:
            seen = {ast.unparse(function)}
            for before, after in _changes(function):
                changed = ast.unparse(function)
                if changed not in seen:
                    seen.add(changed)
                    whole = _put_into(source, function, changed)
                    yield Mutation(module, name, *_excerpts(before, after), whole)


def _changes(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Make each change in a function in turn, and yield its statement before and after."""
    names = _Names(function)
    for statement, slot in _slots(function):
        before, original = _words(statement), _get(slot)
        for other in _alternatives(original, names):
            _set(slot, ast.fix_missing_locations(other))
            yield before, _words(other if statement is original else statement)
            _set(slot, original)


def _put_into(source: str, function: Any, changed: str) -> str:
    """Return a source with a function replaced, and the rest as it was."""
    lines = source.splitlines()
    start = min(node.lineno for node in (function, *function.decorator_list)) - 1
    own = textwrap.indent(changed, " " * function.col_offset).splitlines()
    return "\n".join([*lines[:start], *own, *lines[function.end_lineno :], ""])


class _Names:
    """The names, attributes and keys of a function, by their kind."""

    def __init__(self, function: ast.AST) -> None:
        self._found: dict[tuple[type[ast.AST], str], list[str]] = {}
        local = [ast.Name(n.arg) for n in ast.walk(function) if isinstance(n, ast.arg)]
        local += [n for n in ast.walk(function) if isinstance(n, ast.Name) and _is_set(n)]
        self._local = {node.id for node in local}
        for node in (*local, *(_get(slot) for _, slot in _slots(function))):
            if self._is_one(node):
                some = self._found.setdefault(_kind(node), [])
                some += [] if _text(node) in some else [_text(node)]

    def others(self, node: ast.AST) -> list[str]:
        """Return the other names of the same kind, if the node is one of them and is read."""
        if not self._is_one(node) or (isinstance(node, ast.Name) and _is_set(node)):
            return []
        return [other for other in self._found[_kind(node)] if other != _text(node)]

    def _is_one(self, node: ast.AST) -> bool:
        text = _text(node)
        is_known = not isinstance(node, ast.Name) or text in self._local
        return bool(text) and is_known and (len(text) == 1 or text != text.lower())


def _alternatives(node: Any, names: _Names) -> Iterator[Any]:
    """Yield what a node may be replaced by."""
    for kind in _OPERATORS.get(type(node), ()):
        yield kind()
    for other in names.others(node):
        yield _renamed(node, other)
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.If | ast.IfExp):
        turned = copy.copy(node)
        turned.test = ast.UnaryOp(ast.Not(), node.test)
        yield turned
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isalpha():
        yield from _exchanged(node.value)


def _exchanged(letters: str) -> Iterator[ast.Constant]:
    """Yield a string of letters with each two neighbours exchanged."""
    for k in range(len(letters) - 1):
        yield ast.Constant(letters[:k] + letters[k + 1] + letters[k] + letters[k + 2 :])


def _functions(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield the functions and methods of a module with their names; those inside are parts."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield f"{name}.{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{name}.{child.name}")


def _slots(function: Any, statement: Any = None) -> Iterator[tuple[Any, Slot]]:
    """Yield the places of all nodes below a function, each with the statement that it is in."""
    statement = statement or function
    for field, value in ast.iter_fields(function):
        if field in _SKIPPED:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            is_text = isinstance(function, ast.JoinedStr) and isinstance(child, ast.Constant)
            if not isinstance(child, ast.AST) or is_text or _computes_nothing(child):
                continue
            inside = child if isinstance(child, ast.stmt) else statement
            yield inside, (function, field, index)
            yield from _slots(child, inside)


def _get(slot: Slot) -> Any:
    node, field, index = slot
    value = getattr(node, field)
    return value if index is None else value[index]


def _set(slot: Slot, new: Any) -> None:
    node, field, index = slot
    if index is None:
        setattr(node, field, new)
    else:
        getattr(node, field)[index] = new


def _computes_nothing(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _ARGUMENTS
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)  # a docstring


def _is_set(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _text(node: ast.AST) -> str:
    """Return a name, the name of an attribute, or a key; nothing for any other node."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    is_key = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_key else ""  # type: ignore[attr-defined]


def _renamed(node: Any, other: str) -> Any:
    new = copy.copy(node)
    setattr(new, {"Name": "id", "Attribute": "attr"}.get(type(node).__name__, "value"), other)
    return new


def _kind(node: ast.AST) -> tuple[type[ast.AST], str]:
    """Return the shape of a name: `dH` and `dC` are of one kind, as are `W_x` and `Z_i`."""
    return type(node), re.sub("[A-Z]+", "A", re.sub("[a-z]+", "a", _text(node)))


def _words(statement: ast.AST) -> str:
    """Return a statement in one line; of one with a body its head alone."""
    lines = [line.strip() for line in ast.unparse(statement).splitlines()]
    if isinstance(statement, ast.FunctionDef):
        lines = [line for line in lines if line.startswith("def ")]
    return lines[0]


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Return both statements from a little before their difference to a little after it."""
    start = _count_equal(before, after)
    end = _count_equal(before[start:][::-1], after[start:][::-1])
    first, last = max(start - _AROUND, 0), max(end - _AROUND, 0)
    one, other = (words[first : len(words) - last].strip() for words in (before, after))
    return one, other


def _count_equal(one: str, other: str) -> int:
    """Return how many letters are equal at the start of two texts."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))
