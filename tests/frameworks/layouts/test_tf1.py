"""`BasicLSTMCell` of TensorFlow 1, from where TensorFlow 2 still keeps it."""

from __future__ import annotations

import pytest

tf = pytest.importorskip("tensorflow", exc_type=ImportError)


def make(config, params):
    from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl

    cell = rnn_cell_impl.BasicLSTMCell(config.hidden_size, dtype=config.dtype)
    cell.build((None, config.input_size))
    cell.set_weights(
        [params[weight.name.rpartition("/")[2].removesuffix(":0")] for weight in cell.weights]
    )

    def step(x, h, c):
        _, (c, h) = cell(tf.constant(x), (tf.constant(c), tf.constant(h)))
        return h, c

    return step


@pytest.mark.filterwarnings("ignore:.*(add_variable|BasicLSTMCell):UserWarning")
def test_tf1(verify_cell):
    verify_cell("tf1", make, backend="tensorflow")
