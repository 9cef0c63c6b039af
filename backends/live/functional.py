"""What the libraries on JAX share: an object is a pure function of its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from gateparity.backends.live.layer import LiveLayer, measure, refuse_device
from gateparity.network.batch import Batch, Gradients, Outputs, initial_states

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout


def open_function(
    kind: str,
    layout: Layout,
    arrays: Callable[[], Mapping[str, Any]],
    write: Callable[[Mapping[str, Array]], Any],
    run: Callable[..., Any],
) -> LiveLayer:
    """Return the layer whose outputs are `run(arrays, x, h_0, c_0, lengths)`.

    `run` returns `y, h_n, c_n`; y may hold anything past a length.
    """
    _refuse_devices(kind, arrays())

    def read() -> dict[str, Array]:
        return {name: np.array(array) for name, array in arrays().items()}

    config = measure(kind, layout, read())
    compiled = _compile(run)

    def call(batch: Batch) -> Any:
        lengths = None if batch.lengths is None else jnp.asarray(batch.lengths)
        inputs = map(jnp.asarray, (batch.x, *initial_states(config, batch)))
        weights = {name: jnp.asarray(array) for name, array in arrays().items()}
        (y, *states), pull = jax.vjp(lambda *sources: compiled(*sources, lengths), weights, *inputs)

        def pull_back(cotangent: Outputs) -> Gradients:
            given = cotangent.y, *(cotangent.states[s] for s in config.cell.states)
            d_weights, *found = pull(tuple(map(jnp.asarray, given)))
            d_x, d_h, d_c = map(np.array, found)
            d_params = {name: np.array(array) for name, array in d_weights.items()}
            return Gradients(d_params, Batch(d_x, {"h": d_h, "c": d_c}))

        named = dict(zip(config.cell.states, map(np.array, states)))  # noqa: B905
        return Outputs(np.array(y), named), pull_back

    return LiveLayer(kind, layout, config, read, write, call, "jax")


def _compile(run: Callable[..., Any]) -> Any:
    """Compile a run once for each shape, with zeros past each length."""

    # Operation by operation it takes several times as long.
    def computed(weights: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
        y, h_n, c_n = run(weights, x, h, c, lengths)
        if lengths is not None:
            y = jnp.where((jnp.arange(len(x))[:, None] < lengths)[..., None], y, 0)
        return y, h_n, c_n

    return jax.jit(computed)


def _refuse_devices(kind: str, arrays: Mapping[str, Any]) -> None:
    for array in arrays.values():
        for device in getattr(array, "devices", set)():
            refuse_device(kind, device, "jax.device_put(..., jax.devices('cpu')[0])")
