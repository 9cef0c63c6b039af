"""Arrays and dataclasses as builtin types for execnet: dtype, shape and bytes; nothing is pickled.

Both sides import this file, so it needs NumPy alone.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np

from gateparity.network.dtypes import KINDS
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout

_ARRAY: Final = "ndarray"
_KINDS: Final = KINDS | {*"iub"}  # and integers, booleans


def encode(value: Any) -> Any:
    """Encode arrays as tuples, dataclasses and mappings as dicts, sequences as lists.

    Raise `TypeError` for a value that can't be sent.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        return (_ARRAY, value.dtype.str, value.shape, value.tobytes())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    raise TypeError(f"{_describe(value)} can't be sent, expected arrays of numbers")


def decode(value: Any) -> Any:
    """Decode arrays, as read-only views. Raise `ValueError` if sizes contradict each other."""
    if isinstance(value, tuple) and len(value) == 4 and value[0] == _ARRAY:
        return _decode_array(*value[1:])
    if isinstance(value, dict):
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def decode_layout(value: dict[str, Any]) -> Layout:
    """Build a layout from its encoded fields. Its `origin` and `files` are not restored."""
    tensors = tuple(ArraySpec(**{**t, "gates": tuple(t["gates"])}) for t in value["tensors"])
    refused = tuple((part, reason) for part, reason in value["refused"])
    names = {name: tuple(value[name]) for name in ("gates", "directions")}
    for_people = {"origin": None, "files": ()}
    return Layout(**{**value, **names, "tensors": tensors, "refused": refused, **for_people})


def _decode_array(dtype: str, shape: tuple[int, ...], data: bytes) -> Any:
    found = np.dtype(dtype)
    if found.kind not in _KINDS:
        raise ValueError(f"an array of {found} came over the wire, expected plain numbers")
    if math.prod(shape) * found.itemsize != len(data):
        raise ValueError(
            f"an array of {found} of shape {tuple(shape)} came in {len(data)} bytes, "
            f"expected {math.prod(shape) * found.itemsize}"
        )
    return np.frombuffer(data, found).reshape(shape)


def _describe(value: Any) -> str:
    kind = type(value).__name__
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {kind}"
