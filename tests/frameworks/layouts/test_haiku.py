"""`haiku.LSTM`, one on another."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax", exc_type=ImportError)
haiku = pytest.importorskip("haiku", exc_type=ImportError)


def run(config, params, batch):
    def unroll(x, h_0, c_0):
        h_n, c_n = [], []
        for layer in range(config.layers):
            state = haiku.LSTMState(h_0[layer], c_0[layer])
            x, state = haiku.dynamic_unroll(haiku.LSTM(config.hidden_size), x, state)
            h_n.append(state.hidden)
            c_n.append(state.cell)
        return x, h_n, c_n

    tree: dict[str, dict[str, np.ndarray]] = {}
    for name, array in params.items():
        module, _, leaf = name.rpartition("/")
        tree.setdefault(module, {})[leaf] = array
    forward = haiku.without_apply_rng(haiku.transform(unroll))
    y, h_n, c_n = forward.apply(tree, batch.x, batch.states["h"], batch.states["c"])
    return y, np.stack(h_n), np.stack(c_n)


def test_haiku(verify):
    with jax.enable_x64(True):
        verify("haiku", run, backend="jax")
