"""An adapter seen in canonical parameters: packed before a call, unpacked after it, and checked.

Adapters hold no layout code. What all of the suite calls an LSTM is this, or the truth.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

from gateparity.adapter import (
    STATES,
    check_batch,
    check_gradients,
    check_outputs,
    check_trace,
    drop_final_states,
    find_unsupported,
    weigh_y_alone,
)
from gateparity.guard import Guarded

if TYPE_CHECKING:
    from gateparity.adapter import Adapter, Batch, Outputs, Trace
    from gateparity.config import Config
    from gateparity.parameters import Parameters


class Lstm(Protocol):
    """An LSTM over canonical parameters."""

    @property
    def differentiates(self) -> bool:
        """Whether it has gradients; without them its outputs alone are judged."""
        ...

    @property
    def lacks(self) -> frozenset[str]:
        """Those of `STATES` that it doesn't have: they are left out of what is compared."""
        ...

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Run it over a batch."""
        ...

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Run it and tell every pre-activation, gate and state."""
        ...

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Differentiate it: gradients of the parameters, and of x, h_0 and c_0."""
        ...

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Put parameters into its own weights and take them out again."""
        ...

    def guarded(self) -> Lstm:
        """The same one, whose calls raise `Impure` for what they do beside answering."""
        ...


@dataclasses.dataclass(frozen=True)
class Canonical:
    """An adapter behind its layout. Raises where a question or an answer has the wrong shape."""

    adapter: Adapter

    @property
    def differentiates(self) -> bool:
        """Whether the adapter has the method, and doesn't declare it unsupported."""
        return "gradients" not in find_unsupported(self.adapter)

    @property
    def lacks(self) -> frozenset[str]:
        """Those of `STATES` that the adapter declares unsupported."""
        return frozenset(STATES) & find_unsupported(self.adapter).keys()

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Run it over a batch."""
        check_batch(batch, config)
        native = self.adapter.layout.pack(params, config)
        outputs = self.adapter.forward(config, native, batch)
        check_outputs(outputs, config, batch, self.lacks)
        return drop_final_states(outputs, batch) if "final_states" in self.lacks else outputs

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Run it and tell every pre-activation, gate and state."""
        check_batch(batch, config)
        native = self.adapter.layout.pack(params, config)
        trace = self.adapter.gates(config, native, batch)
        check_trace(trace, config, batch)
        return trace

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Differentiate it: gradients of the parameters, and of x, h_0 and c_0."""
        check_batch(batch, config)
        check_outputs(cotangent, config, batch)
        native = self.adapter.layout.pack(params, config)
        if "final_states" in self.lacks:
            cotangent = weigh_y_alone(cotangent)
        found = self.adapter.gradients(config, native, batch, cotangent)
        check_gradients(found, config, native, batch, self.lacks)
        return self.adapter.layout.pullback(found.params, config), found.batch

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Put parameters into its own weights and take them out again.

        An adapter that doesn't tell how is believed to keep what it is given.
        """
        native = self.adapter.layout.pack(params, config)
        keep = getattr(self.adapter, "weights", None)
        held = keep(config, native) if keep else native
        return self.adapter.layout.unpack(held, config)

    def guarded(self) -> Canonical:
        """The same one, whose calls raise `Impure`: on the far side, if the adapter has one."""
        guarded = getattr(self.adapter, "guarded", None)
        adapter: Any = guarded() if guarded else Guarded(self.adapter)
        return Canonical(adapter)


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
        return drop_final_states(outputs, batch) if "final_states" in self.lacks else outputs

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
        """The same one, whose calls raise `Impure` for what they do beside answering."""
        return Lacking(self.lstm.guarded(), self.lacks)


def make_lacking(lstm: Lstm, lacks: frozenset[str]) -> Lstm:
    """Return the LSTM as somebody sees it who lacks some of `STATES`, or itself for none."""
    return Lacking(lstm, lacks) if lacks else lstm
