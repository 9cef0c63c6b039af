"""What is known about the rounding of a backend, as numbers that draws are made from."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class RoundingModel:
    """A rounding model.

    `unit` is the unit roundoff. `floor` is an error that an operation may have however small its
    result is (float16's subnormals). `flush` is an error of final results, since a result below the
    least normal number may be flushed to zero. `factors` is the unit roundoff to which factors of
    matrix products are cut, where that is coarser (TF32, bfloat16). `bias` is by how many units exp
    and tanh may be off to one side, in a way that changes slowly with their argument.
    `sigmoid_floor` is by how many units of 1 a sigmoid may be off, however small it is.
    """

    unit: float
    floor: float = 0.0
    flush: float = 0.0
    factors: float = 0.0
    bias: float = 0.0
    sigmoid_floor: float = 0.0
