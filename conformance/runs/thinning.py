"""Which problems of the array a shipped framework leaves out by default, because of their cost.

JAX compiles a program for every shape, at about a second each. An eager call takes Keras's layer 50
ms, and MXNet's operators are slow on small arrays. So the shipped adapters of such frameworks run
every tenth short problem of each dtype. They repeat calls on few named cases, in float32 alone. All
other adapters run everything: yours too, whatever computes it.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.problems.space import draw_problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateparity.backends.backend import Backend
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan

EVERY: Final = 10
SHORT: Final = 24  # steps of all cells
# These have what other cases have, in most respects; no other has strides of 0, as `expanded` has.
_REPEATED: Final = ("uneven", "sequence", "ragged", "expanded")


@dataclasses.dataclass(frozen=True)
class Thinning:
    """The numbers of the problems that slow frameworks leave out."""

    left_out: frozenset[int] = frozenset()

    def leaves_out(self, backend: Backend, task: Task) -> bool:
        """Return whether a backend leaves a task out."""
        framework = FRAMEWORKS.get(backend.framework) if backend.shipped else None
        if not self.left_out or framework is None or not framework.slow:
            return False
        case = task.case
        repeats = case.name in _REPEATED and case.config.dtype == "float32"
        return (task.check.repeats and not repeats) or case.problem in self.left_out

    def thin(self, plan: Plan, backends: Iterable[Backend]) -> Plan:
        """Return the tasks that at least one of the backends doesn't leave out."""
        backends = list(backends)
        return [task for task in plan if not all(self.leaves_out(b, task) for b in backends)]


@functools.cache
def choose_thinning(seed: int) -> Thinning:
    """Return what is left out of a seed's array: all but every tenth short one of each dtype."""
    by_dtype: dict[str, list[int]] = {}
    for problem in draw_problems(seed):
        if problem.cell_steps <= SHORT:
            by_dtype.setdefault(problem.choice["dtype"], []).append(problem.number)
    kept = {number for numbers in by_dtype.values() for number in numbers[EVERY // 2 :: EVERY]}
    return Thinning(frozenset(problem.number for problem in draw_problems(seed)) - kept)


def why(backend: Backend) -> str:
    """Return why a backend leaves problems out."""
    title = FRAMEWORKS[backend.framework].title
    return (
        f"{title} takes long for many small calls, so one short problem in {EVERY} runs, and few "
        "checks that repeat calls; --all-problems runs the others too"
    )
