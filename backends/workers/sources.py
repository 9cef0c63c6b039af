"""Other sources for modules in a worker, in place of those that were shipped.

The importer that runs them is the one that runs the shipped ones (bootstrap.py).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def replace_sources(sources: Mapping[str, str], forget: Sequence[str]) -> None:
    """Replace the sources of modules by full name, and forget the modules named in `forget`.

    The next import runs a forgotten module anew, from the source that it then has.
    """
    shipped: Any = next(finder for finder in sys.meta_path if hasattr(finder, "sources"))
    for name, source in sources.items():
        shipped.sources[name] = shipped.sources[name][0], source
    for name in forget:
        sys.modules.pop(name, None)
        package, _, module = name.rpartition(".")
        vars(sys.modules.get(package, sys)).pop(module, None)
