"""Mistakes of precision: fewer bits in one place than the dtype has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.equations import (
    SIGMOID,
    TANH,
    Activation,
    with_equations,
    with_sequence,
)
from gateparity.conformance.mistakes.gradients import on_gradients
from gateparity.conformance.mistakes.mistake import GRADIENTS, OUTPUTS, WEIGHTS, alike, run_at
from gateparity.conformance.mistakes.weights import BIASES, KERNELS, on_fields, on_weights
from gateparity.conformance.mistakes.wrappers import on_batch, on_outputs
from gateparity.network.batch import map_arrays, map_states

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.cells import CellChange
    from gateparity.conformance.mistakes.equations import Run
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Wrappable, Wrapper
    from gateparity.network.parameters import Array

BFLOAT16: Final = 8  # bits of the significand, with the one that isn't stored
TF32: Final = 11  # and float16
FLOAT32: Final = 24
WIDER: Final = ("float32", "float64")  # by enough: float16 itself rounds nearly as coarsely


def cut(array: Array, bits: int) -> Array:
    """Round to the nearest numbers with so many significant bits, for any kind of array."""
    known = (np.abs(array) > 0) & (np.abs(array) < np.inf)
    least = np.finfo(array.dtype).tiny
    size = np.where(known, np.maximum(np.abs(array), least), np.zeros_like(array) + 1)
    unit = 2.0 ** (np.floor(np.log2(size)) - (bits - 1))
    return np.where(known, np.rint(array / unit) * unit, array)


def _unchanged(gradients: Any, *_: object) -> Any:
    """Take rounding for a map whose slope is 1."""
    return gradients


def _params(names: tuple[str, ...], bits: int) -> CellChange:
    return on_fields(names, lambda array: cut(array, bits), _unchanged)


def _kept(names: tuple[str, ...], bits: int) -> Wrapper:
    """Return a mistake that stores parameters with fewer bits, as reading them back shows."""
    read = on_weights(names, lambda array: cut(array, bits)).weights
    return dataclasses.replace(_params(names, bits).wrapper, weights=read)


def _inputs(bits: int) -> Wrapper:
    return on_batch(lambda batch, _: dataclasses.replace(batch, x=cut(batch.x, bits)), _unchanged)


def _initial_states(bits: int) -> Wrapper:
    return on_batch(lambda batch, _: map_states(batch, lambda s: cut(s, bits)), _unchanged)


def _outputs(bits: int) -> Wrapper:
    return on_outputs(lambda o, *_: map_arrays(lambda array: cut(array, bits), o), _unchanged)


def _gradients(bits: int) -> Wrapper:
    return on_gradients(lambda found, *_: map_arrays(lambda array: cut(array, bits), found))


def _cell_state(bits: int) -> Activation:
    """Return an activation that rounds the cell state; its derivative is 1."""
    return Activation(lambda c: cut(c, bits), lambda c, _: np.zeros_like(c) + 1)


def _products(bits: int) -> Any:
    """Return a mistake that rounds the factors of the forward products."""

    def forward(sequence: Run, X: Any, *given: Any, cell: Any, **parts: Any) -> Any:
        def cut_cell(Z_x: Any, H: Any, *rest: Any) -> Any:
            return cell(Z_x, cut(H, bits), *rest)

        return sequence(cut(X, bits), *given, cell=cut_cell, **parts)

    factors = with_sequence(forward)
    return lambda lstm: _params(KERNELS, bits)(factors(lstm))


def _all_in_float32(lstm: Wrappable) -> Wrappable:
    """Round all inputs, parameters and results to float32."""
    for part in (_params(KERNELS + BIASES, FLOAT32), _inputs(FLOAT32), _initial_states(FLOAT32)):
        lstm = part(lstm)
    return _gradients(FLOAT32)(_outputs(FLOAT32)(lstm))


def _graded(right: Activation) -> Activation:
    return Activation(lambda z: cut(right.value(z), FLOAT32), right.slope)


_FAMILY: Final = "precision"
_ANY: Final = "every number, by more than the dtype's rounding: all checks that compute"
_WIDER: Final = run_at(*WIDER)

_READ: Rows = {
    "x in bfloat16": ("x was read in bfloat16", _inputs(BFLOAT16)),
    "initial states in bfloat16": ("h_0 and c_0 were read in bfloat16", _initial_states(BFLOAT16)),
    "cell state in bfloat16": (
        "the cell state was kept in bfloat16",
        with_equations(kept=_cell_state(BFLOAT16)),
    ),
    "cell state in float16": (
        "the cell state was kept in float16",
        with_equations(kept=_cell_state(TF32)),
    ),
    "recurrent kernels in TF32": (
        "the recurrent kernels were multiplied in TF32",
        _params(("w_hh",), TF32),
    ),
    "input kernels in TF32": (
        "the input kernels were multiplied in TF32",
        _params(("w_ih",), TF32),
    ),
    "products in TF32": ("both factors of the matrix products were TF32", _products(TF32)),
}

_KEPT: Rows = {
    "recurrent kernels in bfloat16": (
        "the recurrent kernels were kept in bfloat16",
        _kept(("w_hh",), BFLOAT16),
    ),
    "input kernels in bfloat16": (
        "the input kernels were kept in bfloat16",
        _kept(("w_ih",), BFLOAT16),
    ),
    "biases in float16": ("the biases were kept in float16", _kept(BIASES, TF32)),
}

_FLOAT64: Rows = {
    "float64 in float32": ("float64 was computed in float32", _all_in_float32),
    "sigmoid in float32": (
        "the sigmoid of a float64 was computed in float32",
        with_equations(i=_graded(SIGMOID), f=_graded(SIGMOID), o=_graded(SIGMOID)),
    ),
    "tanh in float32": (
        "the tanh of a float64 was computed in float32",
        with_equations(g=_graded(TANH), out=_graded(TANH)),
    ),
}

_OUTPUTS: Rows = {
    "outputs in bfloat16": ("y, h_n and c_n were returned in bfloat16", _outputs(BFLOAT16))
}

_GRADIENTS: Rows = {
    "gradients in bfloat16": ("gradients were returned in bfloat16", _gradients(BFLOAT16))
}

PRECISION_MISTAKES: Final = (
    *alike(_FAMILY, _ANY, _WIDER, _READ, dtypes=WIDER),
    *alike(
        _FAMILY, f"{_ANY}; and weights that are read back", _WIDER | WEIGHTS, _KEPT, dtypes=WIDER
    ),
    *alike(_FAMILY, _ANY, run_at("float64"), _FLOAT64, dtypes=("float64",)),
    *alike(
        _FAMILY,
        "outputs and final states, by more than the dtype's rounding",
        _WIDER & OUTPUTS,
        _OUTPUTS,
        path="forward",
        dtypes=WIDER,
    ),
    *alike(
        _FAMILY,
        "gradients, by more than the dtype's rounding",
        _WIDER & GRADIENTS,
        _GRADIENTS,
        path="backward",
        dtypes=WIDER,
    ),
)
