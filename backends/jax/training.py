"""JAX: training by optax. One step is one program, compiled once for each recipe and shape."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gateparity.backends.base.training import Operations, evaluate
from gateparity.errors import assert_never

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.protocol.training import Recipe, TrainingState

OPERATIONS: Final = Operations(
    one_hot=lambda codes, size, dtype: jax.nn.one_hot(codes, size, dtype=dtype),
    linear=lambda X, W, b: X @ W + b,
    concat=lambda arrays: jnp.concatenate(arrays, -1),
    cross_entropy=lambda Z, codes: optax.softmax_cross_entropy_with_integer_labels(Z, codes).mean(),
    squared_error=lambda Z, target: optax.squared_error(Z, target).mean(),
)


class Learner:
    """Weights and the state of an optax optimiser."""

    def __init__(
        self,
        run: Callable[..., Any],
        config: Config,
        recipe: Recipe,
        state: TrainingState,
        frozen: frozenset[str],
    ) -> None:
        self._model = run, config, recipe
        self._frozen = {name: state.params[name] for name in frozen}
        self._trained = {n: jnp.asarray(a) for n, a in state.params.items() if n not in frozen}
        empty = _make_optimizer(recipe).init(self._trained)
        leaves, self._structure = jax.tree.flatten(empty)
        kept = [jnp.asarray(state.slots.get(str(k), leaf)) for k, leaf in enumerate(leaves)]
        self._kept = jax.tree.unflatten(self._structure, kept)

    @property
    def compiled(self) -> int:
        """Return how many programs were compiled since the process began."""
        found: int = _step._cache_size()
        return found

    def step(self, x: Array, target: Array, H: Any, C: Any) -> tuple[Any, Any, Any, Any]:
        """Take one gradient step; return the loss, the norm before clipping, and both states."""
        given = self._trained, self._frozen, self._kept, x, target, H, C
        self._trained, self._kept, *measured = _step(*self._model, *given)
        loss, norm, H, C = measured
        return loss, norm, H, C

    def read(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the weights and the optimiser's state as NumPy arrays by name."""
        leaves = enumerate(jax.tree.leaves(self._kept))
        params = {name: np.asarray(a) for name, a in (self._trained | self._frozen).items()}
        return params, {str(k): np.asarray(leaf) for k, leaf in leaves}


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _step(
    run: Callable[..., Any],
    config: Config,
    recipe: Recipe,
    trained: Any,
    frozen: Any,
    kept: Any,
    *given: Any,
) -> Any:
    def loss_fn(trained: Any) -> Any:
        loss, H, C = evaluate(OPERATIONS, run, config, recipe, trained | frozen, *given)
        return loss, (H, C)

    (loss, states), gradients = jax.value_and_grad(loss_fn, has_aux=True)(trained)
    norm = jnp.sqrt(sum((g * g).sum() for g in gradients.values()))
    scale = 1 if recipe.clip is None else jnp.minimum(1, recipe.clip / norm)
    clipped = {name: g * scale for name, g in gradients.items()}
    updates, kept = _make_optimizer(recipe).update(clipped, kept, trained)
    return optax.apply_updates(trained, updates), kept, loss, norm, *states


def _make_optimizer(recipe: Recipe) -> Any:
    if recipe.optimizer == "adam":
        return optax.adam(recipe.rate, recipe.beta_1, recipe.beta_2, recipe.epsilon)
    if recipe.optimizer == "momentum":
        return optax.sgd(recipe.rate, recipe.momentum)
    if recipe.optimizer == "sgd":
        return optax.sgd(recipe.rate)
    assert_never(recipe.optimizer)
