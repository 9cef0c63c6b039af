"""The sizes that a file of torch.save from before 1.6 declares, known without running its pickle.

Such a file is three short pickles, the pickle of what was saved, the list of its storages' keys,
and their numbers. PyTorch allocates each storage where the pickle names it, before it reads a
number. `pickletools` only decodes the opcodes. A stack of their constants follows those that build
the name of a storage: `("storage", type, key, location, number of elements, view)`.
"""

from __future__ import annotations

import io
import itertools
import pickletools
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    Stack = list[object]

MAGIC: Final = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # protocol 2, 0x1950a86a20f9469cfc6c
BYTES: Final = {  # of one element
    f"torch {name}Storage": size
    for size, names in {
        1: ("Bool", "Byte", "Char", "QInt8", "QUInt8"),
        2: ("BFloat16", "Half", "Short"),
        4: ("Float", "Int", "QInt32"),
        8: ("ComplexFloat", "Double", "Long"),
        16: ("ComplexDouble",),
    }.items()
    for name in names
}
MARK: Final = object()
UNKNOWN: Final = object()  # a container, or what a call returns


def check_storages(data: bytes) -> None:
    """Raise `ValueError` unless the file has room for every storage, and numbers for each.

    PyTorch leaves a storage uninitialised whose key isn't in the list of keys: whatever the memory
    held would pass for weights.
    Source: `_legacy_load` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py.
    """
    file = io.BytesIO(data)
    declared: dict[str, int] = {}
    try:
        for key, size in itertools.chain.from_iterable(_declared(file) for _ in range(4)):
            declared[key] = max(size, declared.get(key, 0))
        keys = {arg for _, arg, _ in pickletools.genops(file) if isinstance(arg, str)}
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"its pickle is damaged: {type(error).__name__}: {error}") from None
    total = sum(declared.values())
    if total > len(data):
        raise ValueError(f"its storages declare {total} bytes, more than the file's {len(data)}")
    if absent := sorted(declared.keys() - keys):
        raise ValueError(f"it declares storage {absent[0]!r} and holds no numbers for it")


def _declared(file: io.BytesIO) -> Iterator[tuple[str, int]]:
    """Yield the key and the bytes of each storage that the next pickle of a file names."""
    stack: Stack = []
    memo: dict[object, object] = {}
    for opcode, arg, _ in pickletools.genops(file):
        if opcode.name.endswith("PUT"):
            memo[arg] = stack[-1]
        elif opcode.name.endswith("GET"):
            stack.append(memo[arg])
        elif opcode.name == "BINPERSID":
            name = stack.pop()
            stack.append(UNKNOWN)
            if not isinstance(name, tuple) or name[:1] != ("module",):  # a class: PyTorch refuses
                yield _measure(name)
        else:
            _step(stack, opcode, arg)


def _step(stack: Stack, opcode: pickletools.OpcodeInfo, arg: object) -> None:
    """Take from the stack what an opcode takes, and push a constant, a tuple of them or UNKNOWN."""
    before = [kind.name for kind in opcode.stack_before]
    taken = _pop_to_mark(stack) if "mark" in before else []
    single = before.index("mark") if "mark" in before else len(before)
    taken = [stack.pop() for _ in range(single)][::-1] + taken
    if opcode.name == "MARK":
        stack.append(MARK)
    elif opcode.name.startswith("TUPLE"):
        stack.append(tuple(taken))
    elif opcode.stack_after:
        stack.append(UNKNOWN if arg is None else arg)


def _pop_to_mark(stack: Stack) -> Stack:
    taken: Stack = []
    while (value := stack.pop()) is not MARK:
        taken.append(value)
    return taken[::-1]


def _measure(name: object) -> tuple[str, int]:
    """Return the key and the bytes of a storage; raise `ValueError` where they aren't constants."""
    if isinstance(name, tuple) and len(name) == 6 and name[0] == "storage":
        _, kind, key, _, count, _ = name
        size = BYTES.get(kind) if isinstance(kind, str) else None
        if size and isinstance(key, str) and isinstance(count, int) and count >= 0:
            return key, size * count
    raise ValueError("it names a storage whose size isn't known before it is allocated")
