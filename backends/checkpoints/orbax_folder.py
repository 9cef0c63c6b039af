"""Checkpoints of Orbax, which are folders: `_METADATA` in them is the file that names them.

Orbax reads the numbers in JAX's worker, since each array may be compressed and cut into parts.
Source: https://orbax.readthedocs.io/en/latest/guides/checkpoint/checkpoint_format.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

NAME: Final = "a checkpoint of Orbax"
START: Final = b'{"tree_metadata"'


def _read(source: Source) -> Contents:
    folder = str(source.path.absolute().parent)
    found = source.ask("jax", "gateparity.backends.jax.orbax:load", folder)
    arrays = {
        name: StoredArray(array.shape, found["dtypes"][name], _held(array))
        for name, array in found["arrays"].items()
    }
    return Contents(NAME, arrays)


def _held(array: Array) -> Callable[[], Array]:
    return lambda: array


FORMATS: Final = (Format(NAME, lambda source: source.head.startswith(START), _read),)
