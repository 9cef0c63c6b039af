"""Causes of a failed environment, and the remedy for each, in one line for the user."""

from __future__ import annotations

import errno
import re
import shutil
from typing import TYPE_CHECKING, Final

from gateparity.backends.environments.interpreters import RunError

if TYPE_CHECKING:
    from pathlib import Path

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_UNREACHED: Final = re.compile(
    r"connection broken by|not a trusted or secure host|Could not fetch URL \S+: (?!404)"
)
_INDEXES: Final = re.compile(r"Looking in indexes: (.*)")
_NO_VERSION: Final = re.compile(r"No matching distribution found for (\S+)")
_VERSIONS: Final = re.compile(r"from versions: ([^)]*)\)")
_SHOWN: Final = 6  # versions


def explain(error: Exception, folder: Path) -> str:
    """Return the cause and the remedy in one line; an unknown cause is quoted as it is.

    `folder` is where environments are kept.
    """
    lines = error.lines if isinstance(error, RunError) else (str(error),)
    text = "\n".join(lines)
    code = error.errno if isinstance(error, OSError) else _errno(text)
    if code in _FULL:
        return f"the disk is full ({_free(folder)} free at {folder}): make room there"
    if code in _CLOSED:
        return f"{error} (name a folder of your own in GATEPARITY_ENVS): allow writing there"
    if _UNREACHED.search(text):
        return "the package index can't be reached: mend the network, or pip's settings"
    if found := _NO_VERSION.search(text):
        return _no_version(found[1], text)
    return f"{error}: mend the cause"


def _no_version(requirement: str, text: str) -> str:
    listed = _VERSIONS.search(text)
    versions = [v.strip() for v in listed[1].split(",")] if listed else []
    if versions in ([], ["none"]):
        found = _INDEXES.search(text)
        where = found[1] if found else "the package index"
        return f"no {requirement} for this Python is in {where}: mend the name, or pip's settings"
    shown = ", ".join(([] if len(versions) <= _SHOWN else ["..."]) + versions[-_SHOWN:])
    return (
        f"the package index has no {requirement} for this Python (it has {shown}): "
        "ask for one of those, or for another Python with --python"
    )


def _errno(text: str) -> int | None:
    found = re.findall(r"\[Errno (\d+)\]", text)
    return int(found[-1]) if found else None


def _free(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e6:.0f} MB"
