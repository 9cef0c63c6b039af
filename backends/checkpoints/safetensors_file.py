"""The safetensors format: the length of a header, the header as JSON, and the arrays' bytes.

It has no magic number, so a file that no other format matches is read as safetensors, and the
reader reports what is wrong. Source: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
import math
import re
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.dtypes import STORED, widen
from gateparity.backends.checkpoints.format import Format, OtherKind

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

NAME: Final = "safetensors"
HEADER: Final = re.compile(rb".{4}\0{4}\s*\{", re.DOTALL)  # its length, below 4 GB; its start
BEHIND: Final = 8  # bytes of the length
LONGEST: Final = 25_000_000  # bytes of a header: a file of 100,000 arrays has about 10 million
# Their names here.
DTYPES: Final = {
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    "BF16": "bfloat16",
    "BOOL": "bool",
}


def begins_safetensors(data: bytes) -> bool:
    """Return whether data begins with the length of a header and a header, as safetensors do."""
    return bool(HEADER.match(data))


def _read(source: Source) -> Contents:
    header, start = _header(source)
    header.pop("__metadata__", None)
    try:
        arrays = {name: _stored(source, start, name, held) for name, held in header.items()}
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"damaged or truncated safetensors: its header: {error!r}") from None
    end = start + max((held["data_offsets"][1] for held in header.values()), default=0)
    if end != source.size:
        raise ValueError(
            f"damaged or truncated safetensors: its arrays end at byte {end}, the file at "
            f"{source.size}"
        )
    return Contents(NAME, arrays)


def _header(source: Source) -> tuple[dict[str, Any], int]:
    """Return the header, and where the arrays' bytes begin."""
    if source.head[BEHIND : BEHIND + 1] != b"{":
        raise OtherKind("a file of a kind that isn't known")
    (length,) = struct.unpack("<Q", source.head[:BEHIND])
    if length > min(LONGEST, source.size - BEHIND):
        raise ValueError(
            f"damaged or truncated safetensors: its header declares {length} bytes, in a file of "
            f"{source.size}"
        )
    try:
        header = json.loads(source.part(BEHIND, length))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"damaged or truncated safetensors: its header: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("damaged or truncated safetensors: its header is no object")
    return header, BEHIND + length


def _stored(source: Source, start: int, name: str, held: dict[str, Any]) -> StoredArray:
    first, last = held["data_offsets"]
    shape = tuple(held["shape"])
    whole = all(type(size) is int and size >= 0 for size in (first, last, *shape))
    if not whole or not first <= last <= source.size - start:
        raise ValueError(f"damaged or truncated safetensors: {name} lies outside the file")
    if held["dtype"] not in DTYPES:
        return StoredArray(shape, str(held["dtype"]), partial(_refuse, name, held["dtype"]))
    dtype = DTYPES[held["dtype"]]
    expected = math.prod(shape) * np.dtype(STORED[dtype]).itemsize
    if last - first != expected:
        raise ValueError(
            f"damaged or truncated safetensors: {name} has {last - first} bytes, expected "
            f"{expected} for {list(shape)} of {dtype}"
        )

    def load() -> Array:
        flat = np.frombuffer(source.part(start + first, last - first), STORED[dtype])
        return widen(flat, dtype).reshape(shape)

    return StoredArray(shape, dtype, load)


def _refuse(name: str, dtype: str) -> Array:
    raise ValueError(f"{name} is {dtype}, which isn't read")


FORMATS: Final = (Format(NAME, lambda _: True, _read, ".safetensors", order=2),)
