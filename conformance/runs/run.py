"""A run: every backend through every check, each in its own worker, several at once."""

from __future__ import annotations

import dataclasses
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import make_result
from gateparity.conformance.runs.pairs import compare_all, find_changes, make_pairs
from gateparity.conformance.runs.pool import WorkerPool
from gateparity.conformance.runs.profile import Clock, make_profile
from gateparity.conformance.runs.result import Result, Run
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.thinning import Thinning, choose_thinning, why
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.programs import ProgramStore
    from gateparity.conformance.runs.plan import Plan

    Found = tuple[Session, list[Result], list[Result]]
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
    store: ProgramStore | None = None,
    isolate: bool = False,
    all_problems: bool = True,
) -> Run:
    """Run the plan in every backend, on as many workers as there are cores, and compare all pairs.

    A backend that can't go on costs itself alone, and Ctrl-C ends every worker. `save` gets results
    while the worker is there. Without `all_problems`, slow frameworks leave some out. Raise
    `InputError` first if an adapter in `load_first` can't be loaded.
    """
    start, truths, clock = time.perf_counter(), Truths(store), Clock("gateparity")
    thinning = Thinning() if all_problems else choose_thinning(seed)
    run = partial(_run_backend, plan, purity_beside(plan, seed), thinning, progress, save)
    with WorkerPool(time_limit, store=store) as pool:
        groups = _make_groups(backends, truths, pool, isolate=isolate)
        _load_all(groups, load_first, pool)
        ran = _run_groups(groups, run, plan, thinning, truths, pool, clock)
    found = sorted(ran, key=lambda one: backends.index(one[0].backend))
    sessions, results = [one[0] for one in found], [result for one in found for result in one[1]]
    declared = {s.backend.label: s.rounding_model for s in sessions}
    with clock.measure("judging"):
        compared = compare_all([b.label for b in backends], results, plan, truths, declared)
    return Run(
        backends=tuple(backends),
        results=tuple(results),
        pairs=tuple(make_pairs(compared, plan)),
        seed=seed,
        asked=tuple(result for one in found for result in one[2]),
        changes=tuple(find_changes(backends, compared)),
        **(_describe(sessions) | _read_clocks(start, [*(g.clock for g in groups), clock])),
    )


@dataclasses.dataclass(frozen=True)
class _Group:
    """The sessions that take turns in one worker, and the clock of the thread that runs them."""

    clock: Clock
    sessions: Sequence[Session]


def _run_groups(
    groups: Sequence[_Group],
    run: Callable[[Session], tuple[list[Result], list[Result]]],
    plan: Plan,
    thinning: Thinning,
    truths: Truths,
    pool: WorkerPool,
    clock: Clock,
) -> list[Found]:
    futures = [pool.submit(_take_turns, group, run) for group in groups]
    with clock.measure("judging"):
        for declared, backends in _known_rounding_models(groups):
            for task in thinning.thin(plan, backends):
                if all(future.done() for future in futures):
                    break  # nobody needs the others
                truths.of(*task, declared)  # while the workers are still importing
    return [one for future in futures for one in future.result()]


def _known_rounding_models(
    groups: Sequence[_Group],
) -> list[tuple[dict[str, float], list[Backend]]]:
    """Return what shipped adapters will declare, and which do, in the order that they start."""
    found: dict[tuple[tuple[str, float], ...], list[Backend]] = {}
    for backend in (session.backend for group in groups for session in group.sessions):
        framework = FRAMEWORKS.get(backend.framework)
        declared = framework.rounding_model if framework else ()
        found.setdefault(declared, []).append(backend)
    return [(dict(declared), backends) for declared, backends in found.items()]


def _read_clocks(start: float, clocks: Sequence[Clock]) -> dict[str, Any]:
    """Return the wall time since `start`, and where it went."""
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "profile": make_profile(seconds, clocks)}


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


def _make_groups(
    backends: Sequence[Backend], truths: Truths, pool: WorkerPool, *, isolate: bool
) -> list[_Group]:
    """Return the sessions of each worker, those of expensive frameworks first.

    A framework's variants take turns in one worker, since it is imported once then. With `isolate`
    each has a worker to itself.
    """
    groups: dict[str, list[Backend]] = {}
    for backend in backends:
        alone = isolate or not backend.shipped
        groups.setdefault(backend.label if alone else backend.name, []).append(backend)
    ordered = sorted(groups.items(), key=lambda group: _cost(group[1][0]), reverse=True)
    starts = [(*group, pool.share()) for group in ordered]
    return [
        _Group(Clock(name), [Session(b, truths, start, shared=True) for b in group])
        for name, group, start in starts
    ]


def _load_all(groups: Sequence[_Group], load_first: Sequence[Backend], pool: WorkerPool) -> None:
    """Load the adapters of these backends. Raise `InputError` if one can't run."""

    def load(group: _Group) -> list[str]:
        with group.clock.measure("start-up"):
            wanted = [s for s in group.sessions if s.backend in load_first]
            found = [(s.backend.label, s.load()) for s in wanted]
        return [f"{label} can't run: {reason}" for label, reason in found if reason]

    futures = [pool.submit(load, group) for group in groups]
    if wrong := [line for future in futures for line in future.result()]:
        raise InputError("; ".join(wrong))


def _take_turns(
    group: _Group, run: Callable[[Session], tuple[list[Result], list[Result]]]
) -> list[Found]:
    """Run the sessions of one worker, one after the other, and close the worker."""
    with group.clock.measure("judging"):
        found = [(session, *run(session)) for session in group.sessions]
        group.sessions[-1].end_worker()
    return found


def _run_backend(
    plan: Plan,
    beside: Plan,
    thinning: Thinning,
    progress: Progress,
    save: Save,
    session: Session,
) -> tuple[list[Result], list[Result]]:
    """Return the results of the plan, and those of `beside` if any of them fails."""
    results = []
    with session:
        for task in plan:
            start = time.perf_counter()
            if thinning.leaves_out(session.backend, task):
                result = make_result(session.backend, task, "skip", reason=why(session.backend))
            else:
                result = session.run(*task)
            seconds = time.perf_counter() - start
            results.append(dataclasses.replace(result, seconds=seconds))
            progress(results[-1])
        failed = any(result.status == "fail" for result in results)
        asked = [session.run(*task) for task in beside if failed]
        return save(session, plan, results), asked


def purity_beside(plan: Plan, seed: int) -> Plan:
    """Return the check that finds an LSTM which isn't deterministic, if the plan lacks it."""
    if any(check.name == "purity" for check, _ in plan):
        return []
    own = [c for _, c in plan if c.name not in RECIPES and not c.problem]
    case = own[0] if own else RECIPES["sequence"].build("float32", seed)
    return [Task(CHECKS["purity"], case)]


def _cost(backend: Backend) -> int:
    """Return the cost of a backend's framework; the most expensive ones start first."""
    framework = FRAMEWORKS.get(backend.framework)
    return framework.cost if framework else 0
