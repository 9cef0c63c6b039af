"""Comparison of every two backends in everything that both computed.

Every two results are compared once. The pairs of a run, the changes between versions of a framework
and what two recordings of one backend have in common are made of that.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.judgement.verdict import Mismatch, judge_pair
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.runs.result import Change, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.verdict import Score
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result, Status
    from gateparity.conformance.runs.truths import Truths
    from gateparity.network.parameters import Array

    RoundingModels = Mapping[str, Mapping[str, float]]
    AllCompared = Mapping[tuple[str, str], "Sequence[Compared]"]  # by the labels of both


@dataclasses.dataclass(frozen=True)
class Compared:
    """The results of two backends in one task. `same` says whether they have the same bits.

    `reason` says how they differ, and is empty where rounding explains it. `known` says that one of
    them is a known deviation.
    """

    task: Task
    one: Result
    other: Result
    score: Score
    reason: str
    same: bool

    @property
    def distance(self) -> float:
        """Return how far they are apart, in standard deviations of the rounding of both."""
        return max(self.score.sigmas, self.score.shift)

    @property
    def undecided(self) -> str:
        """Return why they are indistinguishable, with check and case; empty where they differ."""
        words = self.score.undecided
        return f"{self.task.check.name}, {self.task.case.name}: {words}" if words else ""

    @property
    def known(self) -> bool:
        """Return whether one of them is a known deviation, which no verdict counts."""
        return "known" in (self.one.status, self.other.status)


def compare_all(
    labels: Sequence[str],
    results: Sequence[Result],
    plan: Plan,
    truths: Truths,
    rounding_models: RoundingModels,
    progress: Callable[[], object] = lambda: None,
) -> AllCompared:
    """Compare every two backends in everything that both computed.

    `rounding_models` has what each backend declares. `progress` is called for each pair.
    """
    found = {(r.backend.label, r.key): r for r in results if r.arrays is not None}
    compared = {}
    for a, b in itertools.combinations(labels, 2):
        covering = coarser(rounding_models[a], rounding_models[b])
        both = [(task, found.get((a, task.key)), found.get((b, task.key))) for task in plan]
        compared[a, b] = [
            _compare(task, one, other, truths, covering)
            for task, one, other in both
            if one and other and _shared(one, other)[0]  # not gradients of all outputs and of y
        ]
        progress()
    return compared


def make_pairs(compared: AllCompared, plan: Plan) -> list[Pair]:
    """Return the verdict on each pair at each dtype of the plan."""
    dtypes = dict.fromkeys(task.case.config.dtype for task in plan)
    return [make_pair(*pair, dtype, of) for pair, of in compared.items() for dtype in dtypes]


def make_pair(a: str, b: str, dtype: str, compared: Sequence[Compared]) -> Pair:
    """Return the verdict on two backends at one dtype; known deviations are left out.

    Without an answer that an LSTM computed there is no number.
    """
    counted = [c for c in compared if c.task.case.config.dtype == dtype and not c.known]
    reasons = [c.reason for c in counted if c.reason]
    if not reasons and not any(c.task.check.computes for c in counted):
        return Pair(a, b, dtype, "skip", reason="nothing that both computed")
    error, sigmas = max(c.score.relative for c in counted), max(c.distance for c in counted)
    undecided = [c.undecided for c in counted if c.undecided]
    status: Status = "fail" if reasons else "undecided" if undecided else "pass"
    return Pair(a, b, dtype, status, error, "".join((reasons or undecided)[:1]), sigmas)


def _compare(
    task: Task, one: Result, other: Result, truths: Truths, rounding_model: Mapping[str, float]
) -> Compared:
    same = not other_bits(*comparable(one.arrays or {}, other.arrays or {}))
    try:
        expected = truths.of(*task, rounding_model, one.lacks)
        score = judge_pair(*_shared(one, other), _apart(one, other), expected)
    except Mismatch as mismatch:
        reason = f"{task.check.name}, {task.case.name}: {mismatch}"
        return Compared(task, one, other, mismatch.score, reason, same)
    return Compared(task, one, other, score, "", same)


def coarser(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Return a rounding model that covers both: the larger value of each declaration."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {*one, *other}}


def _shared(one: Result, other: Result) -> tuple[Results, Results]:
    """Return the arrays of both; if they lack other states, those that neither lacks."""
    a, b = one.arrays or {}, other.arrays or {}
    if one.lacks == other.lacks:
        return a, b
    names = [name for name in a if name in b]
    return {name: a[name] for name in names}, {name: b[name] for name in names}


def _apart(one: Result, other: Result) -> Array | None:
    """Return the difference between two backends' shifts, or None if one has none."""
    if one.shifts is None or other.shifts is None:
        return None
    if one.lacks != other.lacks:
        return None  # they are shifts of other outputs
    return other.shifts - one.shifts


def find_changes(backends: Sequence[Backend], compared: AllCompared) -> list[Change]:
    """Return how every two backends compare that differ only in where they run."""
    changes = [
        _make_change(a.label, b.label, compared[a.label, b.label])
        for a, b in itertools.combinations(backends, 2)
        if a.shipped and b.shipped and (a.framework, a.variant) == (b.framework, b.variant)
    ]
    return [change for change in changes if change.equal or change.differing]


def describe_change(change: Change) -> str:
    """Return a change as one line: equal bit for bit, equal within rounding, or different."""
    within = {check: s for check, s in change.differing.items() if s <= ALLOWED}
    beyond = {check: s for check, s in change.differing.items() if not s <= ALLOWED}
    parts = [
        f"{words} {', '.join(checks)}"
        for words, checks in (
            ("bit for bit equal in", change.equal),
            ("equal within rounding in", _with_sigmas(within)),
            ("different in", _with_sigmas(beyond)),
        )
        if checks
    ]
    return f"{change.a} and {change.b}: {'; '.join(parts)}"


def _make_change(a: str, b: str, compared: Sequence[Compared]) -> Change:
    checks = {c.task.check.name: True for c in compared if not c.known}
    far: dict[str, float] = {}
    for c in compared:
        if not c.known and not c.same:
            far[c.task.check.name] = max(far.get(c.task.check.name, 0.0), c.distance)
    return Change(a, b, tuple(check for check in checks if check not in far), far)


def _with_sigmas(checks: dict[str, float]) -> list[str]:
    return [f"{check} ({sigmas:.1f} sigma)" for check, sigmas in checks.items()]
