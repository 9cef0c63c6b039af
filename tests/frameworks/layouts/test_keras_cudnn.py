"""`CuDNNLSTM` of Keras 2, which runs on a GPU alone: its weights are loaded into an `LSTM`.

Keras's own code converts them, as it does for a file of the one that is loaded into the other.
"""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", exc_type=ImportError)
keras = pytest.importorskip("tf_keras", exc_type=ImportError)
hdf5_format = pytest.importorskip("tf_keras.src.saving.legacy.hdf5_format", exc_type=ImportError)


def run(config, params, batch):
    convert = pytest.importorskip(
        "tf_keras.src.saving.legacy.hdf5_format"
    ).preprocess_weights_for_loading
    y, h_n, c_n = np.swapaxes(batch.x, 0, 1), [], []  # batch-major
    for layer in range(config.layers):
        outputs = []
        for k in range(config.directions):
            lstm = keras.layers.LSTM(
                config.hidden_size,
                return_sequences=True,
                return_state=True,
                go_backwards=bool(k),
                dtype=config.dtype,
            )
            lstm.build(y.shape)
            name = f"cu_dnnlstm_{layer}" + ("_reverse" if k else "")
            names = ("kernel:0", "recurrent_kernel:0", "bias:0")
            lstm.set_weights(convert(lstm, [params[f"{name}/{weight}"] for weight in names]))
            cell = layer * config.directions + k
            states = [tf.constant(batch.states["h"][cell]), tf.constant(batch.states["c"][cell])]
            found, h, c = lstm(y, initial_state=states)
            outputs.append(np.flip(found, 1) if k else np.asarray(found))  # in processing order
            h_n.append(h)
            c_n.append(c)
        y = np.concatenate(outputs, -1)
    return np.swapaxes(y, 0, 1), np.stack(h_n), np.stack(c_n)


def test_keras_cudnn(verify):
    verify("keras_cudnn", run, backend="tensorflow")
