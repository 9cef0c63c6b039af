"""The catalogue: every mistake, by family, under one name.

The suite's self-test makes each of them and demands that exactly the right checks notice; a
diagnosis looks for the one that explains a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.axis_mistakes import AXIS_MISTAKES
from gateparity.conformance.backward_mistakes import BACKWARD_MISTAKES
from gateparity.conformance.bias_mistakes import BIAS_MISTAKES
from gateparity.conformance.cell_mistakes import CELL_MISTAKES
from gateparity.conformance.conduct_mistakes import CONDUCT_MISTAKES
from gateparity.conformance.direction_mistakes import DIRECTION_MISTAKES
from gateparity.conformance.edge_mistakes import EDGE_MISTAKES
from gateparity.conformance.final_mistakes import FINAL_MISTAKES
from gateparity.conformance.gradient_mistakes import GRADIENT_MISTAKES
from gateparity.conformance.initial_mistakes import INITIAL_MISTAKES
from gateparity.conformance.layer_mistakes import LAYER_MISTAKES
from gateparity.conformance.length_mistakes import LENGTH_MISTAKES
from gateparity.conformance.padding_mistakes import PADDING_MISTAKES
from gateparity.conformance.precision_mistakes import PRECISION_MISTAKES
from gateparity.conformance.told_mistakes import TOLD_MISTAKES
from gateparity.conformance.weight_mistakes import WEIGHT_MISTAKES

if TYPE_CHECKING:
    from gateparity.conformance.mistake import Mistake

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
)
