"""`LSTMSequence` of OpenVINO's CPU plugin, which computes in float32."""

from __future__ import annotations

import numpy as np
import pytest

openvino = pytest.importorskip("openvino", exc_type=ImportError)


def run(config, params, batch):
    from openvino import opset8

    steps, size, _ = batch.x.shape
    feeds = {
        "x": np.swapaxes(batch.x, 0, 1),  # batch-major, the states as well
        "h": np.swapaxes(batch.h_0, 0, 1),
        "c": np.swapaxes(batch.c_0, 0, 1),
    }
    nodes = {name: opset8.parameter(array.shape, np.float32) for name, array in feeds.items()}
    lstm = opset8.lstm_sequence(
        *nodes.values(),
        opset8.constant(np.full(size, steps, np.int32)),
        *(opset8.constant(params[name]) for name in "WRB"),
        config.hidden_size,
        "bidirectional" if config.directions == 2 else "forward",
    )
    model = openvino.Model(lstm.outputs(), list(nodes.values()))
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(model, "CPU", exact)
    y, h_n, c_n = compiled(list(feeds.values())).to_tuple()  # y (B, direction, T, hidden)
    y = np.transpose(y, (2, 0, 1, 3)).reshape(steps, size, -1)
    return y, np.swapaxes(h_n, 0, 1), np.swapaxes(c_n, 0, 1)


def test_openvino(verify):
    verify("openvino", run, dtypes=["float32"])
