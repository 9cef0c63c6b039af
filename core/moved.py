"""Old addresses and names of what adapters written for 0.1.0 import, kept for one release.

`from gateparity.adapter import Batch` works as before, with one `DeprecationWarning` for each old
address, and `gateparity.Cell`, now `CellWeights`, works too. Nothing but the standard library is
imported before somebody asks for a name. `network/deprecated.py` has the old spelling of states.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from typing import Any, Final

from gateparity.network.deprecated import USED, warn

_HOMES: Final = {
    "gateparity.adapter": (
        "gateparity.protocol.adapter",
        "gateparity.protocol.validation",
        "gateparity.network.batch",
        "gateparity.errors",
    ),
    "gateparity.config": ("gateparity.network.config",),
    "gateparity.layout": ("gateparity.packing.layout",),
    "gateparity.origin": ("gateparity.packing.origin",),
    "gateparity.parameters": ("gateparity.network.parameters",),
    "gateparity.tensor": ("gateparity.packing.array_spec",),
    "gateparity.training": ("gateparity.protocol.training",),
}
RENAMED: Final = {"Cell": "CellWeights", "Tensor": "ArraySpec"}  # public names


class _Moved(types.ModuleType):
    """A module that is elsewhere now, in one or several."""

    def __getattr__(self, name: str) -> Any:
        homes = () if name.startswith("__") else _HOMES[self.__name__]
        name = RENAMED.get(name, name)
        for home in homes:
            module = importlib.import_module(home)
            if hasattr(module, name):
                self._warn(name, home)
                return getattr(module, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def _warn(self, name: str, home: str) -> None:
        if self.__name__ not in USED:
            package = importlib.import_module("gateparity")
            new = "gateparity" if name in package.__all__ else home
            warn(self.__name__, f"import {name} from {new}")


def renamed(name: str) -> Any:
    """Return what gateparity has under a new name. The first time, warn about the old one."""
    package, new = importlib.import_module("gateparity"), RENAMED[name]
    if f"gateparity.{name}" not in USED:
        warn(f"gateparity.{name}", f"it is gateparity.{new}")
    return getattr(package, new)


def keep_old_addresses() -> None:
    """Make the old addresses importable."""
    for name in _HOMES:
        module = _Moved(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules.setdefault(name, module)
