"""MXNet 1.9: training by `gluon.Trainer`, eager."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, Final

import mxnet as mx
from mxnet import autograd, gluon, nd

from gateparity.backends.base.training import Operations, evaluate
from gateparity.backends.mxnet.context import CONTEXT
from gateparity.errors import assert_never

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.protocol.training import Recipe, TrainingState

OPERATIONS: Final = Operations(
    one_hot=lambda codes, size, dtype: nd.one_hot(codes, size, dtype=dtype),
    linear=lambda X, W, b: nd.broadcast_add(nd.dot(X, W), b),
    concat=lambda arrays: nd.concat(*arrays, dim=-1),
    cross_entropy=lambda Z, codes: _cross_entropy(
        Z.reshape((-1, Z.shape[-1])), codes.reshape((-1,))
    ),
    squared_error=lambda Z, target: nd.square(Z - target).mean(),
)


class Learner:
    """Parameters that gluon's trainer updates."""

    compiled = 0

    def __init__(
        self,
        run: Callable[..., Any],
        config: Config,
        recipe: Recipe,
        state: TrainingState,
        frozen: frozenset[str],
    ) -> None:
        self._model = functools.partial(_run, run), config, recipe
        self._fixed = {name: _array(state.params[name]) for name in frozen}
        self._params = {n: _parameter(n, a) for n, a in state.params.items() if n not in frozen}
        self._optimizer = _make_optimizer(recipe, state.step)
        self._trainer = gluon.Trainer(list(self._params.values()), self._optimizer, kvstore=None)
        self._count = state.step
        for key, array in state.slots.items():
            self._put(key, _array(array))

    def step(self, x: Array, target: Array, H: Any, C: Any) -> tuple[Any, Any, Any, Any]:
        """Take one gradient step; return the loss, the norm before clipping, and both states."""
        run, config, recipe = self._model
        params = self._fixed | {name: p.data() for name, p in self._params.items()}
        with autograd.record():
            loss, H, C = evaluate(
                OPERATIONS, run, config, recipe, params, _array(x), _array(target), H, C
            )
        loss.backward()
        gradients = [parameter.grad() for parameter in self._params.values()]
        norm = nd.sqrt(sum((g * g).sum() for g in gradients))
        if recipe.clip is not None:
            scale = nd.minimum(recipe.clip / norm, 1)
            for gradient in gradients:
                gradient[:] = nd.broadcast_mul(gradient, scale)
        self._count += 1
        if recipe.optimizer == "adam":  # this one's epsilon stands beside an uncorrected root
            correction = math.sqrt(1 - recipe.beta_2**self._count)
            self._optimizer.epsilon = recipe.epsilon * correction
        self._trainer.step(1)
        return loss.asscalar(), norm.asscalar(), H.detach(), C.detach()

    def read(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the weights and the optimiser's state as NumPy arrays by name."""
        trained = {name: p.data().asnumpy() for name, p in self._params.items()}
        fixed = {name: array.asnumpy() for name, array in self._fixed.items()}
        slots = {
            f"{k} {part}": array.asnumpy()
            for k, kept in self._states().items()
            for part, array in enumerate(kept if isinstance(kept, tuple) else (kept,))
            if array is not None
        }
        return trained | fixed, slots

    def _states(self) -> Any:
        """Return the updater's state, which gluon itself writes to pickled files only."""
        return self._trainer._updaters[0].states

    def _put(self, key: str, array: Any) -> None:
        k, part = map(int, key.split(" "))
        updater = self._trainer._updaters[0]
        if self._model[2].optimizer == "adam":
            kept = list(updater.states.get(k, (None, None)))
            kept[part] = array
            updater.states[k] = tuple(kept)
        else:
            updater.states[k] = array
        updater.states_synced[k] = True


def _run(run: Callable[..., Any], config: Config, params: Any, X: Any, *given: Any) -> Any:
    """Run the LSTM, and ask for the gradient of the inputs too.

    Without that, a stacked rnn.LSTM in float64 sends a wrong gradient from each layer to the one
    below (tests/frameworks/test_training.py).
    """
    X.attach_grad()
    return run(config, params, X, *given)


def _cross_entropy(Z: Any, codes: Any) -> Any:
    """Return the mean cross-entropy of logits, written out in elementary operations.

    In float32 gluon's own loss is off by 20 units roundoff (oneDNN's log_softmax).
    """
    shifted = nd.broadcast_sub(Z, nd.max(Z, axis=-1, keepdims=True).detach())
    return (nd.log(nd.exp(shifted).sum(axis=-1)) - nd.pick(shifted, codes)).mean()


def _make_optimizer(recipe: Recipe, count: int) -> Any:
    given = {"learning_rate": recipe.rate, "begin_num_update": count}
    if recipe.optimizer == "adam":
        betas = {"beta1": recipe.beta_1, "beta2": recipe.beta_2}
        return mx.optimizer.Adam(epsilon=recipe.epsilon, **betas, **given)
    if recipe.optimizer == "momentum":
        return mx.optimizer.SGD(momentum=recipe.momentum, **given)
    if recipe.optimizer == "sgd":
        return mx.optimizer.SGD(**given)
    assert_never(recipe.optimizer)


def _parameter(name: str, array: Array) -> Any:
    parameter = gluon.Parameter(name, shape=array.shape, dtype=array.dtype)
    parameter.initialize(mx.init.Zero(), ctx=CONTEXT)
    parameter.set_data(_array(array))
    return parameter


def _array(array: Array) -> Any:
    return nd.array(array, dtype=array.dtype, ctx=CONTEXT)
