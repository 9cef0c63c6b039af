"""Two trainings that stay together, and two that part: how far their weights are from each other.

All of them run in this build, in NumPy: in float32, and one precision up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from _extensions.drawings.chart import Curve, chart
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.training.problems import make_problem, run_problem
from gateparity.conformance.training.trainers import AdapterTrainer, ReferenceTrainer

if TYPE_CHECKING:
    from gateparity.conformance.training.problems import Problem

_EPOCHS: Final = 30  # of two steps


def draw() -> str:
    """Return the drawing: three pairs of trainings, and their distance after every epoch."""
    calm, wild = (make_problem(name, "float32", epochs=_EPOCHS) for name in ("sgd", "wild sgd"))
    exact = run_problem(ReferenceTrainer(), calm)
    curves = [
        Curve("same, at a large rate", "gate-g", _distances(wild, _single(wild), _exact(wild))),
        Curve("one bias, two biases", "gate-f", _distances(calm, _exact(calm, 2), exact)),
        Curve("same, at a usual rate", "gate-i", _distances(calm, _single(calm), exact)),
    ]
    return chart(
        "The distance between the weights of two trainings over 30 epochs",
        ("epoch of two steps", "largest distance between two weights"),
        curves,
    )


def _single(problem: Problem) -> Any:
    return run_problem(AdapterTrainer(Scratch()), problem)


def _exact(problem: Problem, copies: int = 1) -> Any:
    return run_problem(ReferenceTrainer(copies=copies), problem)


def _distances(problem: Problem, a: Any, b: Any) -> list[float]:
    """Return the largest distance of a weight after each epoch."""
    ends = [f" {epoch}" for epoch in range(1, len(problem.epochs) + 1)]
    return [
        max(
            float(np.abs(a[name] - b[name]).max())
            for name in a
            if name.endswith(end) and not name.startswith(("loss", "norm", "output"))
        )
        for end in ends
    ]
