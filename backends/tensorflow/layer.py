"""Keras's own layer, `keras.layers.LSTM`."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.tensorflow import keras2
from gateparity.backends.tensorflow.primitives import (
    IS_KERAS_2,
    PRIMITIVES,
    TRAINING,
    PreparedRun,
    live_steps,
)
from gateparity.layouts import KERAS

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    mask = None if lengths is None else tf.transpose(live_steps(lengths, x.shape[0])[..., 0])

    def run_cell(k: int, x: Any) -> Any:
        lstm = _keras_lstm(config, k, _thread())
        w = cell_params(params, f"lstm_{cell_name(config, k)}/lstm_cell/")
        y, h, c = _call_lstm(lstm, w, tf.transpose(x, (1, 0, 2)), [h_0[k], c_0[k]], mask)
        y = tf.transpose(y, (1, 0, 2))
        return y[::-1] if is_reverse(config, k) else y, h, c  # go_backwards: in its own order

    y, h_n, c_n = run_layers(config, x, run_cell, tf.concat)
    return y, tf.stack(h_n), tf.stack(c_n)


def _call_lstm(lstm: Any, w: Any, x: Any, states: Any, mask: Any) -> Any:
    if IS_KERAS_2:
        return keras2.call_lstm(lstm, w, x, states, mask)
    outputs, _ = lstm.stateless_call(
        [w[variable.name] for variable in lstm.trainable_variables],
        lstm.non_trainable_variables,
        x,
        initial_state=states,
        mask=mask,
    )
    return outputs


def _load_and_read_back(config: Config, params: Any) -> Any:
    weights: dict[str, Any] = {}
    for k in range(config.cells):
        lstm = _keras_lstm(config, k, _thread())
        own = _named_weights(lstm)
        lstm.set_weights([params[path] for path in own])
        weights |= {path: tf.convert_to_tensor(variable) for path, variable in own.items()}
    return weights


def _named_weights(lstm: Any) -> dict[str, Any]:
    if IS_KERAS_2:
        return keras2.named_weights(lstm)
    return {variable.path: variable for variable in lstm.weights}


def _prepare(config: Config) -> None:
    for k in range(config.cells):
        _keras_lstm(config, k, _thread())


def _thread() -> int:
    """Return the thread, to which Keras 2's layer belongs during a call; 0 for Keras 3's."""
    return threading.get_ident() if IS_KERAS_2 else 0


@functools.cache
def _keras_lstm(config: Config, k: int, _thread: int) -> Any:
    """Return the Keras layer of cell `k`, made once for a thread.

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


Layer = functools.partial(
    Variant,
    "tensorflow:layer",
    KERAS,
    PreparedRun(_layer, _prepare),
    PRIMITIVES,
    unsupported=TRAINING
    | {
        "gates": "keras.layers.LSTM doesn't return its gates",
        "empty_sequence": "keras.layers.LSTM fails where there is no first step",
        "empty_batch": "keras.layers.LSTM fails: to keras.ops.add an array of no rows is a bias",
    },
    load_and_read_back=_load_and_read_back,
)
