"""Mutants: NumPy's adapter with one small change of its source each, made by a machine.

Each mutated source is shipped to a worker and imported there like the real one, and the default
plan runs on it until a task fails. A mutant that none catches is listed. Those that compute the
same have their reason in equal_mutants.py, and don't count.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.workers.remote import BackendError, Worker
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.selftest.equal_mutants import EQUAL_MUTANTS
from gateparity.conformance.selftest.mutations import find_mutations
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.selftest.conditioned import Judge
    from gateparity.conformance.selftest.mutations import Mutation

MODULES: Final = {  # and the functions that the default plan doesn't run
    "gateparity.backends.numpy.equations": (),
    "gateparity.backends.numpy.scratch": ("train", "predict"),
    "gateparity.backends.base.stack": (),
}
LEAST_KILLED: Final = 0.99
_TARGET: Final = "gateparity.backends.numpy.scratch:Scratch"
_REPLACE: Final = "gateparity.backends.workers.sources:replace_sources"
_LIMIT: Final = 10.0  # seconds for one call: a mutant that hangs is caught
_NO_TASK: Final = "its import"


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One mutation, and the task that caught it first, or nothing.

    `equal` is the reason why it computes the same, or empty.
    """

    key: str
    caught: str
    equal: str = ""


@functools.cache
def list_mutations() -> tuple[Mutation, ...]:
    """Return all mutations of the modules that NumPy's adapter runs, in a fixed order."""
    return tuple(
        mutation
        for module, skip in MODULES.items()
        for mutation in find_mutations(module, _read(module), skip)
    )


def is_equal(mutation: Mutation) -> bool:
    """Return whether a mutation is among those that compute the same."""
    return mutation.key in EQUAL_MUTANTS


def try_mutants(mutations: Iterable[Mutation], plan: Plan, judge: Judge) -> list[Mutant]:
    """Run the plan on each mutant in a worker, until a task catches it."""
    with _MutantWorker() as worker:
        return [
            Mutant(
                mutation.key,
                _find_catch(worker, mutation, plan, judge),
                EQUAL_MUTANTS.get(mutation.key, ""),
            )
            for mutation in mutations
        ]


def describe_mutants(mutants: Sequence[Mutant]) -> dict[str, Any]:
    """Return how many were caught of those that compute something else, and the others, as data."""
    other = [mutant for mutant in mutants if not mutant.equal]
    caught = sum(bool(mutant.caught) for mutant in other)
    return {
        "made": len(mutants),
        "different": len(other),
        "caught": caught,
        "enough": are_killed(mutants),
        "least": LEAST_KILLED,
        "escaped": [mutant.key for mutant in other if not mutant.caught],
        "equal": [{"mutant": m.key, "reason": m.equal} for m in mutants if m.equal],
        "wrongly equal": [m.key for m in mutants if m.equal and m.caught],
    }


def are_killed(mutants: Sequence[Mutant]) -> bool:
    """Return whether enough of those that compute something else, and no others, are caught."""
    other = [bool(mutant.caught) for mutant in mutants if not mutant.equal]
    wrong = any(mutant.equal and mutant.caught for mutant in mutants)
    return not wrong and sum(other) >= LEAST_KILLED * len(other)


class _MutantWorker:
    """A worker that runs one mutant after another; a new one replaces it when one kills it."""

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def __enter__(self) -> _MutantWorker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker:
            self._worker.close()

    def load(self, mutation: Mutation) -> RemoteAdapter:
        """Ship the mutated source beside the real others, and load the adapter from them."""
        if self._worker is None or self._worker.lost:
            self._worker = Worker(Path(sys.executable), _LIMIT)
        sources = {module: _read(module) for module in MODULES} | {mutation.module: mutation.source}
        self._worker.call("apply", _REPLACE, sources, list(MODULES))
        return RemoteAdapter(self._worker, _TARGET)


def _find_catch(worker: _MutantWorker, mutation: Mutation, plan: Plan, judge: Judge) -> str:
    """Return the name of the first task that catches a mutant, or nothing."""
    try:
        lstm = Canonical(worker.load(mutation))
    except BackendError:
        return _NO_TASK
    caught: Task | None = next((task for task in plan if judge.catches(lstm, task)), None)
    return ", ".join(caught.key) if caught else ""


def _read(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return Path(spec.origin or "").read_text("utf-8") if spec else ""
