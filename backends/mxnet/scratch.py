"""MXNet: d2l's LSTMScratch.

Execution is eager. The scratch variant projects the inputs of all steps in one product before its
loop. In 1.9.1 arrays are `nd`, not `np`, because gluon's layers accept float64 only in that mode.
In 2.0 the layers accept only `np`, and all weights are one vector.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from mxnet import nd

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.mxnet.primitives import LIMITS, PRIMITIVES, concat
from gateparity.layouts import D2L

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _scratch(
    config: Config,
    params: Any,
    X: Any,
    H_0: Any,
    C_0: Any,
    lengths: Any,
    *,
    with_trace: bool = False,
) -> Any:
    mask = None if lengths is None else _mask(lengths, (*X.shape[:2], config.hidden_size))
    if mask is not None:
        X = nd.where(_mask(lengths, X.shape), X, nd.zeros_like(X))  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, mask, reverse=reverse, with_trace=with_trace)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, concat)
    return Y, nd.stack(*H_n), nd.stack(*C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, mask: Any, *, reverse: bool, with_trace: bool) -> Any:
    hidden = H.shape[-1]
    W_x = nd.transpose(concat([w["W_xi"], w["W_xf"], w["W_xo"], w["W_xc"]], -1))
    W_h = nd.transpose(concat([w["W_hi"], w["W_hf"], w["W_ho"], w["W_hc"]], -1))
    b = concat([w["b_i"], w["b_f"], w["b_o"], w["b_c"]], -1) if "b_i" in w else None
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
        if with_trace:
            Z_i, Z_f, Z_o = nd.split(Z_ifo, 3, axis=-1)
            pre_activations = concat([Z_i, Z_f, Z_c, Z_o], -1)
            kept[t] = pre_activations, concat([I, F, C_tilde, O], -1), C_new, H_new
        else:
            kept[t] = (H_new,)
        C = C_new if mask is None else nd.where(mask[t], C_new, C)
        H = H_new if mask is None else nd.where(mask[t], H_new, H)
    kept = [nd.stack(*arrays) for arrays in zip(*kept, strict=True)]
    Y = kept[-1] if mask is None else nd.where(mask, kept[-1], nd.zeros_like(kept[-1]))
    return Y, H, C, kept


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


def _mask(lengths: Any, shape: tuple[int, ...]) -> Any:
    mask = (np.arange(shape[0])[:, None] < lengths.asnumpy())[..., None]
    return nd.array(np.broadcast_to(mask, shape))  # nd.where wants a condition of full shape


Scratch = functools.partial(
    Variant,
    "mxnet:scratch",
    D2L,
    _scratch,
    PRIMITIVES,
    unsupported=LIMITS,
    trace=functools.partial(_scratch, with_trace=True),
)
