"""Named arrays and a JSON object in one safetensors file, read as untrusted input.

A safetensors file holds numbers and texts, and no code. Declared sizes are compared with the file's
own size before anything is allocated.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.storage.kinds import CHECKPOINT, FAILURE, RECORDING
from gateparity.conformance.storage.metadata import Metadata
from gateparity.errors import InputError
from gateparity.network.dtypes import FILE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateparity.conformance.storage.kinds import Kind
    from gateparity.network.parameters import Array


UNSEALED: Final = "was written by gateparity 0.1.0 and has no checksum: damage can't be seen"
_CHECKSUM: Final = "sha256"
_READERS: Final = {
    RECORDING: ": `gateparity compare` reads it",
    FAILURE: ": `gateparity replay` reads it",
    CHECKPOINT: ": `gateparity train --resume` reads it",
}


def seal(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata with a checksum of itself and of the arrays added."""
    return {**words, _CHECKSUM: _digest(arrays, words)}


def check_form(
    arrays: Mapping[str, Array],
    words: Mapping[str, Any],
    kind: Kind,
    schema: int,
    unsealed: str = "",
) -> bool:
    """Return whether the file has a checksum.

    Raise `InputError` for another kind or schema, and for a checksum that doesn't fit the contents.

    A file of gateparity 0.1.0 has none. It is known by its words: exactly those of `unsealed`, with
    a schema of 1 if they have one. A new file that lost a bit can't pass for one, because it has a
    kind and a checksum too.
    """
    old = bool(unsealed) and words.keys() == set(unsealed.split())
    if old and Metadata({"schema": 1, **words}).count("schema") == 1:
        return False
    if (found := words.get("kind")) != kind.name:
        verb = next((verb for kind, verb in _READERS.items() if kind.name == found), "")
        raise InputError(f"kind is {found!r:.40}, expected {kind.name!r}{verb}")
    if (version := Metadata(words).count("schema")) != schema:
        by = f": gateparity {by!r:.40} wrote it" if (by := words.get("gateparity")) else ""
        raise InputError(f"schema is {version}, expected {schema}{by}")
    held = {name: value for name, value in words.items() if name != _CHECKSUM}
    if words.get(_CHECKSUM) != _digest(arrays, held):
        raise InputError("it was changed after it was written: its checksum is another one")
    return True


def _digest(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        plain = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        digest.update(f"{name!r} {plain.dtype.str} {plain.shape}".encode("utf-8", "replace"))
        digest.update(plain.tobytes())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Limits:
    """The bytes that a kind of file may have, in total and in its header."""

    file: int
    header: int


SMALL: Final = Limits(2**26, 2**20)
_AXES: Final = 8  # at most
_KEY: Final = "gateparity"
DTYPES: Final = FILE_DTYPES | {"I32": "<i4", "I64": "<i8"}


def pack_tensors(
    arrays: Mapping[str, Array], words: Mapping[str, Any], limits: Limits = SMALL
) -> bytes:
    """Return the file's bytes. Raise `InputError` if they would be too large to read again."""
    from safetensors.numpy import save

    _check_size(sum(array.nbytes for array in arrays.values()), limits)
    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    data = save(plain, {_KEY: json.dumps(words, allow_nan=False)})
    _read_header(data, limits)
    return data


def unpack_tensors(data: bytes, limits: Limits = SMALL) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays by name, with dtypes in `DTYPES`, and the metadata.

    Raise `InputError` for a damaged file, or one that breaks the limits.
    """
    from safetensors import SafetensorError, deserialize

    header = _read_header(data, limits)
    try:
        words = _read_words(header)
        found = deserialize(data)  # type: ignore[no-untyped-call]
        found.sort(key=itemgetter(0))  # they have another order each time
        return {name: _decode(name, held, limits) for name, held in found}, words
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing: ")
        raise InputError(f"damaged or truncated safetensors: {reason}") from None
    except RecursionError:
        raise InputError("its header is nested too deeply") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"its header is no JSON: {error}") from None


def take_floats(arrays: dict[str, Array], name: str) -> Array:
    """Move one array out of a file's arrays. Raise `InputError` unless it is there, and floats."""
    if name not in arrays:
        raise InputError(f"there is no array {name}, or the metadata names it twice")
    if arrays[name].dtype.kind != "f":
        raise InputError(f"{name} is {arrays[name].dtype}, expected floats")
    return arrays.pop(name)


def peek_words(path: Path, limits: Limits) -> dict[str, Any]:
    """Return a file's metadata without its arrays; empty if there is none."""
    try:
        with path.open("rb") as file:
            declared = struct.unpack("<Q", file.read(8))[0]
            return _read_words(file.read(declared)) if declared <= limits.header else {}
    except (OSError, ValueError, RecursionError, struct.error):
        return {}


def _read_header(data: bytes, limits: Limits) -> bytes:
    """Return the header, after its declared length is checked against the file and the limits."""
    _check_size(len(data), limits)
    declared = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    if not 2 <= declared <= min(len(data) - 8, limits.header):
        raise InputError(
            f"no safetensors, or damaged: a header of {declared} bytes in a file of {len(data)}, "
            f"{limits.header} allowed"
        )
    return data[8 : 8 + declared]


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.file:
        raise InputError(f"{size} bytes, expected at most {limits.file}")


def _read_words(header: bytes) -> dict[str, Any]:
    found = json.loads(header.decode())  # of bytes, json would guess at UTF-16 and import it
    metadata = found.get("__metadata__") if isinstance(found, dict) else None
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    words = json.loads(text) if isinstance(text, str) else None
    if not isinstance(words, dict):
        raise InputError(f"its metadata has no {_KEY!r}: gateparity didn't write it")
    return words


def _decode(name: str, held: Mapping[str, Any], limits: Limits) -> Array:
    if held["dtype"] not in DTYPES:
        known = ", ".join(DTYPES)
        raise InputError(f"array {name!r} is {held['dtype']}, expected one of {known}")
    dtype, shape = np.dtype(DTYPES[held["dtype"]]), held["shape"]
    if len(shape) > _AXES or max(shape, default=0) > limits.file:  # beside a size of 0
        raise InputError(f"array {name!r} has shape {shape}, {_AXES} axes of {limits.file} allowed")
    if math.prod(shape) * dtype.itemsize != len(held["data"]):
        raise InputError(f"array {name!r} has shape {shape} in {len(held['data'])} bytes")
    flat = np.frombuffer(held["data"], dtype)
    return flat.astype(dtype.newbyteorder("=")).reshape(shape)
