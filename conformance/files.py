"""Files that are whole or not there: written aside, then renamed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gateparity.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def check_writable(path: Path) -> None:
    """Raise `InputError` before the work starts if its result couldn't be written to `path`."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path} can't be written: there is no folder {folder}")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"{path} can't be written: it is a folder, or in a read-only one")


def write_text(path: Path, text: str) -> None:
    """Replace the file at `path`; raises `InputError` if that fails, and leaves the old one."""
    aside = path.absolute().parent / f".gateparity-{os.getpid()}"
    try:
        try:
            aside.write_text(text, "utf-8")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None
