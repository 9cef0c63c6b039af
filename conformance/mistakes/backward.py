"""Mistakes in backpropagation through time: terms that are wrong or left out."""

from __future__ import annotations

import dataclasses
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.equations import change_equations, with_backward, with_sequence
from gateparity.conformance.mistakes.mistake import (
    GRADIENTS,
    SHORT,
    TWO_DIRECTIONS,
    TWO_LAYERS,
    alike,
)
from gateparity.conformance.mistakes.weights import GATE_NAMES
from gateparity.conformance.mistakes.wrappers import Wrapper
from gateparity.network.batch import Batch, join_states, map_states
from gateparity.network.config import GATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.numpy.equations import Step
    from gateparity.conformance.mistakes.equations import Activation, BackwardCell, Run
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply, Found, Wrappable
    from gateparity.network.batch import Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


def _slopes(names: str, slope: Callable[[Array, Array], Array]) -> Apply:
    """Return a mistake that keeps these activations and changes their derivatives."""

    def sloped(right: Activation) -> Activation:
        return dataclasses.replace(right, slope=slope)

    return change_equations(
        lambda e: e.replace_equations(**{n: sloped(getattr(e, n)) for n in names.split()})
    )


def _after(change: Callable[..., tuple[Array, Array, Array]]) -> Apply:
    """Return a mistake that applies `change(dZ, dH_prev, dC_prev, step, W_h)` after each step."""
    return with_backward(lambda cell, s, W_h, *given: change(*cell(s, W_h, *given), s, W_h))


def _with_new_cell_state(cell: BackwardCell, s: Step, *given: Array) -> tuple[Array, Array, Array]:
    """Use the new cell state for the old one, which only the forget gate's gradient depends on."""
    return cell(dataclasses.replace(s, C_prev=s.C), *given)


def _not_transposed(dZ: Array, _: Array, dC: Array, __: Step, W_h: Array) -> tuple[Any, ...]:
    parts = zip(np.split(dZ, len(GATES), -1), np.split(W_h, len(GATES), -1), strict=True)
    first, *others = (d @ w for d, w in parts)
    return dZ, sum(others, start=first), dC


def _without_gate(gate: str) -> Apply:
    def change(dZ: Array, _: Array, dC: Array, __: Step, W_h: Array) -> tuple[Any, ...]:
        parts = np.split(dZ, len(GATES), -1)
        parts[GATES.index(gate)] = np.zeros_like(parts[0])
        dZ = np.concatenate(parts, -1)
        return dZ, dZ @ W_h.T, dC

    return _after(change)


def _from_new_states(backward: Run, tape: Any, *given: Any, **parts: Any) -> Any:
    """Compute the recurrent kernels' gradient from the state after each step, not before it."""
    steps = [dataclasses.replace(step, H_prev=step.H) for step in tape.steps]
    return backward(dataclasses.replace(tape, steps=steps), *given, **parts)


def _as_if_live(backward: Run, tape: Any, w: Any, _: Any, *given: Any, **parts: Any) -> Any:
    return backward(tape, w, None, *given, **parts)


def _forward_only(backward: Run, tape: Any, w: Any, mask: Any, *given: Any, **parts: Any) -> Any:
    """Let no gradient flow into the reverse direction."""
    cotangents = [array * 0 if parts["reverse"] else array for array in given]
    return backward(tape, w, mask, *cotangents, **parts)


def _cut_between_layers(
    lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
) -> Found:
    """Compute each layer's gradients from its own final states; y goes to the top layer only."""
    wide = config.directions
    found = []
    for layer in range(config.layers):
        below = dataclasses.replace(config, layers=layer + 1)
        cells = slice(0, (layer + 1) * wide)
        part = map_states(batch, itemgetter(cells))
        heads = map_states(map_states(cotangent, itemgetter(cells)), lambda s: _top_alone(s, wide))
        if layer < config.layers - 1:
            heads = dataclasses.replace(heads, y=np.zeros_like(cotangent.y))
        found.append(lstm.gradients(below, params[cells], part, heads))
    d_params = tuple(cell for cells, _ in found for cell in cells[-wide:])
    tops = [map_states(d, lambda state: state[-wide:]) for _, d in found]
    return d_params, Batch(found[0][1].x, join_states(tops, np.concatenate))


