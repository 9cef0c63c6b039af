"""What an adapter needs of its framework: arrays, calls, derivatives, settings."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.parameters import Array

Device = Literal["cpu"]  # what an adapter's arithmetic may run on


@dataclasses.dataclass(frozen=True)
class Primitives:
    """The operations that an adapter needs of its framework.

    `inputs` are `(params, x, h_0, c_0, lengths)`, lengths None for full ones. `call(run, config,
    *inputs)` returns what `run` does; `vjp(run, config, inputs, heads)` the gradients of
    `(params, x, h_0, c_0)` for the cotangents of y, h_n and c_n. `rounding_model` is what has to be
    known of its rounding: `bias`, by how many units roundoff exp and tanh are off over a stretch of
    arguments (docs/rounding.md); `factors`, the unit roundoff of what a float32 product takes.
    `settings()` returns what the framework is set to, for the manifest; `device` is there too,
    unless the framework reports its own. `wait(answer)` returns when an answer is computed, where a
    call returns before; `threads()` is how many one operation may use, 0 for every
    core: the bench needs both. `uncompiled` has the same primitives with calls that run operation
    by operation, where a framework compiles and does without for a shape that appears once.
    """

    version: str
    from_numpy: Callable[[Array], Any]
    to_numpy: Callable[[Any], Array]
    call: Callable[..., Any]
    vjp: Callable[..., Any]
    trainer: Callable[[], Any]
    rounding_model: Mapping[str, float] = dataclasses.field(default_factory=dict)
    settings: Callable[[], Mapping[str, str]] = dict
    wait: Callable[[Any], Any] = lambda _: None
    threads: Callable[[], int] = lambda: 0
    device: Device = "cpu"
    uncompiled: Primitives | None = None


def on_off(switch: object) -> str:
    """Format a framework's boolean setting as "on" or "off"."""
    return "on" if switch else "off"
