"""Side effects: calls that write to their arguments, keep state, or accept what they should refuse.

A single answer is right. Mistakes that write to arguments are wrapped in copies, as in a worker:
they write to a copy, and no other check sees it.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.mistake import CALLS, PURITY, REFUSAL, alike
from gateparity.conformance.mistakes.wrappers import ISOLATED, Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply, Found, Wrappable
    from gateparity.network.batch import Batch, Outputs, States
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


def _far(wrapper: Wrapper) -> Apply:
    return lambda lstm: ISOLATED(wrapper(lstm))


def _overwrites_states(
    lstm: Wrappable, config: Config, params: Parameters, batch: Batch
) -> Outputs:
    found = lstm.forward(config, params, batch)
    for state in (batch.states or {}).values():
        state[...] = 0
    return found


def _overwrites_x(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
    found = lstm.forward(config, params, batch)
    batch.x[...] = 0
    return found


def _decays(
    lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
) -> Found:
    found = lstm.gradients(config, params, batch, cotangent)
    for cell in params:
        cell.w_hh[...] *= 0.5
    return found


def _refuses_read_only(
    lstm: Wrappable, config: Config, params: Parameters, batch: Batch
) -> Outputs:
    if isinstance(batch.x, np.ndarray) and not batch.x.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return lstm.forward(config, params, batch)


def _ignores_strides(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
    return lstm.forward(config, params, dataclasses.replace(batch, x=_as_in_memory(batch.x)))


def _misreads_fortran(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
    return lstm.forward(config, params, dataclasses.replace(batch, x=_as_fortran(batch.x)))


def _as_fortran(array: Array) -> Array:
    """Return the numbers in the order of their memory, if that is Fortran's."""
    if not isinstance(array, np.ndarray) or not array.flags.fnc:
        return array
    return array.ravel("K").reshape(array.shape)


def _as_in_memory(array: Array) -> Array:
    """Return the numbers from the start of a view's memory, as if its strides were ignored."""
    if not isinstance(array, np.ndarray) or array.base is None or array.flags.c_contiguous:
        return array
    return array.base.reshape(-1)[: array.size].reshape(array.shape)


def _keeps_states(lstm: Wrappable) -> Wrappable:
    kept: list[States] = []

    def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        if not batch.states and kept:
            batch = dataclasses.replace(batch, states=kept[0])
        found = lstm.forward(config, params, batch)
        kept[:] = [found.states]
        return found

    return ISOLATED(Wrapper(forward, keeps_state=True)(lstm))


def _reuses_memory(lstm: Wrappable) -> Wrappable:
    answers: list[Outputs] = []

    def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        found = lstm.forward(config, params, batch)
        if not answers or answers[0].y.shape != found.y.shape:
            answers[:] = [found]
        answers[0].y[...] = found.y
        return dataclasses.replace(found, y=answers[0].y)

    return ISOLATED(Wrapper(forward)(lstm))


def _accepting(mend: Callable[[Batch, Config], Batch]) -> Wrapper:
    """Return a mistake that repairs a batch instead of refusing it."""

    def call(
        method: str, lstm: Wrappable, config: Config, params: Parameters, batch: Batch, *rest: Any
    ) -> Any:
        try:
            lstm.accept(config, params, batch)
        except (TypeError, ValueError):
            batch = mend(batch, config)
        return getattr(lstm, method)(config, params, batch, *rest)

    return Wrapper(
        forward=functools.partial(call, "forward"),
        gates=functools.partial(call, "gates"),
        gradients=functools.partial(call, "gradients"),
        accept=functools.partial(call, "accept"),
    )


def _clip_lengths(batch: Batch, _: Config) -> Batch:
    if not isinstance(batch.lengths, np.ndarray) or batch.lengths.dtype.kind not in "iu":
        return batch
    return dataclasses.replace(batch, lengths=np.clip(batch.lengths, 0, len(batch.x)))


def _cast_x(batch: Batch, config: Config) -> Batch:
    return dataclasses.replace(batch, x=np.asarray(batch.x, config.dtype))


_PURITY: Rows = {
    "h_0 and c_0 overwritten": (
        "the caller's h_0 and c_0 served as working memory",
        _far(Wrapper(forward=_overwrites_states)),
    ),
    "x overwritten": (
        "the caller's x served as working memory",
        _far(Wrapper(forward=_overwrites_x)),
    ),
    "memory of answers reused": ("y was written to the memory of an earlier y", _reuses_memory),
    "no read-only arrays": (
        "read-only arrays were refused",
        _far(Wrapper(forward=_refuses_read_only)),
    ),
    "strides ignored": (
        "a view was read from the start of its memory, whatever its strides",
        _far(Wrapper(forward=_ignores_strides)),
    ),
    "Fortran order misread": (
        "x in Fortran order was read as if it were in C order",
        _far(Wrapper(forward=_misreads_fortran)),
    ),
}

_CARRIED: Rows = {
    "states kept between calls": (
        "a call without initial states began from the last one's final states",
        _keeps_states,
    ),
}

_TRAINING: Rows = {
    "weights decayed": (
        "a call for gradients halved the caller's recurrent kernels",
        _far(Wrapper(gradients=_decays)),
    ),
}

_REFUSAL: Rows = {
    "lengths clipped": ("lengths past the end were clipped", _accepting(_clip_lengths)),
    "x cast": ("x of another dtype was cast to the right one", _accepting(_cast_x)),
}

CONDUCT_MISTAKES: Final = (
    *alike("purity", "what a call leaves behind, or finds", PURITY, _PURITY, path="forward"),
    *alike("purity", "what a call begins from", PURITY | CALLS, _CARRIED, path="forward"),
    *alike("purity", "what a call leaves behind", PURITY, _TRAINING, path="backward"),
    *alike("refusal", "what should be refused, and isn't", REFUSAL, _REFUSAL),
)
