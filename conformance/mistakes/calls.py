"""Calls that depend on those before or beside them: caches, frozen numbers, late calls, races.

A first answer is right, and so is each answer to a shape that is asked few times.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.mistake import CALLS, alike
from gateparity.conformance.mistakes.wrappers import ISOLATED, Wrapper
from gateparity.network.batch import arrays_by_name, map_arrays
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Apply, Found, Wrappable
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters

_COMPILED: Final = 16  # calls of a shape before it is compiled
_TURN: Final = 5e-4  # seconds in which another thread gets its turn


def _cached_without(*left_out: str) -> Apply:
    """Return a mistake that keeps outputs under a key that lacks these arrays."""

    def apply(lstm: Wrappable) -> Wrappable:
        kept: dict[Any, Outputs] = {}

        def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
            named = [arrays_by_name(batch), *map(fields, params)]
            key = (
                config,
                *(
                    (name, array.shape, _digest(array))
                    for arrays in named
                    for name, array in arrays.items()
                    if name not in left_out
                ),
            )
            if key not in kept:
                kept[key] = lstm.forward(config, params, batch)
            return kept[key]

        return ISOLATED(Wrapper(forward, keeps_state=True)(lstm))

    return apply


def _digest(array: Any) -> bytes:
    """Return the numbers of an array; of all draws, where rounding is drawn."""
    return np.asarray(getattr(array, "values", array)).tobytes()


def _frozen(name: str) -> Apply:
    """Return a mistake that compiles a shape at its 16th call, with arrays as constants."""

    def apply(lstm: Wrappable) -> Wrappable:
        kept: dict[Any, list[Any]] = {}

        def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
            seen = kept.setdefault((config, batch.x.shape, batch.lengths is None), [])
            seen.append((params, batch.lengths) if len(seen) < _COMPILED else None)
            if len(seen) > _COMPILED:
                constant, lengths = seen[_COMPILED - 1]
                if name == "lengths":
                    batch = dataclasses.replace(batch, lengths=lengths)
                else:
                    params = constant
            return lstm.forward(config, params, batch)

        return ISOLATED(Wrapper(forward, keeps_state=True)(lstm))

    return apply


def _late(first: int, change: Callable[[Any], Any], *, backward: bool = False) -> Apply:
    """Return a mistake that changes answers from so many calls of a shape on."""

    def apply(lstm: Wrappable) -> Wrappable:
        calls: dict[Any, int] = {}

        def count(config: Config, batch: Batch) -> bool:
            shape = config, batch.x.shape
            calls[shape] = calls.get(shape, 0) + 1
            return calls[shape] >= first

        def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
            found = lstm.forward(config, params, batch)
            return change(found) if count(config, batch) else found

        def gradients(
            lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
        ) -> Found:
            found = lstm.gradients(config, params, batch, cotangent)
            return change(found) if count(config, batch) else found

        methods: Any = {"gradients": gradients} if backward else {"forward": forward}
        return ISOLATED(Wrapper(**methods, keeps_state=True)(lstm))

    return apply


def _shares_memory(lstm: Wrappable) -> Wrappable:
    """Copy x to memory that all threads share, and read it back when others had their turn."""
    memory: dict[tuple[int, ...], Any] = {}

    def forward(lstm: Wrappable, config: Config, params: Parameters, batch: Batch) -> Outputs:
        memory[batch.x.shape] = batch.x
        if threading.current_thread() is not threading.main_thread():
            time.sleep(_TURN)
        x = memory[batch.x.shape]
        return lstm.forward(config, params, dataclasses.replace(batch, x=x))

    return ISOLATED(Wrapper(forward, keeps_state=True)(lstm))


def _doubled(found: Any) -> Any:
    return map_arrays(lambda array: array * 2, found)


def _last_step_missing(found: Outputs) -> Outputs:
    last = np.arange(len(found.y))[:, None, None] == len(found.y) - 1
    return dataclasses.replace(found, y=np.where(last, 0, found.y))


_CALLS: Rows = {
    "cache without c_0": ("outputs were kept, under a key without c_0", _cached_without("c_0")),
    "cache without the biases": (
        "outputs were kept, under a key without the biases",
        _cached_without("b_ih", "b_hh"),
    ),
    "cache without lengths": (
        "outputs were kept, under a key without the lengths",
        _cached_without("lengths"),
    ),
    "weights frozen": (
        "a shape was compiled at its 16th call, with the weights as constants",
        _frozen("params"),
    ),
    "lengths frozen": (
        "a shape was compiled at its 16th call, with the lengths as constants",
        _frozen("lengths"),
    ),
    "last step missing from the 12th call": (
        "y lacked its last step from a shape's 12th call on",
        _late(12, _last_step_missing),
    ),
    "outputs doubled from the 50th call": (
        "outputs were doubled from a shape's 50th call on",
        _late(50, _doubled),
    ),
    "memory shared by threads": (
        "two threads shared the memory that x is copied to",
        _shares_memory,
    ),
}

_BACKWARD: Rows = {
    "gradients doubled from the 12th call": (
        "gradients were doubled from a shape's 12th call on",
        _late(12, _doubled, backward=True),
    ),
}

_SHOWN: Final = "what a call depends on: calls of a shape, before it or beside it"

CALL_MISTAKES: Final = (
    *alike("calls", _SHOWN, CALLS, _CALLS, path="forward"),
    *alike("calls", _SHOWN, CALLS, _BACKWARD, path="backward"),
)
