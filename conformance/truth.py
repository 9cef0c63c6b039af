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
from gateparity.parameters import Cell, cast_parameters, fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Outputs, Trace
    from gateparity.config import Config
    from gateparity.parameters import Array, Parameters


@dataclasses.dataclass(frozen=True)
class Truth:
    """The LSTM that results are compared with. Takes float32 or float64, answers wider.

    `prepare` is applied to every array on its way in; `dtype` is that of the arithmetic, the next
    wider one by default.
    """

    prepare: Callable[[Array], Array] = lambda array: array
    dtype: str = ""

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Outputs and final states."""
        wide = self._config(config)
        return Scratch().forward(wide, self._book(params, wide), self._widen(batch, wide))

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Every pre-activation, gate and state."""
        wide = self._config(config)
        return Scratch().gates(wide, self._book(params, wide), self._widen(batch, wide))

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Gradients of the canonical parameters, and of x, h_0 and c_0."""
        wide = self._config(config)
        inputs = self._book(params, wide), self._widen(batch, wide), self._widen(cotangent, wide)
        found = Scratch().gradients(wide, *inputs)
        return _unbook(found.params, wide), found.batch

    def _config(self, config: Config) -> Config:
        wider = "float64" if config.dtype == "float32" else "longdouble"
        return dataclasses.replace(config, dtype=self.dtype or wider)

    def _widen(self, arrays: Any, config: Config) -> Any:
        """A batch or a cotangent at the config's dtype; lengths stay what they are."""
        wide = {
            name: self.prepare(array.astype(config.dtype))
            for name, array in vars(arrays).items()
            if array is not None and name != "lengths"
        }
        return dataclasses.replace(arrays, **wide)

    def _book(self, params: Parameters, config: Config) -> dict[str, Array]:
        """`W_xi`, `W_hi`, `b_i`...: inputs first, one array a gate, one bias."""
        native = {}
        for k, cell in enumerate(cast_parameters(params, config.dtype)):
            prefix = f"l{cell_name(config, k)}."
            wide = {name: self.prepare(array) for name, array in fields(cell).items()}
            for gate, letter in enumerate("ifco"):
                native[f"{prefix}W_x{letter}"] = wide["w_ih"][gate].T
                native[f"{prefix}W_h{letter}"] = wide["w_hh"][gate].T
                if config.biases:
                    native[f"{prefix}b_{letter}"] = wide["b_ih"][gate] + wide["b_hh"][gate]
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
