"""A run: every row through every check, each in a worker of its own, several at once."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.result import Pair, Result, Run
from gateparity.conformance.session import Session, Truths
from gateparity.conformance.verdict import Mismatch, judge_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.spec import Backend
    from gateparity.conformance.plan import Plan
    from gateparity.parameters import Array

    Progress = Callable[[Result], None]
    Save = Callable[[Session, Plan, list[Result]], list[Result]]

TIME_LIMIT: Final = 120.0  # seconds for one call: a framework's import, or a compilation


def run_checks(
    rows: Sequence[Backend],
    plan: Plan,
    *,
    seed: int,
    time_limit: float = TIME_LIMIT,
    progress: Progress = lambda _: None,
    save: Save = lambda _session, _plan, results: results,
) -> Run:
    """Run the plan in every row, on as many workers as there are cores, and compare all pairs.

    A row that can't go on costs itself alone. `save` gets a row's results while its worker is
    there. On Ctrl-C every worker is ended before the exception goes on.
    """
    start = time.perf_counter()
    truths = Truths()
    sessions = [Session(row, truths, time_limit) for row in rows]
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        futures = {
            session.row.label: pool.submit(_run_row, session, plan, progress, save)
            for session in sorted(sessions, key=_cost, reverse=True)
        }
        for check, case in plan:
            truths.of(check, case)  # while the workers are still importing
        results = [result for row in rows for result in futures[row.label].result()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for session in sessions:
            session.close()
        pool.shutdown()
    return Run(
        rows=tuple(rows),
        results=tuple(results),
        pairs=tuple(_compare_pairs(rows, results, plan, truths, _arithmetics(sessions))),
        versions={session.row.label: session.version for session in sessions if session.version},
        seed=seed,
        seconds=time.perf_counter() - start,
        transport_seconds=sum(session.transport_seconds for session in sessions),
        explanations=_explain(results, plan, _arithmetics(sessions)),
        arithmetics={label: said for label, said in _arithmetics(sessions).items() if said},
    )


def _run_row(session: Session, plan: Plan, progress: Progress, save: Save) -> list[Result]:
    results = []
    with session:
        for check, case in plan:
            start = time.perf_counter()
            result = session.run(check, case)
            seconds = time.perf_counter() - start
            results.append(dataclasses.replace(result, seconds=seconds))
            progress(results[-1])
        return save(session, plan, results)


def _cost(session: Session) -> int:
    """Rows that compile are started first, so that none of them is left for the end."""
    framework = FRAMEWORKS.get(session.row.name.partition("@")[0])
    return framework.cost if framework else 0


def _arithmetics(sessions: Sequence[Session]) -> dict[str, Mapping[str, float]]:
    return {session.row.label: session.arithmetic for session in sessions}


def _explain(
    results: Sequence[Result], plan: Plan, arithmetics: dict[str, Mapping[str, float]]
) -> dict[str, str]:
    """For each row that fails, the known mistake that it behaves like."""
    failing = dict.fromkeys(r.row.label for r in results if r.status == "fail")
    if not failing:
        return {}
    from gateparity.conformance.diagnosis.probes import Predictions, make_probes
    from gateparity.conformance.diagnosis.search import Diagnostician

    words = {}
    for label in failing:
        probes = make_probes(plan, [r for r in results if r.row.label == label])
        doctor = Diagnostician(Predictions(arithmetics[label]))
        words[label] = doctor.name(probes, pairs=False).words
    return {label: sentence for label, sentence in words.items() if sentence}


def _compare_pairs(
    rows: Sequence[Backend],
    results: Sequence[Result],
    plan: Plan,
    truths: Truths,
    arithmetics: dict[str, Mapping[str, float]],
) -> list[Pair]:
    found = {(r.row.label, *r.key): r for r in results if r.arrays is not None}
    dtypes = dict.fromkeys(case.config.dtype for _, case in plan)
    return [
        _compare_pair(a, b, dtype, found, plan, truths, _coarser(arithmetics[a], arithmetics[b]))
        for a, b in itertools.combinations([row.label for row in rows], 2)
        for dtype in dtypes
    ]


def _compare_pair(
    a: str,
    b: str,
    dtype: str,
    found: dict[tuple[str, str, str, str], Result],
    plan: Plan,
    truths: Truths,
    arithmetic: Mapping[str, float],
) -> Pair:
    scores, reasons = [], []
    for check, case in plan:
        key = (check.name, case.name, dtype)
        one, other = found.get((a, *key)), found.get((b, *key))
        if case.config.dtype != dtype or one is None or other is None:
            continue
        try:
            expected = truths.of(check, case, arithmetic)
            scores.append(
                judge_pair(one.arrays or {}, other.arrays or {}, _apart(one, other), expected)
            )
        except Mismatch as mismatch:
            scores.append(mismatch.score)
            reasons.append(f"{check.name}, {case.name}: {mismatch}")
    if not scores:
        return Pair(a, b, dtype, "skip", reason="nothing that both computed")
    error, sigmas = max(s.relative for s in scores), max(max(s.sigmas, s.shift) for s in scores)
    return Pair(a, b, dtype, "fail" if reasons else "pass", error, "".join(reasons[:1]), sigmas)


def _coarser(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """What covers both arithmetics."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {*one, *other}}


def _apart(one: Result, other: Result) -> Array | None:
    """How far two rows' shifts are from each other."""
    if one.shifts is None or other.shifts is None:
        return None
    return other.shifts - one.shifts
