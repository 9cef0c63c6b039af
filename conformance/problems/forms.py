"""Which calls of a check a framework may compile: those of a shape that several checks share.

A compiling framework takes a second or so for each new shape, and eager operations milliseconds. So
a shape that appears once runs operation by operation where the framework can do that. So do the
pieces that a check cuts: one sequence, one step, chunks of steps, one layer. Compiled programs are
judged on the shapes that are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.problems.case import Case
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config

# Named cases whose shape no other case has. The case may have become smaller, in a saved failure.
ONCE: Final = (
    *("unit", "plain", "one_step", "one_sequence", "one_input", "one_unit"),
    *("no_steps", "no_sequences"),
)


def is_compiled(case: Case) -> bool:
    """Return whether frameworks may compile a program for this case's shape."""
    return case.name not in ONCE and not case.problem


def compiles(case: Case) -> Callable[[Config, Batch], bool]:
    """Return which calls of a check on this case may be compiled: those of the case's own shape."""
    if not is_compiled(case):
        return lambda _config, _batch: False
    return lambda config, batch: (config, batch.x.shape) == (case.config, case.batch.x.shape)
