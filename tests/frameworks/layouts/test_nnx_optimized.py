"""`flax.nnx.OptimizedLSTMCell` under `nnx.RNN`."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax", exc_type=ImportError)
nnx = pytest.importorskip("flax.nnx", exc_type=ImportError)


def run(config, params, batch):
    y, h_n, c_n = batch.x, [], []
    for layer in range(config.layers):
        outputs = []
        for k in range(config.directions):
            cell = layer * config.directions + k
            rnn = nnx.RNN(
                nnx.OptimizedLSTMCell(
                    config.layer_input_size(layer),
                    config.hidden_size,
                    param_dtype=config.dtype,
                    rngs=nnx.Rngs(0),
                ),
                time_major=True,
                return_carry=True,
                reverse=bool(k),
                keep_order=True,
                rngs=nnx.Rngs(0),
            )
            load(rnn, params, f"rnn_{layer}" + ("_reverse/" if k else "/"))
            (c, h), found = rnn(y, initial_carry=(batch.states["c"][cell], batch.states["h"][cell]))
            outputs.append(found)
            h_n.append(h)
            c_n.append(c)
        y = np.concatenate(outputs, -1)
    return y, np.stack(h_n), np.stack(c_n)


def load(rnn, params, prefix):
    """Into the module's own parameters: each must be there, and none beside them."""
    own = dict(nnx.to_flat_state(nnx.state(rnn, nnx.Param)))
    names = {prefix + "/".join(path): param for path, param in own.items()}
    assert names.keys() == {name for name in params if name.startswith(prefix)}
    for name, param in names.items():
        assert param.shape == params[name].shape
        param[...] = params[name]
    nnx.update(rnn, nnx.from_flat_state(own))


def test_nnx_optimized(verify):
    with jax.enable_x64(True):
        verify("nnx_optimized", run, backend="jax")
