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
