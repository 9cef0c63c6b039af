"""What is right for each layer's own weights, and how far rounding may move it."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.workers.blas import one_thread
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Expected
from gateparity.network.dtypes import unit_roundoff
from gateparity.protocol.canonical import make_lacking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.requirements.task import Task

    Key = tuple[str, ...]

_THREADS: Final = 2  # NumPy computes outside Python's lock, and the frameworks meanwhile run


@dataclasses.dataclass
class Budgets:
    """A cache of budgets, drawn in threads; close it by `with`.

    `declared` is the rounding model of both layers: the coarser one, as where two backends are
    compared. `lacks` are the states that either of them lacks. With `shared`, both layers have the
    same weights, and so one budget for each problem.
    """

    declared: Mapping[str, float]
    lacks: frozenset[str]
    shared: bool
    drawn: dict[Key, Future[Budget]] = dataclasses.field(default_factory=dict)
    known: dict[Key, Expected] = dataclasses.field(default_factory=dict)
    within: ExitStack = dataclasses.field(default_factory=ExitStack)
    pool: ThreadPoolExecutor = dataclasses.field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS)
    )

    def __enter__(self) -> Budgets:
        self.within.enter_context(one_thread())
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)
        self.within.close()

    def start(self, label: str, task: Task) -> Future[Budget]:
        """Begin to draw the budget of a layer's task, unless it was begun."""
        key = self._key(label, task)
        if key not in self.drawn:
            self.drawn[key] = self.pool.submit(self._draw, task)
        return self.drawn[key]

    def expect(self, label: str, task: Task) -> Expected:
        """Return the truth for a layer's own weights, which its case holds, and the budget."""
        key, budget = self._key(label, task), self.start(label, task).result()
        if key not in self.known:
            with np.errstate(all="ignore"):
                truth = task.check.run(self._lacking(Truth()), task.case)
            self.known[key] = Expected(truth, budget)
        return self.known[key]

    def _key(self, label: str, task: Task) -> Key:
        return "" if self.shared else label, *task.key

    def _draw(self, task: Task) -> Budget:
        dtype = task.case.config.dtype
        model = make_rounding_model(dtype, self.declared)
        with np.errstate(all="ignore"):
            budget = make_budget(*task, model, apply_mistakes=self._lacking)
        return budget.scaled(unit_roundoff(dtype) / model.unit)

    def _lacking(self, truth: Truth) -> Any:
        return make_lacking(truth, self.lacks)
