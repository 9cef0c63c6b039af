"""MXNet's `.params`: arrays in a row, each with its shape and dtype, and then their names.

Source: `NDArray::Save` in https://github.com/apache/mxnet/blob/master/src/ndarray/ndarray.cc.
"""

from __future__ import annotations

import math
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.dtypes import STORED, widen
from gateparity.backends.checkpoints.format import Format

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

NAME: Final = "MXNet parameters"
MAGIC: Final = struct.pack("<QQ", 0x112, 0)
FIRST, SECOND, THIRD = 0xF993FAC8, 0xF993FAC9, 0xF993FACA  # of an array, by version
DENSE: Final = 0
DTYPES: Final = {
    0: "float32",
    1: "float64",
    2: "float16",
    3: "uint8",
    4: "int32",
    5: "int8",
    6: "int64",
    7: "bool",
    12: "bfloat16",
}
MANY: Final = 200_000  # arrays
DEEPEST: Final = 32  # axes
LONGEST: Final = 1_000  # bytes of a name


class _Reader:
    """Reads numbers from a place on."""

    def __init__(self, source: Source, place: int) -> None:
        self.source, self.place = source, place

    def numbers(self, kinds: str) -> tuple[Any, ...]:
        """Return little-endian numbers, by the letters of `struct`."""
        length = struct.calcsize(f"<{kinds}")
        found = struct.unpack(f"<{kinds}", self.source.part(self.place, length))
        self.place += length
        return found

    def text(self) -> str:
        """Return a name that stands behind its length."""
        (length,) = self.numbers("Q")
        if length > LONGEST:
            raise ValueError(f"damaged: a name of {length} bytes")
        self.place += length
        return self.source.part(self.place - length, length).decode("utf-8", "backslashreplace")


def _read(source: Source) -> Contents:
    reader = _Reader(source, len(MAGIC))
    (count,) = reader.numbers("Q")
    if count > MANY:
        raise ValueError(f"damaged: it declares {count} arrays")
    arrays = [_stored(reader) for _ in range(count)]
    (named,) = reader.numbers("Q")
    names = [reader.text() for _ in range(named)] if named == count else map(str, range(count))
    if named not in (0, count) or reader.place != source.size:
        raise ValueError(f"damaged: {count} arrays and {named} names end at byte {reader.place}")
    return Contents(NAME, dict(zip(names, arrays, strict=True)))


def _stored(reader: _Reader) -> StoredArray:
    """Return the next array, and leave the reader behind its numbers."""
    shape, dtype = _header(reader)
    place, size = reader.place, math.prod(shape) * np.dtype(STORED[dtype]).itemsize
    if size > reader.source.size - place:
        raise ValueError(f"damaged or truncated: an array of {size} bytes at byte {place}")
    reader.place += size
    return StoredArray(shape, dtype, partial(_load, reader.source, place, size, shape, dtype))


def _header(reader: _Reader) -> tuple[tuple[int, ...], str]:
    (version,) = reader.numbers("I")
    if version in (SECOND, THIRD):
        (storage,) = reader.numbers("i")
        if storage != DENSE:
            raise ValueError("it has a sparse array, expected dense ones")
    (axes,) = reader.numbers("I") if version in (FIRST, SECOND, THIRD) else (version,)
    if not 0 < axes <= DEEPEST:
        raise ValueError(f"damaged: an array of {axes} axes at byte {reader.place}")
    wide = version in (FIRST, SECOND, THIRD)  # before, a shape had 32 bits an axis
    shape = reader.numbers(f"{axes}{'Q' if wide else 'I'}")
    *_device, dtype = reader.numbers("iii")
    if dtype not in DTYPES:
        raise ValueError(f"damaged: an array of dtype {dtype} at byte {reader.place}")
    return shape, DTYPES[dtype]


def _load(source: Source, place: int, size: int, shape: tuple[int, ...], dtype: str) -> Array:
    flat = np.frombuffer(source.part(place, size), STORED[dtype])
    return widen(flat.reshape(shape), dtype)


FORMATS: Final = (Format(NAME, lambda source: source.head.startswith(MAGIC), _read, ".params"),)
