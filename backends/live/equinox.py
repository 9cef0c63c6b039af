"""Equinox: `LSTMCell`, run over steps and sequences. A cell never changes, but is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp

from gateparity.backends.live.functional import open_function
from gateparity.layouts import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.live.layer import LiveLayer
    from gateparity.network.parameters import Array


def _open_cell(cell: Any) -> LiveLayer:
    names = ("weight_ih", "weight_hh", *(("bias",) if cell.use_bias else ()))

    def fill(native: Mapping[str, Any]) -> Any:
        where = lambda c: [getattr(c, name) for name in names]  # noqa: E731
        return eqx.tree_at(where, cell, [native[name] for name in names])

    def write(native: Mapping[str, Array]) -> Any:
        return fill({name: jnp.asarray(array) for name, array in native.items()})

    def call(weights: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
        return _run_cell(fill(weights), x, h, c, lengths)

    arrays = lambda: {name: getattr(cell, name) for name in names}  # noqa: E731
    return open_function("equinox.nn.LSTMCell", LAYOUTS["equinox"], arrays, write, call)


OPEN: Final = {"LSTMCell": _open_cell}


def _run_cell(cell: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    ends = jnp.full(x.shape[1], len(x)) if lengths is None else lengths

    def step(carry: Any, given: Any) -> Any:
        (h, c), (x_t, t) = carry, given
        h_t, c_t = jax.vmap(cell)(x_t, (h, c))
        live = (t < ends)[:, None]
        return (jnp.where(live, h_t, h), jnp.where(live, c_t, c)), h_t

    (h_n, c_n), y = jax.lax.scan(step, (h[0], c[0]), (x, jnp.arange(len(x))))
    return y, h_n[None], c_n[None]
