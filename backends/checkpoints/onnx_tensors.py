"""The arrays that an ONNX model stores, known by their shapes until their numbers are asked for.

Numbers lie in the tensor itself, raw or by type, in another part of the file, or in a file beside
it (external data). A shape that doesn't fit the bytes is refused before anything is allocated.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import StoredArray
from gateparity.backends.checkpoints.dtypes import STORED, widen

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

# The name of each dtype, and the field that has its numbers unless they are raw.
# https://onnx.ai/onnx/api/classes.html#tensorproto
DTYPES: Final = {
    1: ("float32", "float_data"),
    2: ("uint8", "int32_data"),
    3: ("int8", "int32_data"),
    4: ("uint16", "int32_data"),
    5: ("int16", "int32_data"),
    6: ("int32", "int32_data"),
    7: ("int64", "int64_data"),
    9: ("bool", "int32_data"),
    10: ("float16", "int32_data"),  # its bits
    11: ("float64", "double_data"),
    16: ("bfloat16", "int32_data"),  # its bits
}
EXTERNAL: Final = 1  # data_location


@dataclasses.dataclass
class Tensors:
    """The stored arrays of one model.

    `room` is how many bytes the model has, external data included: no array that is made of stored
    ones has more elements.
    """

    source: Source
    room: int = 0
    beside: dict[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.room = self.source.size

    def stored(self, tensor: Any) -> StoredArray:
        """Return the array of a tensor. Raise `ValueError` for one that its bytes don't hold."""
        shape = tuple(tensor.dims)
        if tensor.data_type not in DTYPES:
            raise ValueError(f"{tensor.name} has a dtype that isn't read: {tensor.data_type}")
        dtype, field = DTYPES[tensor.data_type]
        stored = np.dtype(STORED[dtype])
        if tensor.data_location == EXTERNAL:
            count, read = self._external(tensor)
        elif tensor.HasField("raw_data"):
            count, read = len(tensor.raw_data), lambda: tensor.raw_data
        else:
            values = getattr(tensor, field)
            count, read = len(values) * stored.itemsize, _typed(values, field, stored, tensor.name)
        expected = math.prod(shape) * stored.itemsize
        if min(shape, default=0) < 0 or count != expected:
            raise ValueError(
                f"{tensor.name} has {count} bytes, expected {expected} for {list(shape)} of {dtype}"
            )

        def load() -> Array:
            return widen(np.frombuffer(read(), stored), dtype).reshape(shape)

        return StoredArray(shape, dtype, load)

    def _external(self, tensor: Any) -> tuple[int, Callable[[], bytes]]:
        """Return how many bytes a tensor has elsewhere, and the function that reads them."""
        place = {entry.key: entry.value for entry in tensor.external_data}
        location = place.get("location", "")
        size = self._size(location, tensor.name) if location else self.source.size
        start = _natural(place.get("offset", "0"), tensor.name)
        count = _natural(place.get("length", str(max(size - start, 0))), tensor.name)
        if start + count > size:
            raise ValueError(
                f"{tensor.name} lies at bytes {start} to {start + count} of "
                f"{location or 'the file'}, which has {size}"
            )
        if not location:
            return count, lambda: self.source.part(start, count)
        return count, lambda: _part(self.source.path.parent / location, start, count)

    def _size(self, location: str, name: str) -> int:
        """Return the size of a file with external data; it must be in the model's own folder."""
        if location not in self.beside:
            folder = self.source.path.parent
            try:
                path = (folder / location).resolve(strict=True)
                inside = path.is_relative_to(folder.resolve()) and path.is_file()
                size = path.stat().st_size
            except (OSError, ValueError, RuntimeError) as error:
                reason = getattr(error, "strerror", None) or error
                raise ValueError(
                    f"{name} lies in {location!r}, which can't be read: {reason}"
                ) from None
            if not inside or Path(location).is_absolute():
                raise ValueError(
                    f"{name} lies in {location!r}, expected a file in the model's own folder"
                )
            self.beside[location] = size
            self.room += size
        return self.beside[location]


def _typed(values: Any, field: str, stored: np.dtype[Any], name: str) -> Callable[[], bytes]:
    """Return the function that reads numbers by type: integers, or bits, or numbers as they are."""
    integers = f"<u{stored.itemsize}" if stored.kind == "f" else stored
    target = integers if field == "int32_data" else stored

    def read() -> bytes:
        try:
            return (
                np.array(values, stored if target is stored else np.int64).astype(target).tobytes()
            )
        except OverflowError as error:
            raise ValueError(f"{name} holds a number that its dtype doesn't: {error}") from None

    return read


def _part(path: Path, start: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        found = file.read(count)
    if len(found) != count:
        raise ValueError(f"{path.name} became shorter while it was read")
    return found


def _natural(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 19:
        raise ValueError(f"{name} lies at {text[:40]!r} of its file, expected a number of bytes")
    return int(text)
