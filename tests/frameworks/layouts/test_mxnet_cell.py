"""`mxnet.gluon.rnn.LSTMCell`."""

from __future__ import annotations

import pytest

mx = pytest.importorskip("mxnet", exc_type=ImportError)
if not mx.__version__.startswith("1."):
    pytest.skip("written for the arrays of MXNet 1", allow_module_level=True)


def make(config, params):
    cell = mx.gluon.rnn.LSTMCell(config.hidden_size, input_size=config.input_size, prefix="")
    cell.cast(config.dtype)
    cell.initialize(mx.init.Zero())
    own = cell.collect_params()
    assert set(own) == set(params)
    for name, parameter in own.items():
        parameter.set_data(array(params[name]))

    def step(x, h, c):
        _, (h, c) = cell(array(x), [array(h), array(c)])
        return h.asnumpy(), c.asnumpy()

    return step


def array(numbers):
    return mx.nd.array(numbers, dtype=numbers.dtype)


def test_mxnet_cell(verify_cell):
    verify_cell("mxnet_cell", make)
