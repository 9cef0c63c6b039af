"""`jax.experimental.rnn`: its vector is what cuDNN takes; its reference runs on a CPU."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax", exc_type=ImportError)


def run(config, params, batch):
    from jax.experimental import rnn

    sizes = (config.input_size, config.hidden_size, config.layers)
    bidirectional = config.directions == 2
    size = batch.x.shape[1]
    weights = rnn.unpack_lstm_weights(params["weights"], *sizes, bidirectional)
    found = rnn.lstm_ref(
        np.swapaxes(batch.x, 0, 1),  # batch-major
        batch.states["h"],
        batch.states["c"],
        *weights,
        np.full(size, len(batch.x), np.int32),
        *sizes,
        dropout=0.0,
        bidirectional=bidirectional,
    )
    y, h_n, c_n = map(np.asarray, found)
    return (
        np.swapaxes(y, 0, 1),
        h_n.reshape(batch.states["h"].shape),
        c_n.reshape(batch.states["c"].shape),
    )


def test_jax_rnn(verify):
    with jax.enable_x64(True):
        verify("jax_rnn", run, backend="jax")
