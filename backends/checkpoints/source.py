"""A file of a user's, opened once: read in parts, and never trusted to be what its name says."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING, BinaryIO, Final

from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    # Calls a function of a module in the worker of a framework: framework, "module:function", and
    # its arguments.
    AskWorker = Callable[..., Any]

# What is read where a model is a folder: Orbax's, and TensorFlow's SavedModel.
INSIDE: Final = ("_METADATA", "default/_METADATA", "variables/variables.index")
WEIGHTS: Final = ("*.index", "*.safetensors", "*.bin", "*.pt", "*/_METADATA", "*/default/_METADATA")
HEAD: Final = 4096  # bytes that tell what a file is


@dataclasses.dataclass(frozen=True)
class Source:
    """An open file: `size` in bytes, `head` its first ones, `part` any others.

    `ask` runs a function in the worker of a framework, for formats that only the framework reads.
    """

    path: Path
    file: BinaryIO
    size: int
    head: bytes
    ask: AskWorker

    def part(self, start: int, length: int) -> bytes:
        """Return bytes of the file. Raise `ValueError` where it ends before."""
        if start < 0 or length < 0 or start + length > self.size:
            raise ValueError(
                f"damaged or truncated: bytes {start} to {start + length} are declared, "
                f"and it has {self.size}"
            )
        self.file.seek(start)
        found = self.file.read(length)
        if len(found) != length:
            raise ValueError("it became shorter while it was read: another process writes it")
        return found

    def tail(self, length: int) -> bytes:
        """Return its last bytes: all of a file that is shorter."""
        length = min(length, self.size)
        return self.part(self.size - length, length)


@contextlib.contextmanager
def open_source(path: Path, ask: AskWorker) -> Iterator[Source]:
    """Open a file for reading in parts.

    A folder that is a model is read by the file in it that names its arrays. Raise `InputError` for
    another folder, a device, an empty file, one that can't be read, and one that
    another process changes meanwhile.
    """
    try:
        path = _inside(path)
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file" if path.exists() else "not there"
            hint = _hint(path)
            raise InputError(f"{path} is {what}, expected a file with a network's weights{hint}")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if not before.st_size:
                raise InputError(f"{path} is empty, expected a file with a network's weights")
            yield Source(path, file, before.st_size, file.read(HEAD), ask)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{path} changed while it was read: another process writes it")


def _inside(path: Path) -> Path:
    """Return the file that is read of a folder, or the path of anything else as it is."""
    return next((path / name for name in INSIDE if (path / name).is_file()), path)


def _hint(path: Path) -> str:
    """Return the file that may be meant: in a folder, or what TensorFlow means by a prefix."""
    found = sorted(file for pattern in WEIGHTS for file in path.glob(pattern))
    found += [file for file in [path.parent / f"{path.name}.index"] if file.is_file()]
    return f", such as {found[0]}" if found else ""
