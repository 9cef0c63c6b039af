"""What a checkpoint format is: how its files are recognised, and how they become a state_dict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

Arrays = Mapping[str, "Array"]  # by PyTorch's names, as a state_dict has them
LoadTorch = Callable[[bytes], "dict[str, Array]"]  # unpacks a .pt file in PyTorch's worker


@dataclass(frozen=True)
class Format:
    """A kind of file, recognised by its content. `suffix` is for help texts: it is often wrong.

    `read` raises `ValueError` for a damaged file. Its arrays have the names and shapes of a
    state_dict; a format with another layout converts its arrays: `TORCH.pack(OTHER.unpack(...))`.
    Without `read`, a file is refused by the format's name.

    The first format that matches reads the file. Those of a lower `order` are asked first: a format
    that takes any zip archive, or any file, comes after those that look for their own members.
    """

    name: str
    matches: Callable[[bytes], bool]
    read: Callable[[bytes, LoadTorch], Arrays] | None = None
    suffix: str = ""
    order: int = 0


class OtherKind(ValueError):
    """Raised by `read` for a file of another kind, in words that say which."""
