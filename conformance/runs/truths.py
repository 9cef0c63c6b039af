"""What is right in each check and case of a run, and how far rounding may move it."""

from __future__ import annotations

import threading
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.shared import make_shared_budget, restate
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Expected
from gateparity.network.batch import arrays_by_name
from gateparity.network.dtypes import unit_roundoff
from gateparity.network.parameters import fields
from gateparity.protocol.canonical import make_lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.judgement.rounding import RoundingModel
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.requirements.results import Results


PLAIN: Final[Mapping[str, float]] = MappingProxyType({})


class Truths:
    """A cache of the reference's results and budgets, by check and case, for all backends."""

    def __init__(self) -> None:
        self._truths: dict[tuple[str, ...], Results] = {}
        self._budgets: dict[tuple[Any, ...], Budget] = {}
        self._lock = threading.Lock()

    def of(
        self,
        check: Check,
        case: Case,
        declared: Mapping[str, float] = PLAIN,
        lacks: frozenset[str] = frozenset(),
    ) -> Expected:
        """Return the truth at the next wider precision, and its budget.

        `declared` is what a backend says of its arithmetic, fields of `Arithmetic`, and `lacks` are
        those of `STATES` that it doesn't have.
        """
        dtype, key = case.config.dtype, (check.name, case.name, *sorted(lacks))
        rounding_model = make_rounding_model(dtype, declared)
        with self._lock, np.errstate(all="ignore"):
            if (*key, dtype) not in self._truths:
                self._truths[*key, dtype] = check.run(make_lacking(Truth(), lacks), case)
            truth = self._truths[*key, dtype]
            budget = self._restated(truth, case, rounding_model, lacks)
            if budget is None:
                budget = self._drawn(check, case, rounding_model, lacks)
        factor = unit_roundoff(dtype) / rounding_model.unit
        return Expected(truth, budget.scaled(factor))

    def _restated(
        self, truth: Results, case: Case, rounding_model: RoundingModel, lacks: frozenset[str]
    ) -> Budget | None:
        """Return a part of the budget that all checks of a problem of the array share."""
        if not case.problem:
            return None
        key = "", case.name, *sorted(lacks), rounding_model, _fingerprint(case)
        if key not in self._budgets:
            self._budgets[key] = make_shared_budget(case, rounding_model, lacks)
        return restate(self._budgets[key], truth)

    def _drawn(
        self, check: Check, case: Case, rounding_model: RoundingModel, lacks: frozenset[str]
    ) -> Budget:
        key = check.name, case.name, *sorted(lacks), rounding_model, _fingerprint(case)
        if key not in self._budgets:
            self._budgets[key] = make_budget(
                check,
                case,
                rounding_model,
                apply_mistakes=lambda truth: make_lacking(truth, lacks),
            )
        return self._budgets[key]


def _fingerprint(case: Case) -> int:
    """Return a checksum that numbers share with the same numbers at another dtype.

    They then share a budget.
    """
    arrays = [a for cell in case.params for a in fields(cell).values()]
    arrays += arrays_by_name(case.batch).values()
    return zlib.crc32(b"".join(array.astype(np.float32).tobytes() for array in arrays))
