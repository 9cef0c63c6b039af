"""`sonnet.LSTM`."""

from __future__ import annotations

import pytest

tf = pytest.importorskip("tensorflow", exc_type=ImportError)
sonnet = pytest.importorskip("sonnet", exc_type=ImportError)


def make(config, params):
    lstm = sonnet.LSTM(config.hidden_size, dtype=getattr(tf, config.dtype))
    lstm(tf.zeros((1, config.input_size), config.dtype), lstm.initial_state(1))
    own = {weight.name.rpartition("/")[2]: weight for weight in lstm.variables}
    assert own.keys() == {f"{name}:0" for name in params}
    for name, array in params.items():
        own[f"{name}:0"].assign(array)

    def step(x, h, c):
        state = sonnet.LSTMState(hidden=tf.constant(h), cell=tf.constant(c))
        _, state = lstm(tf.constant(x), state)
        return state.hidden, state.cell

    return step


def test_sonnet(verify_cell):
    verify_cell("sonnet", make, backend="tensorflow")
