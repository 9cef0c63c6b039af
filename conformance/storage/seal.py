"""A checksum over all that a file holds, which detects accidents but no forgery.

It finds a byte that a disk, a transfer or an editor changed. Whoever changes a file on purpose can
compute the checksum again.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.parameters import Array

UNSEALED: Final = "was written by gateparity 0.1.0 and has no checksum: damage can't be seen"
_KEY: Final = "sha256"


def seal(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata with a checksum of itself and of the arrays added."""
    return {**words, _KEY: _digest(arrays, words)}


def check_seal(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> None:
    """Raise `InputError` unless the checksum fits the contents."""
    held = {name: value for name, value in words.items() if name != _KEY}
    if words.get(_KEY) != _digest(arrays, held):
        raise InputError("it was changed after it was written: its checksum is another one")


def _digest(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        plain = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        digest.update(f"{name!r} {plain.dtype.str} {plain.shape}".encode("utf-8", "replace"))
        digest.update(plain.tobytes())
    return digest.hexdigest()
