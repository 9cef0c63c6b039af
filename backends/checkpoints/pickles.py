"""A pickle read as data: nothing is imported, and nothing is called that a format doesn't know.

`pickletools` decodes the opcodes, and a machine of a few lines follows them. It builds dicts,
lists, tuples, numbers and strings. A global is whatever the format's table says; without an entry
there the whole pickle is refused by its name.
Source: https://github.com/python/cpython/blob/main/Lib/pickletools.py.
"""

from __future__ import annotations

import dataclasses
import pickletools
import struct
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import io

LARGEST: Final = 1 << 26  # bytes of a pickle without its arrays
MOST: Final = 2_000_000  # opcodes, and items that they copy: 50,000 tensors take no more
FEW: Final = 10  # arguments of any call that is known
KEYS: Final = (str, int, float, bool, bytes, type(None))  # a tuple's hash may take for ever

FindGlobal = Callable[[str], object]  # by "module name"; raises `ValueError` to refuse it
FindStorage = Callable[[Any], object]  # by a persistent id


class Opaque:
    """A value that is known, harmless and of no interest; so is whatever is made of it."""


class Module(dict[Any, Any]):
    """An object of a class that is not looked at: its attributes by name."""

    def build(self, state: object) -> None:
        """Take attributes, or parts without names, by their numbers."""
        if isinstance(state, dict):
            self.update(state)
        elif isinstance(state, tuple):
            self.update(enumerate(state))
        else:
            self[0] = state


@dataclasses.dataclass(frozen=True)
class Call:
    """A global that may be called. `build` takes time for the items of a list among its arguments,
    and none for what is in those.
    """

    build: Callable[..., object]


def read_pickle(file: io.BytesIO, find_global: FindGlobal, find_storage: FindStorage) -> Any:
    """Return what the next pickle of a file holds; the file is then behind it.

    Raise `ValueError` for a damaged or endless one, and for globals that aren't known.
    """
    machine = _Machine(find_global, find_storage)
    try:
        with warnings.catch_warnings():  # of a damaged string's escapes
            warnings.simplefilter("ignore", DeprecationWarning)
            for opcode, argument, _ in pickletools.genops(file):
                machine.charge(1)
                machine.step(opcode.name, argument)
        (value,) = machine.stack
    except Refused:
        raise
    except (ArithmeticError, AssertionError, LookupError, ValueError, struct.error) as error:
        raise ValueError(f"its pickle is damaged: {type(error).__name__}: {error}") from None
    except (AttributeError, TypeError) as error:
        raise ValueError(f"its pickle is damaged: {error}") from None
    return value


class Refused(ValueError):
    """Raised for a global that isn't known."""


class _Machine:
    def __init__(self, find_global: FindGlobal, find_storage: FindStorage) -> None:
        self.find_global, self.find_storage = find_global, find_storage
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.left = MOST

    def charge(self, count: int) -> None:
        """Count work. Raise `ValueError` where it is more than any file of weights takes."""
        self.left -= count
        if self.left < 0:
            raise Refused(f"its pickle takes more than {MOST} steps")

    def step(self, name: str, argument: Any) -> None:
        """Do to the stack what one opcode says."""
        if name in _CONSTANTS:
            self.stack.append(argument)
        elif name in _NEW:
            self.stack.append(_NEW[name]())
        elif name not in _IGNORED:
            step = getattr(self, f"_{name.lower()}", None)
            if step is None:
                raise Refused(f"its pickle has an opcode {name}, which isn't read")
            step(argument)

    def _mark(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def _taken(self) -> list[Any]:
        """Return what lies above the last mark, and take it off."""
        mark = self.marks.pop()
        taken = self.stack[mark:]
        del self.stack[mark:]
        return taken

    def _pop(self, _: None) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def _pop_mark(self, _: None) -> None:
        self._taken()

    def _dup(self, _: None) -> None:
        self.stack.append(self.stack[-1])

    def _binget(self, place: int) -> None:
        self.stack.append(self.memo[int(place)])

    def _binput(self, place: int) -> None:
        self.memo[int(place)] = self.stack[-1]

    def _memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    _get = _long_binget = _binget
    _put = _long_binput = _binput

    def _list(self, _: None) -> None:
        self.stack.append(self._taken())

    _frozenset = _list

    def _tuple(self, _: None) -> None:
        self.stack.append(tuple(self._taken()))

    def _tuple1(self, _: None) -> None:
        self._last(1)

    def _tuple2(self, _: None) -> None:
        self._last(2)

    def _tuple3(self, _: None) -> None:
        self._last(3)

    def _last(self, count: int) -> None:
        self.stack.append(tuple([self.stack.pop() for _ in range(count)][::-1]))

    def _dict(self, _: None) -> None:
        taken = self._taken()
        self.stack.append({})
        self._set(taken)

    def _setitem(self, _: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _setitems(self, _: None) -> None:
        self._set(self._taken())

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, KEYS) and not isinstance(target, Opaque):
                target[key] = value

    def _append(self, _: None) -> None:
        self._extend([self.stack.pop()])

    def _appends(self, _: None) -> None:
        self._extend(self._taken())

    _additems = _appends

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], Opaque):
            self.stack[-1].extend(items)

    def _global(self, name: str) -> None:
        self.stack.append(self.find_global(name))

    def _stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._global(f"{module:.200} {name:.200}")

    def _reduce(self, _: None) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        self._call(called, arguments)

    _newobj = _reduce

    def _newobj_ex(self, _: None) -> None:
        self.stack.pop()  # arguments by name
        self._reduce(None)

    def _inst(self, name: str) -> None:
        self._call(self.find_global(name), tuple(self._taken()))

    def _obj(self, _: None) -> None:
        called, *arguments = self._taken()
        self._call(called, tuple(arguments))

    def _call(self, called: object, arguments: tuple[Any, ...]) -> None:
        if isinstance(called, Call) and len(arguments) <= FEW:
            self.charge(sum(len(held) for held in arguments if isinstance(held, list)))
        self.stack.append(call(called, arguments))

    def _build(self, _: None) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Module):
            self.charge(len(state) if isinstance(state, (dict, tuple)) else 1)
            self.stack[-1].build(state)

    def _binpersid(self, _: None) -> None:
        self.stack.append(self.find_storage(self.stack.pop()))


def call(called: object, arguments: Any) -> object:
    """Return what a global makes of its arguments. Raise `ValueError` for what isn't called."""
    if isinstance(called, Opaque):
        return called
    if not isinstance(called, Call) or not isinstance(arguments, tuple) or len(arguments) > FEW:
        raise ValueError(f"it calls a {type(called).__name__}")
    return called.build(*arguments)


_IGNORED: Final = ("PROTO", "FRAME", "STOP")
_NEW: Final[dict[str, Callable[[], object]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_CONSTANTS: Final = frozenset(
    opcode.name
    for opcode in pickletools.opcodes
    if opcode.arg and opcode.stack_after and opcode.stack_after[0].name != "any"
)
