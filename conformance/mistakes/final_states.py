"""Mistakes with the final states: their values, their time and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.equations import on_results, with_sequence
from gateparity.conformance.mistakes.initial_states import by_direction, rolled, top_down, ungrouped
from gateparity.conformance.mistakes.masks import is_last, known, pick
from gateparity.conformance.mistakes.mistake import (
    ANSWERS,
    OUTPUTS,
    SHORT,
    TWO_CELLS,
    TWO_DIRECTIONS,
    TWO_LAYERS,
    TWO_OF_BOTH,
    alike,
)
from gateparity.conformance.mistakes.wrappers import Wrapper, on_outputs
from gateparity.network.batch import Batch, Outputs, join_states, map_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.equations import Run
    from gateparity.conformance.mistakes.initial_states import Turn
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply, Found, Wrappable
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


def _on_states(turn: Turn) -> Wrapper:
    """Turn h_n and c_n in the same way."""
    return on_outputs(lambda o, _, config: map_states(o, lambda s: turn(s, config)))


def last_layer(states: Array, config: Config) -> Array:
    """Return the last layer's states, repeated for each layer."""
    return np.concatenate([states[-config.directions :]] * config.layers)


def _exchanged(outputs: Outputs, *_: object) -> Outputs:
    return Outputs(outputs.y, {"h": outputs.states["c"], "c": outputs.states["h"]})


def _told(h_of: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Wrapper:
    """Return a mistake that reports h_n as a function of the final cell state."""

    def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        found = lstm.forward(config, params, batch)
        c_n = found.states["c"]
        return Outputs(found.y, {"h": h_of(c_n), "c": c_n})

    def gradients(
        lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        c_n = lstm.forward(config, params, batch).states["c"]
        dh_n, dc_n = cotangent.states["h"], cotangent.states["c"]
        states = {"h": np.zeros_like(dh_n), "c": dc_n + dh_n * slope(c_n)}
        return lstm.gradients(config, params, batch, Outputs(cotangent.y, states))

    return Wrapper(forward, gradients=gradients)


def _stale_forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
    found = lstm.forward(config, params, batch)
    given = batch.states or {}
    states = {
        name: state * 0 + given[name] if name in given else np.zeros_like(state)
        for name, state in found.states.items()
    }
    return Outputs(found.y, states)


def _stale_gradients(
    lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
) -> Found:
    d_params, d = lstm.gradients(config, params, batch, map_states(cotangent, np.zeros_like))
    return d_params, Batch(d.x, join_states([d, cotangent], lambda pair: pair[0] + pair[1]))


def _read_off_y(where: Callable[[Array, Any], Array]) -> Apply:
    """Take h_n of each cell from its outputs at the steps that are marked."""
    return on_results(lambda Y, H_n, mask, *, reverse: (Y, pick(Y, where(mask, reverse), H_n)))


def _a_step_short(sequence: Run, X: Any, *given: Any, **parts: Any) -> Any:
    Y, H_n, C_n, tape = sequence(X, *given, **parts | {"with_trace": True})
    mask = known(given[-1], X)
    last = _is_first(mask) if parts["reverse"] else is_last(mask)
    H_n = pick([step.H_prev for step in tape.steps], last, H_n)
    C_n = pick([step.C_prev for step in tape.steps], last, C_n)
    return Y, H_n, C_n, tape


def _is_first(mask: Array) -> Array:
    first: Array = mask & (np.arange(len(mask)) == 0)[:, None, None]
    return first


def _is_at_the_end(mask: Array, _: object) -> Array:
    """Return a mask of the last step of the batch, even past a sequence's own end."""
    end: Array = (np.arange(len(mask)) == len(mask) - 1)[:, None, None] | np.zeros_like(mask)
    return end


_FAMILY: Final = "final states"

_ALL: Rows = {
    "h_n and c_n exchanged": ("h_n and c_n had changed places", on_outputs(_exchanged)),
    "h_n is the cell state": ("h_n was c_n", _told(lambda c: c, lambda c: np.zeros_like(c) + 1)),
    "h_n before the output gate": (
        "h_n was tanh(c_n), before the output gate",
        _told(np.tanh, lambda c: 1 - np.tanh(c) * np.tanh(c)),
    ),
    "no final states": (
        "h_n and c_n were zeros",
        _on_states(lambda states, _: np.zeros_like(states)),
    ),
    "final states are the initial ones": (
        "h_n and c_n were h_0 and c_0",
        Wrapper(_stale_forward, gradients=_stale_gradients),
    ),
    "final states of the next sequence": (
        "the final states stood one place further in the batch",
        _on_states(rolled(1)),
    ),
}

_FORWARD: Rows = {
    "final states a step short": (
        "h_n and c_n were those before the last step",
        with_sequence(_a_step_short),
    ),
}

_CELLS: Rows = {
    "final states batch-major": (
        "h_n and c_n were returned as (batch, cells, hidden)",
        _on_states(ungrouped),
    ),
}

_DIRECTIONS: Rows = {
    "reverse h_n at the last step": (
        "the reverse direction's h_n was its output at each sequence's last step",
        _read_off_y(lambda mask, reverse: is_last(mask) & reverse),
    ),
}

_AT_THE_END: Rows = {
    "h_n is y[-1]": ("h_n was y[-1], whatever the direction", _read_off_y(_is_at_the_end)),
}

_BOTH: Rows = {
    "final states by direction": (
        "h_n and c_n had all forward states before all reverse ones",
        _on_states(by_direction),
    ),
}

_LAYERS: Rows = {
    "final states of the last layer": (
        "h_n and c_n were those of the last layer for every layer",
        _on_states(last_layer),
    ),
    "final states from the top": ("h_n and c_n had the top layer first", _on_states(top_down)),
}

FINAL_MISTAKES: Final = (
    *alike(_FAMILY, "final states, and gradients through them", ANSWERS, _ALL),
    *alike(_FAMILY, "final states", OUTPUTS, _FORWARD, path="forward"),
    *alike(
        _FAMILY,
        "final states of several layers or directions, and gradients through them",
        TWO_CELLS & ANSWERS,
        _CELLS,
    ),
    *alike(
        _FAMILY,
        "final states of two directions, and gradients through them",
        TWO_DIRECTIONS & ANSWERS,
        _DIRECTIONS,
    ),
    *alike(
        _FAMILY,
        "final states of two directions or of sequences that end early, and gradients through them",
        (TWO_DIRECTIONS | SHORT) & ANSWERS,
        _AT_THE_END,
    ),
    *alike(
        _FAMILY,
        "final states of several layers of two directions, and gradients through them",
        TWO_OF_BOTH & ANSWERS,
        _BOTH,
    ),
    *alike(
        _FAMILY,
        "final states of several layers, and gradients through them",
        TWO_LAYERS & ANSWERS,
        _LAYERS,
    ),
)
