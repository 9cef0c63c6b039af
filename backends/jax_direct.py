"""Flax's `nn.RNN` as a user of Flax calls it, as the baseline of `gateparity bench`.

It is compiled by `jax.jit`, time-major, with the cell that Flax recommends for speed.
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
    """Return a call of the compiled forward pass, on arrays that are on the device already."""
    apply, sources = _build(config, params, batch)
    run = jax.jit(apply)
    return lambda: run(*sources)


def gradients(
    config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Callable[[], Any]:
    """Return a call of the compiled forward and backward pass, down to the initial states."""
    apply, sources = _build(config, params, batch)
    heads = (convert(cotangent.c_n[0]), convert(cotangent.h_n[0])), convert(cotangent.y)

    def run(sources: Any, heads: Any) -> Any:
        _, pullback = jax.vjp(apply, *sources)
        return pullback(heads)

    compiled = jax.jit(run)
    return lambda: compiled(sources, heads)


def convert(array: Any) -> Any:
    """Copy an array to the device."""
    return jax.device_put(array)


def wait(answer: Any) -> None:
    """Wait until JAX has computed the answer; its calls return before that."""
    jax.block_until_ready(answer)


def threads() -> int:
    """Return 0, which means every core: XLA takes all of them."""
    return 0


def _build(config: Config, params: Native, batch: Batch) -> tuple[Any, tuple[Any, ...]]:
    rnn = linen.RNN(linen.OptimizedLSTMCell(config.hidden_size), time_major=True, return_carry=True)
    tree = {name.removeprefix("rnn_0/"): convert(array) for name, array in params.items()}
    w = traverse_util.unflatten_dict(tree, sep="/")

    def apply(w: Any, x: Any, h_0: Any, c_0: Any) -> Any:
        return rnn.apply({"params": w}, x, initial_carry=(c_0, h_0))

    h_0, c_0 = initial_states(config, batch)
    return apply, (w, convert(batch.x), convert(h_0[0]), convert(c_0[0]))
