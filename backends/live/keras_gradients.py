"""How Keras's backends differentiate: by a tape, a function or a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def differentiate(
    computed: Callable[..., Any], inputs: Sequence[Any], variables: Sequence[Any]
) -> tuple[Any, Callable[..., Any] | None]:
    """Return the outputs of `computed(*inputs)`, and a function from cotangents to gradients.

    The gradients are those of the variables, then those of the inputs. The function is None for a
    backend that doesn't differentiate.
    """
    by_backend = {"tensorflow": _by_tape, "jax": _by_function, "torch": _by_graph}
    backend = by_backend.get(keras.backend.backend())
    return backend(computed, inputs, variables) if backend else (computed(*inputs), None)


def _by_tape(
    computed: Callable[..., Any], inputs: Sequence[Any], variables: Sequence[Any]
) -> tuple[Any, Callable[..., Any]]:
    import tensorflow as tf

    sources = [*(variable.value for variable in variables), *inputs]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        outputs = computed(*inputs)
    return outputs, lambda cotangents: [
        tf.convert_to_tensor(gradient)
        for gradient in tape.gradient(outputs, sources, [*cotangents], "zero")
    ]


def _by_function(
    computed: Callable[..., Any], inputs: Sequence[Any], variables: Sequence[Any]
) -> tuple[Any, Callable[..., Any]]:
    import jax

    def scoped(values: Any, *inputs: Any) -> Any:
        with keras.StatelessScope(state_mapping=[*zip(variables, values)]):  # noqa: B905
            return tuple(computed(*inputs))

    outputs, pull = jax.vjp(scoped, [variable.value for variable in variables], *inputs)

    def pull_back(cotangents: Any) -> Any:
        d_variables, *d_inputs = pull(tuple(cotangents))
        return [*d_variables, *d_inputs]

    return outputs, pull_back


def _by_graph(
    computed: Callable[..., Any], inputs: Sequence[Any], variables: Sequence[Any]
) -> tuple[Any, Callable[..., Any]]:
    import torch

    inputs = [tensor.detach().requires_grad_() for tensor in inputs]
    sources = [*(variable.value for variable in variables), *inputs]
    outputs = computed(*inputs)
    return [output.detach() for output in outputs], lambda cotangents: torch.autograd.grad(
        outputs, sources, [*cotangents], materialize_grads=True, allow_unused=True
    )
