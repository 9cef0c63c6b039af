"""`mlx.nn.LSTM`, in float32: its exponential is no better in float64."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mlx", exc_type=ImportError)


def run(config, params, batch):
    import mlx.core as mx
    from mlx import nn

    mx.set_default_device(mx.cpu)
    lstm = nn.LSTM(config.input_size, config.hidden_size)
    lstm.load_weights([(name, mx.array(array)) for name, array in params.items()])
    x = mx.array(np.swapaxes(batch.x, 0, 1))  # batch-major
    h, c = lstm(x, hidden=mx.array(batch.states["h"][0]), cell=mx.array(batch.states["c"][0]))
    h, c = (np.swapaxes(np.array(states), 0, 1) for states in (h, c))
    return h, h[-1:], c[-1:]


def test_mlx(verify):
    verify("mlx", run, dtypes=["float32"])
