"""Reads an HDF5 file in a process of its own, which has little time and memory, and imports h5py.

The HDF5 library is written in C and trusts a file's own sizes, so a damaged file may crash, fill
the memory, or never end. This module imports nothing of gateparity: it is run by its path, with the
file's path and the part of the file that is HDF5. It answers on its output with messages, each a
length, JSON, and the bytes of an array: first what is in the file, and then an array for each line
on its input.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_OBJECTS: Final = 100_000
DEEPEST: Final = 64  # groups in groups
MOST_TEXT: Final = 64 << 20  # bytes of one attribute: a model's config has some kilobytes
MOST_PACKED: Final = 50  # times that compressed numbers may grow, beyond a small array
SMALL: Final = 64 << 20
SECONDS: Final = 3  # of processor time: some damaged files make the library search without end
RATE: Final = 20 << 20  # bytes for which there is one more second
MEMORY: Final = 1 << 29  # beyond what the file's own arrays need
# What Keras says about its layers and weights.
ATTRIBUTES: Final = ("layer_names", "weight_names", "model_config", "keras_version", "name")


class Window(io.RawIOBase):
    """A part of a file, as a file: the HDF5 file in a zip archive that compresses nothing."""

    def __init__(self, file: Any, start: int, size: int) -> None:
        """Show `size` bytes of the file from `start` on."""
        super().__init__()
        self.file, self.start, self.size, self.at = file, start, size, 0

    def readable(self) -> bool:
        """Return True, as h5py asks."""
        return True

    def seekable(self) -> bool:
        """Return True, as h5py asks."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place, counted from the start, the current place or the end."""
        self.at = offset + {os.SEEK_CUR: self.at, os.SEEK_END: self.size}.get(whence, 0)
        return self.at

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self.at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the part goes, and return how many bytes were read."""
        view = memoryview(buffer)[: max(0, self.size - self.at)]
        if not len(view):
            return 0
        self.file.seek(self.start + self.at)
        count: int = self.file.readinto(view)
        self.at += count
        return count


def serve(path: str, start: int, size: int) -> None:
    """Send what the file holds, then each array that a line of the input names."""
    try:
        import h5py
    except ImportError as error:
        send({"missing": str(error)})
        return
    with Path(path).open("rb", buffering=0) as file:
        try:
            opened = h5py.File(Window(file, start, size), "r", driver="fileobj")
        except Exception as error:  # noqa: BLE001  see `answer`
            send({"error": f"damaged or truncated HDF5: {error}"})
            return
        answer(lambda: (Walk(size).contents(opened), b""))
        for line in sys.stdin:
            name = json.loads(line)
            answer(lambda name=name: read(opened[name], size))


def answer(work: Any) -> None:
    """Send what the work returns, or its error in words."""
    try:
        found, numbers = work()
    except (Refused, MemoryError) as error:
        found, numbers = {"error": str(error) or "it needs too much memory"}, b""
    except Exception as error:  # noqa: BLE001  what HDF5 raises at damaged files has no limits
        found, numbers = {"error": f"damaged or truncated HDF5: {error}"}, b""
    send(found, numbers)


def send(found: dict[str, Any], numbers: Any = b"") -> None:
    """Write one message: two lengths, JSON, and the bytes of an array."""
    text = json.dumps(found).encode()
    for part in (struct.pack("<QQ", len(text), len(numbers)), text, numbers):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


class Refused(Exception):
    """What gateparity doesn't read, in words."""


