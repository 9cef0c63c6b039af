"""TensorFlow as an adapter needs it: arrays, calls, derivatives, settings.

XLA compiles each call, once for each config and shape. The compiled function is faster than a plain
`tf.function`, but its compilation takes time. The layer variant therefore runs eagerly on sequences
that are too short to repay it. Keras runs eagerly by default, too. Every variant runs eagerly where
it is asked to, and where there are no steps: XLA doesn't compile a loop that reads from none.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port

from gateparity.backends.base.compilation import note_program, run_compiled, run_uncompiled
from gateparity.backends.base.primitives import Primitives, on_off
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config


IS_KERAS_2: Final = keras.__version__.startswith("2.")
_WORTH_COMPILING: Final = 16  # steps; an eager call of fewer ends long before a compilation


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return _function(_run, run, config, steps=len(inputs[1]))(*inputs)


def _vjp(run: Callable[..., Any], config: Config, inputs: Any, cotangents: Any) -> Any:
    return _function(_gradient, run, config, steps=len(inputs[1]))(inputs, cotangents)


def _run(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return run(config, *inputs)


def _gradient(run: Callable[..., Any], config: Config, inputs: Any, cotangents: Any) -> Any:
    *sources, lengths = inputs
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y, h_n, c_n, *_ = run(config, *sources, lengths)
    zero = tf.UnconnectedGradients.ZERO  # of what no step reads, where there are none
    return tape.gradient((y, h_n, c_n), sources, cotangents, unconnected_gradients=zero)


@dataclasses.dataclass(frozen=True)
class PreparedRun:
    """A run of a layer with variables. `prepare(config)` makes them, because a trace can't.

    It runs eagerly on short sequences, as such a layer does by default.
    """

    run: Callable[..., Any]
    prepare: Callable[[Config], None]

    def __call__(self, config: Config, *inputs: Any) -> Any:
        """Run the layer on the inputs of one call."""
        return self.run(config, *inputs)


def _function(
    work: Callable[..., Any], run: Callable[..., Any], config: Config, *, steps: int
) -> Callable[..., Any]:
    if steps == 0 or (isinstance(run, PreparedRun) and steps < _WORTH_COMPILING):
        return functools.partial(run_uncompiled, work, run, config)
    return functools.partial(run_compiled, _compile(work, run, config))


@functools.cache
def _compile(
    work: Callable[..., Any], run: Callable[..., Any], config: Config
) -> Callable[..., Any]:
    """Return the compiled function, cached by config.

    tf.function loses its own cache with its last user, and would then trace again.
    """
    if isinstance(run, PreparedRun):
        run.prepare(config)

    def make_program(*inputs: Any) -> Any:
        note_program()
        return work(run, config, *inputs)

    compiled: Callable[..., Any] = tf.function(make_program, jit_compile=True)
    return compiled


def live_steps(lengths: Any, steps: int) -> Any:
    """Return whether each step of each sequence comes before its end: `(T, B, 1)`."""
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
    from gateparity.backends.tensorflow import training

    return training


TRAINING: Final = (
    {"train": f"it trains with Keras 3's optimisers, and this is Keras {keras.__version__}"}
    if IS_KERAS_2
    else {}
)
_UNCOMPILED: Final = Primitives(
    version=tf.__version__,
    from_numpy=tf.constant,
    to_numpy=np.asarray,  # shares the tensor's memory; tensor.numpy() copies it
    call=functools.partial(run_uncompiled, _run),
    vjp=functools.partial(run_uncompiled, _gradient),
    trainer=_trainer,
    rounding_model=dict(FRAMEWORKS["tensorflow"].rounding_model),
    settings=_settings,
    threads=tf.config.threading.get_intra_op_parallelism_threads,
)
PRIMITIVES: Final = dataclasses.replace(_UNCOMPILED, call=_call, vjp=_vjp, uncompiled=_UNCOMPILED)
