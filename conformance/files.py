"""Files that are whole or not there: written aside, then renamed."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import TYPE_CHECKING

from gateparity.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def check_writable(path: Path) -> None:
    """Raise `InputError` before the work starts if its result couldn't be written to `path`."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path} can't be written: there is no folder {folder}: mkdir -p {folder}")
    if path.is_dir():
        raise InputError(f"{path} can't be written: it is a folder")
    if why := _refusal(folder):
        raise InputError(f"{path} can't be written: {folder} takes no files: {why}")


def check_folder(path: Path) -> None:
    """Raise `InputError` if no file could be written to the folder `path`, made if need be."""
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
    """Replace the file at `path`; raises `InputError` if that fails, and leaves the old one."""
    write_bytes(path, text.encode("utf-8", errors="replace"))  # a path may hold any bytes


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path`; raises `InputError` if that fails, and leaves the old one."""
    aside = path.absolute().parent / f".gateparity-{os.getpid()}-{threading.get_ident()}"
    try:
        try:
            aside.write_bytes(data)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None
