"""Which problems of the array a shipped framework leaves out by default, because of their cost.

JAX compiles a program for every shape, at about a second each, and Keras's layer takes 50 ms for a
call. So the shipped adapters of such frameworks run every fourth problem. All other adapters run
them all: yours too, whatever computes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.problems.space import LEAST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateparity.backends.backend import Backend
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.runs.plan import Plan

EVERY: Final = 4


def has_whole_array(plan: Plan) -> bool:
    """Return whether a plan has a whole array, and not problems that were chosen by number."""
    return len({task.case.problem for task in plan} - {0}) >= LEAST


def is_left_out(backend: Backend, case: Case) -> bool:
    """Return whether a backend leaves a case out where not all problems are asked for."""
    framework = FRAMEWORKS.get(backend.framework) if backend.shipped else None
    return framework is not None and framework.slow and case.problem % EVERY != 0


def thin(plan: Plan, backends: Iterable[Backend]) -> Plan:
    """Return the tasks that at least one of the backends doesn't leave out."""
    backends = list(backends)
    return [task for task in plan if not all(is_left_out(b, task.case) for b in backends)]


def why(backend: Backend) -> str:
    """Return why a backend leaves problems out."""
    return (
        f"a new shape takes {FRAMEWORKS[backend.framework].title} long, so one problem in {EVERY} "
        "runs; --all-problems runs the others too"
    )
