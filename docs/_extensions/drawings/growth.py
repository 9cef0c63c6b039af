"""How rounding errors grow over the steps of a sequence, with the budget around them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from _extensions.drawings.chart import Curve, chart
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.network.batch import map_arrays
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from gateparity.conformance.problems.case import Case

_CASE: Final = "long"  # 100 steps
_CHECK: Final = CHECKS["forward"]


def draw() -> str:
    """Return the drawing, from runs of NumPy's LSTM: one as it is, and one with rounded weights."""
    case = RECIPES[_CASE].build("float32", 0)
    truth = _CHECK.run(Truth(), case)["y"]
    sigma = make_budget(_CHECK, case, make_rounding_model("float32")).sigmas["y"]
    curves = [
        Curve("weights in float16", "gate-f", _sizes(_outputs(_halved(case)) - truth)),
        Curve("NumPy in float32", "gate-i", _sizes(_outputs(case) - truth)),
    ]
    return chart(
        "Errors of an LSTM's outputs over 100 steps, and the rounding budget",
        ("step", "error of the outputs (root mean square)"),
        curves,
        (f"budget: {ALLOWED:g} sigma", [ALLOWED * size for size in _sizes(sigma)]),
    )


def _outputs(case: Case) -> Any:
    return _CHECK.run(Canonical(Scratch()), case)["y"]


def _halved(case: Case) -> Case:
    """Return the case with weights that went through float16, as in a file of half the size."""
    halved = map_arrays(lambda array: array.astype("float16").astype(array.dtype), case.params)
    return dataclasses.replace(case, params=halved)


def _sizes(errors: Any) -> list[float]:
    """Return the root mean square of each step."""
    return [float(size) for size in np.sqrt(np.square(errors).mean((1, 2)))]
