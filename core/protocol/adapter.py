"""The protocol between the suite and a framework: pure functions, NumPy arrays in and out.

Arrays are time-major, and no state is kept between calls. `Outputs` is also the type of a
cotangent, and a gradient has the type of what it is the gradient of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from gateparity.network.batch import Outputs, map_states
from gateparity.network.dtypes import DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.network.batch import Batch, Gradients, Trace
    from gateparity.network.config import Config
    from gateparity.network.parameters import Native
    from gateparity.packing.layout import Layout


STATES: Final = ("initial_states", "final_states")
FEATURES: Final = (  # the keys of `unsupported`: what checks and cases need, and training
    "gates",
    "gradients",
    "initial_states",
    "final_states",
    "lengths",
    *(dtype.lengths_feature for dtype in DTYPES.values() if dtype.lengths_feature),
    "zero_length",
    "empty_sequence",
    "empty_batch",
    *(dtype.feature for dtype in DTYPES.values() if dtype.feature),
    "train",
)


CALL_EXCEPTIONS: Final = {  # attributes that are False; each with its line of the manifest
    "threads": ("calls at once", "one, as the adapter declares"),
    "deterministic": ("equal calls", "may differ in their bits, as the adapter declares"),
}


class Adapter(Protocol):
    """One framework's LSTM. In your own adapter only `layout` and `forward` are required.

    A further method, `weights(config, params)`, is optional. It loads arrays into the framework's
    own weights and returns what those hold, by the names that they have there.

    So is `uncompiled()`, for an adapter that compiles a program for each shape: it returns the same
    adapter, which runs operation by operation. Checks ask for it where a shape appears once.

    Five attributes are optional too: `settings`, `rounding_model` and `engine` say what results
    depend on, how the adapter rounds, and which shipped framework computes it. `threads = False`
    says that it takes one call at a time, and `deterministic = False` that equal arguments may have
    answers with other bits (docs/adapters.md).
    """

    @property
    def name(self) -> str:
        """Return the adapter's name, `framework:variant`."""

    @property
    def version(self) -> str:
        """Return the framework's version."""

    @property
    def layout(self) -> Layout:
        """Return the layout of the parameters that the methods take."""

    @property
    def unsupported(self) -> Mapping[str, str]:
        """Return what the adapter can't do: keys from `FEATURES`, each with the reason."""

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Run the LSTM over a batch, and return its outputs."""

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Run the LSTM, and return every pre-activation, gate and state of every step."""

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """Return the gradients by the framework's own differentiation."""


def find_unsupported(adapter: Any) -> dict[str, str]:
    """Return what an adapter declares unsupported, and the optional methods that it lacks."""
    lacking = [name for name in ("gates", "gradients") if getattr(adapter, name, None) is None]
    missing = {name: describe_missing(adapter, name) for name in lacking}
    return missing | dict(getattr(adapter, "unsupported", {}))


def find_exceptions(adapter: Any) -> dict[str, str]:
    """Return what an adapter declares by `threads = False` and `deterministic = False`, in words.

    Raise `TypeError` for a text: the word "no" would count as true. A number is no declaration.
    """
    for name in CALL_EXCEPTIONS:
        if isinstance(getattr(adapter, name, True), str):
            raise TypeError(f"{name} is {getattr(adapter, name)!r}, expected True or False")
    declared = [name for name in CALL_EXCEPTIONS if declares_false(adapter, name)]
    return dict(CALL_EXCEPTIONS[name] for name in declared)


def declares_false(adapter: Any, name: str) -> bool:
    """Return whether an adapter has this one of `CALL_EXCEPTIONS` as `False`, and not as 0."""
    return getattr(adapter, name, True) is False


def describe_missing(adapter: Any, method: str) -> str:
    """Return the reason why a missing method is unsupported."""
    return f"{type(adapter).__name__} has no method {method}"


def make_uncompiled(adapter: Any) -> Any:
    """Return the adapter that runs operation by operation, or the adapter itself if it can't."""
    uncompiled = getattr(adapter, "uncompiled", None)
    return uncompiled() if callable(uncompiled) else adapter


def weigh_y_alone(cotangent: Outputs) -> Outputs:
    """Return the cotangent of an LSTM whose final states reach nobody: zeros for both of them."""
    return map_states(cotangent, np.zeros_like)
