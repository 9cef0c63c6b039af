"""Mistakes as wrappers: functions that change what goes into an LSTM, what comes out, or both.

The gradients are those of the wrong LSTM, as a framework's own differentiation would find them: a
mistake in what goes in or comes out is a function, and the gradients go through its transpose. If
the function only moves numbers, `transpose.pull_back` finds it. Mistakes wrap one another in any
order; one in the equations reaches through the wrappers to the truth inside.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from gateparity.conformance.mistakes.transpose import pull_back
from gateparity.network.batch import map_arrays
from gateparity.protocol.guard import Guarded
from gateparity.protocol.repeated import ask_once, repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.backends.numpy.scratch import Scratch
    from gateparity.conformance.judgement.truth import Truth
    from gateparity.network.batch import Batch, Outputs, Trace
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters
    from gateparity.protocol.repeated import Questions

    # The reference is always innermost; wrappers go around it in any order.
    Wrappable: TypeAlias = "Truth | Wrapped"
    Apply = Callable[[Wrappable], Wrappable]
    Found = tuple[Parameters, Batch]  # gradients


@dataclasses.dataclass(frozen=True)
class Wrapper:
    """One mistake: a function for each method, called with the inner LSTM and the arguments.

    By default each function calls the inner LSTM's method and changes nothing. `keeps_state` says
    that a call may depend on those before it, or beside it.
    """

    forward: Callable[..., Outputs] = lambda lstm, *asked: lstm.forward(*asked)
    gates: Callable[..., Trace] = lambda lstm, *asked: lstm.gates(*asked)
    gradients: Callable[..., Found] = lambda lstm, *asked: lstm.gradients(*asked)
    weights: Callable[..., Parameters] = lambda lstm, *asked: lstm.weights(*asked)
    accept: Callable[..., Config] = lambda lstm, *asked: lstm.accept(*asked)
    keeps_state: bool = False

    def __call__(self, lstm: Wrappable) -> Wrapped:
        """Wrap the mistake around an LSTM."""
        return Wrapped(lstm, self)


@dataclasses.dataclass(frozen=True)
class Wrapped:
    """An LSTM with a mistake around it. It refuses the arguments that the reference refuses."""

    lstm: Wrappable
    wrapper: Wrapper
    differentiates: ClassVar[bool] = True
    traces: ClassVar[bool] = True
    lacks: ClassVar[frozenset[str]] = frozenset()

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Return the wrong LSTM's outputs and final states."""
        # A change could hide a wrong argument, such as a wrong shape, so arguments are checked
        # before it.
        self.accept(config, params, batch)
        return self.wrapper.forward(self.lstm, config, params, batch)

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Return the wrong LSTM's pre-activations, gates and states."""
        self.accept(config, params, batch)
        return self.wrapper.gates(self.lstm, config, params, batch)

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        """Return the wrong LSTM's gradients of the parameters, and of x, h_0 and c_0."""
        self.accept(config, params, batch, cotangent)
        return self.wrapper.gradients(self.lstm, config, params, batch, cotangent)

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Return the parameters as they come back from the wrong LSTM's own weights."""
        return self.wrapper.weights(self.lstm, config, params)

    def accept(self, config: Config, params: Parameters, *asked: Any) -> Config:
        """Raise `ValueError` or `TypeError` for arguments that don't fit the config."""
        return self.wrapper.accept(self.lstm, config, params, *asked)

    def guarded(self) -> Guarded | Wrapped:
        """Return the same LSTM under guard, inside all copies: a guard has to see the originals.

        An LSTM without side effects stays as it is: the calls of a guard are one calculation.
        """
        return Guarded(without_copies(self)) if self.has_side_effects else self

    def repeated(self, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
        """Return the wrong LSTM's answers. Raise `Impure` if repeated calls differ."""
        ask = repeat if self.keeps_state else ask_once
        return ask(self, method, config, questions)

    @property
    def has_side_effects(self) -> bool:
        """Return whether any mistake around the reference is isolated by copies."""
        inner = getattr(self.lstm, "has_side_effects", False)
        return self.wrapper is ISOLATED or inner

    @property
    def keeps_state(self) -> bool:
        """Return whether any mistake around the reference keeps state between calls.

        Without one the calls of a question are one calculation, so a single call will do.
        """
        return self.wrapper.keeps_state or getattr(self.lstm, "keeps_state", False)


def _behind_copies(method: str) -> Callable[..., Any]:
    return lambda lstm, *asked: _copied(getattr(lstm, method)(*_copied(asked)))


# Arguments and results are copied, as between two processes. A mistake that writes to its arguments
# must not spoil those of the caller. In practice a worker is in between, and only the guard inside
# it sees such a write. So these copies mark a mistake that has side effects.
ISOLATED: Final = Wrapper(
    forward=_behind_copies("forward"),
    gates=_behind_copies("gates"),
    gradients=_behind_copies("gradients"),
    weights=_behind_copies("weights"),
)


def on_params(
    change: Callable[[Parameters, Config], Parameters],
    transpose: Callable[[Parameters, Config], Parameters] | None = None,
) -> Wrapper:
    """Put other parameters in. A change that does more than move numbers has a `transpose`."""

    def back(d_params: Parameters, config: Config) -> Parameters:
        return pull_back(lambda params: change(params, config), d_params, like=d_params)

    def gradients(lstm: Wrappable, config: Config, params: Parameters, *asked: Any) -> Found:
        # With L(change(p)) as the wrong LSTM, the chain rule gives its gradient: the gradient of L
        # at change(p), multiplied by the transpose of the change. The same holds for inputs and
        # outputs.
        d_params, d_batch = lstm.gradients(config, change(params, config), *asked)
        return (transpose or back)(d_params, config), d_batch

    return Wrapper(
        lambda lstm, config, params, batch: lstm.forward(config, change(params, config), batch),
        lambda lstm, config, params, batch: lstm.gates(config, change(params, config), batch),
        gradients,
    )


def on_batch(
    change: Callable[[Batch, Config], Batch],
    transpose: Callable[[Batch, Batch, Config], Batch] | None = None,
) -> Wrapper:
    """Put other inputs in, by a change that moves numbers or with its transpose.

    A transpose takes `(d_batch, batch, config)`.
    """

    def back(d_batch: Batch, batch: Batch, config: Config) -> Batch:
        def move(places: Batch) -> Batch:
            moved = change(dataclasses.replace(places, lengths=batch.lengths), config)
            return dataclasses.replace(moved, lengths=None)

        return pull_back(move, d_batch, like=d_batch)

    def gradients(
        lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        # `batch` is passed to the transpose too: a change that depends on lengths needs them.
        found = lstm.gradients(config, params, change(batch, config), cotangent)
        return found[0], (transpose or back)(found[1], batch, config)

    return Wrapper(
        lambda lstm, config, params, batch: lstm.forward(config, params, change(batch, config)),
        lambda lstm, config, params, batch: lstm.gates(config, params, change(batch, config)),
        gradients,
    )


def on_outputs(
    change: Callable[[Outputs, Batch, Config], Outputs],
    transpose: Callable[[Outputs, Batch, Config], Outputs] | None = None,
) -> Wrapper:
    """Put other outputs out, by a change that moves numbers or with its transpose.

    A transpose takes `(cotangent, batch, config)`.
    """

    def back(cotangent: Outputs, batch: Batch, config: Config) -> Outputs:
        return pull_back(lambda o: change(o, batch, config), cotangent, like=cotangent)

    def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        return change(lstm.forward(config, params, batch), batch, config)

    return dataclasses.replace(on_cotangent(transpose or back), forward=forward)


def on_cotangent(change: Callable[[Outputs, Batch, Config], Outputs]) -> Wrapper:
    """Return a mistake that changes the cotangent before backpropagation."""

    def gradients(
        lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        # Only gradients depend on the cotangent, so outputs stay right.
        return lstm.gradients(config, params, batch, change(cotangent, batch, config))

    return Wrapper(gradients=gradients)


def on_trace(change: Callable[[Trace, Parameters, Config], Trace]) -> Wrapper:
    """Return a mistake that changes the reported trace."""

    def gates(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Trace:
        return change(lstm.gates(config, params, batch), params, config)

    return Wrapper(gates=gates)


def replace_equations(lstm: Wrappable, change: Callable[[Scratch], Scratch]) -> Wrappable:
    """Return the same LSTM with other equations inside, below all wrappers."""
    # Rebuild the wrappers around the changed reference, so that several mistakes can be combined
    # whatever their order.
    if isinstance(lstm, Wrapped):
        return dataclasses.replace(lstm, lstm=replace_equations(lstm.lstm, change))
    # A changed copy: the reference itself is shared, and must stay right for the next mistake.
    return dataclasses.replace(lstm, scratch=change(lstm.scratch))


def without_copies(lstm: Wrappable) -> Wrappable:
    """Return the same LSTM without copies."""
    # The guard compares arguments before and after a call. Behind copies it would never see a
    # write.
    if not isinstance(lstm, Wrapped):
        return lstm
    inner = without_copies(lstm.lstm)
    return inner if lstm.wrapper is ISOLATED else dataclasses.replace(lstm, lstm=inner)


def _copied(tree: Any) -> Any:
    return map_arrays(lambda array: array.copy(), tree)
