"""Mistakes with sequence lengths: where each sequence ends, and what is left past its end."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.masks import is_last, is_live, pick
from gateparity.conformance.mistakes.mistake import ANSWERS, SHORT, ZERO_LENGTH, alike
from gateparity.conformance.mistakes.transpose import pull_back
from gateparity.conformance.mistakes.wrappers import Wrapper, on_batch, on_outputs
from gateparity.conformance.problems.slices import add_parameters
from gateparity.network.batch import Batch, Outputs, join_states, map_arrays, map_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Found, Wrappable
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


def _unmasked(batch: Batch) -> Batch:
    return dataclasses.replace(batch, lengths=None)


def _joined(join: Callable[[Outputs, Outputs, Batch], Outputs]) -> Wrapper:
    """Join the results of two runs, one that keeps to the lengths and one that doesn't."""

    def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        right = lstm.forward(config, params, batch)
        return join(right, lstm.forward(config, params, _unmasked(batch)), batch)

    def gradients(
        lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        if batch.lengths is None:
            return lstm.gradients(config, params, batch, cotangent)
        both = cotangent, cotangent  # for their shapes
        cotangents, other_heads = pull_back(lambda pair: join(*pair, batch), cotangent, like=both)
        d_params, d = lstm.gradients(config, params, batch, cotangents)
        more, e = lstm.gradients(config, params, _unmasked(batch), other_heads)
        states = join_states([d, e], lambda pair: pair[0] + pair[1])
        return add_parameters([d_params, more]), Batch(d.x + e.x, states)

    return Wrapper(forward, gradients=gradients)


def _filled(right: Outputs, full: Outputs, batch: Batch) -> Outputs:
    return dataclasses.replace(right, y=np.where(is_live(batch), right.y, full.y))


def _overrun(right: Outputs, full: Outputs, _: Batch) -> Outputs:
    return dataclasses.replace(full, y=right.y)


def _with_lengths(change: Callable[[Array, int], Array]) -> Wrapper:
    """Return a mistake that changes the lengths, given them and the number of steps."""

    def other(batch: Batch, _: Config) -> Batch:
        if batch.lengths is None:
            return batch
        found = change(batch.lengths, len(batch.x)).astype(batch.lengths.dtype)
        return dataclasses.replace(batch, lengths=found)

    return on_batch(other)


def _held(outputs: Outputs, batch: Batch, _: Config) -> Outputs:
    mask = is_live(batch)
    last = pick(outputs.y, is_last(mask), 0)
    return dataclasses.replace(outputs, y=np.where(mask, outputs.y, last))


def _by_length(batch: Batch) -> Array:
    lengths = np.full(batch.x.shape[1], 0) if batch.lengths is None else batch.lengths
    return np.argsort(-lengths, kind="stable")


def _without_empty(outputs: Outputs, batch: Batch, _: Config) -> Outputs:
    """Keep the final states of the sequences that have a step."""
    if batch.lengths is None:
        return outputs
    there = (batch.lengths > 0)[:, None]
    return map_states(outputs, lambda state: np.where(there, state, 0))


_SHORT: Rows = {
    "lengths ignored": (
        "every sequence had all steps",
        _with_lengths(lambda n, steps: 0 * n + steps),
    ),
    "lengths of the first sequence": (
        "every sequence had the length of the first",
        _with_lengths(lambda n, _: 0 * n + n[:1]),
    ),
    "lengths one short": (
        "every sequence ended a step early",
        _with_lengths(lambda n, _: np.maximum(n - 1, 0)),
    ),
    "lengths one long": (
        "every sequence ended a step late",
        _with_lengths(lambda n, steps: np.minimum(n + 1, steps)),
    ),
    "initial states not sorted by length": (
        "the batch was sorted by length, and its initial states not",
        on_batch(lambda b, _: map_states(b, lambda s: s[:, np.argsort(_by_length(b))])),
    ),
}

_PUT_OUT: Rows = {
    "outputs run on": ("outputs went on past each end", _joined(_filled)),
    "last output held": ("the last output was repeated past each end", on_outputs(_held)),
    "states of the padded end": (
        "the final states were those after the padding",
        _joined(_overrun),
    ),
    "results sorted by length": (
        "the batch was sorted by length, and the results not sorted back",
        on_outputs(lambda o, batch, _: map_arrays(lambda a: a[:, _by_length(batch)], o)),
    ),
}

_EMPTY: Rows = {
    "empty sequence's states zero": (
        "the final states of a sequence of no steps were zero, not its initial ones",
        on_outputs(_without_empty),
    ),
}

LENGTH_MISTAKES: Final = (
    *alike("lengths", "every number of sequences that end early", SHORT, _SHORT),
    *alike(
        "lengths", "outputs and final states of sequences that end early", SHORT & ANSWERS, _PUT_OUT
    ),
    *alike("lengths", "final states of a sequence of no steps", ZERO_LENGTH, _EMPTY),
)
