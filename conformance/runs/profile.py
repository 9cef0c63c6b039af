"""Where a run's time went: the seconds of each thread by phase, which add up to the wall time.

A thread's phases don't overlap: a phase inside another one is taken out of it. What is left of the
wall time is idle: a worker waits for a free core, or has finished.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.backends.workers.remote import Worker

Phase = Literal[
    "start-up", "compilation", "calls", "transport", "truth", "budget", "judging", "idle"
]
PHASES: Final = get_args(Phase)
NO_CALLS: Final[dict[Phase, float]] = {"compilation": 0.0, "calls": 0.0, "transport": 0.0}
_CLOCK: ContextVar[Clock | None] = ContextVar("clock", default=None)


class Clock:
    """The seconds of one thread at a time by phase. Threads that take turns may share a clock."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seconds: dict[Phase, float] = dict.fromkeys(PHASES, 0.0)
        self._inner: list[float] = []  # of each block that is open: what blocks inside it took

    @contextlib.contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        """Measure a block, and the phases within it, on this thread."""
        token = _CLOCK.set(self)
        try:
            with self.block(phase):
                yield
        finally:
            _CLOCK.reset(token)

    @contextlib.contextmanager
    def block(self, phase: Phase) -> Iterator[None]:
        """Count a block of the thread that is being measured to a phase."""
        start = time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            whole = time.perf_counter() - start
            self.seconds[phase] += whole - self._inner.pop()
            if self._inner:
                self._inner[-1] += whole

    def spend(self, phase: Phase, seconds: float) -> None:
        """Count these seconds of the open block to another phase than the block's own."""
        self.seconds[phase] += seconds
        self._inner[-1] += seconds


@dataclasses.dataclass(frozen=True)
class Profile:
    """The seconds of each thread by phase; those of a thread add up to `wall`."""

    wall: float
    threads: dict[str, dict[Phase, float]]

    @property
    def total(self) -> dict[Phase, float]:
        """Return the seconds of all threads together by phase."""
        return {phase: sum(of[phase] for of in self.threads.values()) for phase in PHASES}


def make_profile(wall: float, clocks: Sequence[Clock]) -> Profile:
    """Return the profile of a run that took `wall` seconds; what no phase took was idle."""
    threads = {}
    for clock in clocks:
        threads[clock.name] = clock.seconds | {"idle": wall - sum(clock.seconds.values())}
    return Profile(wall, threads)


def read_calls(worker: Worker) -> dict[Phase, float]:
    """Return the seconds of all calls of a worker so far, by what they were spent on."""
    compiling = worker.compiling_seconds
    calls = worker.far_seconds - compiling
    return {"compilation": compiling, "calls": calls, "transport": worker.transport_seconds}


def measure(phase: Phase) -> contextlib.AbstractContextManager[None]:
    """Count a block to a phase of this thread, if the thread is measured."""
    clock = _CLOCK.get()
    return clock.block(phase) if clock else contextlib.nullcontext()


def spend(phase: Phase, seconds: float) -> None:
    """Count seconds of the open block to another phase, if the thread is measured."""
    if clock := _CLOCK.get():
        clock.spend(phase, seconds)
