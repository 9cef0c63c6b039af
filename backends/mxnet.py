"""MXNet: d2l's LSTMScratch, and gluon's `rnn.LSTM`.

Execution is eager. The scratch variant projects the inputs of all steps in one product before its
loop. In 1.9.1 arrays are `nd`, not `np`, because gluon's layers accept float64 only in that mode.
In 2.0 the layers accept only `np`, and all weights are one vector.
"""

from __future__ import annotations

import contextlib
import functools
import os
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.numpy_names import restore_numpy_names

restore_numpy_names()

import mxnet as mx
from mxnet import autograd, nd
from mxnet.gluon import rnn

from gateparity.backends.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.variant import Primitives, Variant, on_off
from gateparity.layouts import D2L, MXNET, MXNET2

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.config import Config


_IS_2: Final = mx.__version__.startswith("2.")


def _scratch(
    config: Config, params: Any, X: Any, H_0: Any, C_0: Any, lengths: Any, *, keep: bool = False
) -> Any:
    live = None if lengths is None else _live(lengths, (*X.shape[:2], config.hidden_size))
    if live is not None:
        X = nd.where(_live(lengths, X.shape), X, nd.zeros_like(X))  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, live, reverse=reverse, keep=keep)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, _concat)
    return Y, nd.stack(*H_n), nd.stack(*C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, live: Any, *, reverse: bool, keep: bool) -> Any:
    hidden = H.shape[-1]
    W_x = nd.transpose(_concat([w["W_xi"], w["W_xf"], w["W_xo"], w["W_xc"]], -1))
    W_h = nd.transpose(_concat([w["W_hi"], w["W_hf"], w["W_ho"], w["W_hc"]], -1))
    b = _concat([w["b_i"], w["b_f"], w["b_o"], w["b_c"]], -1) if "b_i" in w else None
    Z_x = _project(X, W_x, b)
    # Of Z_x[t], each gradient would be as large as all of Z_x. One output isn't a list.
    Z_x = nd.split(Z_x, len(X), axis=0, squeeze_axis=True) if len(X) > 1 else Z_x
    kept: list[Any] = [None] * len(X)
    for t in range(len(X))[:: -1 if reverse else 1]:
        Z = Z_x[t] + _project(H, W_h)
        Z_ifo = nd.slice_axis(Z, axis=-1, begin=0, end=3 * hidden)
        Z_c = nd.slice_axis(Z, axis=-1, begin=3 * hidden, end=4 * hidden)
        I, F, O = nd.split(_sigmoid(Z_ifo), 3, axis=-1)  # one call for three gates
        C_tilde = _tanh(Z_c)
        C_new = F * C + I * C_tilde
        H_new = O * _tanh(C_new)
        if keep:
            Z_i, Z_f, Z_o = nd.split(Z_ifo, 3, axis=-1)
            pre_activations = _concat([Z_i, Z_f, Z_c, Z_o], -1)
            kept[t] = pre_activations, _concat([I, F, C_tilde, O], -1), C_new, H_new
        else:
            kept[t] = (H_new,)
        C = C_new if live is None else nd.where(live[t], C_new, C)
        H = H_new if live is None else nd.where(live[t], H_new, H)
    kept = [nd.stack(*arrays) for arrays in zip(*kept, strict=True)]
    Y = kept[-1] if live is None else nd.where(live, kept[-1], nd.zeros_like(kept[-1]))
    return Y, H, C, kept


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    lstm = _cached_lstm(config, use_sequence_length=lengths is not None)
    for name, parameter in lstm.collect_params().items():
        parameter._data = [_to_gluon(params[name])]  # set_data copies; these are autograd's leaves
    y, (h_n, c_n) = lstm(_to_gluon(x), [_to_gluon(h_0), _to_gluon(c_0)], lengths)
    return _from_gluon(y), _from_gluon(h_n), _from_gluon(c_n)


@functools.cache
def _cached_lstm(config: Config, *, use_sequence_length: bool) -> Any:
    """Return the layer for a config, made once since that takes a millisecond.

    No call runs with the layer's own weights.
    """
    return _lstm(config, use_sequence_length=use_sequence_length)


def _hold(config: Config, params: Any) -> Any:
    held = _lstm(config).collect_params()
    for name, parameter in held.items():
        parameter.set_data(_to_gluon(params[name]))
    return {name: _from_gluon(parameter.data()) for name, parameter in held.items()}


def _lstm(config: Config, *, use_sequence_length: bool = False) -> Any:
    if _IS_2:
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
    lstm.initialize(mx.init.Zero())  # the default one makes float32 whatever the dtype, and fails
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
    return array.as_np_ndarray() if _IS_2 else array


