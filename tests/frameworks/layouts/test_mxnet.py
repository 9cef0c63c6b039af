"""`mxnet.gluon.rnn.LSTM` of MXNet 1.9."""

from __future__ import annotations

import pytest

mx = pytest.importorskip("mxnet", exc_type=ImportError)
if not mx.__version__.startswith("1."):
    pytest.skip("MXNet 2 keeps one vector: test_mxnet2.py", allow_module_level=True)


def run(config, params, batch):
    lstm = mx.gluon.rnn.LSTM(
        config.hidden_size,
        config.layers,
        bidirectional=config.directions == 2,
        input_size=config.input_size,
        dtype=config.dtype,
        prefix="",
    )
    lstm.initialize(mx.init.Zero())
    own = lstm.collect_params()
    assert set(own) == set(params)
    for name, parameter in own.items():
        parameter.set_data(array(params[name]))
    y, (h_n, c_n) = lstm(array(batch.x), [array(batch.states["h"]), array(batch.states["c"])])
    return y.asnumpy(), h_n.asnumpy(), c_n.asnumpy()


def array(numbers):
    return mx.nd.array(numbers, dtype=numbers.dtype)


def test_mxnet(verify):
    verify("mxnet", run)
