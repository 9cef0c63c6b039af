"""TensorFlow: d2l's LSTMScratch.

Functions are compiled by XLA, once for each config and shape, which is faster than a plain
`tf.function`. Compilation takes time, and Keras itself runs eagerly. So the layer variant runs
eagerly too where sequences are too short to repay it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.tensorflow.primitives import PRIMITIVES, TRAINING, live_steps
from gateparity.layouts import D2L
from gateparity.network.cells import LSTM

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
    mask = None if lengths is None else live_steps(lengths, X.shape[0])
    X = X if mask is None else tf.where(mask, X, 0)  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, mask, reverse=reverse, with_trace=with_trace)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, tf.concat)
    return Y, tf.stack(H_n), tf.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, mask: Any, *, reverse: bool, with_trace: bool) -> Any:
    W_x = tf.concat([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = tf.concat([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    b = tf.concat([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1) if "b_i" in w else 0

    def step(k: Any, H: Any, C: Any, kept: Any) -> Any:
        t = steps - 1 - k if reverse else k
        Z = Xs.read(t) @ W_x + b + H @ W_h
        Z_i, Z_f, Z_c, Z_o = tf.split(Z, 4, -1)
        I = tf.sigmoid(Z_i)
        F = tf.sigmoid(Z_f)
        C_tilde = tf.tanh(Z_c)
        O = tf.sigmoid(Z_o)
        C_new = F * C + I * C_tilde
        H_new = O * tf.tanh(C_new)
        new = (Z, tf.concat([I, F, C_tilde, O], -1), C_new, H_new) if with_trace else (H_new,)
        C = C_new if mask is None else tf.where(mask[t], C_new, C)
        H = H_new if mask is None else tf.where(mask[t], H_new, H)
        return k + 1, H, C, [array.write(t, one) for array, one in zip(kept, new, strict=True)]

    steps, gates = X.shape[0], (*H.shape[:-1], len(LSTM.gates) * H.shape[-1])
    Xs = tf.TensorArray(X.dtype, steps).unstack(X)
    shapes = (gates, gates, C.shape, H.shape) if with_trace else (H.shape,)
    kept = [tf.TensorArray(X.dtype, steps, element_shape=shape) for shape in shapes]
    # tf.scan keeps H and C of every step besides, and their gradients: 1.6 to 1.9 times the time.
    _, H, C, kept = tf.while_loop(
        lambda k, *_: k < steps, step, (0, H, C, kept), maximum_iterations=steps
    )
    kept = [array.stack() for array in kept]
    Y = kept[-1] if mask is None else tf.where(mask, kept[-1], 0)
    return Y, H, C, kept


Scratch = functools.partial(
    Variant,
    "tensorflow:scratch",
    D2L,
    _scratch,
    PRIMITIVES,
    unsupported=TRAINING,
    trace=functools.partial(_scratch, with_trace=True),
)
