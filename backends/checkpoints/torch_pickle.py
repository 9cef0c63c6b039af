"""The pickles that torch.save writes, read as data: names, and tensors that say where they lie.

Source: https://github.com/pytorch/pytorch/blob/main/torch/_utils.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.dtypes import STORED
from gateparity.backends.checkpoints.pickles import KEYS, Call, Opaque, Refused, read_pickle
from gateparity.backends.checkpoints.torch_tensors import Storage, Tensor, itemsize

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

MOST_AXES: Final = 64
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
    if not isinstance(storage, Storage) or not isinstance(dtype, str) or dtype not in STORED:
        return Opaque()
    sizes = (shape, strides)
    if any(not isinstance(held, tuple) or len(held) > MOST_AXES for held in sizes):
        raise ValueError("a tensor without sizes")
    if len(shape) != len(strides) or not all(map(_fits, (offset, *shape, *strides))):
        raise ValueError("a tensor whose sizes and strides don't fit each other")
    held = storage.size // itemsize(dtype)
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
