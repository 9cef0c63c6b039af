"""The user's own file that a run's weights or inputs come from, if there is one."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Source:
    """The options that name the file, quoted for a shell, and its SHA-256; empty without a file."""

    options: str = ""
    sha256: str = ""


def source_of(path: Path, **options: object) -> Source:
    """Return the source that these options name; an option of None was not given."""
    words = [
        f"--{name} {shlex.quote(str(value))}"
        for name, value in options.items()
        if value is not None
    ]
    with path.open("rb") as file:
        return Source(" ".join(words), hashlib.file_digest(file, "sha256").hexdigest())
