"""A run: every backend through every check, each in its own worker, several at once."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.pairs import compare_all, find_changes, make_pairs
from gateparity.conformance.runs.pool import WorkerPool
from gateparity.conformance.runs.result import Result, Run
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

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
    beside = purity_beside(plan, seed)
    with WorkerPool(time_limit) as pool:
        sessions = [Session(backend, truths, pool.open) for backend in backends]
        _load_all([session for session in sessions if session.backend in load_first], pool)
        futures = _start(sessions, pool, plan=plan, beside=beside, progress=progress, save=save)
        for task in plan:
            truths.of(*task)  # while the workers are still importing
        found = [futures[session].result() for session in sessions]
    results, asked = ([r for both in found for r in both[k]] for k in (0, 1))
    declared = {session.backend.label: session.rounding_model for session in sessions}
    labels = [backend.label for backend in backends]
    compared = compare_all(labels, results, plan, truths, declared)
    return Run(
        backends=tuple(backends),
        results=tuple(results),
        pairs=tuple(make_pairs(compared, plan)),
        seed=seed,
        seconds=time.perf_counter() - start,
        asked=tuple(asked),
        changes=tuple(find_changes(backends, compared)),
        **_describe(sessions),
    )


def _describe(sessions: Sequence[Session]) -> dict[str, Any]:
    """Return the fields of a run that the adapters say of themselves."""
    return {
        "versions": {s.backend.label: s.version for s in sessions if s.version},
        "transport_seconds": sum(session.transport_seconds for session in sessions),
        "rounding_models": {
            s.backend.label: s.rounding_model for s in sessions if s.rounding_model
        },
        "manifests": {s.backend.label: s.manifest for s in sessions if s.manifest},
        "layouts": {s.backend.label: s.layout for s in sessions if s.layout},
    }


def _start(
    sessions: Sequence[Session], pool: WorkerPool, **options: Any
) -> dict[Session, Future[tuple[list[Result], list[Result]]]]:
    """Start every backend's run in the pool, those with expensive frameworks first."""
    ordered = sorted(sessions, key=_cost, reverse=True)
    return {session: pool.submit(_run_backend, session, **options) for session in ordered}


def _load_all(sessions: Sequence[Session], pool: WorkerPool) -> None:
    loading = [(session, pool.submit(session.load)) for session in sessions]
    found = [(session.backend.label, future.result()) for session, future in loading]
    if wrong := [f"{label} can't run: {reason}" for label, reason in found if reason]:
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
