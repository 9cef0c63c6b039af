"""gateparity: one LSTM in every framework at once, with proof that they agree.

Public names are loaded on first use: `import gateparity` costs next to nothing and imports no
framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateparity.adapter import Adapter as Adapter
    from gateparity.adapter import Batch as Batch
    from gateparity.adapter import Gradients as Gradients
    from gateparity.adapter import Outputs as Outputs
    from gateparity.adapter import Trace as Trace
    from gateparity.adapter import Unsupported as Unsupported
    from gateparity.config import Config as Config
    from gateparity.conformance.api import assert_parity as assert_parity
    from gateparity.conformance.api import check as check
    from gateparity.conformance.api import check_adapter as check_adapter
    from gateparity.conformance.testing import ParityTests as ParityTests
    from gateparity.errors import InputError as InputError
    from gateparity.layout import Layout as Layout
    from gateparity.layouts import LAYOUTS as LAYOUTS
    from gateparity.parameters import Cell as Cell
    from gateparity.tensor import Tensor as Tensor

_HOMES: Final = {
    "gateparity.adapter": ("Adapter", "Batch", "Gradients", "Outputs", "Trace", "Unsupported"),
    "gateparity.config": ("Config",),
    "gateparity.conformance.api": ("assert_parity", "check", "check_adapter"),
    "gateparity.conformance.testing": ("ParityTests",),
    "gateparity.errors": ("InputError",),
    "gateparity.layout": ("Layout",),
    "gateparity.layouts": ("LAYOUTS",),
    "gateparity.parameters": ("Cell",),
    "gateparity.tensor": ("Tensor",),
}
_MODULES: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_MODULES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
