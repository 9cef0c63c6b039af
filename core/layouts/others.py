"""The layouts of further frameworks: PaddlePaddle, MLX, tinygrad, Chainer, Burn."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

# The flat names; each array is there a second time, as 0.cell.weight_ih or 0.cell_fw.weight_ih.
PADDLE: Final = Layout(
    "paddle",
    (
        ArraySpec("weight_ih_l{layer}{direction}", "w_ih", "(gate hidden) input"),
        ArraySpec("weight_hh_l{layer}{direction}", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias_ih_l{layer}{direction}", "b_ih", "(gate hidden)"),
        ArraySpec("bias_hh_l{layer}{direction}", "b_hh", "(gate hidden)"),
    ),
    refused=(("weight_ho", "it is the projection of an LSTM with proj_size"),),
    origin=Origin(
        "paddle.nn.LSTM",
        "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/LSTM_en.html",
        "paddlepaddle 3.3.1",
        limits=("proj_size, with which the flat names are those of other arrays",),
    ),
)

MLX: Final = Layout(
    "mlx",
    (
        ArraySpec("Wx", "w_ih", "(gate hidden) input"),
        ArraySpec("Wh", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias", "b", "(gate hidden)"),
    ),
    origin=Origin(
        "mlx.nn.LSTM",
        "https://ml-explore.github.io/mlx/build/html/python/nn/_autosummary/mlx.nn.LSTM.html",
        "mlx 0.32.4",
    ),
)

TINYGRAD: Final = Layout(
    "tinygrad",
    (
        ArraySpec("weight_ih", "w_ih", "(gate hidden) input"),
        ArraySpec("weight_hh", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias_ih", "b_ih", "(gate hidden)"),
        ArraySpec("bias_hh", "b_hh", "(gate hidden)"),
    ),
    origin=Origin(
        "tinygrad.nn.LSTMCell",
        "https://docs.tinygrad.org/nn/#tinygrad.nn.LSTMCell",
        "tinygrad 0.14.0",
    ),
)

# Interleaved: the four gates of one unit lie side by side.
CHAINER: Final = Layout(
    "chainer",
    (
        ArraySpec("upward/W", "w_ih", "(hidden gate) input"),
        ArraySpec("lateral/W", "w_hh", "(hidden gate) unit"),
        ArraySpec("upward/b", "b", "(hidden gate)"),
    ),
    order="gifo",
    always_biased=True,
    origin=Origin(
        "chainer.links.LSTM",
        "https://docs.chainer.org/en/v7.8.1/reference/generated/chainer.links.LSTM.html",
        "chainer 7.8.1",
        states="c, h",
    ),
)

# A link for each layer and direction, its arrays numbered: the input's i, f, g, o come first.
CHAINER_NSTEP: Final = Layout(
    "chainer_nstep",
    (
        ArraySpec("{cell}/w{gate}", "w_ih", "hidden input", gates=("0", "1", "2", "3")),
        ArraySpec("{cell}/w{gate}", "w_hh", "hidden unit", gates=("4", "5", "6", "7")),
        ArraySpec("{cell}/b{gate}", "b_ih", "hidden", gates=("0", "1", "2", "3")),
        ArraySpec("{cell}/b{gate}", "b_hh", "hidden", gates=("4", "5", "6", "7")),
    ),
    always_biased=True,
    origin=Origin(
        "chainer.links.NStepLSTM and NStepBiLSTM",
        "https://docs.chainer.org/en/v7.8.1/reference/generated/chainer.links.NStepLSTM.html",
        "chainer 7.8.1",
    ),
)

# Two Linear modules a gate, x @ W; each has a bias or none has.
BURN: Final = Layout(
    "burn",
    (
        ArraySpec("{direction}.{gate}_gate.input_transform.weight", "w_ih", "input hidden"),
        ArraySpec("{direction}.{gate}_gate.hidden_transform.weight", "w_hh", "unit hidden"),
        ArraySpec("{direction}.{gate}_gate.input_transform.bias", "b_ih", "hidden"),
        ArraySpec("{direction}.{gate}_gate.hidden_transform.bias", "b_hh", "hidden"),
    ),
    gates=("input", "forget", "cell", "output"),
    directions=("forward", "reverse"),
    origin=Origin(
        "burn::nn::BiLstm",
        "https://docs.rs/burn/latest/burn/nn/struct.BiLstm.html",
        "burn",
        states="c, h",
        unverified="it is Rust; the literals of its tests pass",
    ),
)
