"""TensorFlow: training by `keras.optimizers`. One step is one program, compiled by XLA once for
each recipe and shape.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import tensorflow as tf

from gateparity.backends.base.training import Operations, evaluate
from gateparity.errors import assert_never

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.protocol.training import Recipe, TrainingState

OPERATIONS: Final = Operations(
    one_hot=lambda codes, size, dtype: tf.one_hot(codes, size, dtype=dtype),
    linear=lambda X, W, b: tf.tensordot(X, W, 1) + b,
    concat=lambda arrays: tf.concat(arrays, -1),
    cross_entropy=lambda Z, codes: tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(codes, Z)
    ),
    squared_error=lambda Z, target: tf.reduce_mean(tf.square(Z - target)),
)


class Learner:
    """Variables that a Keras optimiser updates, made once for each model.

    A compiled step is tied to its variables, so every learner of a model fills the same ones.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        config: Config,
        recipe: Recipe,
        state: TrainingState,
        frozen: frozenset[str],
    ) -> None:
        shapes = tuple((name, array.shape) for name, array in state.params.items())
        self._model = _model(run, config, recipe, shapes, frozen)
        for name, array in state.params.items():
            self._model.params[name].assign(array)
        for k, variable in enumerate(self._model.optimizer.variables):
            kept = state.slots.get(str(k))
            if kept is not None:
                variable.assign(kept)
            elif variable is not self._model.optimizer._learning_rate:
                variable.assign(tf.zeros_like(variable.value))

    @property
    def compiled(self) -> int:
        """Return how many programs were compiled since the process began."""
        return Model.compiled

    def step(self, x: Array, target: Array, H: Any, C: Any) -> tuple[Any, Any, Any, Any]:
        """Take one gradient step; return the loss, the norm before clipping, and both states."""
        loss, norm, H, C = self._model.step(tf.constant(x), tf.constant(target), H, C)
        return loss, norm, H, C

    def read(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the weights and the optimiser's state as NumPy arrays by name."""
        params = {name: np.asarray(v) for name, v in self._model.params.items()}
        kept = enumerate(self._model.optimizer.variables)
        return params, {str(k): np.asarray(variable) for k, variable in kept}


class Model:
    """Variables, the optimiser that was built for them, and the compiled step."""

    compiled = 0

    def __init__(
        self,
        run: Callable[..., Any],
        config: Config,
        recipe: Recipe,
        shapes: tuple[tuple[str, tuple[int, ...]], ...],
        frozen: frozenset[str],
    ) -> None:
        self._model = run, config, recipe
        self.params = {
            name: keras.Variable(tf.zeros(shape, config.dtype), dtype=config.dtype)
            for name, shape in shapes
        }
        self._trained = [v for name, v in self.params.items() if name not in frozen]
        self.optimizer = _make_optimizer(recipe)
        self.optimizer.build(self._trained)
        self._prepare()
        self.step = tf.function(self._step, jit_compile=True)

    def _prepare(self) -> None:
        """Run the layers once outside a trace, since variables can't be created in one."""
        run, config, _ = self._model
        state = tf.zeros((config.cells, 1, config.hidden_size), config.dtype)
        x = tf.zeros((1, 1, config.input_size), config.dtype)
        run(config, {n: v.value for n, v in self.params.items()}, x, state, state, None)

    def _step(self, x: Any, target: Any, H: Any, C: Any) -> Any:
        Model.compiled += 1  # runs when it is traced, and not after
        run, config, recipe = self._model
        values = {name: v.value for name, v in self.params.items()}
        with tf.GradientTape() as tape:
            loss, H, C = evaluate(OPERATIONS, run, config, recipe, values, x, target, H, C)
        gradients = tape.gradient(loss, [v.value for v in self._trained])
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in gradients]))
        if recipe.clip is not None:
            scale = tf.minimum(tf.ones((), norm.dtype), recipe.clip / norm)
            gradients = [g * scale for g in gradients]
        if recipe.optimizer == "adam":  # this one's epsilon stands beside an uncorrected root
            count = tf.cast(self.optimizer.iterations.value + 1, norm.dtype)
            beta_2 = tf.constant(recipe.beta_2, norm.dtype)
            self.optimizer.epsilon = recipe.epsilon * tf.sqrt(1 - beta_2**count)
        self.optimizer.apply(gradients, self._trained)
        return loss, norm, H, C


_model = functools.cache(Model)


def _make_optimizer(recipe: Recipe) -> Any:
    if recipe.optimizer == "adam":
        betas = {"beta_1": recipe.beta_1, "beta_2": recipe.beta_2}
        return keras.optimizers.Adam(recipe.rate, epsilon=recipe.epsilon, **betas)
    if recipe.optimizer == "momentum":
        return keras.optimizers.SGD(recipe.rate, recipe.momentum)
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(recipe.rate)
    assert_never(recipe.optimizer)
