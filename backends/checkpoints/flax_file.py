"""Flax's msgpack files: maps in maps, and arrays as extensions of type 1.

The maps are walked here, from length to length, so that no array is read before it is asked for,
and nothing is built that a file declares. msgpack decodes the names and the headers of arrays.
Source: `flax/serialization.py`, and https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.dtypes import decode, itemsize
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.safetensors_file import begins_safetensors

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

MAPS: Final = {*range(0x81, 0x90), 0xDE, 0xDF}  # first bytes of maps that hold something
TEXTS: Final = {*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB}
ARRAY, SCALAR = 1, 3  # types of extensions with numbers
CHUNKED: Final = "__msgpack_chunked_array__"  # marks an array in pieces, of more than 1 GiB
DEEPEST: Final = 64  # maps in maps
MOST: Final = 1_000_000  # values
LONGEST: Final = 1024  # bytes of a name, and of an array's header
BLOCK: Final = 1 << 16  # bytes that are read at once
# First bytes with a length behind them: how the length is packed, and what it counts.
LENGTHS: Final = {
    **{0xC4 + k: (f">{c}", "bytes") for k, c in enumerate("BHI")},
    **{0xC7 + k: (f">{c}", "extension") for k, c in enumerate("BHI")},
    **{0xD9 + k: (f">{c}", "bytes") for k, c in enumerate("BHI")},
    **{0xDC + k: (f">{c}", "values") for k, c in enumerate("HI")},
    **{0xDE + k: (f">{c}", "pairs") for k, c in enumerate("HI")},
}
# Other first bytes: how many bytes follow. Small numbers, texts, maps and lists aren't here.
FIXED: Final = {
    **dict.fromkeys((0xC0, 0xC2, 0xC3), 0),
    **{0xCA + k: size for k, size in enumerate((4, 8, 1, 2, 4, 8, 1, 2, 4, 8))},
}
NEVER: Final = 0xC1
SECOND: Final = re.compile(r"LSTMCell_1/")  # linen names a cell that is made in a call by its class
NUMBERED: Final = (
    "its cells are numbered in the order of calls: the file doesn't say which follow each other, "
    "and which are two directions"
)
EXTENSIONS: Final = {0xD4 + k: 1 << k for k in range(5)}  # of a fixed length


def matches(source: Source) -> bool:
    """Return whether a file begins with a map whose first key is a readable text."""
    head = source.head
    if head[0] not in MAPS or begins_safetensors(head):
        return False
    start = 1 + {0xDE: 2, 0xDF: 4}.get(head[0], 0)
    if len(head) <= start or head[start] not in TEXTS:
        return False
    try:
        key, _ = _Walk(source).text(start)
    except ValueError:
        return False
    return key.isprintable()


def read(source: Source) -> Contents:
    """Return the arrays of a file by their paths. Raise `ValueError` if it is damaged."""
    walk = _Walk(source)
    end = walk.value("", 0, 0)
    if end != source.size:
        raise ValueError(f"damaged Flax msgpack: it ends at {end}, of {source.size} bytes")
    notes = (NUMBERED,) if any(SECOND.search(name) for name in walk.arrays) else ()
    words = "Flax's msgpack" if walk.arrays else "msgpack without an array of Flax"
    return Contents(words, walk.arrays, notes=notes)


class _Walk:
    """The way through a file, from one length to the next."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.arrays: dict[str, StoredArray] = {}
        self.count = 0
        self.block = (0, b"")

    def value(self, path: str, at: int, depth: int) -> int:
        """Take in the value that begins at a place, and return where the next one begins."""
        self.count += 1
        if depth > DEEPEST or self.count > MOST:
            raise ValueError(f"holds more than {DEEPEST} maps in maps, or than {MOST} values")
        kind, start, count = self.token(at)
        if kind == "pairs":
            return self.pairs(path, start, count, depth)
        if kind == "values":
            for place in range(count):
                start = self.value(f"{path}/{place}", start, depth + 1)
            return start
        if kind == "extension":
            if self.bytes(start, 1)[0] in (ARRAY, SCALAR):
                self.arrays[path] = self.array(path, start + 1, count)
            count += 1
        return self.end(start, count)

    def pairs(self, path: str, at: int, count: int, depth: int) -> int:
        """Take in a map's names and values, or the pieces of an array."""
        for _ in range(count):
            name, at = self.text(at)
            if name == CHUNKED:
                return self.chunked(path, at, depth)
            at = self.value(f"{path}/{name}" if path else name, at, depth + 1)
        return at

    def chunked(self, path: str, at: int, depth: int) -> int:
        """Take in an array in pieces: a mark, its shape, and flat arrays by number."""
        at = self.value("", at, depth + 1)
        shape_name, start = self.text(at)
        end = self.value("", start, depth + 1)
        sizes = _decoded(self.bytes(start, min(end - start, LONGEST)))
        shape = _shape(list(sizes.values()) if isinstance(sizes, dict) else sizes)
        chunks_name, at = self.text(end)
        if (shape_name, chunks_name) != ("shape", "chunks"):
            raise ValueError(f"damaged Flax msgpack: {path} is in pieces, without a shape")
        others, self.arrays = self.arrays, {}
        end = self.value("", at, depth + 1)
        pieces = [self.arrays[name] for name in sorted(self.arrays, key=lambda n: (len(n), n))]
        self.arrays = others
        if not pieces or sum(math.prod(piece.shape) for piece in pieces) != math.prod(shape):
            raise ValueError(f"damaged Flax msgpack: {path} is of shape {shape}, its pieces aren't")

        def load() -> Array:
            return np.concatenate([piece.load() for piece in pieces]).reshape(shape)

        self.arrays[path] = StoredArray(shape, pieces[0].dtype, load)
        return end

    def array(self, path: str, at: int, count: int) -> StoredArray:
        """Return the array in an extension: its shape, its dtype's name, and its bytes."""
        import msgpack

        end = self.end(at, count)
        header = msgpack.Unpacker(max_buffer_size=LONGEST)
        header.feed(self.bytes(at, min(count, LONGEST)))
        try:
            fields, shape, dtype = header.read_array_header(), header.unpack(), header.unpack()
        except (msgpack.UnpackException, ValueError) as error:
            raise ValueError(f"damaged Flax msgpack: header of {path}: {error}") from None
        if fields != 3:
            raise ValueError(f"damaged Flax msgpack: {path} has {fields} parts, expected 3")
        kind, start, length = self.token(at + header.tell())
        shape, dtype = _shape(shape), str(dtype)
        if (kind, start + length) != ("bytes", end):
            raise ValueError(f"damaged Flax msgpack: {path} has {length} of {count} bytes")
        if itemsize(dtype) not in (0, length // max(1, math.prod(shape))):
            raise ValueError(f"damaged: {path} declares {shape} of {dtype} in {length} bytes")
        return StoredArray(
            shape, dtype, lambda: decode(self.source.part(start, length), dtype, shape)
        )

    def text(self, at: int) -> tuple[str, int]:
        """Return the name that begins at a place, and where the next value begins."""
        kind, start, count = self.token(at)
        if kind != "bytes" or count > LONGEST:
            raise ValueError(f"damaged Flax msgpack: expected a name at byte {at}")
        return str(_decoded(self.bytes(at, start + count - at))), start + count

    def token(self, at: int) -> tuple[str, int, int]:
        """Return what begins at a place: its kind, where its contents begin, and how many."""
        first = self.bytes(at, 1)[0]
        if first in LENGTHS:
            pattern, kind = LENGTHS[first]
            size = struct.calcsize(pattern)
            return kind, at + 1 + size, struct.unpack(pattern, self.bytes(at + 1, size))[0]
        if first in EXTENSIONS:
            return "extension", at + 1, EXTENSIONS[first]
        if first in FIXED:
            return "bytes", at + 1, FIXED[first]
        if first == NEVER:
            raise ValueError(f"damaged Flax msgpack: byte {at} is {first:#x}, which nothing is")
        small = {0x8: ("pairs", first & 15), 0x9: ("values", first & 15)}.get(first >> 4)
        kind, count = small or ("bytes", first & 31 if first in TEXTS else 0)
        return kind, at + 1, count

    def end(self, start: int, count: int) -> int:
        """Return where some bytes end. Raise `ValueError` where the file ends before."""
        self.source.part(start + count, 0)
        return start + count

    def bytes(self, at: int, count: int) -> bytes:
        """Return a few bytes, out of the block that was read last where they are in it."""
        start, block = self.block
        if not start <= at <= at + count <= start + len(block):
            self.end(at, count)
            block = self.source.part(at, min(max(BLOCK, count), self.source.size - at))
            start, self.block = at, (at, block)
        return block[at - start : at - start + count]


def _decoded(data: bytes) -> Any:
    """Return a small value, decoded by msgpack."""
    import msgpack

    try:
        return msgpack.unpackb(data)
    except (msgpack.UnpackException, ValueError) as error:
        raise ValueError(f"damaged Flax msgpack: {error}") from None


def _shape(found: Any) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(n) is int and n >= 0 for n in found):
        raise ValueError(f"damaged Flax msgpack: an array's shape is {str(found)[:60]}")
    return tuple(found)


# After the formats with first bytes of their own.
FORMATS: Final = (Format("Flax's msgpack", matches, read, ".msgpack", order=1),)
