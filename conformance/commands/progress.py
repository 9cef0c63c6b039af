"""A progress bar on a terminal, and no output elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import ProgressColumn, TaskID

    from gateparity.backends.backend import Backend
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result


@dataclasses.dataclass(frozen=True)
class Bar:
    """A progress bar that is called with each result."""

    progress: Progress
    task: TaskID

    def __call__(self, result: Result) -> None:
        """Advance the bar by one result, and show its backend and check."""
        self.progress.update(
            self.task, advance=1, description=f"{result.backend.label} {result.check}"
        )

    def say(self, words: str) -> None:
        """Show what the run is doing now, without advancing the bar."""
        self.progress.update(self.task, description=words)


@contextlib.contextmanager
def show_progress(backends: Sequence[Backend], plan: Plan) -> Iterator[Bar]:
    """Yield the progress bar of a run, with one step for each backend, check and case."""
    with show_bars() as progress:
        yield Bar(progress, progress.add_task("starting workers", total=len(backends) * len(plan)))


@contextlib.contextmanager
def show_steps(total: int, words: str = "") -> Iterator[Callable[[str], None]]:
    """Yield a function that advances the bar with a text for each step; `words` is the first."""
    with show_bars() as progress:
        task = progress.add_task(words, total=total)
        yield lambda words: progress.update(task, advance=1, description=words)


@contextlib.contextmanager
def show_share(words: str) -> Iterator[Callable[[float], None]]:
    """Yield a function that sets the bar to a share of the work, from 0 to 1.

    The bar pulses until the first call.
    """
    with show_bars() as progress:
        task = progress.add_task(words, total=None)
        yield lambda share: progress.update(task, total=100, completed=round(100 * share))


def show_bars(*further: ProgressColumn) -> Progress:
    """Return a display to add progress bars to, for a `with` statement.

    `further` columns stand before the elapsed time.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns,
        *further,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
