"""How an LSTM is made wrong: by functions that stand between it and whoever asks, or inside it.

A mistake in what goes in or comes out is a function and its transpose, so that the gradients are
those of the wrong LSTM, as a framework's own differentiation would find them. Mistakes wrap one
another in any order; one in the equations reaches through the wrappers to the truth inside.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from gateparity.guard import Guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Outputs, Trace
    from gateparity.backends.numpy import Scratch
    from gateparity.config import Config
    from gateparity.conformance.truth import Truth
    from gateparity.parameters import Parameters

    Bendable: TypeAlias = "Truth | Bent | Far"
    Apply = Callable[[Bendable], Bendable]
    Found = tuple[Parameters, Batch]  # gradients


@dataclasses.dataclass(frozen=True)
class Bend:
    """What is done instead of each method: functions of the LSTM inside and of what was asked."""

    forward: Callable[..., Outputs] = lambda lstm, *asked: lstm.forward(*asked)
    gates: Callable[..., Trace] = lambda lstm, *asked: lstm.gates(*asked)
    gradients: Callable[..., Found] = lambda lstm, *asked: lstm.gradients(*asked)
    weights: Callable[..., Parameters] = lambda lstm, *asked: lstm.weights(*asked)
    accept: Callable[..., Config] = lambda lstm, *asked: lstm.accept(*asked)

    def __call__(self, lstm: Bendable) -> Bent:
        """Apply the mistake."""
        return Bent(lstm, self)


@dataclasses.dataclass(frozen=True)
class Bent:
    """An LSTM with a mistake around it. What the truth refuses is refused here as well."""

    lstm: Bendable
    bend: Bend
    differentiates: ClassVar[bool] = True
    lacks: ClassVar[frozenset[str]] = frozenset()

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Outputs and final states."""
        self.accept(config, params, batch)
        return self.bend.forward(self.lstm, config, params, batch)

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Every pre-activation, gate and state."""
        self.accept(config, params, batch)
        return self.bend.gates(self.lstm, config, params, batch)

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        """Gradients of the parameters, and of x, h_0 and c_0."""
        self.accept(config, params, batch, cotangent)
        return self.bend.gradients(self.lstm, config, params, batch, cotangent)

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Into its own weights and back."""
        return self.bend.weights(self.lstm, config, params)

    def accept(self, config: Config, params: Parameters, *asked: Any) -> Config:
        """Refuse what doesn't fit the config."""
        return self.bend.accept(self.lstm, config, params, *asked)

    def guarded(self) -> Guarded:
        """The same one under guard, which stands on its side of a wire."""
        return Guarded(_near(self))


@dataclasses.dataclass(frozen=True)
class Far:
    """An LSTM behind a wire: what it is asked and what it answers is copied on the way."""

    lstm: Bendable
    differentiates: ClassVar[bool] = True
    lacks: ClassVar[frozenset[str]] = frozenset()

    def forward(self, *asked: Any) -> Outputs:
        """Outputs and final states."""
        found: Outputs = _copied(self.lstm.forward(*_copied(asked)))
        return found

    def gates(self, *asked: Any) -> Trace:
        """Every pre-activation, gate and state."""
        found: Trace = _copied(self.lstm.gates(*_copied(asked)))
        return found

    def gradients(self, *asked: Any) -> Found:
        """Gradients of the parameters, and of x, h_0 and c_0."""
        found: Found = _copied(self.lstm.gradients(*_copied(asked)))
        return found

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Into its own weights and back."""
        found: Parameters = _copied(self.lstm.weights(config, _copied(params)))
        return found

    def accept(self, config: Config, params: Parameters, *asked: Any) -> Config:
        """Refuse what doesn't fit the config."""
        return self.lstm.accept(config, params, *asked)

    def guarded(self) -> Guarded:
        """The same one under guard, which stands on the far side."""
        return Guarded(_near(self.lstm))


def on_params(
    change: Callable[[Parameters, Config], Parameters],
    pull_back: Callable[[Parameters, Config], Parameters],
) -> Bend:
    """Other parameters go in; `pull_back` takes their gradients to those that were given."""

    def gradients(lstm: Bendable, config: Config, params: Parameters, *asked: Any) -> Found:
        d_params, d_batch = lstm.gradients(config, change(params, config), *asked)
        return pull_back(d_params, config), d_batch

    return Bend(
        lambda lstm, config, params, batch: lstm.forward(config, change(params, config), batch),
        lambda lstm, config, params, batch: lstm.gates(config, change(params, config), batch),
        gradients,
    )


def on_batch(
    change: Callable[[Batch, Config], Batch],
    pull_back: Callable[[Batch, Batch, Config], Batch],
) -> Bend:
    """Other inputs go in; `pull_back(d_batch, batch, config)` is the transpose."""

    def gradients(
        lstm: Bendable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        found = lstm.gradients(config, params, change(batch, config), cotangent)
        return found[0], pull_back(found[1], batch, config)

    return Bend(
        lambda lstm, config, params, batch: lstm.forward(config, params, change(batch, config)),
        lambda lstm, config, params, batch: lstm.gates(config, params, change(batch, config)),
        gradients,
    )


def on_outputs(
    change: Callable[[Outputs, Batch, Config], Outputs],
    transpose: Callable[[Outputs, Batch, Config], Outputs] | None,
) -> Bend:
    """Other outputs come out; `transpose(cotangent, batch, config)` goes the other way.

    Without one, gradients are those of the right outputs.
    """

    def forward(lstm: Bendable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        return change(lstm.forward(config, params, batch), batch, config)

    around = on_cotangent(transpose) if transpose else Bend()
    return dataclasses.replace(around, forward=forward)


def on_cotangent(change: Callable[[Outputs, Batch, Config], Outputs]) -> Bend:
    """Backpropagation begins from another cotangent."""

    def gradients(
        lstm: Bendable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        return lstm.gradients(config, params, batch, change(cotangent, batch, config))

    return Bend(gradients=gradients)


def on_trace(change: Callable[[Trace, Parameters, Config], Trace]) -> Bend:
    """Another trace is told."""

    def gates(lstm: Bendable, config: Config, params: Parameters, batch: Batch) -> Trace:
        return change(lstm.gates(config, params, batch), params, config)

    return Bend(gates=gates)


def on_weights(change: Callable[[Parameters, Config], Parameters]) -> Bend:
    """Other parameters come back out of the framework's own weights."""
    return Bend(weights=lambda lstm, config, params: change(lstm.weights(config, params), config))


def exchange(lstm: Bendable, change: Callable[[Scratch], Scratch]) -> Bendable:
    """The same LSTM with other equations inside."""
    if isinstance(lstm, (Bent, Far)):
        return dataclasses.replace(lstm, lstm=exchange(lstm.lstm, change))
    return dataclasses.replace(lstm, scratch=change(lstm.scratch))


def _near(lstm: Bendable) -> Bendable:
    """The same one without a wire."""
    if isinstance(lstm, Far):
        return _near(lstm.lstm)
    if isinstance(lstm, Bent):
        return dataclasses.replace(lstm, lstm=_near(lstm.lstm))
    return lstm


def _copied(tree: Any) -> Any:
    if isinstance(tree, tuple):
        return tuple(_copied(item) for item in tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        arrays = {n: a.copy() for n, a in vars(tree).items() if hasattr(a, "copy")}
        return dataclasses.replace(tree, **arrays)
    return tree
