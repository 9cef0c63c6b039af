"""The layouts of MXNet: gluon's layer in 1.9 and 2.0, the operator behind it, and the cell."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

_PROJECTION: Final = "it is the projection of an LSTM with projection_size"
_IN_THE_VECTOR: Final = "projection_size, whose kernels would lie in the same vector"

# l and r for left to right and back.
_TENSORS: Final = (
    ArraySpec("{direction}{layer}_i2h_weight", "w_ih", "(gate hidden) input"),
    ArraySpec("{direction}{layer}_h2h_weight", "w_hh", "(gate hidden) unit"),
    ArraySpec("{direction}{layer}_i2h_bias", "b_ih", "(gate hidden)"),
    ArraySpec("{direction}{layer}_h2h_bias", "b_hh", "(gate hidden)"),
)

# It has no option to leave its biases out.
MXNET: Final = Layout(
    "mxnet",
    _TENSORS,
    directions=("l", "r"),
    always_biased=True,
    refused=(("_h2r_weight", _PROJECTION),),
    origin=Origin(
        "mxnet.gluon.rnn.LSTM 1.9",
        "https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/rnn/index.html",
        "mxnet 1.9.1",
    ),
)

# Its shape is known only after a first call.
MXNET2: Final = Layout(
    "mxnet2",
    _TENSORS,
    directions=("l", "r"),
    always_biased=True,
    vector="rnn_param",
    origin=Origin(
        "mxnet.gluon.rnn.LSTM 2.0",
        "https://mxnet.apache.org/versions/master/api/python/docs/api/gluon/rnn/index.html",
        "mxnet 2.0.0b1",
        limits=(_IN_THE_VECTOR,),
    ),
)

MXNET_RNN: Final = Layout(
    "mxnet_rnn",
    _TENSORS,
    directions=("l", "r"),
    always_biased=True,
    vector="parameters",
    origin=Origin(
        "mxnet.nd.RNN(mode='lstm')",
        "https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/ndarray/op/index.html",
        "mxnet 1.9.1",
        limits=(_IN_THE_VECTOR,),
    ),
)

MXNET_CELL: Final = Layout(
    "mxnet_cell",
    (
        ArraySpec("i2h_weight", "w_ih", "(gate hidden) input"),
        ArraySpec("h2h_weight", "w_hh", "(gate hidden) unit"),
        ArraySpec("i2h_bias", "b_ih", "(gate hidden)"),
        ArraySpec("h2h_bias", "b_hh", "(gate hidden)"),
    ),
    always_biased=True,
    refused=(("h2r_weight", "it is the projection of an LSTMPCell"),),
    origin=Origin(
        "mxnet.gluon.rnn.LSTMCell",
        "https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/rnn/index.html",
        "mxnet 1.9.1",
    ),
)
