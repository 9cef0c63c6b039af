"""TensorFlow: d2l's LSTMScratch, and `keras.layers.LSTM`.

Compiled by XLA, once for each config and shape: that makes `keras.layers.LSTM` 2.5 times faster
than a plain `tf.function`. A compilation takes a second, though, and Keras runs eagerly by itself;
so does the layer variant here where sequences are too short to repay it.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Final

os.environ["KERAS_BACKEND"] = "tensorflow"  # read once, when keras is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from gateparity.adapter import (
    Batch,
    Gradients,
    Outputs,
    Trace,
    initial_states,
)
from gateparity.backends.stack import build_trace, cell_name, cell_params, is_reverse, run_layers
from gateparity.layouts import D2L, KERAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Native
    from gateparity.config import Config


_WORTH_COMPILING: Final = 16  # steps; 5 took the layer 0.1 s eagerly, and 1 to 3 s to compile


class Scratch:
    """The equations written out."""

    name = "tensorflow:scratch"
    version = tf.__version__
    layout = D2L
    unsupported: Final[dict[str, str]] = {}

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """All steps of all layers."""
        return _forward(_scratch, config, params, batch)

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Every pre-activation, gate and state."""
        *_, kept = _compiled_call(_scratch, config, *_tensors(config, params, batch))
        return build_trace(batch, kept)

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """By `tf.GradientTape`."""
        return _gradients(_scratch, config, params, batch, cotangent)


class Layer:
    """`keras.layers.LSTM`."""

    name = "tensorflow:layer"
    version = tf.__version__
    layout = KERAS
    unsupported: Final = {"gates": "keras.layers.LSTM doesn't return its gates"}

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """All steps of all layers."""
        return _forward(_layer(config), config, params, batch, compiled=_is_long(batch))

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """By `tf.GradientTape`."""
        run = _layer(config)
        return _gradients(run, config, params, batch, cotangent, compiled=_is_long(batch))


def _scratch(config: Config, params: Any, X: Any, H_0: Any, C_0: Any, lengths: Any) -> Any:
    live = None if lengths is None else _live(lengths, len(X))

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        return _sequence(X, H_0[k], C_0[k], w, live, reverse=is_reverse(config, k))

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, tf.concat)
    return Y, tf.stack(H_n), tf.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, live: Any, *, reverse: bool) -> Any:
    W_x = tf.concat([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = tf.concat([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    b = tf.concat([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1) if "b_i" in w else 0

    def step(state: Any, inputs: Any) -> Any:
        (H, C, *_), (X_t, *live_t) = state, inputs
        Z = X_t @ W_x + b + H @ W_h
        Z_i, Z_f, Z_c, Z_o = tf.split(Z, 4, -1)
        I = tf.sigmoid(Z_i)
        F = tf.sigmoid(Z_f)
        C_tilde = tf.tanh(Z_c)
        O = tf.sigmoid(Z_o)
        C_new = F * C + I * C_tilde
        H_new = O * tf.tanh(C_new)
        kept = (Z, tf.concat([I, F, C_tilde, O], -1), C_new, H_new)
        C = C_new if live is None else tf.where(live_t[0], C_new, C)
        H = H_new if live is None else tf.where(live_t[0], H_new, H)
        return H, C, kept

    inputs = (X,) if live is None else (X, live)
    gates = tf.zeros((*H.shape[:-1], 4 * H.shape[-1]), H.dtype)
    H, C, kept = tf.scan(step, inputs, (H, C, (gates, gates, C, H)), reverse=reverse)
    Y = kept[-1] if live is None else tf.where(live, kept[-1], 0)
    last = 0 if reverse else -1
    return Y, H[last], C[last], kept


@functools.cache
def _layer(config: Config) -> Callable[..., Any]:
    """Make the layers outside of any trace, which can hold none; their weights are never used."""
    lstms = [_keras_lstm(config, k) for k in range(config.cells)]

    def run(_: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
        mask = None if lengths is None else tf.transpose(_live(lengths, len(x))[..., 0])

        def run_cell(k: int, x: Any) -> Any:
            w = cell_params(params, f"lstm_{cell_name(config, k)}/lstm_cell/")
            (y, h, c), _ = lstms[k].stateless_call(
                [w[variable.name] for variable in lstms[k].trainable_variables],
                lstms[k].non_trainable_variables,
                tf.transpose(x, (1, 0, 2)),
                initial_state=[h_0[k], c_0[k]],
                mask=mask,
            )
            y = tf.transpose(y, (1, 0, 2))
            return y[::-1] if is_reverse(config, k) else y, h, c  # go_backwards: in its own order

        y, h_n, c_n = run_layers(config, x, run_cell, tf.concat)
        return y, tf.stack(h_n), tf.stack(c_n)

    return run


def _keras_lstm(config: Config, k: int) -> Any:
    lstm = keras.layers.LSTM(
        config.hidden_size,
        return_sequences=True,
        return_state=True,
        go_backwards=is_reverse(config, k),
        use_bias=config.biases,
        zero_output_for_mask=True,
        dtype=config.dtype,
    )
    lstm.build((None, None, config.layer_input_size(k // config.directions)))
    return lstm


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return run(config, *inputs)


def _vjp(
    run: Callable[..., Any],
    config: Config,
    params: Any,
    x: Any,
    h_0: Any,
    c_0: Any,
    lengths: Any,
    heads: Any,
) -> Any:
    with tf.GradientTape() as tape:
        tape.watch((params, x, h_0, c_0))
        y, h_n, c_n, *_ = run(config, params, x, h_0, c_0, lengths)
    return tape.gradient((y, h_n, c_n), (params, x, h_0, c_0), heads)


_compiled_call = tf.function(_call, jit_compile=True)
_compiled_vjp = tf.function(_vjp, jit_compile=True)


def _is_long(batch: Batch) -> bool:
    return len(batch.x) >= _WORTH_COMPILING


def _live(lengths: Any, steps: int) -> Any:
    return (tf.range(steps, dtype=lengths.dtype)[:, None] < lengths)[..., None]


def _forward(
    run: Callable[..., Any],
    config: Config,
    params: Native,
    batch: Batch,
    *,
    compiled: bool = True,
) -> Outputs:
    call = _compiled_call if compiled else _call
    y, h_n, c_n, *_ = call(run, config, *_tensors(config, params, batch))
    return Outputs(y.numpy(), h_n.numpy(), c_n.numpy())


def _gradients(
    run: Callable[..., Any],
    config: Config,
    params: Native,
    batch: Batch,
    cotangent: Outputs,
    *,
    compiled: bool = True,
) -> Gradients:
    heads = tuple(map(tf.constant, (cotangent.y, cotangent.h_n, cotangent.c_n)))
    vjp = _compiled_vjp if compiled else _vjp
    d_p, dx, dh_0, dc_0 = vjp(run, config, *(*_tensors(config, params, batch), heads))
    return Gradients(
        {name: d.numpy() for name, d in d_p.items()},
        Batch(dx.numpy(), dh_0.numpy(), dc_0.numpy()),
    )


def _tensors(config: Config, params: Native, batch: Batch) -> Any:
    h_0, c_0 = initial_states(config, batch)
    lengths = None if batch.lengths is None else tf.constant(batch.lengths)
    tensors = {name: tf.constant(array) for name, array in params.items()}
    return tensors, tf.constant(batch.x), tf.constant(h_0), tf.constant(c_0), lengths
