"""TensorFlow: d2l's LSTMScratch, and `keras.layers.LSTM`.

Functions are compiled by XLA, once for each config and shape, which is faster than a plain
`tf.function`. Compilation takes time, and Keras itself runs eagerly. So the layer variant runs
eagerly too where sequences are too short to repay it.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import TYPE_CHECKING, Any, Final

os.environ["KERAS_BACKEND"] = "tensorflow"  # read once, when keras is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port

from gateparity.backends import keras2
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.variant import Primitives, Variant, on_off
from gateparity.layouts import D2L, KERAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.config import Config


_IS_KERAS_2: Final = keras.__version__.startswith("2.")
_WORTH_COMPILING: Final = 16  # steps; below, an eager call is over long before a compilation


def _scratch(
    config: Config, params: Any, X: Any, H_0: Any, C_0: Any, lengths: Any, *, keep: bool = False
) -> Any:
    live = None if lengths is None else _live(lengths, X.shape[0])
    X = X if live is None else tf.where(live, X, 0)  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, live, reverse=reverse, keep=keep)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, tf.concat)
    return Y, tf.stack(H_n), tf.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, live: Any, *, reverse: bool, keep: bool) -> Any:
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
        new = (Z, tf.concat([I, F, C_tilde, O], -1), C_new, H_new) if keep else (H_new,)
        C = C_new if live is None else tf.where(live[t], C_new, C)
        H = H_new if live is None else tf.where(live[t], H_new, H)
        return k + 1, H, C, [array.write(t, one) for array, one in zip(kept, new, strict=True)]

    steps, gates = X.shape[0], (*H.shape[:-1], 4 * H.shape[-1])
    Xs = tf.TensorArray(X.dtype, steps).unstack(X)
    shapes = (gates, gates, C.shape, H.shape) if keep else (H.shape,)
    kept = [tf.TensorArray(X.dtype, steps, element_shape=shape) for shape in shapes]
    # tf.scan keeps H and C of every step besides, and their gradients: 1.6 to 1.9 times the time.
    _, H, C, kept = tf.while_loop(
        lambda k, *_: k < steps, step, (0, H, C, kept), maximum_iterations=steps
    )
    kept = [array.stack() for array in kept]
    Y = kept[-1] if live is None else tf.where(live, kept[-1], 0)
    return Y, H, C, kept


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    mask = None if lengths is None else tf.transpose(_live(lengths, x.shape[0])[..., 0])

    def run_cell(k: int, x: Any) -> Any:
        lstm = _keras_lstm(config, k)
        w = cell_params(params, f"lstm_{cell_name(config, k)}/lstm_cell/")
        y, h, c = _call_lstm(lstm, w, tf.transpose(x, (1, 0, 2)), [h_0[k], c_0[k]], mask)
        y = tf.transpose(y, (1, 0, 2))
        return y[::-1] if is_reverse(config, k) else y, h, c  # go_backwards: in its own order

    y, h_n, c_n = run_layers(config, x, run_cell, tf.concat)
    return y, tf.stack(h_n), tf.stack(c_n)


def _call_lstm(lstm: Any, w: Any, x: Any, states: Any, mask: Any) -> Any:
    if _IS_KERAS_2:
        return keras2.call_lstm(lstm, w, x, states, mask)
    outputs, _ = lstm.stateless_call(
        [w[variable.name] for variable in lstm.trainable_variables],
        lstm.non_trainable_variables,
        x,
        initial_state=states,
        mask=mask,
    )
    return outputs


def _hold(config: Config, params: Any) -> Any:
    held: dict[str, Any] = {}
    for k in range(config.cells):
        lstm = _keras_lstm(config, k)
        own = _named_weights(lstm)
        lstm.set_weights([params[path] for path in own])
        held |= {path: tf.convert_to_tensor(variable) for path, variable in own.items()}
    return held


def _named_weights(lstm: Any) -> dict[str, Any]:
    if _IS_KERAS_2:
        return keras2.named_weights(lstm)
    return {variable.path: variable for variable in lstm.weights}


def _prepare(config: Config) -> None:
    for k in range(config.cells):
        _keras_lstm(config, k)


@functools.cache
def _keras_lstm(config: Config, k: int) -> Any:
    """Return the Keras layer of cell `k`, made once.

    No call runs with the layer's own weights, since each call brings its own.
    """
    lstm = keras.layers.LSTM(
        config.hidden_size,
        return_sequences=True,
        return_state=True,
        go_backwards=is_reverse(config, k),
        use_bias=config.biases,
        zero_output_for_mask=True,
        dtype=config.dtype,
        name=f"lstm_{cell_name(config, k)}",
    )
    lstm.build((None, None, config.layer_input_size(k // config.directions)))
    return lstm


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return _function(_run, run, config, steps=len(inputs[1]))(*inputs)


def _vjp(run: Callable[..., Any], config: Config, inputs: Any, heads: Any) -> Any:
    return _function(_gradient, run, config, steps=len(inputs[1]))(inputs, heads)


def _run(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return run(config, *inputs)


def _gradient(run: Callable[..., Any], config: Config, inputs: Any, heads: Any) -> Any:
    *sources, lengths = inputs
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y, h_n, c_n, *_ = run(config, *sources, lengths)
    return tape.gradient((y, h_n, c_n), sources, heads)


@dataclasses.dataclass(frozen=True)
class PreparedRun:
    """A run of a layer that has variables, which `prepare(config)` makes: a trace can't make any.

    It runs eagerly where sequences are short, as such a layer does by itself.
    """

    run: Callable[..., Any]
    prepare: Callable[[Config], None]

    def __call__(self, config: Config, *inputs: Any) -> Any:
        """Run the layer."""
        return self.run(config, *inputs)


def _function(
    work: Callable[..., Any], run: Callable[..., Any], config: Config, *, steps: int
) -> Callable[..., Any]:
    if isinstance(run, PreparedRun) and steps < _WORTH_COMPILING:
        return functools.partial(work, run, config)
    return _compile(work, run, config)


@functools.cache
def _compile(
    work: Callable[..., Any], run: Callable[..., Any], config: Config
) -> Callable[..., Any]:
    """Return the compiled function, cached by config.

    tf.function's own cache is lost with its last user, so that it would trace anew.
    """
    if isinstance(run, PreparedRun):
        run.prepare(config)
    compiled: Callable[..., Any] = tf.function(
        functools.partial(work, run, config), jit_compile=True
    )
    return compiled


def _live(lengths: Any, steps: int) -> Any:
    return (tf.range(steps, dtype=lengths.dtype)[:, None] < lengths)[..., None]


def _settings() -> dict[str, str]:
    threading, options = tf.config.threading, tf.config.experimental
    return {
        "device": tf.config.list_logical_devices()[-1].device_type.lower(),
        "threads": f"{threading.get_intra_op_parallelism_threads() or 'all cores'} in an operation",
        "threads across": f"{threading.get_inter_op_parallelism_threads() or 'all cores'}",
        "oneDNN": on_off(_pywrap_util_port.IsMklEnabled()),  # TF_ENABLE_ONEDNN_OPTS, or its default
        "TF32 in matmul": on_off(options.tensor_float_32_execution_enabled()),
    }


def _trainer() -> Any:
    from gateparity.backends import tensorflow_training

    return tensorflow_training


_TRAINING: Final = (
    {"train": f"it trains with Keras 3's optimisers, and this is Keras {keras.__version__}"}
    if _IS_KERAS_2
    else {}
)
_TENSORFLOW: Final = Primitives(
    version=tf.__version__,
    from_numpy=tf.constant,
    to_numpy=np.asarray,  # its memory as it is, where tensor.numpy() copies
    call=_call,
    vjp=_vjp,
    trainer=_trainer,
    arithmetic=dict(FRAMEWORKS["tensorflow"].arithmetic),
    settings=_settings,
    threads=tf.config.threading.get_intra_op_parallelism_threads,
)
Scratch = functools.partial(
    Variant,
    "tensorflow:scratch",
    D2L,
    _scratch,
    _TENSORFLOW,
    unsupported=_TRAINING
    | {"empty_sequence": "XLA doesn't compile a loop that reads from no steps"},
    trace=functools.partial(_scratch, keep=True),
)
Layer = functools.partial(
    Variant,
    "tensorflow:layer",
    KERAS,
    PreparedRun(_layer, _prepare),
    _TENSORFLOW,
    unsupported=_TRAINING
    | {
        "gates": "keras.layers.LSTM doesn't return its gates",
        "empty_sequence": "keras.layers.LSTM fails where there is no first step",
        "empty_batch": "keras.layers.LSTM fails: to keras.ops.add an array of no rows is a bias",
    },
    hold=_hold,
)
