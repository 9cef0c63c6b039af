"""NumPy's files: an array with a header, `.npy`, or a zip archive of them, `.npz`.

Arrays of Python objects are pickles, and are never loaded.
Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
"""

from __future__ import annotations

import dataclasses
import math
import re
import struct
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.checkpoints.archive import list_names, open_archive
from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.dtypes import STORED, widen
from gateparity.backends.checkpoints.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

MAGIC: Final = b"\x93NUMPY"
SUFFIX: Final = ".npy"
FIXED: Final = 12  # bytes before the header of version 2
LONGEST: Final = 1 << 14  # bytes of a header that is looked at: one has about a hundred
LENGTHS: Final = {1: "<H", 2: "<I"}  # how a version stores its header's length
# A header is the text of a dict. Its three entries are looked for, and nothing evaluates it.
DESCR: Final = re.compile(rb"'descr': *'([<>|=]?[?a-zA-Z][0-9]{0,3})'")
ORDER: Final = re.compile(rb"'fortran_order': *(True|False)")
SHAPE: Final = re.compile(rb"'shape': *\(([0-9, ]*)\)")


@dataclasses.dataclass(frozen=True)
class Header:
    """What an array's header says, and at which byte its numbers begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool
    end: int

    @property
    def size(self) -> int:
        """Return the bytes of header and numbers."""
        return self.end + math.prod(self.shape) * self.dtype.itemsize


def _read_npz(source: Source) -> Contents:
    archive = open_archive(source)
    arrays: dict[str, StoredArray] = {}
    notes = []
    for name in archive.members:
        header = _header(archive.start(name, LONGEST), name)
        if header.dtype.hasobject:
            notes.append(f"{name} holds pickled objects, which aren't loaded")
            continue
        arrays[name.removesuffix(SUFFIX)] = _stored(header, partial(archive.read, name), name)
    return Contents("a NumPy archive", arrays, notes=tuple(notes))


def _read_npy(source: Source) -> Contents:
    header = _header(source.head, "its header")
    if header.dtype.hasobject:
        raise ValueError(
            "an array of pickled objects, which isn't loaded; expected np.savez(file, **arrays)"
        )
    stored = _stored(header, partial(source.part, 0, source.size), "its array")
    return Contents("a NumPy array", {"array": stored})


def _header(start: bytes, name: str) -> Header:
    """Return what an array's first bytes say. Raise `ValueError` for anything but numbers."""
    kind = LENGTHS.get(start[6]) if start.startswith(MAGIC) and len(start) > FIXED else None
    if not kind:
        raise ValueError(f"a damaged NumPy file: {name} doesn't begin as an array of 1.0 or 2.0")
    first = 8 + struct.calcsize(kind)
    end = first + struct.unpack_from(kind, start, 8)[0]
    descr, order, shape = (part.search(start, first, end) for part in (DESCR, ORDER, SHAPE))
    if not descr or not order or not shape or end > len(start):
        raise ValueError(f"a damaged NumPy file: {name} has no header of an array of numbers")
    try:
        dtype = np.dtype(descr[1].decode())
        sizes = tuple(int(size) for size in shape[1].split(b",") if size.strip())
    except (TypeError, ValueError) as error:
        raise ValueError(f"a damaged NumPy file: {name}: {error}") from None
    return Header(sizes, dtype, order[1] == b"True", end)


def _stored(header: Header, read: Callable[[], bytes], name: str) -> StoredArray:
    return StoredArray(header.shape, header.dtype.name, partial(_load, header, read, name))


def _load(header: Header, read: Callable[[], bytes], name: str) -> Array:
    if header.dtype.name not in STORED:
        raise ValueError(f"{name} is {header.dtype.name}, which isn't read")
    data = read()
    if len(data) != header.size:
        raise ValueError(f"{name} has {len(data)} bytes, {header.size} are declared")
    flat = np.frombuffer(data, header.dtype, offset=header.end)
    shaped = flat.reshape(header.shape, order="F" if header.fortran else "C")
    return widen(np.ascontiguousarray(shaped).reshape(header.shape), header.dtype.name)


def _is_npz(source: Source) -> bool:
    names = list_names(source)
    return bool(names) and all(name.endswith(SUFFIX) for name in names)


FORMATS: Final = (
    Format("a NumPy archive", _is_npz, _read_npz, ".npz"),
    Format("a NumPy array", lambda source: source.head.startswith(MAGIC), _read_npy, SUFFIX),
)
