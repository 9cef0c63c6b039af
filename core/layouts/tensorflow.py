"""The layouts of TensorFlow besides Keras: the cells of version 1, the raw operators, Sonnet."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

_PEEPHOLE: Final = "it is a peephole"

# One kernel over [x, h]; forget_bias, 1 by default, is added at run time.
TF1: Final = Layout(
    "tf1",
    (ArraySpec("kernel", "w", "feature (gate hidden)"), ArraySpec("bias", "b", "(gate hidden)")),
    order="igfo",
    always_biased=True,
    forget_offset=1.0,
    refused=(("_diag", _PEEPHOLE), ("projection/", "it is the projection of a cell with num_proj")),
    origin=Origin(
        "tf.compat.v1.nn.rnn_cell.BasicLSTMCell and LSTMCell",
        "https://www.tensorflow.org/api_docs/python/tf/compat/v1/nn/rnn_cell/LSTMCell",
        "tensorflow 2.21.0",
        states="c, h",
        limits=("a forget_bias other than 1", "cell_clip"),
    ),
)

_BLOCK: Final = (ArraySpec("w", "w", "feature (gate hidden)"), ArraySpec("b", "b", "(gate hidden)"))
_BLOCK_REFUSED: Final = tuple((name, _PEEPHOLE) for name in ("wci", "wcf", "wco"))

# Its documentation says i, f, ci, o.
BLOCK_LSTM: Final = Layout(
    "block_lstm",
    _BLOCK,
    order="igfo",
    always_biased=True,
    forget_offset=1.0,
    refused=_BLOCK_REFUSED,
    origin=Origin(
        "tf.raw_ops.BlockLSTM and LSTMBlockCell",
        "https://www.tensorflow.org/api_docs/python/tf/raw_ops/BlockLSTM",
        "tensorflow 2.21.0",
        states="c, h",
        limits=("a forget_bias other than 1", "cell_clip, which is 3 unless it is set to 0"),
    ),
)

BLOCK_LSTM2: Final = Layout(
    "block_lstm2",
    _BLOCK,
    always_biased=True,
    refused=_BLOCK_REFUSED,
    origin=Origin(
        "tf.raw_ops.BlockLSTMV2",
        "https://www.tensorflow.org/api_docs/python/tf/raw_ops/BlockLSTMV2",
        "tensorflow 2.21.0",
        states="c, h",
        limits=("cell_clip",),
    ),
)

# The 1 of the forget gate is in the initial bias, not added at run time.
SONNET: Final = Layout(
    "sonnet",
    (
        ArraySpec("w_i", "w_ih", "input (gate hidden)"),
        ArraySpec("w_h", "w_hh", "unit (gate hidden)"),
        ArraySpec("b", "b", "(gate hidden)"),
    ),
    always_biased=True,
    refused=(("projection", "it is the projection of an LSTM with projection_size"),),
    origin=Origin(
        "sonnet.LSTM",
        "https://sonnet.readthedocs.io/en/latest/api.html#lstm",
        "dm-sonnet 2.0.2",
    ),
)
