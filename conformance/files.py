"""Files written atomically: to a temporary file first, then renamed."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import TYPE_CHECKING

from gateparity.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def check_writable(path: Path) -> None:
    """Raise `InputError` if `path` can't be written, before the work starts."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path} can't be written: there is no folder {folder}: mkdir -p {folder}")
    if path.is_dir() or not _takes_files(folder):
        raise InputError(f"{path} can't be written: it is a folder, or in a read-only one")


def check_folder(path: Path) -> None:
    """Raise `InputError` if no file can be written to a folder, which is created if needed."""
    if not path.is_dir():
        check_writable(path)
    if path.exists() and (not path.is_dir() or not _takes_files(path)):
        raise InputError(f"{path} can't be written to: it is a file, or a read-only folder")


def _takes_files(folder: Path) -> bool:
    """Return whether a file can be created in a folder.

    It is tried, since permissions are not enough: the disk may be full, or read-only.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def write_text(path: Path, text: str) -> None:
    """Replace a file atomically. Raise `InputError` if that fails; the old file then stays."""
    write_bytes(path, text.encode("utf-8", errors="replace"))  # a path may hold any bytes


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file atomically. Raise `InputError` if that fails; the old file then stays."""
    aside = path.absolute().parent / f".gateparity-{os.getpid()}-{threading.get_ident()}"
    try:
        try:
            aside.write_bytes(data)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None
