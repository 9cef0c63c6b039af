"""Flax nnx: its `OptimizedLSTMCell` under `nnx.RNN`, an opt-in layer variant of JAX.

It is not the class of that name in Flax linen: its gates are fused. A module holds its own arrays,
so each trace makes a module and gives it the arrays of the call.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax import nnx, traverse_util

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.jax.primitives import PRIMITIVES
from gateparity.layouts import NNX_OPTIMIZED

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    def run_cell(k: int, x: Any) -> Any:
        rnn = _rnn(config, k, cell_params(params, f"rnn_{cell_name(config, k)}/"))
        (c, h), y = rnn(x, initial_carry=(c_0[k], h_0[k]), seq_lengths=lengths)
        if lengths is not None:  # nnx.RNN runs on into the padding, and keeps those outputs
            y = jnp.where((jnp.arange(len(x))[:, None] < lengths)[..., None], y, 0)
        return y, h, c

    y, h_n, c_n = run_layers(config, x, run_cell, jnp.concatenate)
    return y, jnp.stack(h_n), jnp.stack(c_n)


def _load_and_read_back(config: Config, params: Any) -> Any:
    weights: dict[str, Any] = {}
    for k in range(config.cells):
        prefix = f"rnn_{cell_name(config, k)}/"
        rnn = _rnn(config, k, cell_params(params, prefix))
        tree = nnx.to_pure_dict(nnx.state(rnn, nnx.Param))
        own = traverse_util.flatten_dict(tree, sep="/")
        weights |= {prefix + name: array for name, array in own.items()}
    return weights


def _rnn(config: Config, k: int, w: Any) -> Any:
    dtype = jnp.dtype(config.dtype)
    rngs = nnx.Rngs(0)
    cell = nnx.OptimizedLSTMCell(
        config.layer_input_size(k // config.directions),
        config.hidden_size,
        dtype=dtype,
        param_dtype=dtype,
        rngs=rngs,
    )
    for name, array in w.items():
        _, part, leaf = name.split("/")
        getattr(getattr(cell, part), leaf)[...] = array
    return nnx.RNN(
        cell,
        time_major=True,
        return_carry=True,
        reverse=is_reverse(config, k),
        keep_order=True,
        rngs=rngs,
    )


Layer = functools.partial(
    Variant,
    "jax:nnx",
    NNX_OPTIMIZED,
    _layer,
    PRIMITIVES,
    unsupported={"gates": "flax.nnx.OptimizedLSTMCell doesn't return its gates"},
    load_and_read_back=_load_and_read_back,
)
