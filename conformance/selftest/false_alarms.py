"""False alarms: random LSTMs through a correct backend, none of which may fail."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.conformance.judgement.verdict import Expected, Mismatch, judge
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.network.dtypes import SUITE_DTYPES
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateparity.conformance.problems.case import Case
    from gateparity.protocol.adapter import Adapter

_CHECKS: Final = ("forward", "gradients")


@dataclasses.dataclass(frozen=True)
class Alarms:
    """The results of random LSTMs: how many, the largest error and shift, and the false alarms.

    Errors and shifts are in standard deviations of rounding.
    """

    cases: int = 0
    sigmas: float = 0.0
    shift: float = 0.0
    reasons: tuple[str, ...] = ()

    def __add__(self, other: Alarms) -> Alarms:
        return Alarms(
            self.cases + other.cases,
            max(self.sigmas, other.sigmas),
            max(self.shift, other.shift),
            self.reasons + other.reasons,
        )


def count_alarms(
    adapter: Adapter, seeds: Iterable[int], make_case: Callable[[int, str], Case]
) -> Alarms:
    """Run a correct adapter on random LSTMs, in float32 and float64 in turn.

    Gradients, which take longer, are checked in every fourth LSTM only.
    """
    total = Alarms()
    for seed in seeds:
        case = make_case(seed, SUITE_DTYPES[seed % 2])
        checks = _CHECKS if seed // 2 % 4 == 0 else _CHECKS[:1]
        total += try_case(adapter, case, expect_all(case, {}, checks))
    return total


def try_case(adapter: Adapter, case: Case, expected: Mapping[str, Expected]) -> Alarms:
    """Run the checks that have an expected result on one LSTM."""
    sigmas, shift, reasons = 0.0, 0.0, []
    for name, right in expected.items():
        try:
            score = judge(CHECKS[name].run(Canonical(adapter), case), right)
        except Mismatch as mismatch:
            score = mismatch.score
            reasons.append(f"{case.id}, {name}: {mismatch}")
        sigmas, shift = max(sigmas, score.sigmas), max(shift, score.shift)
    return Alarms(1, sigmas, shift, tuple(reasons))


def expect_all(
    case: Case, declared: Mapping[str, float], checks: Iterable[str] = _CHECKS
) -> dict[str, Expected]:
    """Return the expected results of a case in each of these checks."""
    truths = Truths()  # kept by nobody: a case is used once
    return {name: truths.of(CHECKS[name], case, declared) for name in checks}
