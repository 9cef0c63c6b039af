"""MXNet's operator `RNN`."""

from __future__ import annotations

import pytest

mx = pytest.importorskip("mxnet", exc_type=ImportError)


def run(config, params, batch):
    y, h_n, c_n = mx.nd.RNN(
        array(batch.x),
        array(params["parameters"]),
        array(batch.states["h"]),
        array(batch.states["c"]),
        state_size=config.hidden_size,
        num_layers=config.layers,
        bidirectional=config.directions == 2,
        mode="lstm",
        state_outputs=True,
    )
    return y.asnumpy(), h_n.asnumpy(), c_n.asnumpy()


def array(numbers):
    return mx.nd.array(numbers, dtype=numbers.dtype)


def test_mxnet_rnn(verify):
    verify("mxnet_rnn", run)
