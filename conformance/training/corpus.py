"""The text to train on: a file, The Time Machine from its address, or Python's own help."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from gateparity.conformance.problems.text import encode_text, read_text
from gateparity.errors import InputError
from gateparity.files import write_bytes

if TYPE_CHECKING:
    from gateparity.conformance.problems.text import Text

URL: Final = "https://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt"  # d2l's own
SHA1: Final = "090b5e7e70c295757f55df93cb0a180b9691891a"
VARIABLE: Final = "GATEPARITY_TEXT"
_LARGEST: Final = 2**20  # bytes; it has 178,979
_WAIT: Final = 30.0  # seconds


def named_text(path: Path | None) -> Path | None:
    """Return the file of `--text`, else of `GATEPARITY_TEXT`, if there is one."""
    named = os.environ.get(VARIABLE)
    return path or (Path(named) if named else None)


def choose_text(path: Path | None, *, download: bool) -> Text:
    """Return the text of `--text`, `--download`, `GATEPARITY_TEXT` or Python's own help topics.

    The first of them that is given counts. Raise `InputError` if `--text` and `--download` are both
    given, or the text can't be read.
    """
    if path and download:
        raise InputError("--text and --download exclude each other")
    if path:
        return read_text(path)
    if download:
        return read_text(download_text())
    if named := named_text(None):
        return read_text(named)
    from pydoc_data.topics import topics

    return encode_text("\n".join(topics[name] for name in sorted(topics)), "pydoc_data.topics")


def download_text(url: str = URL, sha1: str = SHA1, folder: Path | None = None) -> Path:
    """Return the file in the user's cache folder, downloaded if it isn't there.

    Raise `InputError` for an address that doesn't answer, and for a file with another SHA-1, which
    is not kept.
    """
    folder = folder or platformdirs.user_cache_path("gateparity")
    path = folder / "timemachine.txt"
    if path.is_file() and _sha1(path.read_bytes()) == sha1:
        return path
    data = _fetch(url)
    if (found := _sha1(data)) != sha1:
        raise InputError(f"{url} has SHA-1 {found}, expected {sha1}: it isn't kept")
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)
    return path


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_WAIT) as answer:  # noqa: S310  the URL is ours
            data: bytes = answer.read(_LARGEST + 1)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"{url} can't be fetched ({reason}): fetch it another way, and name it with --text"
        ) from None
    if len(data) > _LARGEST:
        raise InputError(f"{url} has more than {_LARGEST} bytes, expected The Time Machine")
    return data


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
