"""Flax linen's own layer, `OptimizedLSTMCell` under `nn.RNN`."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, traverse_util

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.jax.primitives import PRIMITIVES
from gateparity.layouts import FLAX
from gateparity.network.config import Config


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    def run_cell(k: int, x: Any) -> Any:
        rnn = _rnn(config, k)
        w = traverse_util.unflatten_dict(
            cell_params(params, f"rnn_{cell_name(config, k)}/"), sep="/"
        )
        (c, h), y = rnn.apply({"params": w}, x, initial_carry=(c_0[k], h_0[k]), seq_lengths=lengths)
        if lengths is not None:  # nn.RNN runs on into the padding, and keeps those outputs
            y = jnp.where((jnp.arange(len(x))[:, None] < lengths)[..., None], y, 0)
        return y, h, c

    y, h_n, c_n = run_layers(config, x, run_cell, jnp.concatenate)
    return y, jnp.stack(h_n), jnp.stack(c_n)


def _load_and_read_back(config: Config, params: Any) -> Any:
    """Return the parameters by the names that Flax would create itself.

    Flax modules keep no weights, so there is nothing to load them into. Raise `ValueError` for a
    shape that isn't Flax's own.
    """
    weights: dict[str, Any] = {}
    for k in range(config.cells):
        prefix = f"rnn_{cell_name(config, k)}/"
        w, size = cell_params(params, prefix), config.layer_input_size(k // config.directions)
        for name, shape in _own_shapes(size, config.hidden_size, config.dtype).items():
            if w[name].shape != shape:
                raise ValueError(f"{prefix}{name} has shape {w[name].shape}, expected {shape}")
            weights[prefix + name] = w[name]
    return weights


@functools.cache
def _own_shapes(input_size: int, hidden_size: int, dtype: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters that Flax would create, by their names."""
    rnn, x = _rnn(Config(input_size, hidden_size, dtype=dtype), 0), jnp.zeros((1, 1, input_size))
    own = jax.eval_shape(rnn.init, jax.random.key(0), x.astype(dtype))["params"]
    return {name: array.shape for name, array in traverse_util.flatten_dict(own, sep="/").items()}


def _rnn(config: Config, k: int) -> Any:
    dtype, zeros = jnp.dtype(config.dtype), linen.initializers.zeros_init()
    return linen.RNN(
        # Flax traces the initializers with the cell, for their shapes alone: zeros are quick.
        linen.OptimizedLSTMCell(
            config.hidden_size,
            kernel_init=zeros,
            recurrent_kernel_init=zeros,
            dtype=dtype,
            param_dtype=dtype,
        ),
        time_major=True,
        return_carry=True,
        reverse=is_reverse(config, k),
        keep_order=True,
    )


Layer = functools.partial(
    Variant,
    "jax:layer",
    FLAX,
    _layer,
    PRIMITIVES,
    unsupported={"gates": "flax.linen.OptimizedLSTMCell doesn't return its gates"},
    load_and_read_back=_load_and_read_back,
)
