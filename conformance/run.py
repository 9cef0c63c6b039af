"""A run: every row through every check, each in a worker of its own, several at once."""

from __future__ import annotations

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.result import Pair, Result, Run
from gateparity.conformance.session import Session, Truths
from gateparity.conformance.verdict import ALLOWED, Mismatch, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.spec import Backend
    from gateparity.conformance.plan import Plan

    Progress = Callable[[Result], None]

TIME_LIMIT: Final = 120.0  # seconds for one call: a framework's import, or a compilation


def run_checks(
    rows: Sequence[Backend],
    plan: Plan,
    *,
    seed: int,
    time_limit: float = TIME_LIMIT,
    budgets: bool = False,
    progress: Progress = lambda _: None,
) -> Run:
    """Run the plan in every row, on as many workers as there are cores, and compare all pairs.

    With `budgets` every result tells its error in standard deviations of rounding as well.

    A row that can't go on costs itself alone. On Ctrl-C every worker is ended before the exception
    goes on.
    """
    start = time.perf_counter()
    truths = Truths(budgets=budgets)
    sessions = [Session(row, truths, time_limit) for row in rows]
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        futures = {
            session.row.label: pool.submit(_run_row, session, plan, progress)
            for session in sorted(sessions, key=_cost, reverse=True)
        }
        for check, case in plan:
            truths.of(check, case)  # while the workers are still importing
            truths.sigmas_of(check, case)
        results = [result for row in rows for result in futures[row.label].result()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for session in sessions:
            session.close()
        pool.shutdown()
    return Run(
        rows=tuple(rows),
        results=tuple(results),
        pairs=tuple(_compare_pairs(rows, results, plan, truths)),
        versions={session.row.label: session.version for session in sessions if session.version},
        seed=seed,
        seconds=time.perf_counter() - start,
        transport_seconds=sum(session.transport_seconds for session in sessions),
    )


def _run_row(session: Session, plan: Plan, progress: Progress) -> list[Result]:
    results = []
    with session:
        for check, case in plan:
            results.append(session.run(check, case))
            progress(results[-1])
    return results


def _cost(session: Session) -> int:
    """Rows that compile are started first, so that none of them is left for the end."""
    framework = FRAMEWORKS.get(session.row.name.partition("@")[0])
    return framework.cost if framework else 0


def _compare_pairs(
    rows: Sequence[Backend], results: Sequence[Result], plan: Plan, truths: Truths
) -> list[Pair]:
    found = {(r.row.label, *r.key): r for r in results if r.arrays is not None}
    dtypes = dict.fromkeys(case.config.dtype for _, case in plan)
    return [
        _compare_pair(a, b, dtype, found, plan, truths)
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
) -> Pair:
    errors, reasons = [], []
    for check, case in plan:
        key = (check.name, case.name, dtype)
        one, other = found.get((a, *key)), found.get((b, *key))
        if case.config.dtype != dtype or one is None or other is None:
            continue
        try:
            truth = truths.of(check, case)
            errors.append(judge(other.arrays or {}, one.arrays or {}, truth, dtype, 2 * ALLOWED))
        except Mismatch as mismatch:
            errors.append(mismatch.error)
            reasons.append(f"{check.name}, {case.name}: {mismatch}")
    if not errors:
        return Pair(a, b, dtype, "skip", reason="nothing that both computed")
    return Pair(a, b, dtype, "fail" if reasons else "pass", max(errors), "".join(reasons[:1]))
