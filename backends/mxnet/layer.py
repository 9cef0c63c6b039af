"""MXNet's own layer, gluon's `rnn.LSTM`.

In 2.0 it takes `np` alone, and all weights are one vector.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, Final

import mxnet as mx
from mxnet import autograd
from mxnet.gluon import rnn

from gateparity.backends.base.variant import Variant
from gateparity.backends.mxnet.context import CONTEXT
from gateparity.backends.mxnet.primitives import IS_2, LIMITS, PRIMITIVES
from gateparity.layouts import MXNET, MXNET2

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    lstm = _cached_lstm(config, threading.get_ident(), use_sequence_length=lengths is not None)
    for name, parameter in lstm.collect_params().items():
        parameter._data = [_to_gluon(params[name])]  # set_data copies; these are autograd's leaves
    y, (h_n, c_n) = lstm(_to_gluon(x), [_to_gluon(h_0), _to_gluon(c_0)], lengths)
    return _from_gluon(y), _from_gluon(h_n), _from_gluon(c_n)


@functools.cache
def _cached_lstm(config: Config, _thread: int, *, use_sequence_length: bool) -> Any:
    """Return the layer for a config, made once since that takes a millisecond.

    No call runs with the layer's own weights. Each call puts its weights into the layer, so each
    thread has a layer to itself.
    """
    return _lstm(config, use_sequence_length=use_sequence_length)


def _load_and_read_back(config: Config, params: Any) -> Any:
    weights = _lstm(config).collect_params()
    for name, parameter in weights.items():
        parameter.set_data(_to_gluon(params[name]))
    return {name: _from_gluon(parameter.data()) for name, parameter in weights.items()}


def _lstm(config: Config, *, use_sequence_length: bool = False) -> Any:
    if IS_2:
        return _lstm_2(config)
    lstm = rnn.LSTM(
        config.hidden_size,
        config.layers,
        bidirectional=config.directions == 2,
        input_size=config.input_size,
        dtype=config.dtype,
        prefix="",
        use_sequence_length=use_sequence_length,
    )
    # The default initializer makes float32 whatever the dtype, and fails.
    lstm.initialize(mx.init.Zero(), ctx=CONTEXT)
    return lstm


def _lstm_2(config: Config) -> Any:
    lstm = rnn.LSTM(
        config.hidden_size,
        config.layers,
        bidirectional=config.directions == 2,
        input_size=config.input_size,
        dtype=config.dtype,
    )
    lstm.initialize(mx.init.Zero())
    with autograd.pause():  # the vector has no size before a first call
        lstm(mx.np.zeros((1, 1, config.input_size), dtype=config.dtype))
    return lstm


def _to_gluon(array: Any) -> Any:
    return array.as_np_ndarray() if IS_2 else array


def _from_gluon(array: Any) -> Any:
    return array.as_nd_ndarray() if IS_2 else array


_LENGTHS: Final = (
    {"lengths": "mxnet.gluon.rnn.LSTM 2.0 refuses lengths on a CPU"}
    if IS_2
    else {"lengths_float64": "mxnet.gluon.rnn.LSTM 1.9 refuses lengths in float64 on a CPU"}
)
Layer = functools.partial(
    Variant,
    "mxnet:layer",
    MXNET2 if IS_2 else MXNET,
    _layer,
    PRIMITIVES,
    unsupported=LIMITS | _LENGTHS | {"gates": "mxnet.gluon.rnn.LSTM doesn't return its gates"},
    load_and_read_back=_load_and_read_back,
)
