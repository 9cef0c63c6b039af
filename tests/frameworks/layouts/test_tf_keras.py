"""`tf_keras.layers.LSTM` (Keras 2), one for each layer and direction."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", exc_type=ImportError)
keras = pytest.importorskip("tf_keras", exc_type=ImportError)


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
                weight.assign(params[f"{name}/lstm_cell/{weight.name.rpartition('/')[2]}"])
            states = [tf.constant(batch.states["h"][cell]), tf.constant(batch.states["c"][cell])]
            found, h, c = lstm(y, initial_state=states)
            outputs.append(np.flip(found, 1) if k else np.asarray(found))  # in processing order
            h_n.append(h)
            c_n.append(c)
        y = np.concatenate(outputs, -1)
    return np.swapaxes(y, 0, 1), np.stack(h_n), np.stack(c_n)


def test_tf_keras(verify):
    verify("tf_keras", run, backend="tensorflow")
