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
from gateparity.conformance.problems.cases import Recipe
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from gateparity.conformance.problems.case import Case

_RECIPE: Final = Recipe("long", steps=60, hidden_size=16)
_LARGER: Final = 12  # times the recurrent weights, so that errors grow
_OFF: Final = 2.0**-11
_CHECK: Final = CHECKS["forward"]


def draw() -> str:
    """Return the drawing, from two runs of NumPy's LSTM: as it is, and with one bias off."""
    case = _larger(_RECIPE.build("float32", 0))
    truth = _CHECK.run(Truth(), case)["y"]
    sigma = make_budget(_CHECK, case, make_rounding_model("float32")).sigmas["y"]
    curves = [
        Curve(f"one bias off by {_OFF:.0e}", "gate-f", _sizes(_outputs(_off(case)) - truth)),
        Curve("NumPy in float32", "gate-i", _sizes(_outputs(case) - truth)),
    ]
    return chart(
        "Errors of an LSTM's outputs over 60 steps, and the rounding budget",
        ("step", "error of the outputs (root mean square)"),
        curves,
        (f"budget, {ALLOWED:g} sigma", [ALLOWED * size for size in _sizes(sigma)]),
    )


def _outputs(case: Case) -> Any:
    return _CHECK.run(Canonical(Scratch()), case)["y"]


def _larger(case: Case) -> Case:
    cells = tuple(dataclasses.replace(c, w_hh=c.w_hh * _LARGER) for c in case.params)
    return dataclasses.replace(case, params=cells)


def _off(case: Case) -> Case:
    """Return the case with another bias of the first forget gate."""
    [cell] = case.params
    bias = cell.b_ih.copy()
    bias[1, 0] += _OFF
    return dataclasses.replace(case, params=(dataclasses.replace(cell, b_ih=bias),))


def _sizes(errors: Any) -> list[float]:
    """Return the root mean square of each step."""
    return [float(size) for size in np.sqrt(np.square(errors).mean((1, 2)))]
