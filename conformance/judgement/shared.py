"""The budget of a problem of the array, drawn once for all its checks.

In exact arithmetic the checks compare the same numbers, found in other ways: in chunks, permuted,
layer by layer. Each way has the same operations on the same numbers, or sums them in another order,
which the rounding model leaves open. So an element has the same standard deviation in all of them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.conformance.judgement.budget import Budget, make_budget
from gateparity.conformance.requirements.answers import (
    find_restated,
    leave_out,
    name_gradients,
    name_outputs,
)
from gateparity.conformance.requirements.checks import Check
from gateparity.network.batch import FINAL_STATES
from gateparity.protocol.adapter import weigh_y_alone

if TYPE_CHECKING:
    from gateparity.conformance.judgement.rounding_model import RoundingModel
    from gateparity.conformance.judgement.truth import Truth
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results


def make_shared_budget(case: Case, rounding_model: RoundingModel, lacks: frozenset[str]) -> Budget:
    """Draw the budget of outputs, gradients and trace together.

    `lacks` are those of `STATES` that the LSTM doesn't have.
    """

    def run(truth: Truth, case: Case) -> Results:
        cotangent = case.cotangent
        if "final_states" in lacks:
            cotangent = weigh_y_alone(cotangent)
        found = truth.everything(case.config, case.params, case.batch, cotangent)
        outputs, trace, gradients = found
        named = name_outputs(outputs) | name_gradients(*gradients, case.config.directions)
        return leave_out(named | vars(trace), lacks)

    everything = Check("everything", run, (), ("outputs", "gradients", "trace"))  # type: ignore[arg-type]
    return make_budget(everything, case, rounding_model)


def restate(shared: Budget, arrays: Results) -> Budget | None:
    """Return the budget of arrays that restate those of `shared`, or None if one of them doesn't.

    Shifts are judged where all outputs are among them by their own names.
    """
    found = {name: find_restated(name, array, shared.sigmas) for name, array in arrays.items()}
    sigmas = {name: sigma for name, sigma in found.items() if sigma is not None}
    if len(sigmas) < len(found):
        return None
    # Every array has a mask here, so that a name restates the same array in both.
    whole = {n: shared.undecided.get(n, np.zeros(s.shape, bool)) for n, s in shared.sigmas.items()}
    masks = {name: find_restated(name, array, whole) for name, array in arrays.items()}
    undecided = {name: mask for name, mask in masks.items() if mask is not None and mask.any()}
    if any(name in shared.sigmas and name not in found for name in ("y", *FINAL_STATES)):
        return Budget(shared.case, sigmas, undecided=undecided)
    return dataclasses.replace(shared, sigmas=sigmas, undecided=undecided)
