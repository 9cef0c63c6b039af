"""NumPy: the LSTM of d2l's LSTMScratch, and backpropagation through time derived by hand.

In float64 it is the reference for the other frameworks. In longdouble it is the reference for its
own float64. So it runs at any float dtype.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.network.cells import LSTM

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.parameters import Array, Native


def sigmoid(x: Array) -> Array:
    """Return the logistic function; exp(-x) may overflow, and its reciprocal is then 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


@dataclasses.dataclass(frozen=True)
class Step:
    """The values of one step that backpropagation needs. Keeping more would cost time."""

    H_prev: Array
    C_prev: Array
    I: Array
    F: Array
    C_tilde: Array
    O: Array
    C: Array
    H: Array


def split_gates(Z: Array) -> list[Array]:
    """Return the gates' parts of the last axis `(..., 4 hidden)`, as views."""
    size = Z.shape[-1] // len(LSTM.gates)  # slices: np.split takes longer than the arithmetic
    return [Z[..., k * size : (k + 1) * size] for k in range(len(LSTM.gates))]


def cell(Z_x: Array, H: Array, C: Array, W_h: Array) -> Step:
    """Compute one step. `Z_x (..., 4 hidden)` is `X W_x + b`; the leading axes are free."""
    Z = Z_x + H @ W_h
    Z_i, Z_f, Z_c, Z_o = split_gates(Z)
    I = sigmoid(Z_i)
    F = sigmoid(Z_f)
    C_tilde = np.tanh(Z_c)
    O = sigmoid(Z_o)
    C_new = F * C + I * C_tilde
    H_new = O * np.tanh(C_new)
    return Step(H, C, I, F, C_tilde, O, C_new, H_new)


@dataclasses.dataclass(frozen=True)
class Tape:
    """A cell's inputs and all its steps, in time order."""

    X: Array
    H_0: Array
    steps: list[Step]

    @np.errstate(invalid="ignore")  # as in `sequence`
    def trace(self, w: Native) -> tuple[Array, Array, Array, Array]:
        """Return Z and gates `(T, ..., 4 hidden)`, C and H `(T, ..., hidden)`; Z is recomputed."""
        W_x, W_h, b = _fuse(w)
        wide = np.concatenate([self.H_0] * len(LSTM.gates), -1)
        Z = [X_t @ W_x + b + s.H_prev @ W_h for X_t, s in zip(self.X, self.steps, strict=True)]
        gates = [np.concatenate([s.I, s.F, s.C_tilde, s.O], -1) for s in self.steps]
        C, H = (_stack([getattr(s, name) for s in self.steps], self.H_0) for name in "CH")
        return _stack(Z, wide), _stack(gates, wide), C, H


@np.errstate(invalid="ignore")  # infinity times the zeros that fill up a block of a product
def sequence(
    X: Array,
    H: Array,
    C: Array,
    w: Native,
    mask: Array | None = None,
    *,
    reverse: bool = False,
    cell: Callable[..., Step] = cell,
    with_trace: bool = True,
) -> tuple[Array, Array, Array, Tape]:
    """Run all steps of a cell over `X (T, ..., input)`, one sequence or a batch of them.

    At a step where `mask` is False, the output is zero and the state stays. So the reverse
    direction begins at each sequence's own last step. `with_trace` records all steps for
    backpropagation, which costs time and memory.
    """
    W_x, W_h, b = _fuse(w)
    X = X if mask is None else np.where(mask, X, 0)  # 0 times NaN would be NaN
    Y = np.zeros_like(X, shape=(*X.shape[:-1], H.shape[-1]))
    H_0 = H
    steps: list[Any] = [None] * len(X)
    for t in _times(len(X), reverse=reverse):
        # A product for each step: one for all is no faster, and its result leaves the cache.
        step = cell(X[t] @ W_x + b, H, C, W_h)
        steps[t] = step if with_trace else None
        if mask is None:
            Y[t], H, C = step.H, step.H, step.C
            continue
        Y[t] = np.where(mask[t], step.H, 0)
        H, C = np.where(mask[t], step.H, H), np.where(mask[t], step.C, C)
    return Y, H, C, Tape(X, H_0, steps)


