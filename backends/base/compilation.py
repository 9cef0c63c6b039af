"""Which calls ran a compiled program, and how long the framework took to make new ones.

A framework runs the Python body of a compiled function only while it makes a program: that body
calls `note_program`. So a call in which that happened has compiled, in any version of JAX and
TensorFlow, and with a cache as without: to read a program from there counts as making it.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

# Empty for a framework that compiles nothing.
Form = Literal["", "compiled", "operation by operation", "both"]


@dataclasses.dataclass
class _Tally:
    """What has happened in this process since it was last asked."""

    forms: set[Form] = dataclasses.field(default_factory=set)
    programs: int = 0
    seconds: float = 0.0


_TALLY: Final = _Tally()


def run_compiled(call: Callable[..., Any], *inputs: Any) -> Any:
    """Call a compiled function, and count the call's time if it makes a program."""
    before, start = _TALLY.programs, time.perf_counter()
    _TALLY.forms.add("compiled")
    try:
        return call(*inputs)
    finally:
        if _TALLY.programs > before:
            _TALLY.seconds += time.perf_counter() - start


def run_uncompiled(call: Callable[..., Any], *inputs: Any) -> Any:
    """Call a function whose operations run one by one, in a framework that could compile it."""
    _TALLY.forms.add("operation by operation")
    return call(*inputs)


def note_program() -> None:
    """Count a program. The body of a compiled function calls this, and runs once per program."""
    _TALLY.programs += 1


def take_tally() -> tuple[Form, float]:
    """Return the form of all calls since the last time, and the seconds in which they compiled."""
    found = join_forms(_TALLY.forms), _TALLY.seconds
    _TALLY.forms, _TALLY.seconds = set(), 0.0
    return found


def join_forms(forms: set[Form]) -> Form:
    """Return the form of several calls together; those of no form have no effect."""
    known = forms - {""}
    return known.pop() if len(known) == 1 else "both" if known else ""
