"""`diff --run` asks ONNX Runtime for the layers of ONNX files."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

import gateparity
from gateparity.backends.spec import find_runtime
from gateparity.layouts import TORCH
from gateparity.layouts.exchange import ONNX
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters, fields

pytestmark = pytest.mark.skipif(find_runtime("onnx")[0] is None, reason=find_runtime("onnx")[1])
CONFIG = Config(5, 7, directions=2)


def draw(scale=0.3, config=CONFIG):
    generator = np.random.default_rng(3)
    return build_parameters(
        config, lambda _, shape: generator.uniform(-scale, scale, shape).astype(config.dtype)
    )


def save(path, params, config=CONFIG):
    save_file({f"lstm.{n}": a.copy() for n, a in TORCH.pack(params, config).items()}, path)
    return path


def save_onnx(path, params, config=CONFIG):
    native = {n: a for n, a in ONNX.pack(params, config).items() if n in ("W", "R", "B")}
    arrays = [numpy_helper.from_array(array, name) for name, array in native.items()]
    options = {"hidden_size": 7, "direction": "bidirectional"}
    node = helper.make_node("LSTM", ["x", *native], ["y"], name="lstm", **options)
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "xy")
    onnx.save(helper.make_model(helper.make_graph([node], "graph", [x], [y], arrays)), path)
    return path


@pytest.mark.parametrize("scale", [0.3, 4.0])  # at 4, gates are as good as closed
def test_the_side_that_is_an_onnx_file_runs_in_onnx_runtime(scale, tmp_path):
    params = draw(scale)
    a, b = save(tmp_path / "a.safetensors", params), save_onnx(tmp_path / "b.onnx", params)
    (pair,) = gateparity.diff(a, b, run=True).pairs
    assert [side.place for side in pair.outputs] == ["NumPy", "ONNX Runtime"]
    assert all(0 < side.sigmas < 8 for side in pair.outputs)
    assert pair.outputs[0].sigmas != pair.outputs[1].sigmas
    (pair,) = gateparity.diff(b, a, run=True).pairs
    assert [side.place for side in pair.outputs] == ["ONNX Runtime", "NumPy"]


def test_a_wrong_gate_order_shows_in_onnx_runtimes_outputs(tmp_path):
    params = draw()
    wrong = tuple(
        dataclasses.replace(cell, **{n: v[[0, 1, 3, 2]] for n, v in fields(cell).items()})
        for cell in params
    )
    a, b = save(tmp_path / "a.safetensors", params), save_onnx(tmp_path / "b.onnx", wrong)
    (pair,) = gateparity.diff(a, b, run=True).pairs
    assert pair.outputs[0].sigmas < 8
    assert pair.outputs[1].sigmas > 1000


def test_what_onnx_runtime_has_no_lstm_for_runs_in_numpy(tmp_path):
    config = dataclasses.replace(CONFIG, dtype="float64")
    params = draw(config=config)
    a = save(tmp_path / "a.safetensors", params, config)
    b = save_onnx(tmp_path / "b.onnx", params, config)
    (pair,) = gateparity.diff(a, b, run=True).pairs
    assert pair.outputs[1].place == "NumPy: the LSTM of ONNX Runtime has no float64"
    assert pair.outputs[1].sigmas < 8
