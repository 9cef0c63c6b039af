"""The operator `LSTM` in ONNX Runtime, which has it in float32 alone."""

from __future__ import annotations

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime", exc_type=ImportError)
onnx = pytest.importorskip("onnx", exc_type=ImportError)


def run(config, params, batch):
    feeds = {"X": batch.x, **params, "initial_h": batch.states["h"], "initial_c": batch.states["c"]}
    inputs = ["X", "W", "R", "B", "", "initial_h", "initial_c"]
    outputs = ["Y", "Y_h", "Y_c"]
    node = onnx.helper.make_node(
        "LSTM",
        inputs,
        outputs,
        hidden_size=config.hidden_size,
        direction="bidirectional" if config.directions == 2 else "forward",
    )
    graph = onnx.helper.make_graph(
        [node],
        "lstm",
        [value(name, array.shape) for name, array in feeds.items()],
        [value(name, None) for name in outputs],
    )
    opset = onnx.helper.make_opsetid("", 14)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    y, h_n, c_n = session.run(outputs, feeds)  # y (T, direction, B, hidden)
    steps, size, _ = batch.x.shape
    return np.moveaxis(y, 1, 2).reshape(steps, size, -1), h_n, c_n


def value(name, shape):
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def test_onnx(verify):
    verify("onnx", run, dtypes=["float32"])
