"""What is right in each check and case of a run, and how far rounding may move it."""

from __future__ import annotations

import dataclasses
import threading
import zlib
from concurrent.futures import Future
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np

from gateparity.conformance.judgement.budget import Budget, make_budget, make_rounding_model
from gateparity.conformance.judgement.shared import make_shared_budget, restate
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.undecided import FINE_UNIT
from gateparity.conformance.judgement.verdict import Expected
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.kept_budgets import KeptBudgets
from gateparity.conformance.runs.profile import measure
from gateparity.network.batch import arrays_by_name
from gateparity.network.dtypes import unit_roundoff
from gateparity.network.parameters import fields
from gateparity.protocol.canonical import make_lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from gateparity.backends.numpy.scratch import Scratch
    from gateparity.backends.workers.programs import ProgramStore
    from gateparity.conformance.judgement.rounding_model import RoundingModel
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm


PLAIN: Final[Mapping[str, float]] = MappingProxyType({})


class Truths:
    """A cache of the reference's results and budgets, by check and case, for all backends.

    Budgets are kept in `store` for the next run, if there is one.
    """

    def __init__(self, store: ProgramStore | None = None) -> None:
        self._truths: _Once[Results] = _Once()
        self._budgets: _Once[Budget] = _Once()
        self._kept = KeptBudgets(store)

    def of(
        self,
        check: Check,
        case: Case,
        declared: Mapping[str, float] = PLAIN,
        lacks: frozenset[str] = frozenset(),
        equations: Scratch | None = None,
    ) -> Expected:
        """Return the truth at the next wider precision, and its budget.

        `declared` is what a backend says of its arithmetic, fields of `Arithmetic`, and `lacks` are
        those of `STATES` that it doesn't have. `equations` are those of an LSTM that a framework
        computes instead.
        """

        def change(truth: Truth) -> Lstm:
            known = dataclasses.replace(truth, scratch=equations) if equations else truth
            return make_lacking(known, lacks)

        dtype, key = case.config.dtype, (check.name, case.name, equations, *sorted(lacks))
        rounding_model = make_rounding_model(dtype, declared)

        with np.errstate(all="ignore"):
            with measure("truth"):
                truth = self._truths.get((*key, dtype), lambda: check.run(change(Truth()), case))
            with measure("budget"):
                draw = partial(self._draw, Task(check, case), truth, lacks, equations, change)
                budget = draw(rounding_model)
                if budget.undecided and dtype == "float64":
                    rounding_model = dataclasses.replace(rounding_model, unit=FINE_UNIT)
                    budget = draw(rounding_model)
        return Expected(truth, budget.scaled(unit_roundoff(dtype) / rounding_model.unit))

    def _draw(
        self,
        task: Task,
        truth: Results,
        lacks: frozenset[str],
        equations: Scratch | None,
        change: Callable[[Truth], Lstm],
        model: RoundingModel,
    ) -> Budget:
        """Return the budget of a task, drawn once for each rounding model."""
        check, case = task
        key = case.name, _name(equations), *sorted(lacks), model, _fingerprint(case)
        budget = None
        if case.problem and not equations:  # checks restate one another if the LSTM is right
            shared = self._draw_once("", key, case, lambda: make_shared_budget(case, model, lacks))
            budget = restate(shared, truth)
        return budget or self._draw_once(
            check.name, key, case, lambda: make_budget(check, case, model, apply_mistakes=change)
        )

    def _draw_once(
        self, check: str, key: tuple[Hashable, ...], case: Case, draw: Callable[[], Budget]
    ) -> Budget:
        """Return a budget that this run or an earlier one draws."""
        lasting = check, *key[1:]
        return self._budgets.get((check, *key), lambda: self._kept.get(lasting, case, draw))


T = TypeVar("T")


class _Once(Generic[T]):
    """Values that are computed once each. A thread waits for the value that it needs, and for no
    other thread's.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the value of a key, which this call or an earlier one computes."""
        with self._lock:
            first = key not in self._found
            future = self._found.setdefault(key, Future())
        if first:
            try:
                future.set_result(compute())
            except BaseException as error:  # noqa: BLE001  threads that wait get it too
                del self._found[key]  # a later call may ask again
                future.set_exception(error)
        return future.result()


def _name(equations: Scratch | None) -> tuple[str, ...]:
    """Return the names of an LSTM's own functions, which are the same in the next run."""
    found = vars(equations).values() if equations else ()
    return tuple(f"{function.__module__}.{function.__qualname__}" for function in found)


def _fingerprint(case: Case) -> int:
    """Return a checksum that numbers share with the same numbers at another dtype.

    They then share a budget.
    """
    arrays = [a for cell in case.params for a in fields(cell).values()]
    arrays += arrays_by_name(case.batch).values()
    return zlib.crc32(b"".join(array.astype(np.float32).tobytes() for array in arrays))