class Walk:
    """The way through a file: each object once, and no link that leaves the file."""

    def __init__(self, size: int) -> None:
        """Begin, in a file of this size."""
        self.size, self.seen = size, set[Any]()
        self.arrays: dict[str, Any] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []

    def contents(self, opened: Any) -> dict[str, Any]:
        """Return headers of all arrays, what Keras says about them, and what was left out."""
        self.group("", opened, 0)
        return {"arrays": self.arrays, "attributes": self.attributes, "notes": self.notes}

    def group(self, path: str, group: Any, depth: int) -> None:
        """Take in a group, and all groups and arrays in it."""
        import h5py

        if depth > DEEPEST:
            raise Refused(f"{path[:80]}...: groups in more than {DEEPEST} groups")
        if found := dict(texts(group, self.size)):
            self.attributes[path] = found
        for name in group:
            below = f"{path}/{name}" if path else name
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise Refused(
                    f"{below} is an external link, to {link.path!r} in {link.filename!r}: "
                    "no other file is opened, expected a file that holds all of its arrays"
                )
            if isinstance(link, h5py.SoftLink):
                self.notes.append(f"{below} is a soft link to {link.path!r}, and isn't followed")
                continue
            self.object(below, group[name], depth)

    def object(self, path: str, found: Any, depth: int) -> None:
        """Take in an array, or a group that wasn't seen under another name."""
        import h5py

        if isinstance(found, h5py.Dataset):
            self.arrays[path] = header(path, found, self.size)
        elif isinstance(found, h5py.Group):
            place = h5py.h5o.get_info(found.id).addr
            if place in self.seen:
                self.notes.append(f"{path} is a group that is there under another name too")
                return
            self.seen.add(place)
            self.group(path, found, depth + 1)
        if len(self.arrays) + len(self.seen) > MOST_OBJECTS:
            raise Refused(f"it holds more than {MOST_OBJECTS} arrays and groups")


def header(path: str, dataset: Any, size: int) -> list[Any]:
    """Return the shape and dtype of an array. Refuse one whose numbers lie elsewhere."""
    if dataset.is_virtual:
        raise Refused(f"{path} is a virtual dataset: it is made of arrays of other files")
    if dataset.external:
        raise Refused(f"{path} has its numbers in another file, {dataset.external[0][0]!r}")
    if dataset.shape is None:
        return [[0], "nothing"]
    check_size(path, dataset, size)
    return [list(dataset.shape), dtype_name(dataset)]


def check_size(path: str, dataset: Any, size: int) -> None:
    """Refuse an array that declares more numbers than the file can hold."""
    held = dataset.id.get_storage_size()
    most = max(held, min(MOST_PACKED * held, SMALL)) if dataset.chunks else held
    if held > size or dataset.nbytes > most:
        raise Refused(
            f"{path} declares {dataset.nbytes} bytes, shape {dataset.shape}, "
            f"and the file of {size} bytes holds {min(held, size)} of them"
        )


def dtype_name(dataset: Any) -> str:
    """Return NumPy's name of a dtype; Keras keeps bfloat16, which HDF5 lacks, as two bytes."""
    return "bfloat16" if dataset.dtype.str == "|V2" else str(dataset.dtype.name)


def read(dataset: Any, size: int) -> tuple[dict[str, Any], Any]:
    """Return the numbers of an array, little-endian."""
    import numpy as np

    check_size(dataset.name, dataset, size)
    if dataset.dtype.kind not in "fiubV":
        raise Refused(f"{dataset.name} is {dataset.dtype}, expected numbers")
    found = np.asarray(dataset[()])
    found = np.ascontiguousarray(found, found.dtype.newbyteorder("<"))
    return {}, found.view(np.uint8).reshape(-1).data if found.size else b""


def texts(group: Any, size: int) -> Iterator[tuple[str, Any]]:
    """Yield what Keras writes beside a group: a text, or a list of texts."""
    for name in group.attrs:
        plain = name.rstrip("0123456789")  # a list that is too long for one is cut into several
        if plain not in ATTRIBUTES:
            continue
        attribute = group.attrs.get_id(name)
        if attribute.dtype.itemsize * math.prod(attribute.shape or ()) > min(MOST_TEXT, size):
            raise Refused(f"its attribute {name} is larger than the file, or than {MOST_TEXT}")
        yield name, plain_text(group.attrs[name])


def plain_text(found: Any) -> Any:
    """Return a text or a list of texts, whichever way HDF5 holds it."""
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    if hasattr(found, "tolist"):
        found = found.tolist()
    if isinstance(found, list):
        return [plain_text(one) for one in found]
    return found if isinstance(found, str) else str(found)


def limit(size: int) -> None:
    """Limit this process, where the platform has limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        seconds = SECONDS + size // RATE
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        memory = MEMORY + 2 * size
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"  # filters out of plugins run nobody knows whose code
    limit(int(sys.argv[3]))
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
