"""Files that are whole or not there: written aside, then renamed.

Whether a file may be replaced at all is decided in `outputs.py`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, TextIO

from gateparity.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def check_writable(path: Path) -> None:
    """Raise `InputError` if `path` can't be written, before the work starts."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path} can't be written: there is no folder {folder}: mkdir -p {folder}")
    if path.is_dir():
        raise InputError(f"{path} can't be written: it is a folder")
    if why := _refusal(folder):
        raise InputError(f"{path} can't be written: {folder} takes no files: {why}")


def check_folder(path: Path) -> None:
    """Raise `InputError` if no file can be written to a folder, which is created if needed."""
    if not path.is_dir():
        check_writable(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} can't be written to: it is a file")
    if path.is_dir() and (why := _refusal(path)):
        raise InputError(f"{path} can't be written to: it takes no files: {why}")


def _refusal(folder: Path) -> str:
    """Return why no file can be made in a folder, or nothing.

    It is tried, since to be permitted isn't all: a disk may be full, or no disk at all.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def follow(path: Path) -> Path:
    """Return where a link leads, through others too; a path that is no link stays as it is.

    Raises `InputError` for links that lead to each other.
    """
    try:
        return path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError):
        raise InputError(f"{path} can't be written: its links lead to each other") from None


def status(path: Path) -> os.stat_result | None:
    """Return the status of the file that a path leads to, None if there is none.

    Raises `InputError` where that can't be known.
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} can't be written: {reason}") from None


def is_stream(found: os.stat_result) -> bool:
    """Return whether writing there replaces nothing.

    That is so for a pipe, a socket, a device of characters, and what standard output or error of
    this process goes to, even where that is a file.
    """
    kinds = (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISSOCK)
    return any(is_kind(found.st_mode) for is_kind in kinds) or _own_stream(found) is not None


def write_text(path: Path, text: str) -> None:
    """Write as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode("utf-8", errors="replace"))  # a path may hold any bytes


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path`, or the one that a link there leads to.

    The new file is written beside the old one and renamed, with the old one's permissions. What
    isn't a regular file is written in place, and so is this process's own standard output.
    Raises `InputError` if that fails, and leaves the old file.
    """
    found, target = status(path), follow(path)
    try:
        if found is None:
            _replace(target, data, None)
        elif own := _own_stream(found):
            own.flush()
            own.buffer.write(data)
            own.flush()
        elif stat.S_ISREG(found.st_mode):
            _replace(target, data, stat.S_IMODE(found.st_mode))
        else:
            path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    aside = path.absolute().parent / f".gateparity-{os.getpid()}-{threading.get_ident()}"
    try:
        aside.unlink(missing_ok=True)
        with aside.open("xb") as file:  # never through a link that somebody else has put there
            file.write(data)
        if mode is not None:
            aside.chmod(mode)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _own_stream(found: os.stat_result) -> TextIO | None:
    """Return standard output or error if that is where it goes."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or no file
            if os.path.samestat(found, os.fstat(stream.fileno())):
                return stream
    return None


def read_bytes(path: Path, expected: str, largest: int | None = None) -> bytes:
    """Return the contents of a file that isn't empty, nor larger than `largest` bytes.

    Raise `InputError` that says what was expected there.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            kind = "a directory" if path.is_dir() else "no regular file"
            raise OSError(errno.EINVAL, f"it is {kind}")
        if largest is not None and path.stat().st_size > largest:
            size = path.stat().st_size
            raise OSError(errno.EFBIG, f"it has {size} bytes, {largest} allowed")
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} can't be read, expected {expected}: {reason}") from None
    if not data:
        raise InputError(f"{path} is empty, expected {expected}")
    return data
