"""The catalogue: every mistake, by family, under one name.

The self-test makes each mistake and requires that exactly the right checks fail. A diagnosis
searches for the mistake that explains a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.mistakes.axes import AXIS_MISTAKES
from gateparity.conformance.mistakes.backward import BACKWARD_MISTAKES
from gateparity.conformance.mistakes.calls import CALL_MISTAKES
from gateparity.conformance.mistakes.cell import CELL_MISTAKES
from gateparity.conformance.mistakes.directions import DIRECTION_MISTAKES
from gateparity.conformance.mistakes.extremes import EDGE_MISTAKES
from gateparity.conformance.mistakes.final_states import FINAL_MISTAKES
from gateparity.conformance.mistakes.gradients import GRADIENT_MISTAKES
from gateparity.conformance.mistakes.initial_states import INITIAL_MISTAKES
from gateparity.conformance.mistakes.layers import LAYER_MISTAKES
from gateparity.conformance.mistakes.lengths import LENGTH_MISTAKES
from gateparity.conformance.mistakes.padding import PADDING_MISTAKES
from gateparity.conformance.mistakes.precision import PRECISION_MISTAKES
from gateparity.conformance.mistakes.reported import TOLD_MISTAKES
from gateparity.conformance.mistakes.side_effects import CONDUCT_MISTAKES
from gateparity.conformance.mistakes.weights import BIAS_MISTAKES, WEIGHT_MISTAKES

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.mistake import Mistake

CATALOGUE: Final[tuple[Mistake, ...]] = (
    *WEIGHT_MISTAKES,
    *BIAS_MISTAKES,
    *CELL_MISTAKES,
    *INITIAL_MISTAKES,
    *FINAL_MISTAKES,
    *AXIS_MISTAKES,
    *DIRECTION_MISTAKES,
    *LAYER_MISTAKES,
    *LENGTH_MISTAKES,
    *PADDING_MISTAKES,
    *GRADIENT_MISTAKES,
    *BACKWARD_MISTAKES,
    *PRECISION_MISTAKES,
    *EDGE_MISTAKES,
    *TOLD_MISTAKES,
    *CONDUCT_MISTAKES,
    *CALL_MISTAKES,
)
