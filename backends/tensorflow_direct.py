"""`keras.layers.LSTM` as a user of Keras calls it: what `gateparity bench` compares with.

Compiled by XLA, which makes it faster than a plain `tf.function`; batch-major, as Keras has it.
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
    """A call of a layer that was made and compiled before, on tensors that are there already."""
    lstm, x, states = _build(config, params, batch)

    def run(x: Any, states: Any) -> Any:
        return lstm(x, initial_state=states)

    compiled = tf.function(run, jit_compile=True)
    return lambda: compiled(x, states)


def gradients(
    config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Callable[[], Any]:
    """The same, and backwards to the weights, the inputs and the initial states."""
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
    """An array as the framework's own."""
    return tf.constant(array)


def wait(_: Any) -> None:
    """Nothing: a call on a CPU is over when it returns."""


def threads() -> int:
    """How many one operation may use, 0 for every core."""
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
