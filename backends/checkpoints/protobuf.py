"""The fields of a protobuf message in a file, found without reading what they hold.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from gateparity.backends.checkpoints.safetensors_file import begins_safetensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.backends.checkpoints.source import Source

FIRST: Final = b"\x08"  # the tag of field 1, an integer in all models that are recognised here
LOOKED_AT: Final = 10_000  # fields: a model has a handful, and its functions
VARINT: Final = re.compile(rb"[\x80-\xff]{0,9}[\x00-\x7f]")
WIDEST: Final = 10  # bytes
WINDOW: Final = 4096  # bytes that are read at once
VARINT_TYPE, LENGTH_TYPE = 0, 2
WIDTHS: Final = {VARINT_TYPE: 0, 1: 8, LENGTH_TYPE: 0, 5: 4}  # bytes behind the tag, by wire type


class Field(NamedTuple):
    """A field of a message: its tag begins at `start`, its contents at `value`."""

    number: int
    wire_type: int
    start: int
    value: int
    end: int


def fields(source: Source, start: int, stop: int) -> Iterator[Field]:
    """Yield each field of the message between two places, up to what can't be one.

    The last field may end behind `stop`, in a truncated file.
    """
    at, window, end = start, b"", start  # of the file's bytes from at on, those up to end
    while at < stop:
        if end < min(at + 2 * WIDEST, source.size):
            window = source.part(at, min(WINDOW, source.size - at))
            end = at + len(window)
        here = at - end + len(window)
        tag = VARINT.match(window, here)
        number, wire_type = divmod(_decode(tag[0]), 8) if tag else (0, 0)
        if not tag or wire_type not in WIDTHS or not number:
            return
        value = at + len(tag[0])
        last = value + WIDTHS[wire_type]
        if wire_type in (VARINT_TYPE, LENGTH_TYPE):
            varint = VARINT.match(window, tag.end())
            if not varint:
                return
            last = value + len(varint[0])
            if wire_type == LENGTH_TYPE:
                value, last = last, last + _decode(varint[0])
        yield Field(number, wire_type, at, value, last)
        at = last


def outermost(source: Source) -> set[int]:
    """Return the numbers of a file's outermost fields: none for one that can't be a message."""
    if not source.head.startswith(FIRST) or begins_safetensors(source.head):
        return set()
    found = itertools.islice(fields(source, 0, source.size), LOOKED_AT)
    return {field.number for field in found}


def encode(number: int, contents: bytes | int) -> bytes:
    """Return a field with these contents."""
    if isinstance(contents, int):
        return _varint(number * 8 + VARINT_TYPE) + _varint(contents)
    return _varint(number * 8 + LENGTH_TYPE) + _varint(len(contents)) + contents


def _decode(varint: bytes) -> int:
    if len(varint) == 1:
        return varint[0]
    return sum((byte & 127) << 7 * place for place, byte in enumerate(varint))


def _varint(number: int) -> bytes:
    groups = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])