def _from_gluon(array: Any) -> Any:
    return array.as_nd_ndarray() if _IS_2 else array


def _from_numpy(array: Any) -> Any:
    """Return an MXNet array that shares memory with a read-only view of the NumPy array.

    A copy would take a tenth of a call's time.
    """
    return nd.from_numpy(np.ascontiguousarray(array)[...])


def _to_numpy(array: Any) -> Any:
    """Wait for an array's value and return it as NumPy's.

    MXNet computes asynchronously, so errors appear here. The queue is drained after an error, so
    that the next call does not raise it again.
    """
    try:
        return array.asnumpy()
    except mx.MXNetError:
        with contextlib.suppress(mx.MXNetError):
            nd.waitall()
        raise


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return run(config, *inputs)


def _vjp(run: Callable[..., Any], config: Config, inputs: Any, heads: Any) -> Any:
    params, x, h_0, c_0, lengths = inputs
    for source in (*params.values(), x, h_0, c_0):
        source.attach_grad()
    with autograd.record():
        y, h_n, c_n, *_ = run(config, params, x, h_0, c_0, lengths)
    autograd.backward([y, h_n, c_n], list(heads))
    return {name: array.grad for name, array in params.items()}, x.grad, h_0.grad, c_0.grad


def _concat(arrays: list[Any], axis: int) -> Any:
    return nd.concat(*arrays, dim=axis)


def _project(array: Any, W: Any, b: Any = None) -> Any:
    """Return `array W^T + b`, computed by oneDNN; nd.dot takes 1.2 to 1.3 times as long."""
    return nd.FullyConnected(
        *([array, W] if b is None else [array, W, b]),
        num_hidden=len(W),
        no_bias=b is None,
        flatten=False,
    )


def _sigmoid(array: Any) -> Any:
    """Apply oneDNN's sigmoid; nd.sigmoid takes six times as long."""
    return nd.Activation(array, "sigmoid")


def _tanh(array: Any) -> Any:
    return nd.Activation(array, "tanh")


def _live(lengths: Any, shape: tuple[int, ...]) -> Any:
    live = (np.arange(shape[0])[:, None] < lengths.asnumpy())[..., None]
    return nd.array(np.broadcast_to(live, shape))  # nd.where wants a condition of full shape


def _settings() -> dict[str, str]:
    built = mx.runtime.Features()
    return {
        "device": "cpu",
        "oneDNN": on_off(any(name in built and built.is_enabled(name) for name in _ONEDNN)),
        "MKL": on_off(built.is_enabled("BLAS_MKL")),
    }


_ONEDNN: Final = ("MKLDNN", "ONEDNN")  # its name until MXNet 1.9, and after


def _trainer() -> Any:
    from gateparity.backends import mxnet_training

    return mxnet_training


_MXNET: Final = Primitives(
    version=mx.__version__,
    from_numpy=_from_numpy,
    to_numpy=_to_numpy,
    call=_call,
    vjp=_vjp,
    settings=_settings,
    wait=lambda _: nd.waitall(),
    threads=lambda: int(os.environ.get("OMP_NUM_THREADS") or 0),  # OpenMP's; MXNet doesn't say
    trainer=_trainer,
)
_SERIES: Final = mx.__version__[:3]
_TRAINING: Final = (
    {"train": "gluon.Trainer of MXNet 2.0 moves mx.np arrays alone, and these are mx.nd"}
    if _IS_2
    else {}
)
_LIMITS: Final = _TRAINING | {
    "empty_sequence": f"MXNet {_SERIES} takes a size of 0 for one that isn't known yet",
    "empty_batch": f"MXNet {_SERIES} takes a size of 0 for one that isn't known yet",
    "float16": f"MXNet {_SERIES} multiplies no float16 matrices on a CPU",
}
_LENGTHS: Final = (
    {"lengths": "mxnet.gluon.rnn.LSTM 2.0 refuses lengths on a CPU"}
    if _IS_2
    else {"lengths_float64": "mxnet.gluon.rnn.LSTM 1.9 refuses lengths in float64 on a CPU"}
)
Scratch = functools.partial(
    Variant,
    "mxnet:scratch",
    D2L,
    _scratch,
    _MXNET,
    unsupported=_LIMITS,
    trace=functools.partial(_scratch, keep=True),
)
Layer = functools.partial(
    Variant,
    "mxnet:layer",
    MXNET2 if _IS_2 else MXNET,
    _layer,
    _MXNET,
    unsupported=_LIMITS | _LENGTHS | {"gates": "mxnet.gluon.rnn.LSTM doesn't return its gates"},
    hold=_hold,
)
