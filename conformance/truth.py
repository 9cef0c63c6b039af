"""The truth: NumPy's scratch LSTM one precision up, fed by hand and through no layout.

float32 is judged by float64, float64 by longdouble where that is wider, so NumPy never judges
itself. Weights go to the book's names here, written out, so that a mistake in a layout can't hide
in the truth as well.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.backends.numpy import Scratch
from gateparity.backends.stack import cell_name
from gateparity.parameters import Cell, cast_parameters

if TYPE_CHECKING:
    from gateparity.adapter import Batch, Outputs, Trace
    from gateparity.config import Config
    from gateparity.parameters import Array, Parameters


class Truth:
    """The LSTM that results are compared with. Takes float32 or float64, answers wider."""

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Outputs and final states."""
        wide = _widen_config(config)
        return Scratch().forward(wide, _book(params, wide), _widen(batch, wide))

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Every pre-activation, gate and state."""
        wide = _widen_config(config)
        return Scratch().gates(wide, _book(params, wide), _widen(batch, wide))

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Gradients of the canonical parameters, and of x, h_0 and c_0."""
        wide = _widen_config(config)
        book = _book(params, wide)
        found = Scratch().gradients(wide, book, _widen(batch, wide), _widen(cotangent, wide))
        return _unbook(found.params, wide), found.batch


def _widen_config(config: Config) -> Config:
    return dataclasses.replace(
        config, dtype="float64" if config.dtype == "float32" else "longdouble"
    )


def _widen(arrays: Any, config: Config) -> Any:
    """A batch or a cotangent at the config's dtype; lengths stay what they are."""
    wide = {
        name: array.astype(config.dtype)
        for name, array in vars(arrays).items()
        if array is not None and name != "lengths"
    }
    return dataclasses.replace(arrays, **wide)


def _book(params: Parameters, config: Config) -> dict[str, Array]:
    """`W_xi`, `W_hi`, `b_i`...: inputs first, one array a gate, one bias."""
    native = {}
    for k, cell in enumerate(cast_parameters(params, config.dtype)):
        prefix = f"l{cell_name(config, k)}."
        for gate, letter in enumerate("ifco"):
            native[f"{prefix}W_x{letter}"] = cell.w_ih[gate].T
            native[f"{prefix}W_h{letter}"] = cell.w_hh[gate].T
            if cell.b_ih is not None and cell.b_hh is not None:
                native[f"{prefix}b_{letter}"] = cell.b_ih[gate] + cell.b_hh[gate]
    return native


def _unbook(native: Any, config: Config) -> Parameters:
    return tuple(_unbook_cell(native, f"l{cell_name(config, k)}.") for k in range(config.cells))


def _unbook_cell(native: Any, prefix: str) -> Cell:
    w_ih = np.stack([native[f"{prefix}W_x{letter}"].T for letter in "ifco"])
    w_hh = np.stack([native[f"{prefix}W_h{letter}"].T for letter in "ifco"])
    if f"{prefix}b_i" not in native:
        return Cell(w_ih, w_hh)
    b = np.stack([native[f"{prefix}b_{letter}"] for letter in "ifco"])
    return Cell(w_ih, w_hh, b, b)  # both biases see the same gradient
