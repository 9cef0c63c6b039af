"""A call or an answer as JSON and the bytes of its arrays: builtin types, and nothing is pickled.

execnet would write each number and name in Python code. Both sides import this file, so it needs
NumPy alone.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.network.dtypes import KINDS
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

# The only key of an object that stands for the next bytes of the message, or for an array of them.
_BYTES: Final = "\0bytes"
_ARRAY: Final = "\0array"  # with the dtype and the shape: "<f4 5 3 2"
_KINDS: Final = KINDS | {*"iub"}  # and integers, booleans


def encode(value: Any) -> tuple[Any, ...]:
    """Encode a value as JSON, and after it the bytes of its arrays in their order.

    Dataclasses and mappings become JSON's objects, sequences its arrays. Raise `TypeError` for a
    value that can't be sent.
    """
    parts: list[bytes] = []
    encoder = json.JSONEncoder(check_circular=False, default=functools.partial(_encode, parts))
    return encoder.encode(value), *parts


def decode(message: tuple[Any, ...]) -> Any:
    """Decode a message, with arrays as read-only views.

    Raise `ValueError` if bytes are missing, or if sizes contradict each other.
    """
    text, *parts = message
    return json.loads(text, object_hook=functools.partial(_decode, iter(parts)))


def decode_layout(value: dict[str, Any]) -> Layout:
    """Build a layout from its encoded fields. Its `origin` and `files` are not restored."""
    tensors = tuple(ArraySpec(**{**t, "gates": tuple(t["gates"])}) for t in value["tensors"])
    refused = tuple((part, reason) for part, reason in value["refused"])
    names = {name: tuple(value[name]) for name in ("gates", "directions")}
    for_people = {"origin": None, "files": ()}
    return Layout(**{**value, **names, "tensors": tensors, "refused": refused, **for_people})


def _encode(parts: list[bytes], value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        parts.append(value.tobytes())
        return {_ARRAY: " ".join([value.dtype.str, *map(str, value.shape)])}
    if isinstance(value, bytes):
        parts.append(value)
        return {_BYTES: None}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    raise TypeError(f"{_describe(value)} can't be sent, expected arrays of numbers")


def _decode(parts: Iterator[bytes], value: dict[str, Any]) -> Any:
    if _ARRAY not in value and _BYTES not in value:
        return value
    data = next(parts, None)
    if data is None:
        raise ValueError("a message has fewer arrays than it names")
    return _decode_array(value[_ARRAY], data) if _ARRAY in value else data


def _decode_array(described: str, data: bytes) -> Any:
    dtype, shape, size = _read_description(described)
    if size != len(data):
        raise ValueError(
            f"an array of {dtype} of shape {shape} came in {len(data)} bytes, expected {size}"
        )
    return np.frombuffer(data, dtype).reshape(shape)


@functools.lru_cache(maxsize=1024)
def _read_description(described: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return the dtype, the shape, and the size in bytes."""
    name, *lengths = described.split()
    dtype, shape = np.dtype(name), tuple(map(int, lengths))
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array of {dtype} came over the wire, expected plain numbers")
    return dtype, shape, math.prod(shape) * dtype.itemsize


def _describe(value: Any) -> str:
    kind = type(value).__name__
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {kind}"