def backward_cell(s: Step, W_h: Array, dH: Array, dC: Array) -> tuple[Array, Array, Array]:
    """Return the gradients of one step's Z, H_prev and C_prev, given those of its H and C."""
    tanh_C = np.tanh(s.C)
    dO = dH * tanh_C
    dC = dC + dH * s.O * (1 - tanh_C * tanh_C)
    dI, dF, dC_tilde = dC * s.C_tilde, dC * s.C_prev, dC * s.I
    dZ_i = dI * s.I * (1 - s.I)
    dZ_f = dF * s.F * (1 - s.F)
    dZ_c = dC_tilde * (1 - s.C_tilde * s.C_tilde)
    dZ_o = dO * s.O * (1 - s.O)
    dZ = np.concatenate([dZ_i, dZ_f, dZ_c, dZ_o], -1)
    return dZ, dZ @ W_h.T, dC * s.F


@np.errstate(invalid="ignore")  # infinity times a slope of 0 is NaN, and meant to be
def backward(
    tape: Tape,
    w: Native,
    mask: Array | None,
    dY: Array,
    dH: Array,
    dC: Array,
    *,
    reverse: bool = False,
    backward_cell: Callable[..., tuple[Array, Array, Array]] = backward_cell,
    biases_alone: bool = False,
) -> tuple[Array, Array, Array, dict[str, Array]]:
    """Return the gradients of a cell's inputs, initial states and weights.

    `dY (T, ..., hidden)` is the gradient of the outputs, `dH` and `dC` those of the final states.
    With `biases_alone` the products that find the other weights' gradients are left out.
    """
    W_x, W_h, _ = _fuse(w)
    dZs = np.zeros_like(dY, shape=(*dY.shape[:-1], W_x.shape[-1]))
    for t in _times(len(dY), reverse=not reverse):
        dZs[t], dH_prev, dC_prev = backward_cell(tape.steps[t], W_h, dH + dY[t], dC)
        if mask is None:
            dH, dC = dH_prev, dC_prev
            continue
        dZs[t] = np.where(mask[t], dZs[t], 0)
        dH, dC = np.where(mask[t], dH_prev, dH), np.where(mask[t], dC_prev, dC)
    rows = _rows(dZs)
    db = np.ones(len(rows), rows.dtype) @ rows  # a product sums in blocks: fewer roundings
    dX = (rows @ W_x.T).reshape(tape.X.shape)  # one product: NumPy makes one for each step
    if biases_alone:
        return dX, dH, dC, _unfuse({"b_": db})
    H_prev = _stack([step.H_prev for step in tape.steps], tape.H_0)
    dW_x, dW_h = (_rows(a).T @ rows for a in (tape.X, H_prev))
    return dX, dH, dC, _unfuse({"W_x": dW_x, "W_h": dW_h, "b_": db})


def _stack(arrays: list[Array], like: Array) -> Array:
    """Stack the arrays along a new first axis; `like` gives the shape if there are none."""
    return np.concatenate([like[None][:0], *(array[None] for array in arrays)])


def _rows(array: Array) -> Array:
    """Reshape to two axes, with one row for each step of each sequence."""
    return array.reshape(-1, array.shape[-1])


def _times(steps: int, *, reverse: bool) -> range:
    return range(steps)[::-1] if reverse else range(steps)


def _fuse(w: Native) -> tuple[Array, Array, Array | int]:
    """Concatenate the weights of the four gates: one matrix product where the book has four."""
    W_x = np.concatenate([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = np.concatenate([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    if "b_i" not in w:
        return W_x, W_h, 0
    return W_x, W_h, np.concatenate([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1)


def _unfuse(fused: dict[str, Array]) -> dict[str, Array]:
    return {
        prefix + gate: part.copy()
        for prefix, array in fused.items()
        for gate, part in zip("ifco", split_gates(array), strict=True)
    }