def _top_alone(states: Array, wide: int) -> Array:
    """Zero all states except the top layer's; lower layers' gradients come from their own runs."""
    return np.concatenate([np.zeros_like(states[:-wide]), states[-wide:]])


_STEPS: Rows = {
    "stopped at h": (
        "no gradient flowed from one step's h to the step before",
        _after(lambda dZ, dH, dC, *_: (dZ, dH * 0, dC)),
    ),
    "stopped at c": (
        "no gradient flowed from one step's c to the step before",
        _after(lambda dZ, dH, dC, *_: (dZ, dH, dC * 0)),
    ),
    "truncated to one step": (
        "no gradient flowed from one step to the step before",
        _after(lambda dZ, dH, dC, *_: (dZ, dH * 0, dC * 0)),
    ),
    "c carried past the forget gate": (
        "the gradient of c flowed to the step before without the forget gate's factor",
        _after(lambda dZ, dH, dC, s, _: (dZ, dH, dC / s.F)),
    ),
    "stopped at the output's tanh": (
        "no gradient flowed from h to c",
        _slopes("out", lambda c, _: np.zeros_like(c)),
    ),
    "slope of the candidate 1 - g": (
        "the slope of the candidate's tanh was 1 - g, not 1 - g^2",
        _slopes("g", lambda _, t: 1 - t),
    ),
    "slope of the output 1 - tanh(c)": (
        "the slope of the output's tanh was 1 - tanh(c), not 1 - tanh(c)^2",
        _slopes("out", lambda _, t: 1 - t),
    ),
    "slope of the candidate from z": (
        "the slope of the candidate's tanh was 1 - z^2, not 1 - g^2",
        _slopes("g", lambda z, _: 1 - z * z),
    ),
    "no slope of the gates": (
        "the slope of the gates' sigmoid was forgotten",
        _slopes("i f o", lambda z, _: np.zeros_like(z) + 1),
    ),
    "forget gate by the new c": (
        "the forget gate's gradient was taken with the new cell state, not the old one",
        with_backward(_with_new_cell_state),
    ),
    "recurrent kernels by the new h": (
        "the recurrent kernels' gradient was taken with the new state, not the old one",
        with_sequence(backward=_from_new_states),
    ),
    "recurrent kernels not transposed": (
        "gradients flowed back through recurrent kernels that had not been transposed",
        _after(_not_transposed),
    ),
    **{
        f"no gradient of the {words}": (
            f"the {words} were a constant to backpropagation",
            _without_gate(gate),
        )
        for gate, words in GATE_NAMES.items()
    },
}

_LENGTHS: Rows = {
    "gradient of padded steps": (
        "padded steps were differentiated like others",
        with_sequence(backward=_as_if_live),
    ),
}

_DIRECTIONS: Rows = {
    "no gradient of the reverse direction": (
        "no gradient flowed into the reverse direction",
        with_sequence(backward=_forward_only),
    ),
}

_LAYERS: Rows = {
    "stopped between layers": (
        "no gradient flowed from a layer to the one below",
        Wrapper(gradients=_cut_between_layers),
    ),
}

BACKWARD_MISTAKES: Final = (
    *alike(
        "backpropagation",
        "gradients: all checks that compare some",
        GRADIENTS,
        _STEPS,
        path="backward",
    ),
    *alike(
        "backpropagation",
        "gradients of sequences that end early",
        SHORT & GRADIENTS,
        _LENGTHS,
        path="backward",
    ),
    *alike(
        "backpropagation",
        "gradients of two directions",
        TWO_DIRECTIONS & GRADIENTS,
        _DIRECTIONS,
        path="backward",
    ),
    *alike(
        "backpropagation",
        "gradients of several layers",
        TWO_LAYERS & GRADIENTS,
        _LAYERS,
        path="backward",
    ),
)
