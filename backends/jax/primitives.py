"""JAX as an adapter needs it: arrays, calls, derivatives, settings.

Compiled, once for each config and shape, also a shape that appears once: JAX compiles each
operation of its own too, so operation by operation takes longer (docs/decisions.md).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import jax
import numpy as np

from gateparity.backends.base.compilation import note_program, run_compiled
from gateparity.backends.base.primitives import Primitives, on_off
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config


# Without it, float64 becomes float32 without a word.
jax.config.update("jax_enable_x64", True)  # noqa: FBT003


@functools.partial(jax.jit, static_argnums=(0, 1))
def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    note_program()
    return run(config, *inputs)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _vjp(run: Callable[..., Any], config: Config, inputs: Any, cotangents: Any) -> Any:
    note_program()
    *sources, lengths = inputs

    def outputs(*sources: Any) -> Any:
        y, h_n, c_n, *_ = run(config, *sources, lengths)
        return y, h_n, c_n

    _, pullback = jax.vjp(outputs, *sources)
    return pullback(cotangents)


def _settings() -> dict[str, str]:
    return {
        "device": jax.default_backend(),
        "device kind": jax.devices()[0].device_kind,
        "matmul precision": jax.config.jax_default_matmul_precision or "default",
        "compiled": on_off(not jax.config.jax_disable_jit),
    }


def _trainer() -> Any:
    from gateparity.backends.jax import training

    return training


PRIMITIVES: Final = Primitives(
    version=jax.__version__,
    from_numpy=lambda array: array,  # jit takes NumPy's arrays as they are
    to_numpy=np.asarray,
    call=functools.partial(run_compiled, _call),
    vjp=functools.partial(run_compiled, _vjp),
    trainer=_trainer,
    rounding_model=dict(FRAMEWORKS["jax"].rounding_model),
    settings=_settings,
    wait=jax.block_until_ready,
)
