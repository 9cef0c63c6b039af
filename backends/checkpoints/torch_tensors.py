"""Tensors of PyTorch as a file describes them: views of storages, which are read when asked for.

A view may repeat a few numbers, and a pickle may contain itself, so sizes and names are bounded.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.dtypes import STORED, widen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateparity.network.parameters import Array

    ReadStorage = Callable[["Storage"], bytes]

NAME: Final = "a state_dict that torch.save wrote"
DEEPEST: Final = 64  # dicts within dicts
LONGEST: Final = 1_000  # characters of a name
MANY: Final = 200_000  # arrays
COPIES: Final = 64  # how often, all in all, tied weights may stand in a file under other names


@dataclasses.dataclass(frozen=True)
class Storage:
    """Numbers in a row, in a part of the file that `key` names."""

    dtype: str
    key: str
    count: int

    @property
    def size(self) -> int:
        """Return the bytes of its numbers."""
        return self.count * itemsize(self.dtype)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage. Its sizes are checked when it is made."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """Return the bytes of its elements."""
        return math.prod(self.shape) * itemsize(self.dtype)


def state_dict(value: Any, read: ReadStorage, size: int, order: str) -> Contents:
    """Return the tensors of a pickle as the contents of a file of `size` bytes."""
    if not isinstance(value, (dict, list, tuple)):
        kind = type(value).__name__
        raise ValueError(f"holds one {kind}, expected a state_dict of named arrays")
    arrays = stored_arrays(name_tensors(value), read, size, order)
    if not arrays:
        raise ValueError(f"no arrays among its {len(value)} entries, expected a state_dict")
    return Contents(NAME, arrays)


def name_tensors(value: Any, prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors in dicts, lists and tuples, with nested names joined by dots.

    A container is entered once, since a pickle may contain itself. Raise `ValueError` for more
    nesting, longer names or more tensors than any model has.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in _walk(value, prefix):
        if len(name) > LONGEST or len(found) > MANY:
            raise ValueError(f"it has names of over {LONGEST} characters, or {MANY} arrays")
        found[name] = tensor
    return found


def stored_arrays(
    tensors: Mapping[str, Tensor], read: ReadStorage, size: int, order: str
) -> dict[str, StoredArray]:
    """Return tensors of a file of `size` bytes as arrays that are read when asked for.

    `read` returns the bytes of a storage, and `order` is that of the bytes of a number. Raise
    `ValueError` for views that repeat a few numbers until they fill the memory.
    """
    total = 0
    for name, tensor in tensors.items():
        total += tensor.size
        if tensor.size > size:
            raise ValueError(
                f"{name} takes {tensor.size} bytes in a file of {size}: a view that repeats"
            )
    if total > COPIES * size:
        raise ValueError(f"its arrays take {total} bytes in a file of {size}: views that repeat")
    return {
        name: StoredArray(tensor.shape, tensor.dtype, partial(_load, tensor, read, order))
        for name, tensor in tensors.items()
    }


def itemsize(dtype: str) -> int:
    """Return the bytes of one element; an untyped storage counts bytes."""
    return np.dtype(STORED[dtype]).itemsize if dtype else 1


def _load(tensor: Tensor, read: ReadStorage, order: str) -> Array:
    dtype = np.dtype(STORED[tensor.dtype].replace("<", order))
    data = read(tensor.storage)
    if len(data) != tensor.storage.size:
        key, declared = tensor.storage.key, tensor.storage.size
        raise ValueError(f"storage {key!r} has {len(data)} bytes, {declared} are declared")
    flat = np.frombuffer(data, dtype, len(data) // dtype.itemsize)
    strides = [dtype.itemsize * stride for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides)
    return widen(np.ascontiguousarray(view).reshape(tensor.shape), tensor.dtype)


def _walk(value: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    seen, waiting = {id(value)}, collections.deque([(prefix, value, 0)])
    while waiting:
        prefix, inner, depth = waiting.popleft()
        for key, held in inner.items() if isinstance(inner, dict) else enumerate(inner):
            if isinstance(held, (dict, list, tuple)) and id(held) not in seen:
                seen.add(id(held))
                if depth > DEEPEST:
                    raise ValueError(f"its dicts lie deeper than {DEEPEST}")
                waiting.append((f"{_name(prefix, key)}.", held, depth + 1))
            elif isinstance(held, Tensor):
                yield _name(prefix, key), held


def _name(prefix: str, key: object) -> str:
    if isinstance(key, (str, bytes)) and len(key) > LONGEST:
        raise ValueError(f"it has a name of {len(key)} characters")
    # A pickle may hold half a surrogate pair, which no wire can carry.
    return f"{prefix}{key}"[: LONGEST + 1].encode("utf-8", "backslashreplace").decode()
