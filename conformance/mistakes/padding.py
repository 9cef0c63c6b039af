"""Mistakes with padding: a cell that reads inputs past the end of a sequence.

Its outputs there may still be right, so that only states and gradients show the mistake.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.equations import with_sequence
from gateparity.conformance.mistakes.masks import known
from gateparity.conformance.mistakes.mistake import (
    NAN_PADDING,
    SHORT,
    SHORT_REVERSE,
    ZERO_LENGTH,
    alike,
)
from gateparity.conformance.mistakes.wrappers import on_batch, on_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.equations import Run
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply, Wrappable
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array


def _rolled(array: Array, batch: Batch, sign: int) -> Array:
    """Move each sequence to the end of the steps (sign 1), or back (sign -1)."""
    if batch.lengths is None or not len(array):
        return array
    times = (np.arange(len(array))[:, None] - sign * (len(array) - batch.lengths)) % len(array)
    rolled: Array = array[times, np.arange(array.shape[1])]
    return rolled


def _from_the_end(batch: Batch, _: Config) -> Batch:
    return dataclasses.replace(batch, x=_rolled(batch.x, batch, -1))


def _padded_first(lstm: Wrappable) -> Wrappable:
    """Move the padding of inputs and outputs before each sequence."""
    around = on_outputs(lambda o, batch, _: dataclasses.replace(o, y=_rolled(o.y, batch, 1)))
    return around(on_batch(_from_the_end)(lstm))


def _through_padding(see: Callable[[Array | None, bool], Array | None]) -> Apply:
    """Return a mistake in which a cell runs over other steps than those that are live.

    `see(mask, reverse)` returns the steps that it runs over. Outputs past the end are zero all the
    same.
    """

    def forward(sequence: Run, X: Any, H: Any, C: Any, w: Any, mask: Any, **parts: Any) -> Any:
        Y, *rest = sequence(X, H, C, w, see(mask, parts["reverse"]), **parts)
        return np.where(known(mask, X), Y, 0), *rest

    def back(
        backward: Run, tape: Any, w: Any, mask: Any, dY: Any, *given: Any, **parts: Any
    ) -> Any:
        dY = np.where(known(mask, dY), dY, 0)
        return backward(tape, w, see(mask, parts["reverse"]), dY, *given, **parts)

    return with_sequence(forward, back)


def _times_zero(sequence: Run, X: Any, *given: Any, **parts: Any) -> Any:
    """Mask the padding by a product with zero, so that NaN and infinity there come through."""
    Y, H_n, C_n, tape = sequence(X, *given, **parts)
    leak, mask = _leak(X, given[-1]), known(given[-1], X)
    within = leak if parts["reverse"] else 0  # the reverse direction meets the padding first
    Y = Y + np.where(mask, within, leak)
    return Y, H_n + leak, C_n + leak, dataclasses.replace(tape, X=X)


def _times_zero_back(backward: Run, tape: Any, w: Any, mask: Any, *given: Any, **parts: Any) -> Any:
    leak = _leak(tape.X, mask)
    tape = dataclasses.replace(tape, X=np.where(known(mask, tape.X), tape.X, 0))
    dX, dH, dC, dw = backward(tape, w, mask, *given, **parts)
    total = (np.zeros_like(leak, shape=(1, len(leak))) + 1) @ leak
    dw = {name: array + (total if array.ndim == 2 else total[0]) for name, array in dw.items()}
    return dX + leak, dH + leak, dC + leak, dw


def _leak(X: Array, mask: Array | None) -> Array:
    """Return zero times the sum of every input past the end, `(B, 1)`: 0 or NaN."""
    past = 0 * np.where(known(mask, X), 0, X)
    ones = np.zeros_like(X, shape=(X.shape[-1], 1)) + 1
    return sum((step @ ones for step in past), start=np.zeros_like(X, shape=(X.shape[1], 1)))


_SHORT_REVERSE: Rows = {
    "reverse from the padded end": (
        "the reverse direction began in the padding",
        _through_padding(lambda mask, reverse: None if reverse else mask),
    ),
}

_SHORT: Rows = {
    "padding first": ("the padding stood before each sequence", _padded_first),
}

_EMPTY: Rows = {
    "empty sequence run on": (
        "a sequence of no steps ran through all of its padding, and kept the states from there",
        _through_padding(lambda mask, _: mask if mask is None else mask | ~mask.any(0)),
    ),
}

_NAN: Rows = {
    "padding times zero": (
        "padded steps were multiplied by zero, which NaN survives",
        with_sequence(_times_zero, _times_zero_back),
    ),
}

PADDING_MISTAKES: Final = (
    *alike(
        "lengths",
        "numbers of a reverse direction, of sequences that end early",
        SHORT_REVERSE,
        _SHORT_REVERSE,
    ),
    *alike("lengths", "every number of sequences that end early", SHORT, _SHORT),
    *alike("lengths", "final states of a sequence of no steps", ZERO_LENGTH, _EMPTY),
    *alike(
        "lengths",
        "every number of sequences that end early, before padding that isn't finite",
        NAN_PADDING,
        _NAN,
    ),
)
