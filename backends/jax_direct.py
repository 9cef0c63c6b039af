"""Flax's `nn.RNN` as a user of Flax calls it: what `gateparity bench` compares with.

Compiled by `jax.jit`, time-major, with the cell that Flax calls the faster one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
from flax import linen, traverse_util

from gateparity.adapter import initial_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Native, Outputs
    from gateparity.config import Config


def forward(config: Config, params: Native, batch: Batch) -> Callable[[], Any]:
    """A call of a function that was compiled before, on arrays that are there already."""
    apply, sources = _build(config, params, batch)
    run = jax.jit(apply)
    return lambda: run(*sources)


def gradients(
    config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Callable[[], Any]:
    """The same, and backwards to the weights, the inputs and the initial states."""
    apply, sources = _build(config, params, batch)
    heads = (convert(cotangent.c_n[0]), convert(cotangent.h_n[0])), convert(cotangent.y)

    def run(sources: Any, heads: Any) -> Any:
        _, pullback = jax.vjp(apply, *sources)
        return pullback(heads)

    compiled = jax.jit(run)
    return lambda: compiled(sources, heads)


def convert(array: Any) -> Any:
    """An array as the framework's own."""
    return jax.device_put(array)


def wait(answer: Any) -> None:
    """JAX answers before it has computed."""
    jax.block_until_ready(answer)


def threads() -> int:
    """How many one operation may use, 0 for every core, which XLA takes."""
    return 0


def _build(config: Config, params: Native, batch: Batch) -> tuple[Any, tuple[Any, ...]]:
    rnn = linen.RNN(linen.OptimizedLSTMCell(config.hidden_size), time_major=True, return_carry=True)
    tree = {name.removeprefix("rnn_0/"): convert(array) for name, array in params.items()}
    w = traverse_util.unflatten_dict(tree, sep="/")

    def apply(w: Any, x: Any, h_0: Any, c_0: Any) -> Any:
        return rnn.apply({"params": w}, x, initial_carry=(c_0, h_0))

    h_0, c_0 = initial_states(config, batch)
    return apply, (w, convert(batch.x), convert(h_0[0]), convert(c_0[0]))
