"""gateparity: one LSTM in every framework at once, with proof that they agree.

Public names are loaded on first use: `import gateparity` costs next to nothing and imports no
framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from gateparity.moved import RENAMED, keep_old_addresses, renamed

if TYPE_CHECKING:
    from gateparity.backends.live.objects import Weights as Weights
    from gateparity.backends.live.objects import load as load
    from gateparity.backends.live.objects import read as read
    from gateparity.backends.live.search import find_layers as find_layers
    from gateparity.conformance.api import assert_parity as assert_parity
    from gateparity.conformance.api import check as check
    from gateparity.conformance.api import check_adapter as check_adapter
    from gateparity.conformance.networks.compare import compare_live as compare_live
    from gateparity.conformance.problems.case import Case as Case
    from gateparity.conformance.testing import ParityTests as ParityTests
    from gateparity.errors import InputError as InputError
    from gateparity.errors import Unsupported as Unsupported
    from gateparity.layouts import LAYOUTS as LAYOUTS
    from gateparity.network.batch import Batch as Batch
    from gateparity.network.batch import Gradients as Gradients
    from gateparity.network.batch import Outputs as Outputs
    from gateparity.network.batch import Trace as Trace
    from gateparity.network.config import Config as Config
    from gateparity.network.parameters import CellWeights as CellWeights
    from gateparity.packing.array_spec import ArraySpec as ArraySpec
    from gateparity.packing.layout import Layout as Layout
    from gateparity.protocol.adapter import Adapter as Adapter

_HOMES: Final = {
    "gateparity.backends.live.objects": ("Weights", "load", "read"),
    "gateparity.backends.live.search": ("find_layers",),
    "gateparity.conformance.networks.compare": ("compare_live",),
    "gateparity.conformance.api": ("assert_parity", "check", "check_adapter"),
    "gateparity.conformance.networks.difference": ("diff",),
    "gateparity.conformance.problems.case": ("Case",),
    "gateparity.conformance.testing": ("ParityTests",),
    "gateparity.errors": ("InputError", "Unsupported"),
    "gateparity.layouts": ("LAYOUTS",),
    "gateparity.network.batch": ("Batch", "Gradients", "Outputs", "Trace"),
    "gateparity.network.config": ("Config",),
    "gateparity.network.parameters": ("CellWeights",),
    "gateparity.packing.layout": ("Layout",),
    "gateparity.packing.array_spec": ("ArraySpec",),
    "gateparity.protocol.adapter": ("Adapter",),
}
keep_old_addresses()
_MODULES: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_MODULES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in RENAMED:
        return renamed(name)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
