"""Which calls of a check a framework may compile: those of a shape that several checks share.

A compiling framework takes a second or so for each new shape, and eager operations milliseconds. So
a shape of few calls runs operation by operation where the framework can do that. So do half
precision, double precision on all shapes but one, and the pieces that a check cuts: one sequence,
one step, chunks of steps, one layer. Compiled programs are judged on the shapes that are left,
`long` and `wide` among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.requirements.task import Task
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config

# Named cases of shapes of few calls. A case may have become smaller, in a saved failure.
FEW: Final = (
    *("unit", "plain", "all_zero", "stacked", "growing", "one_step", "one_sequence", "one_input"),
    *("one_unit", "no_steps", "no_sequences", "many_steps", "many_sequences", "many_units"),
    *("many_numbers", "many_layers", "deep"),
)
GATES: Final = "sequence"  # a trace is a program of its own: one case's is compiled
_RAGGED: Final = ("ragged", "one_empty", "all_empty", "nan_padding")  # compiled in float32 alone


def is_compiled(task: Task) -> bool:
    """Return whether frameworks may compile programs for this task's shape."""
    check, case = task
    few = {"float32": FEW, "float64": (*FEW, *_RAGGED)}.get(case.config.dtype)
    if few is None or case.problem or case.name in few:
        return False
    return check.name != "gates" or case.name == GATES


def compiles(task: Task) -> Callable[[Config, Batch], bool]:
    """Return which calls of a task may be compiled: those of the case's own shape."""
    case = task.case
    if not is_compiled(task):
        return lambda _config, _batch: False
    return lambda config, batch: (config, batch.x.shape) == (case.config, case.batch.x.shape)
