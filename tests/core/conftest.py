"""The layouts under test: every adapter's, and others that the spec must be able to say."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import strategies as st

from gateparity.config import Config
from gateparity.layout import Layout
from gateparity.layouts import LAYOUTS
from gateparity.tensor import Tensor

# https://onnx.ai/onnx/operators/onnx__LSTM.html: one node is one layer, both biases in B.
ONNX: Final = Layout(
    "onnx",
    (
        Tensor("W", "w_ih", "direction (gate hidden) input"),
        Tensor("R", "w_hh", "direction (gate hidden) unit"),
        Tensor("B", "b_pair", "direction (side gate hidden)"),
    ),
    order="iofg",
)

# tf.compat.v1.nn.rnn_cell.BasicLSTMCell: one kernel over [x, h], forget_bias added at run time.
TF1: Final = Layout(
    "tf1",
    (Tensor("kernel", "w", "feature (gate hidden)"), Tensor("bias", "b", "(gate hidden)")),
    order="igfo",
    always_biased=True,
    forget_offset=1.0,
)

# chainer.links.LSTM: the gates of one unit lie side by side.
CHAINER: Final = Layout(
    "chainer",
    (
        Tensor("l{layer}{direction}/upward/W", "w_ih", "(hidden gate) input"),
        Tensor("l{layer}{direction}/lateral/W", "w_hh", "(hidden gate) unit"),
        Tensor("l{layer}{direction}/upward/b", "b", "(hidden gate)"),
    ),
    order="gifo",
    always_biased=True,
)

# https://github.com/Tencent/ncnn/wiki/operators#lstm: the bias has a gate axis of its own.
NCNN: Final = Layout(
    "ncnn",
    (
        Tensor("weight_xc", "w_ih", "direction (gate hidden) input"),
        Tensor("bias_c", "b", "direction gate hidden"),
        Tensor("weight_hc", "w_hh", "direction (gate hidden) unit"),
    ),
    order="ifog",
    always_biased=True,
)

ALL: Final = LAYOUTS | {x.name: x for x in (ONNX, TF1, CHAINER, NCNN)}


@pytest.fixture(scope="session")
def layouts() -> dict[str, Layout]:
    return ALL


@pytest.fixture(scope="session", params=ALL.values(), ids=ALL)
def layout(request) -> Layout:
    return request.param


@pytest.fixture(scope="session")
def configs(layout) -> st.SearchStrategy[Config]:
    """Every config that the layout holds, small."""
    layers, directions = 3 if layout.many_layers else 1, 2 if layout.both_directions else 1
    return st.builds(
        Config,
        input_size=st.integers(1, 5),
        hidden_size=st.integers(1, 5),
        layers=st.integers(1, layers),
        directions=st.integers(1, directions),
        biases=st.booleans(),
        dtype=st.sampled_from(["float32", "float64"]),
    )
