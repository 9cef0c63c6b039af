"""`mxnet.gluon.rnn.LSTM` of MXNet 2."""

from __future__ import annotations

import pytest

mx = pytest.importorskip("mxnet", exc_type=ImportError)
if not mx.__version__.startswith("2."):
    pytest.skip("MXNet 1 keeps an array each: test_mxnet.py", allow_module_level=True)


def run(config, params, batch):
    lstm = mx.gluon.rnn.LSTM(
        config.hidden_size,
        config.layers,
        bidirectional=config.directions == 2,
        input_size=config.input_size,
        dtype=config.dtype,
    )
    lstm.initialize()
    inputs = array(batch.x), [array(batch.states["h"]), array(batch.states["c"])]
    lstm(*inputs)  # its shape is known only then
    own = lstm.collect_params()
    assert set(own) == {"rnn_param"}
    assert own["rnn_param"].shape == params["rnn_param"].shape
    own["rnn_param"].set_data(array(params["rnn_param"]))
    y, (h_n, c_n) = lstm(*inputs)
    return y.asnumpy(), h_n.asnumpy(), c_n.asnumpy()


def array(numbers):
    return mx.np.array(numbers, dtype=numbers.dtype)


def test_mxnet2(verify):
    mx.npx.set_np()
    verify("mxnet2", run)
