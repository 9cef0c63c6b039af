"""The reference: NumPy's scratch LSTM one precision up, fed by hand and through no layout.

float32 is judged by float64, float64 by longdouble where that is wider, so NumPy never judges
itself. Weights are converted to the book's names here, written out, so that a mistake in a layout
can't be in the reference too.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gateparity.backends.base.stack import cell_name
from gateparity.backends.numpy.scratch import Scratch
from gateparity.network.batch import map_arrays
from gateparity.network.dtypes import DTYPES
from gateparity.network.parameters import CellWeights, cast_parameters, check_parameters, fields
from gateparity.protocol.repeated import ask_once
from gateparity.protocol.validation import check_batch, check_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.backends.numpy.equations import Tape
    from gateparity.network.batch import Batch, Outputs, Trace
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native, Parameters
    from gateparity.protocol.repeated import Questions


@dataclasses.dataclass(frozen=True)
class Truth:
    """The LSTM that results are compared with. It takes any dtype, and computes at a wider one.

    `prepare` is applied to every array on its way in. `dtype` is that of the arithmetic, by default
    the next wider one. `scratch` holds the equations, which a mistake replaces.
    """

    prepare: Callable[[Array], Any] = lambda array: array
    dtype: str = ""
    scratch: Scratch = dataclasses.field(default_factory=Scratch)
    differentiates: ClassVar[bool] = True
    traces: ClassVar[bool] = False  # nobody repeats the reference's, which keeps nothing
    lacks: ClassVar[frozenset[str]] = frozenset()

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Return outputs and final states at the wide dtype."""
        wide = self.accept(config, params, batch)
        return self.scratch.forward(wide, self.to_d2l(params, wide), self._widen(batch, wide))

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Return every pre-activation, gate and state at the wide dtype."""
        wide = self.accept(config, params, batch)
        return self.scratch.gates(wide, self.to_d2l(params, wide), self._widen(batch, wide))

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Return gradients of the canonical parameters, of x and initial states."""
        wide = self.accept(config, params, batch, cotangent)
        inputs = self.to_d2l(params, wide), self._widen(batch, wide), self._widen(cotangent, wide)
        found = self.scratch.gradients(wide, *inputs)
        return from_d2l(found.params, wide), found.batch

    def record(
        self, config: Config, params: Parameters, batch: Batch
    ) -> tuple[Config, Native, Batch, list[Tape]]:
        """Run forward, and return what backpropagation needs: the wide arguments and the tapes."""
        wide = self.accept(config, params, batch)
        native, batch = self.to_d2l(params, wide), self._widen(batch, wide)
        return wide, native, batch, self.scratch.run(wide, native, batch)[1]

    def everything(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Outputs, Trace, tuple[Parameters, Batch]]:
        """Return what `forward`, `gates` and `gradients` do, from one run."""
        wide = self.accept(config, params, batch, cotangent)
        native, given = self.to_d2l(params, wide), self._widen(batch, wide)
        outputs, tapes = self.scratch.run(wide, native, given)
        trace = self.scratch.trace(wide, native, given, tapes)
        found = self.scratch.pull(wide, native, given, tapes, self._widen(cotangent, wide))
        return outputs, trace, (from_d2l(found.params, wide), found.batch)

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Return the parameters themselves, widened, since the reference has no layout."""
        check_parameters(params, config)
        wide = cast_parameters(params, self.wider(config).dtype)
        return tuple(
            CellWeights(**{n: self.prepare(a) for n, a in fields(cell).items()}) for cell in wide
        )

    def guarded(self) -> Truth:
        """Return the reference unguarded, since others are judged by it.

        Its draws differ between calls, so a guard would find them impure.
        """
        return self

    def repeated(self, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
        """Answer each question once: the reference has no state."""
        return ask_once(self, method, config, questions)

    def accept(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs | None = None
    ) -> Config:
        """Return the wide config. Raise `ValueError` or `TypeError` for arguments that don't fit.

        Arrays at the wide dtype are accepted too, since the reference's own results have it.
        """
        wide = self.wider(config)
        check_parameters(_narrow(params, wide.dtype, config.dtype), config)
        check_batch(_narrow(batch, wide.dtype, config.dtype), config)
        if cotangent is not None:
            check_outputs(_narrow(cotangent, wide.dtype, config.dtype), config, batch)
        return wide

    def wider(self, config: Config) -> Config:
        """Return the config with the dtype of the reference's own arithmetic."""
        wider = self.dtype or DTYPES[config.dtype].reference
        return dataclasses.replace(config, dtype=wider)

    def _widen(self, arrays: Any, config: Config) -> Any:
        """Return a batch or a cotangent at the config's dtype; lengths stay as they are."""
        lengths = getattr(arrays, "lengths", None)
        return map_arrays(
            lambda a: a if a is lengths else self.prepare(a.astype(config.dtype)), arrays
        )

    @np.errstate(invalid="ignore")  # infinity and minus infinity are NaN, as one bias
    def to_d2l(self, params: Parameters, config: Config) -> dict[str, Array]:
        """Return the weights by the book's names `W_xi`, `W_hi`, `b_i`...

        Inputs are the first axis, each gate has its array, and there is one bias.
        """
        native = {}
        for k, cell in enumerate(cast_parameters(params, config.dtype)):
            prefix = f"l{cell_name(config, k)}."
            wide = {name: self.prepare(array) for name, array in fields(cell).items()}
            for gate, letter in enumerate("ifco"):
                native[f"{prefix}W_x{letter}"] = wide["w_ih"][gate].T
                native[f"{prefix}W_h{letter}"] = wide["w_hh"][gate].T
                if config.biases:  # each by itself, as many frameworks add them: times 1 it rounds
                    b_ih, b_hh = wide["b_ih"][gate] * 1, wide["b_hh"][gate] * 1
                    native[f"{prefix}b_{letter}"] = b_ih + b_hh
        return native


def _narrow(arrays: Any, wide: str, dtype: str) -> Any:
    """Replace arrays of the wide dtype by zeros of the narrow one, to check shapes only."""
    replaced = np.dtype(wide)  # by its name it would be looked up for every array
    return map_arrays(lambda a: np.zeros(a.shape, dtype) if a.dtype == replaced else a, arrays)


def from_d2l(native: Any, config: Config) -> Parameters:
    """Return the book's arrays as canonical parameters, with its one bias as both."""
    return tuple(_cell_from_d2l(native, f"l{cell_name(config, k)}.") for k in range(config.cells))


def _cell_from_d2l(native: Any, prefix: str) -> CellWeights:
    w_ih = np.stack([native[f"{prefix}W_x{letter}"].T for letter in "ifco"])
    w_hh = np.stack([native[f"{prefix}W_h{letter}"].T for letter in "ifco"])
    if f"{prefix}b_i" not in native:
        return CellWeights(w_ih, w_hh)
    b = np.stack([native[f"{prefix}b_{letter}"] for letter in "ifco"])
    return CellWeights(w_ih, w_hh, b, b)  # both biases see the same gradient
