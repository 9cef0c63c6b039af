"""`keras.layers.LSTM` as a user of Keras calls it, as the baseline of `gateparity bench`.

It is compiled by XLA, which is faster than a plain `tf.function`, and batch-major, as in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# First: it sets what is read when Keras is imported.
from gateparity.backends import tensorflow as adapter  # noqa: F401  isort: skip
import keras
import tensorflow as tf

from gateparity.adapter import initial_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Native, Outputs
    from gateparity.config import Config


def forward(config: Config, params: Native, batch: Batch) -> Callable[[], Any]:
    """Return a call of a compiled layer, on tensors that exist already."""
    lstm, x, states = _build(config, params, batch)

    def run(x: Any, states: Any) -> Any:
        return lstm(x, initial_state=states)

    compiled = tf.function(run, jit_compile=True)
    return lambda: compiled(x, states)


def gradients(
    config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Callable[[], Any]:
    """Return a call of the forward and backward pass: weights, inputs and initial states."""
    lstm, x, states = _build(config, params, batch)
    heads = _batch_first(cotangent.y), convert(cotangent.h_n[0]), convert(cotangent.c_n[0])

    def run(x: Any, states: Any, heads: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((x, states))
            outputs = lstm(x, initial_state=states)
        return tape.gradient(outputs, (lstm.trainable_variables, x, states), heads)

    compiled = tf.function(run, jit_compile=True)
    return lambda: compiled(x, states, heads)


def convert(array: Any) -> Any:
    """Convert an array to a TensorFlow tensor."""
    return tf.constant(array)


def wait(_: Any) -> None:
    """Do nothing: on a CPU a call has finished when it returns."""


def threads() -> int:
    """Return the number of threads for one operation; 0 means every core."""
    return int(tf.config.threading.get_intra_op_parallelism_threads())


def _build(config: Config, params: Native, batch: Batch) -> tuple[Any, Any, list[Any]]:
    lstm = keras.layers.LSTM(
        config.hidden_size, return_sequences=True, return_state=True, name="lstm_0"
    )
    lstm.build((None, None, config.input_size))
    lstm.set_weights([params[variable.path] for variable in lstm.weights])
    h_0, c_0 = initial_states(config, batch)
    return lstm, _batch_first(batch.x), [convert(h_0[0]), convert(c_0[0])]


def _batch_first(array: Any) -> Any:
    return convert(array.swapaxes(0, 1).copy())
