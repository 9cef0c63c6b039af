"""What a checkpoint format is: how its files are recognised, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import Source


@dataclass(frozen=True)
class Format:
    """A kind of file, recognised by its content. `suffix` is for help texts: it is often wrong.

    `read` raises `ValueError` for a damaged file. It reads headers alone: the arrays of its
    `Contents` are read from the open source when they are asked for. Without `read`, a file is
    refused by the format's name, and `advice` says what the user can do.

    The first format that matches reads the file. Those of a lower `order` are asked first: a format
    that takes any zip archive, or any file, comes after those that look for their own members.
    """

    name: str
    matches: Callable[[Source], bool]
    read: Callable[[Source], Contents] | None = None
    suffix: str = ""
    order: int = 0
    advice: str = ""


class OtherKind(ValueError):
    """Raised by `read` for a file of another kind, in words that say which."""
