"""A run: every backend through every check, each in its own worker, several at once."""

from __future__ import annotations

import dataclasses
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.pairs import compare_all, find_changes, make_pairs
from gateparity.conformance.runs.result import Result, Run
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.runs.plan import Plan

    Progress = Callable[[Result], None]
    Save = Callable[[Session, Plan, list[Result]], list[Result]]


def run_checks(
    backends: Sequence[Backend],
    plan: Plan,
    *,
    seed: int,
    time_limit: float = TIME_LIMIT,
    progress: Progress = lambda _: None,
    save: Save = lambda _session, _plan, results: results,
    load_first: Sequence[Backend] = (),
) -> Run:
    """Run the plan in every backend, on as many workers as there are cores, and compare all pairs.

    A backend that can't go on costs itself alone. `save` gets a backend's results while its worker
    is there. On Ctrl-C every worker is ended before the exception goes on. Raise `InputError`
    before anything runs if the adapter of a backend in `load_first` can't be loaded.
    """
    start = time.perf_counter()
    truths = Truths()
    sessions = [Session(backend, truths, time_limit) for backend in backends]
    first = [session for session in sessions if session.backend in load_first]
    beside = purity_beside(plan, seed)
    found = _run_all(sessions, first, truths, plan, beside, progress, save)
    results = [result for results, _ in found for result in results]
    asked = [result for _, asked in found for result in asked]
    declared = {session.backend.label: session.arithmetic for session in sessions}
    labels = [backend.label for backend in backends]
    compared = compare_all(labels, results, plan, truths, declared)
    return Run(
        backends=tuple(backends),
        results=tuple(results),
        pairs=tuple(make_pairs(compared, plan)),
        versions={s.backend.label: s.version for s in sessions if s.version},
        seed=seed,
        seconds=time.perf_counter() - start,
        transport_seconds=sum(session.transport_seconds for session in sessions),
        asked=tuple(asked),
        arithmetics={label: numbers for label, numbers in declared.items() if numbers},
        manifests={s.backend.label: s.manifest for s in sessions if s.manifest},
        layouts={s.backend.label: s.layout for s in sessions if s.layout},
        changes=tuple(find_changes(backends, compared)),
    )


def _run_all(
    sessions: Sequence[Session],
    first: Sequence[Session],
    truths: Truths,
    plan: Plan,
    beside: Plan,
    progress: Progress,
    save: Save,
) -> list[tuple[list[Result], list[Result]]]:
    """Return what `_run_backend` returns for each session, in their order; load `first` before."""
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        _load_all(first, pool)
        futures = {
            session.backend.label: pool.submit(_run_backend, session, plan, beside, progress, save)
            for session in sorted(sessions, key=_cost, reverse=True)
        }
        for task in plan:
            truths.of(*task)  # while the workers are still importing
        return [futures[session.backend.label].result() for session in sessions]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for session in sessions:
            session.close()
        pool.shutdown()


def _load_all(sessions: Sequence[Session], pool: ThreadPoolExecutor) -> None:
    found = zip(sessions, pool.map(Session.load, sessions), strict=True)
    wrong = [f"{session.backend.label} can't run: {reason}" for session, reason in found if reason]
    if wrong:
        raise InputError("; ".join(wrong))


def _run_backend(
    session: Session, plan: Plan, beside: Plan, progress: Progress, save: Save
) -> tuple[list[Result], list[Result]]:
    """Return the results of the plan, and those of `beside` if any of them fails."""
    results = []
    with session:
        for task in plan:
            start = time.perf_counter()
            result = session.run(*task)
            seconds = time.perf_counter() - start
            results.append(dataclasses.replace(result, seconds=seconds))
            progress(results[-1])
        failed = any(result.status == "fail" for result in results)
        asked = [session.run(*task) for task in beside if failed]
        return save(session, plan, results), asked


def purity_beside(plan: Plan, seed: int) -> Plan:
    """Return what tells an LSTM that isn't deterministic, where the plan doesn't ask for it."""
    if any(check.name == "purity" for check, _ in plan):
        return []
    own = [case for _, case in plan if case.name not in RECIPES]
    case = own[0] if own else RECIPES["sequence"].build("float32", seed)
    return [Task(CHECKS["purity"], case)]


def _cost(session: Session) -> int:
    """Return the cost of a backend's framework; the most expensive ones start first."""
    framework = FRAMEWORKS.get(session.backend.framework)
    return framework.cost if framework else 0
