"""`keras.layers.LSTM`, one for each layer and direction."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", exc_type=ImportError)


def run(config, params, batch):
    y, h_n, c_n = np.swapaxes(batch.x, 0, 1), [], []  # batch-major
    for layer in range(config.layers):
        outputs = []
        for k in range(config.directions):
            name = f"lstm_{layer}" + ("_reverse" if k else "")
            lstm = keras.layers.LSTM(
                config.hidden_size,
                return_sequences=True,
                return_state=True,
                go_backwards=bool(k),
                dtype=config.dtype,
                name=name,
            )
            cell = layer * config.directions + k
            lstm.build(y.shape)
            for weight in lstm.weights:
                weight.assign(params[f"{name}/lstm_cell/{weight.name}"])
            found, h, c = lstm(y, initial_state=[batch.states["h"][cell], batch.states["c"][cell]])
            outputs.append(np.flip(found, 1) if k else np.asarray(found))  # in processing order
            h_n.append(h)
            c_n.append(c)
        y = np.concatenate(outputs, -1)
    return np.swapaxes(y, 0, 1), np.stack(h_n), np.stack(c_n)


def test_keras(verify):
    verify("keras", run, backend="tensorflow")
