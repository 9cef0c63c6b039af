"""`paddle.nn.LSTM`."""

from __future__ import annotations

import pytest

paddle = pytest.importorskip("paddle", exc_type=ImportError)


def run(config, params, batch):
    paddle.set_default_dtype(config.dtype)
    lstm = paddle.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.layers,
        direction="bidirect" if config.directions == 2 else "forward",
        time_major=True,
    )
    own = {name: weight for name, weight in lstm.state_dict().items() if ".cell" not in name}
    assert own.keys() == params.keys()
    for name, weight in own.items():
        assert tuple(weight.shape) == params[name].shape
        weight.set_value(params[name])
    states = paddle.to_tensor(batch.states["h"]), paddle.to_tensor(batch.states["c"])
    with paddle.no_grad():
        y, (h_n, c_n) = lstm(paddle.to_tensor(batch.x), states)
    return y.numpy(), h_n.numpy(), c_n.numpy()


def test_paddle(verify):
    verify("paddle", run)
