"""An adapter in canonical parameters: packed before a call, unpacked after it, and checked.

Adapters contain no layout code. The rest of the suite runs an LSTM either as this class or as the
reference.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

from gateparity.network.batch import Outputs
from gateparity.protocol.adapter import (
    STATES,
    find_unsupported,
    make_uncompiled,
    weigh_y_alone,
)
from gateparity.protocol.guard import Guarded
from gateparity.protocol.validation import check_batch, check_gradients, check_outputs, check_trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.batch import Batch, Trace
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters
    from gateparity.protocol.adapter import Adapter


class Lstm(Protocol):
    """An LSTM over canonical parameters."""

    @property
    def differentiates(self) -> bool:
        """Return whether it has gradients; without them only its outputs are judged."""

    @property
    def lacks(self) -> frozenset[str]:
        """Those of `STATES` that it doesn't have: they are left out of what is compared."""

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Run the LSTM over a batch, and return its outputs."""

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Run the LSTM, and return every pre-activation, gate and state."""

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Return the gradients of the parameters, and of x, h_0 and c_0."""

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Load parameters into the LSTM's own weights, and read them back."""

    def guarded(self) -> Lstm:
        """Return the same LSTM; its calls raise `Impure` for side effects."""


@dataclasses.dataclass(frozen=True)
class Canonical:
    """An adapter behind its layout; calls raise errors for arrays of a wrong shape.

    `compiles` says for the config and the batch of a call whether the framework may compile it. If
    not, the call runs operation by operation in an adapter that can do so.
    """

    adapter: Adapter
    compiles: Callable[[Config, Batch], bool] = lambda _config, _batch: True

    @property
    def differentiates(self) -> bool:
        """Return whether the adapter has gradients and doesn't declare them unsupported."""
        return "gradients" not in find_unsupported(self.adapter)

    @property
    def lacks(self) -> frozenset[str]:
        """Those of `STATES` that the adapter declares unsupported."""
        return frozenset(STATES) & find_unsupported(self.adapter).keys()

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Run the adapter over a batch, and check the shapes of its outputs."""
        check_batch(batch, config)
        native = self.adapter.layout.pack(params, config)
        outputs = self._adapter_for(config, batch).forward(config, native, batch)
        check_outputs(outputs, config, batch, self.lacks)
        return Outputs(outputs.y) if "final_states" in self.lacks else outputs

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Run the adapter, and return every pre-activation, gate and state."""
        check_batch(batch, config)
        native = self.adapter.layout.pack(params, config)
        trace = self._adapter_for(config, batch).gates(config, native, batch)
        check_trace(trace, config, batch)
        return trace

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Return the gradients of the parameters, and of x, h_0 and c_0, after checking shapes."""
        check_batch(batch, config)
        check_outputs(cotangent, config, batch)
        native = self.adapter.layout.pack(params, config)
        if "final_states" in self.lacks:
            cotangent = weigh_y_alone(cotangent)
        adapter = self._adapter_for(config, batch)
        found = adapter.gradients(config, native, batch, cotangent)
        check_gradients(found, config, native, batch, self.lacks)
        return self.adapter.layout.pullback(found.params, config), found.batch

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Load parameters into the adapter's own weights, and read them back.

        An adapter without this method is assumed to hold the parameters as given.
        """
        native = self.adapter.layout.pack(params, config)
        keep = getattr(self.adapter, "weights", None)
        held = keep(config, native) if keep else native
        return self.adapter.layout.unpack(held, config)

    def guarded(self) -> Canonical:
        """Return the same LSTM with calls that raise `Impure` for side effects.

        The guard is in the worker if the adapter runs in one.
        """
        guarded = getattr(self.adapter, "guarded", None)
        adapter: Any = guarded() if guarded else Guarded(self.adapter)
        return Canonical(adapter, self.compiles)

    def _adapter_for(self, config: Config, batch: Batch) -> Adapter:
        adapter: Adapter = self.adapter
        return adapter if self.compiles(config, batch) else make_uncompiled(adapter)


@dataclasses.dataclass(frozen=True)
class Lacking:
    """An LSTM as somebody sees it who can't set initial states, or doesn't get the final ones.

    It is the truth for an adapter that lacks them.
    """

    lstm: Lstm
    lacks: frozenset[str]

    @property
    def differentiates(self) -> bool:
        """Whether the LSTM inside has gradients."""
        return self.lstm.differentiates

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Run it over a batch."""
        outputs = self.lstm.forward(config, params, batch)
        return Outputs(outputs.y) if "final_states" in self.lacks else outputs

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Run it and tell every pre-activation, gate and state."""
        return self.lstm.gates(config, params, batch)

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Differentiate it: gradients of the parameters, and of x, h_0 and c_0."""
        if "final_states" in self.lacks:
            cotangent = weigh_y_alone(cotangent)
        return self.lstm.gradients(config, params, batch, cotangent)

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Put parameters into its own weights and take them out again."""
        return self.lstm.weights(config, params)

    def guarded(self) -> Lacking:
        """Return the same LSTM, whose calls raise `Impure` for side effects."""
        return Lacking(self.lstm.guarded(), self.lacks)


def make_lacking(lstm: Lstm, lacks: frozenset[str]) -> Lstm:
    """Return the LSTM as somebody sees it who lacks some of `STATES`, or itself for none."""
    return Lacking(lstm, lacks) if lacks else lstm
