"""Recurrent layers among arrays that a file knows by name alone.

Each module `names_*` of this folder knows how one framework names them. It has `find(arrays)`,
which returns the layers with its own names, and none with another framework's.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gateparity.backends import checkpoints

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray

Finder = Callable[["Mapping[str, StoredArray]"], "list[FoundLayer]"]


def find_layers(arrays: Mapping[str, StoredArray]) -> tuple[FoundLayer, ...]:
    """Return the recurrent layers that any framework's names show, in the order of the file."""
    found = [layer for find in known_finders() for layer in find(arrays)]
    places = {id(array): place for place, array in enumerate(arrays.values())}
    return tuple(sorted(found, key=lambda layer: _first(layer, places)))


@functools.cache
def known_finders() -> list[Finder]:
    """Return `find` of every module `names_*` in this folder."""
    names = sorted(module.name for module in pkgutil.iter_modules(checkpoints.__path__))
    modules = [
        importlib.import_module(f"{checkpoints.__name__}.{name}")
        for name in names
        if name.startswith("names_")
    ]
    return [module.find for module in modules]


def _first(layer: FoundLayer, places: Mapping[int, int]) -> int:
    return min((places.get(id(array), len(places)) for array in layer.arrays.values()), default=0)
