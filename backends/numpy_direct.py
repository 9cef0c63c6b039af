"""A plain LSTM loop in NumPy, as the baseline of `gateparity bench`, since NumPy has no layer.

Each step has two products, `np.split` and a sigmoid for each gate, as a first draft would.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Native, Outputs
    from gateparity.config import Config
    from gateparity.parameters import Array


def forward(_: Config, params: Native, batch: Batch) -> Callable[[], Any]:
    """Return a call that runs all steps, with the gates' weights concatenated beforehand."""
    weights = _fuse(params)
    return lambda: _loop(batch, *weights)[:3]


def gradients(_: Config, params: Native, batch: Batch, cotangent: Outputs) -> Callable[[], Any]:
    """Return a call of the forward pass and backpropagation through time, step by step."""
    weights = _fuse(params)
    return lambda: _backward(batch, cotangent, *weights)


def convert(array: Any) -> Any:
    """Return the array unchanged, as NumPy's arrays are the framework's own."""
    return array


def wait(_: Any) -> None:
    """Do nothing: a call has finished when it returns."""


def threads() -> int:
    """Return the number of BLAS threads that the environment sets; 0 means every core."""
    told = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
    return int(told or 0)


def _fuse(params: Native) -> tuple[Array, Array, Array]:
    fused = [
        np.concatenate([params[f"l0.{k}{g}"] for g in "ifco"], -1) for k in ("W_x", "W_h", "b_")
    ]
    return fused[0], fused[1], fused[2]


def _loop(batch: Batch, W_x: Array, W_h: Array, b: Array) -> tuple[Any, ...]:
    (H,), (C,) = batch.h_0, batch.c_0  # type: ignore[misc]
    Y, tape = [], []
    for X_t in batch.x:
        Z_i, Z_f, Z_c, Z_o = np.split(X_t @ W_x + H @ W_h + b, 4, -1)
        I, F, C_tilde, O = _sigmoid(Z_i), _sigmoid(Z_f), np.tanh(Z_c), _sigmoid(Z_o)
        tape.append((X_t, H, C, I, F, C_tilde, O))
        C = F * C + I * C_tilde
        H = O * np.tanh(C)
        Y.append(H)
    return np.stack(Y), H, C, tape


def _backward(batch: Batch, heads: Outputs, W_x: Array, W_h: Array, b: Array) -> tuple[Any, ...]:
    *_, tape = _loop(batch, W_x, W_h, b)
    (dH,), (dC,) = heads.h_n, heads.c_n
    dX = np.empty_like(batch.x)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(b)
    for t, (X_t, H, C, I, F, C_tilde, O) in reversed(list(enumerate(tape))):
        tanh_C = np.tanh(F * C + I * C_tilde)
        dH = dH + heads.y[t]
        dC = dC + dH * O * (1 - tanh_C**2)
        dZ_i, dZ_f = dC * C_tilde * I * (1 - I), dC * C * F * (1 - F)
        dZ_c, dZ_o = dC * I * (1 - C_tilde**2), dH * tanh_C * O * (1 - O)
        dZ = np.concatenate([dZ_i, dZ_f, dZ_c, dZ_o], -1)
        dW_x += X_t.T @ dZ
        dW_h += H.T @ dZ
        db += dZ.sum(0)
        dX[t], dH, dC = dZ @ W_x.T, dZ @ W_h.T, dC * F
    return dW_x, dW_h, db, dX, dH, dC


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))
