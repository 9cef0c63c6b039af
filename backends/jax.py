"""JAX: d2l's LSTMScratch with `lax.scan`, and Flax linen's `OptimizedLSTMCell` under `nn.RNN`.

Functions are compiled once for each config and shape. The product with the inputs stays inside the
scan: one product for all steps, before the scan, slows XLA down on a CPU.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, traverse_util
from jax import lax

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.variant import Primitives, Variant, on_off
from gateparity.layouts import D2L, FLAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.config import Config

# Without it, float64 becomes float32 without a word.
jax.config.update("jax_enable_x64", True)  # noqa: FBT003


def _scratch(
    config: Config, params: Any, X: Any, H_0: Any, C_0: Any, lengths: Any, *, keep: bool = False
) -> Any:
    live = None if lengths is None else (jnp.arange(len(X))[:, None] < lengths)[..., None]
    X = X if live is None else jnp.where(live, X, 0)  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, live, reverse=reverse, keep=keep)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, jnp.concatenate)
    return Y, jnp.stack(H_n), jnp.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, live: Any, *, reverse: bool, keep: bool) -> Any:
    W_x = jnp.concatenate([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = jnp.concatenate([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    b = jnp.concatenate([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1) if "b_i" in w else 0

    def step(state: Any, inputs: Any) -> Any:
        (H, C), (X_t, live_t) = state, inputs
        Z = X_t @ W_x + b + H @ W_h
        Z_i, Z_f, Z_c, Z_o = jnp.split(Z, 4, -1)
        I = jax.nn.sigmoid(Z_i)
        F = jax.nn.sigmoid(Z_f)
        C_tilde = jnp.tanh(Z_c)
        O = jax.nn.sigmoid(Z_o)
        C_new = F * C + I * C_tilde
        H_new = O * jnp.tanh(C_new)
        kept = (Z, jnp.concatenate([I, F, C_tilde, O], -1), C_new, H_new) if keep else (H_new,)
        C = C_new if live is None else jnp.where(live_t, C_new, C)
        H = H_new if live is None else jnp.where(live_t, H_new, H)
        return (H, C), kept

    (H, C), kept = lax.scan(step, (H, C), (X, live), reverse=reverse)
    Y = kept[-1] if live is None else jnp.where(live, kept[-1], 0)
    return Y, H, C, kept


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    def run_cell(k: int, x: Any) -> Any:
        rnn = _rnn(config, k)
        w = traverse_util.unflatten_dict(
            cell_params(params, f"rnn_{cell_name(config, k)}/"), sep="/"
        )
        (c, h), y = rnn.apply({"params": w}, x, initial_carry=(c_0[k], h_0[k]), seq_lengths=lengths)
        if lengths is not None:  # nn.RNN runs on into the padding, and keeps those outputs
            y = jnp.where((jnp.arange(len(x))[:, None] < lengths)[..., None], y, 0)
        return y, h, c

    y, h_n, c_n = run_layers(config, x, run_cell, jnp.concatenate)
    return y, jnp.stack(h_n), jnp.stack(c_n)


def _hold(config: Config, params: Any) -> Any:
    """Return the parameters by the names that Flax would create itself.

    Flax modules keep no weights, so there is nothing to load them into. Tracing `apply` raises for
    shapes that don't fit.
    """
    held: dict[str, Any] = {}
    for k in range(config.cells):
        rnn, prefix = _rnn(config, k), f"rnn_{cell_name(config, k)}/"
        x = jnp.zeros((1, 1, config.layer_input_size(k // config.directions)), config.dtype)
        own = jax.eval_shape(rnn.init, jax.random.key(0), x)["params"]
        w = cell_params(params, prefix)
        tree = traverse_util.unflatten_dict(w, sep="/")
        jax.eval_shape(rnn.apply, {"params": tree}, x)  # raises for a shape that isn't its own
        held |= {prefix + name: w[name] for name in traverse_util.flatten_dict(own, sep="/")}
    return held


def _rnn(config: Config, k: int) -> Any:
    dtype = jnp.dtype(config.dtype)
    return linen.RNN(
        linen.OptimizedLSTMCell(config.hidden_size, dtype=dtype, param_dtype=dtype),
        time_major=True,
        return_carry=True,
        reverse=is_reverse(config, k),
        keep_order=True,
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return run(config, *inputs)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _vjp(run: Callable[..., Any], config: Config, inputs: Any, heads: Any) -> Any:
    *sources, lengths = inputs

    def outputs(*sources: Any) -> Any:
        y, h_n, c_n, *_ = run(config, *sources, lengths)
        return y, h_n, c_n

    _, pullback = jax.vjp(outputs, *sources)
    return pullback(heads)


def _settings() -> dict[str, str]:
    return {
        "device": jax.default_backend(),
        "device kind": jax.devices()[0].device_kind,
        "matmul precision": jax.config.jax_default_matmul_precision or "default",
        "compiled": on_off(not jax.config.jax_disable_jit),
    }


def _trainer() -> Any:
    from gateparity.backends import jax_training

    return jax_training


JAX: Final = Primitives(
    version=jax.__version__,
    from_numpy=lambda array: array,  # jit takes NumPy's arrays as they are
    to_numpy=np.asarray,
    call=_call,
    vjp=_vjp,
    trainer=_trainer,
    arithmetic=dict(FRAMEWORKS["jax"].arithmetic),
    settings=_settings,
    wait=jax.block_until_ready,
)
Scratch = functools.partial(
    Variant, "jax:scratch", D2L, _scratch, JAX, trace=functools.partial(_scratch, keep=True)
)
Layer = functools.partial(
    Variant,
    "jax:layer",
    FLAX,
    _layer,
    JAX,
    unsupported={"gates": "flax.linen.OptimizedLSTMCell doesn't return its gates"},
    hold=_hold,
)
