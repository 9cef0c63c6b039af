"""Comparison of every two backends in everything that both computed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.judgement.verdict import ALLOWED, Mismatch, judge_pair
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.runs.result import Change, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.verdict import Expected
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result
    from gateparity.conformance.runs.truths import Truths
    from gateparity.network.parameters import Array

    Arithmetics = Mapping[str, Mapping[str, float]]
    Found = dict[tuple[str, str, str, str], Result]

    Distance = Callable[[Result, Result], float]


def compare_pairs(
    labels: Sequence[str],
    results: Sequence[Result],
    plan: Plan,
    truths: Truths,
    arithmetics: Arithmetics,
    progress: Callable[[], object] = lambda: None,
) -> list[Pair]:
    """Compare each pair at each dtype; results with a known deviation are left out.

    `arithmetics` has each backend's declared rounding model. `progress` is called for each pair.
    """
    answered = [r for r in results if r.arrays is not None and r.status != "known"]
    found = {(r.backend.label, *r.key): r for r in answered}
    dtypes = dict.fromkeys(case.config.dtype for _, case in plan)
    pairs = []
    for a, b in itertools.combinations(labels, 2):
        covering = coarser(arithmetics[a], arithmetics[b])
        pairs += [_compare_pair(a, b, dtype, found, plan, truths, covering) for dtype in dtypes]
        progress()
    return pairs


def distance(one: Result, other: Result, expected: Expected) -> float:
    """Return how far two results are apart, in standard deviations of the rounding of both."""
    try:
        score = judge_pair(*_shared(one, other), _apart(one, other), expected)
    except Mismatch as mismatch:
        score = mismatch.score
    return max(score.sigmas, score.shift)


def _compare_pair(
    a: str,
    b: str,
    dtype: str,
    found: Found,
    plan: Plan,
    truths: Truths,
    arithmetic: Mapping[str, float],
) -> Pair:
    """Compare two rows at one dtype; without an answer that an LSTM computed there is no number."""
    scores, reasons, computed = [], [], False
    for task in plan:
        one, other = found.get((a, *task.key)), found.get((b, *task.key))
        if task.case.config.dtype != dtype or one is None or other is None:
            continue
        a_found, b_found = _shared(one, other)
        if not a_found:
            continue  # gradients of all outputs here, of y alone there
        computed |= task.check.computes
        try:
            expected = truths.of(*task, arithmetic, one.lacks)
            scores.append(judge_pair(a_found, b_found, _apart(one, other), expected))
        except Mismatch as mismatch:
            scores.append(mismatch.score)
            reasons.append(f"{task.check.name}, {task.case.name}: {mismatch}")
    if not computed and not reasons:
        return Pair(a, b, dtype, "skip", reason="nothing that both computed")
    error, sigmas = max(s.relative for s in scores), max(max(s.sigmas, s.shift) for s in scores)
    return Pair(a, b, dtype, "fail" if reasons else "pass", error, "".join(reasons[:1]), sigmas)


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


def find_changes(
    backends: Sequence[Backend], results: Sequence[Result], distance: Distance
) -> list[Change]:
    """Compare every two backends that differ only in where they run, in what both computed.

    `distance` returns how far apart two results are, in standard deviations.
    """
    answered = [r for r in results if r.arrays is not None and r.status != "known"]
    found = {(r.backend.label, *r.key): r for r in answered}
    changes = [
        _compare(a.label, b.label, found, distance)
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


def _compare(
    a: str, b: str, found: dict[tuple[str, str, str, str], Result], distance: Distance
) -> Change:
    equal: dict[str, bool] = {}
    far: dict[str, float] = {}
    for (label, check, case, dtype), one in found.items():
        other = found.get((b, check, case, dtype)) if label == a else None
        if other is None:
            continue
        same = not other_bits(*comparable(one.arrays or {}, other.arrays or {}))
        equal[check] = equal.get(check, True) and same
        if not same:
            far[check] = max(far.get(check, 0.0), distance(one, other))
    return Change(a, b, tuple(check for check, same in equal.items() if same), far)


def _with_sigmas(checks: dict[str, float]) -> list[str]:
    return [f"{check} ({sigmas:.1f} sigma)" for check, sigmas in checks.items()]
