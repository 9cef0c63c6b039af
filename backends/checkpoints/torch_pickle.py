"""The pickles that torch.save writes, read as data: names, and tensors that say where they lie.

Source: https://github.com/pytorch/pytorch/blob/main/torch/_utils.py.
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
from gateparity.backends.checkpoints.pickles import KEYS, Call, Opaque, Refused, read_pickle

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Mapping

    from gateparity.network.parameters import Array

    ReadStorage = Callable[["Storage"], bytes]

NAME: Final = "a state_dict that torch.save wrote"
DEEPEST: Final = 64  # dicts within dicts, and axes of an array
LONGEST: Final = 1_000  # characters of a name
MANY: Final = 200_000  # arrays
COPIES: Final = 64  # how often, all in all, tied weights may stand in a file under other names
LARGEST: Final = 1 << 62  # bytes and elements: no size that is computed overflows

STORAGES: Final = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "int8",
    "QUInt8": "uint8",
    "QInt32": "int32",
    "Untyped": "",
}
# Data that stands beside weights: never built, and never in the way.
HARMLESS: Final = frozenset(
    f"{module} {name}"
    for modules, names in (
        (("torch",), ("device", "Size", "per_tensor_affine", "per_channel_affine", *STORED)),
        (("torch",), ("strided", "sparse_coo", "sparse_csr", "preserve_format")),
        (("torch.serialization",), ("_get_layout",)),
        (("torch._utils",), ("_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor")),
        (("torch._utils",), ("_rebuild_qtensor", "_rebuild_nested_tensor")),
        (("torch._utils",), ("_rebuild_meta_tensor_no_storage",)),
        (("builtins", "__builtin__"), ("set", "frozenset", "complex", "slice", "range")),
        (("builtins", "__builtin__"), ("int", "float", "bool", "str", "list", "dict", "tuple")),
        (("builtins", "__builtin__"), ("getattr",)),  # a method of a schedule, beside weights
        (("_codecs",), ("encode",)),
        (("numpy",), ("dtype", "ndarray")),
        (("numpy.core.multiarray", "numpy._core.multiarray"), ("scalar", "_reconstruct")),
        (("argparse",), ("Namespace",)),
        (("pathlib",), ("Path", "PosixPath", "WindowsPath", "PurePosixPath")),
        (("datetime",), ("date", "datetime", "timedelta")),
    )
    for module in modules
    for name in names
)


@dataclasses.dataclass(frozen=True)
class Storage:
    """Numbers in a row, in a part of the file that `key` names."""

    dtype: str
    key: str
    count: int

    @property
    def size(self) -> int:
        """Return the bytes of its numbers."""
        return self.count * _itemsize(self.dtype)


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
        return math.prod(self.shape) * _itemsize(self.dtype)


def read_torch_pickle(
    file: io.BytesIO,
    calls: Callable[[str], object] | None = None,
    storages: dict[str, Storage] | None = None,
) -> Any:
    """Return what a pickle of torch.save holds, with a `Tensor` for each tensor.

    `calls` returns what else a global is, or None. All storages that are named are put in
    `storages`. Raise `ValueError`, with the name of the first global that isn't known.
    """
    found = {} if storages is None else storages
    return read_pickle(file, partial(_find_global, calls), partial(_storage, found))


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


def _load(tensor: Tensor, read: ReadStorage, order: str) -> Array:
    dtype = np.dtype(STORED[tensor.dtype]).newbyteorder(order)  # type: ignore[call-overload]
    data = read(tensor.storage)
    if len(data) != tensor.storage.size:
        key, declared = tensor.storage.key, tensor.storage.size
        raise ValueError(f"storage {key!r} has {len(data)} bytes, {declared} are declared")
    flat = np.frombuffer(data, dtype, len(data) // dtype.itemsize)
    strides = [dtype.itemsize * stride for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides)
    return widen(np.ascontiguousarray(view).reshape(tensor.shape), tensor.dtype)


def _itemsize(dtype: str) -> int:
    return np.dtype(STORED[dtype]).itemsize if dtype else 1


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
    # A pickle may hold half a surrogate pair, which no wire can carry.
    return f"{prefix}{key}"[: LONGEST + 1].encode("utf-8", "backslashreplace").decode()


def _find_global(calls: Callable[[str], object] | None, name: str) -> object:
    kind = name.removeprefix("torch ").removeprefix("torch.cuda ").removeprefix("torch.storage ")
    if kind != name and kind.removesuffix("Storage") in STORAGES:
        return STORAGES[kind.removesuffix("Storage")]
    if name.removeprefix("torch ") in STORED and name.startswith("torch "):
        return name.removeprefix("torch ")
    if known := _CALLS.get(name) or (calls and calls(name)):
        return known
    if name in HARMLESS or name.startswith("torch.optim."):
        return Opaque()
    raise Refused(
        f"it holds more than arrays ({'.'.join(name.split(' '))}), which isn't loaded; "
        "expected torch.save(model.state_dict(), ...)"
    )


def _storage(found: dict[str, Storage], named: Any) -> Storage:
    """Return the storage of a persistent id: `("storage", type, key, location, count, view)`."""
    if isinstance(named, tuple) and len(named) in (5, 6) and named[0] == "storage":
        _, dtype, key, _, count = named[:5]
        known = isinstance(dtype, str) and (dtype in STORED or not dtype)
        if known and isinstance(key, str) and _fits(count) and named[5:] in ((), (None,)):
            storage = Storage(dtype, key, count)
            if found.setdefault(key, storage) != storage:
                raise ValueError(f"it declares storage {key!r} twice, with other sizes")
            return storage
    raise ValueError("it names a storage whose size isn't known before it is allocated")


def _rebuild(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    gradient: Any = None,  # noqa: ARG001
    hooks: Any = None,  # noqa: ARG001
    metadata: Any = None,  # noqa: ARG001
) -> object:
    return _tensor(storage, offset, shape, strides, None)


def _rebuild_3(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    gradient: Any,  # noqa: ARG001
    hooks: Any,  # noqa: ARG001
    dtype: Any,
    metadata: Any = None,  # noqa: ARG001
) -> object:
    return _tensor(storage, offset, shape, strides, dtype)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, dtype: Any) -> object:
    """Return a view of a storage. Raise `ValueError` for one that reaches beyond it."""
    dtype = dtype or getattr(storage, "dtype", None)
    if not isinstance(storage, Storage) or dtype not in STORED:
        return Opaque()
    sizes = (shape, strides)
    if any(not isinstance(held, tuple) or len(held) > DEEPEST for held in sizes):
        raise ValueError("a tensor without sizes")
    if len(shape) != len(strides) or not all(map(_fits, (offset, *shape, *strides))):
        raise ValueError(f"a tensor of {shape} with strides of {strides}"[:200])
    held = storage.size // _itemsize(dtype)
    steps = zip(shape, strides, strict=True)
    last = offset + sum((size - 1) * stride for size, stride in steps) if 0 not in shape else 0
    if 0 not in shape and last >= held:
        raise ValueError(f"a tensor that reaches number {last} of a storage of {held}")
    return Tensor(storage, offset, shape, strides, dtype)


def _fits(size: object) -> bool:
    return type(size) is int and 0 <= size < LARGEST


def _pairs(pairs: Any = ()) -> dict[Any, Any]:
    return {key: value for key, value in pairs if isinstance(key, KEYS)}


_CALLS: Final = {
    "collections OrderedDict": Call(_pairs),
    "torch._utils _rebuild_tensor": Call(_rebuild),
    "torch._utils _rebuild_tensor_v2": Call(_rebuild),
    "torch._utils _rebuild_tensor_v3": Call(_rebuild_3),
    "torch._utils _rebuild_parameter": Call(lambda data, gradient, hooks: data),  # noqa: ARG005
    "torch._utils _rebuild_parameter_with_state": Call(
        lambda data, gradient, hooks, state: data  # noqa: ARG005
    ),
}
