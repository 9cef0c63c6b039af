"""Rao's scores: how much errors of the outputs look like a shift of each bias.

They are gradients. The reference runs forward once for each case, and backward for all its errors.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.base.stack import cell_name
from gateparity.backends.numpy.equations import backward
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.truth import Truth
from gateparity.network.batch import FINAL_STATES, Outputs, from_names
from gateparity.network.parameters import CellWeights

if TYPE_CHECKING:
    from gateparity.backends.numpy.equations import Tape
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Native, Parameters

OUTPUTS: Final = ("y", *FINAL_STATES)
_SCRATCH: Final = Scratch(backward=functools.partial(backward, biases_alone=True))


@dataclasses.dataclass(frozen=True, eq=False)
class Scorer:
    """The scores of one case's biases, from a forward run that is kept for all errors."""

    case: Case

    @np.errstate(all="ignore")  # gradients of the inputs may overflow, and aren't wanted
    def scores(self, errors: Any, weights: Results) -> Any:
        """Return the derivative of half the weighted squared error by each bias.

        Its shape is `(cell, gate, hidden)`, and a last axis for the draws if `errors` has one.
        """
        config, params, batch, tapes = self._run
        zeros = _zero_states(errors["y"], config)  # of the kind of y, which may be draws
        weighted = {n: errors[n] * weights[n] if n in weights else zeros for n in OUTPUTS}
        cotangent = from_names(Outputs, weighted)
        found = _SCRATCH.pull(config, params, batch, tapes, cotangent).params
        prefixes = [f"l{cell_name(config, k)}.b_" for k in range(config.cells)]
        return np.stack([np.stack([found[p + letter] for letter in "ifco"]) for p in prefixes])

    @functools.cached_property
    def _run(self) -> tuple[Config, Native, Batch, list[Tape]]:
        given = dataclasses.replace(self.case.config, biases=True)
        return Truth(dtype="float64").record(given, _biased(self.case.params), self.case.batch)


def _zero_states(y: Any, config: Config) -> Any:
    return np.concatenate([y[:1, :, : config.hidden_size] * 0] * config.cells)


def _biased(params: Parameters) -> Parameters:
    zeros = np.zeros(params[0].w_ih.shape[:2], params[0].w_ih.dtype)
    return tuple(
        cell if cell.b_ih is not None else CellWeights(cell.w_ih, cell.w_hh, zeros, zeros)
        for cell in params
    )
