"""An adapter in canonical parameters: packed before a call, unpacked after it, and checked.

Adapters contain no layout code. The rest of the suite runs an LSTM either as this class or as the
reference.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from gateparity.network.batch import Gradients, Outputs, Trace
from gateparity.protocol.adapter import (
    STATES,
    find_unsupported,
    make_uncompiled,
    weigh_y_alone,
)
from gateparity.protocol.guard import Guarded
from gateparity.protocol.repeated import ask_once, repeat
from gateparity.protocol.validation import check_batch, check_gradients, check_outputs, check_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.batch import Batch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Native, Parameters
    from gateparity.protocol.adapter import Adapter
    from gateparity.protocol.repeated import Questions


class Lstm(Protocol):
    """An LSTM over canonical parameters."""

    @property
    def differentiates(self) -> bool:
        """Return whether it has gradients; without them only its outputs are judged."""

    @property
    def traces(self) -> bool:
        """Return whether it has the method `gates`."""

    @property
    def lacks(self) -> frozenset[str]:
        """Return those of `STATES` that it doesn't have: they are left out of what is compared."""

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

    def repeated(self, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
        """Repeat calls of a method with each question's arguments, and return the answers.

        Raise `Impure` if answers to one question differ.
        """


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
    def traces(self) -> bool:
        """Return whether the adapter has gates and doesn't declare them unsupported."""
        return "gates" not in find_unsupported(self.adapter)

    @property
    def lacks(self) -> frozenset[str]:
        """Return those of `STATES` that the adapter declares unsupported."""
        return frozenset(STATES) & find_unsupported(self.adapter).keys()

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Run the adapter over a batch, and check the shapes of its outputs."""
        found: Outputs = self._call("forward", config, params, batch)
        return found

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Run the adapter, and return every pre-activation, gate and state."""
        found: Trace = self._call("gates", config, params, batch)
        return found

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Return the gradients of the parameters, and of x, h_0 and c_0, after checking shapes."""
        found: tuple[Parameters, Batch]
        found = self._call("gradients", config, params, batch, cotangent)
        return found

    def repeated(self, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
        """Repeat calls of a method, in the worker if the adapter runs in one.

        Return the answer to each of the questions. Raise `Impure`.
        """
        native = {name: self._pack(config, *asked) for name, asked in questions.items()}
        ask = getattr(self.adapter, "repeated", None) or partial(repeat, self.adapter)
        answers = ask(method, config, native)
        return {name: self._read(answers[name], config, *native[name]) for name in native}

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

    def _call(self, method: str, config: Config, *asked: Any) -> Any:
        native = self._pack(config, *asked)
        adapter = self._adapter_for(config, native[1])
        return self._read(getattr(adapter, method)(config, *native), config, *native)

    def _pack(
        self, config: Config, params: Parameters, batch: Batch, *cotangent: Outputs
    ) -> tuple[Any, ...]:
        """Return the arguments as the adapter takes them."""
        check_batch(batch, config)
        for part in cotangent:
            check_outputs(part, config, batch)
        native = self.adapter.layout.pack(params, config)
        if "final_states" in self.lacks:
            cotangent = tuple(map(weigh_y_alone, cotangent))
        return native, batch, *cotangent

    def _read(self, answer: Any, config: Config, native: Native, batch: Batch, *_: Outputs) -> Any:
        """Check the shapes of an answer, and return it with its gradients in canonical form."""
        if isinstance(answer, Trace):
            check_trace(answer, config, batch)
            return answer
        if isinstance(answer, Gradients):
            check_gradients(answer, config, native, batch, self.lacks)
            return self.adapter.layout.pullback(answer.params, config), answer.batch
        check_outputs(answer, config, batch, self.lacks)
        return Outputs(answer.y) if "final_states" in self.lacks else answer


@dataclasses.dataclass(frozen=True)
class Lacking:
    """An LSTM as somebody sees it who can't set initial states, or doesn't get the final ones.

    It is the truth for an adapter that lacks them.
    """

    lstm: Lstm
    lacks: frozenset[str]

    @property
    def differentiates(self) -> bool:
        """Return whether the LSTM inside has gradients."""
        return self.lstm.differentiates

    @property
    def traces(self) -> bool:
        """Return whether the LSTM inside has gates."""
        return self.lstm.traces

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

    def repeated(self, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
        """Answer each question as this LSTM does."""
        return dict(ask_once(self, method, config, questions))  # what is inside may keep a state


def make_lacking(lstm: Lstm, lacks: frozenset[str]) -> Lstm:
    """Return the LSTM as somebody sees it who lacks some of `STATES`, or itself for none."""
    return Lacking(lstm, lacks) if lacks else lstm
