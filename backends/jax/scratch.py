"""JAX: d2l's LSTMScratch with `lax.scan`.

Functions are compiled once for each config and shape. The product with the inputs stays inside the
scan: one product for all steps, before the scan, slows XLA down on a CPU.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.jax.primitives import PRIMITIVES
from gateparity.layouts import D2L

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _scratch(
    config: Config,
    params: Any,
    X: Any,
    H_0: Any,
    C_0: Any,
    lengths: Any,
    *,
    with_trace: bool = False,
) -> Any:
    mask = None if lengths is None else (jnp.arange(len(X))[:, None] < lengths)[..., None]
    X = X if mask is None else jnp.where(mask, X, 0)  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, mask, reverse=reverse, with_trace=with_trace)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, jnp.concatenate)
    return Y, jnp.stack(H_n), jnp.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, mask: Any, *, reverse: bool, with_trace: bool) -> Any:
    W_x = jnp.concatenate([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = jnp.concatenate([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    b = jnp.concatenate([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1) if "b_i" in w else 0

    def step(state: Any, inputs: Any) -> Any:
        (H, C), (X_t, mask_t) = state, inputs
        Z = X_t @ W_x + b + H @ W_h
        Z_i, Z_f, Z_c, Z_o = jnp.split(Z, 4, -1)
        I = jax.nn.sigmoid(Z_i)
        F = jax.nn.sigmoid(Z_f)
        C_tilde = jnp.tanh(Z_c)
        O = jax.nn.sigmoid(Z_o)
        C_new = F * C + I * C_tilde
        H_new = O * jnp.tanh(C_new)
        kept = (
            (Z, jnp.concatenate([I, F, C_tilde, O], -1), C_new, H_new) if with_trace else (H_new,)
        )
        C = C_new if mask is None else jnp.where(mask_t, C_new, C)
        H = H_new if mask is None else jnp.where(mask_t, H_new, H)
        return (H, C), kept

    (H, C), kept = lax.scan(step, (H, C), (X, mask), reverse=reverse)
    Y = kept[-1] if mask is None else jnp.where(mask, kept[-1], 0)
    return Y, H, C, kept


Scratch = functools.partial(
    Variant,
    "jax:scratch",
    D2L,
    _scratch,
    PRIMITIVES,
    trace=functools.partial(_scratch, with_trace=True),
)
