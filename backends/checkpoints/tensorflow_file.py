"""TensorFlow's checkpoints, those of a SavedModel too: an index of names, and files of numbers.

The index, `model.index`, is a sorted table of LevelDB with a message for each variable. The numbers
lie beside it, in `model.data-00000-of-00001`.
Source: https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/util/tensor_bundle.
"""

from __future__ import annotations

import itertools
import math
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.dtypes import STORED, widen
from gateparity.backends.checkpoints.format import Format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

NAME: Final = "a TensorFlow checkpoint"
MAGIC: Final = bytes.fromhex("57fb808b247547db")  # at the end of a table
FOOTER: Final = 48  # bytes, with the places of two blocks
LONGEST: Final = 1_000  # bytes of a name
MANY: Final = 200_000  # variables
WIDEST: Final = 10  # bytes of a varint
DTYPES: Final = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
VARIABLE: Final = "/.ATTRIBUTES/VARIABLE_VALUE"  # behind the path of an object's variable
SLOT: Final = "/.OPTIMIZER_SLOT/"
DTYPE, SHAPE, SHARD, OFFSET, SIZE, SLICES = 1, 2, 3, 4, 5, 7  # fields of a variable's message
FIXED, BYTES = 5, 2  # kinds of a field: of four bytes, and behind a length; others are varints
SHARDS, BIG = 1, 2  # fields of the first message

Message = dict[int, list[Any]]


def _read(source: Source) -> Contents:
    entries = itertools.islice(_entries(source), MANY + 1)
    header = _message(next(entries, (b"", b""))[1])
    if _first(header, BIG):
        raise ValueError("its numbers are big-endian, which isn't read")
    arrays: dict[str, StoredArray] = {}
    notes = []
    for key, value in entries:
        name, entry = key.decode("utf-8", "backslashreplace"), _message(value)
        if len(arrays) >= MANY:
            raise ValueError(f"it has more than {MANY} variables")
        if SLICES in entry:
            notes.append(f"{name} lies in several parts, and isn't read")
        elif _first(entry, DTYPE) in DTYPES and SLOT not in name:
            own = name.removesuffix(VARIABLE).replace(".S", "/").replace("..", ".")
            arrays[own] = _stored(source.path, entry, _first(header, SHARDS))
    return Contents(NAME, arrays, notes=tuple(notes))


def _stored(index: Path, entry: Message, shards: int) -> StoredArray:
    dimensions = _message(_first(entry, SHAPE, b"")).get(2, [])
    shape = tuple(_first(_message(dimension), 1) for dimension in dimensions)
    dtype = DTYPES[_first(entry, DTYPE)]
    expected = math.prod(shape) * np.dtype(STORED[dtype]).itemsize
    if _first(entry, SIZE) != expected:
        raise ValueError(
            f"damaged: a variable of {_first(entry, SIZE)} bytes, expected {expected} for "
            f"{list(shape)} of {dtype}"
        )
    number = _first(entry, SHARD)
    path = index.with_name(f"{index.name.removesuffix('.index')}.data-{number:05}-of-{shards:05}")
    return StoredArray(
        shape, dtype, partial(_load, path, _first(entry, OFFSET), expected, shape, dtype)
    )


def _load(path: Path, offset: int, size: int, shape: tuple[int, ...], dtype: str) -> Array:
    try:
        with path.open("rb") as file:
            if offset + size > path.stat().st_size:
                raise ValueError(f"{path} is truncated: a variable ends at byte {offset + size}")
            file.seek(offset)
            found = file.read(size)
    except OSError as error:
        raise ValueError(f"its numbers in {path} can't be read: {error.strerror}") from None
    return widen(np.frombuffer(found, STORED[dtype]).reshape(shape), dtype)


# The table


def _entries(source: Source) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and messages of a table, in its order."""
    footer = source.tail(FOOTER)
    _, _, start, size, _ = _varints(footer, 4)
    for _, handle in _pairs(_block(source, start, size)):
        place, length, _ = _varints(handle, 2)
        yield from _pairs(_block(source, place, length))


def _block(source: Source, start: int, size: int) -> bytes:
    found = source.part(start, size + 1)  # and the kind of compression
    if found[-1:] != b"\0":
        raise ValueError("a table with compressed blocks, which TensorFlow doesn't write")
    return found[:-1]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a block: each name shares its start with the name before."""
    (restarts,) = struct.unpack("<I", block[-4:].rjust(4, b"\0"))
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, own, size, used = _varints(block[at : at + 3 * WIDEST], 3)
        at += used
        key = key[:shared] + block[at : at + own]
        if shared + own != len(key) or len(key) > LONGEST or size > end - at - own:
            raise ValueError(f"a damaged table: an entry at byte {at} of a block")
        yield key, block[at + own : at + own + size]
        at += own + size


def _message(data: object) -> Message:
    """Return the fields of a protobuf message, by number."""
    if not isinstance(data, bytes):
        raise ValueError("a damaged table: a number in the place of a message")
    found: Message = {}
    at = 0
    while at < len(data):
        tag, used = _varints(data[at : at + WIDEST], 1)
        at += used
        value: int | bytes = data[at : at + 4]
        if tag & 7 == FIXED:
            at += 4
        else:
            value, used = _varints(data[at : at + WIDEST], 1)
            at += used
        if tag & 7 == BYTES and isinstance(value, int):
            start, at = at, at + value
            value = data[start:at]
        found.setdefault(tag >> 3, []).append(value)
    if at != len(data):
        raise ValueError("a damaged table: a message ends early")
    return found


def _first(message: Message, field: int, default: Any = 0) -> Any:
    value = message.get(field, [default])[0]
    if type(value) is not type(default):
        raise ValueError(f"a damaged table: field {field} is of another type")
    return value


def _varints(data: bytes, count: int) -> tuple[int, ...]:
    """Return numbers of seven bits a byte, and then how many bytes they take."""
    found, at = [], 0
    for _ in range(count):
        value = shift = 0
        while True:
            if at >= len(data) or shift > 7 * WIDEST:
                raise ValueError("a damaged table: a number without an end")
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                break
        found.append(value)
    return (*found, at)


FORMATS: Final = (Format(NAME, lambda source: source.tail(len(MAGIC)) == MAGIC, _read, ".index"),)
