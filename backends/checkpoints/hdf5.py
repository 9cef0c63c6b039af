"""What an HDF5 file holds, asked from a process that may crash, hang or run out of memory."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints import hdf5_process
from gateparity.backends.checkpoints.contents import StoredArray
from gateparity.backends.checkpoints.dtypes import decode
from gateparity.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateparity.network.parameters import Array

SECONDS: Final = 20.0  # for the headers, and for each array, beside what a large file takes
MOST_TEXT: Final = 1 << 30  # bytes of all headers
MAGIC: Final = b"\x89HDF\r\n\x1a\n"
PLACES: Final = (0, 512, 1024, 2048)  # where the magic number may lie


@dataclasses.dataclass(frozen=True)
class Hdf5:
    """The arrays of an HDF5 file, what Keras wrote beside its groups, and what was left out."""

    arrays: Mapping[str, StoredArray]
    attributes: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]


def read_hdf5(
    path: Path, start: int, size: int, seconds: float = SECONDS, *, temporary: bool = False
) -> Hdf5:
    """Return what a part of a file holds. Raise `ValueError` for what is damaged or refused.

    A `temporary` file is removed when nobody needs its arrays any more.
    """
    process = _Process(path, start, size, seconds + size / hdf5_process.RATE)
    if temporary:
        weakref.finalize(process, path.unlink, missing_ok=True)
    found, _ = process.receive()
    arrays = {
        name: StoredArray(tuple(shape), dtype, process.loader(name, tuple(shape), dtype))
        for name, (shape, dtype) in found["arrays"].items()
    }
    return Hdf5(arrays, found["attributes"], tuple(map(printable, found["notes"])))


class _Process:
    """A running `hdf5_process`, which ends with this object."""

    def __init__(self, path: Path, start: int, size: int, seconds: float) -> None:
        self.seconds = seconds
        self.running = subprocess.Popen(
            [sys.executable, "-P", hdf5_process.__file__, str(path), str(start), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # its threads would take the memory
        )
        self.end = weakref.finalize(self, _end, self.running)

    def loader(self, name: str, shape: tuple[int, ...], dtype: str) -> Any:
        """Return a function that reads an array."""

        def load() -> Array:
            return decode(self.ask(name), dtype, shape)

        return load

    def ask(self, name: str) -> bytes:
        """Return the bytes of an array."""
        assert self.running.stdin
        with contextlib.suppress(OSError):  # of a process that has ended: `receive` says so
            self.running.stdin.write(json.dumps(name).encode() + b"\n")
            self.running.stdin.flush()
        return self.receive()[1]

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """Return the next message, or raise `ValueError` with the error in it."""
        late = threading.Event()
        timer = threading.Timer(self.seconds, _stop, (self.running, late))
        timer.start()
        try:
            text, count = struct.unpack("<QQ", self._read(16))
            found = json.loads(self._read(min(text, MOST_TEXT)))
            numbers = self._read(count)
        except EOFError:
            raise ValueError(f"damaged HDF5: {self._why(late)}") from None
        finally:
            timer.cancel()
        if "missing" in found:
            raise ImportError(found["missing"], name="h5py")
        if "error" in found:
            raise ValueError(printable(found["error"]))
        return found, numbers

    def _why(self, late: threading.Event) -> str:
        """Return why the process has ended, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.running.wait(self.seconds)
        if late.is_set() or self.running.returncode == -getattr(signal, "SIGXCPU", 0):
            return "the process that reads it ran out of time"
        return "the process that reads it crashed"

    def _read(self, count: int) -> bytes:
        assert self.running.stdout
        found = self.running.stdout.read(count)
        if len(found) != count:
            raise EOFError
        return found


def _stop(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe:
                pipe.close()
    process.wait()
