"""A progress bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateparity.backends.spec import Backend
    from gateparity.conformance.plan import Plan
    from gateparity.conformance.result import Result


@contextlib.contextmanager
def show_progress(rows: Sequence[Backend], plan: Plan) -> Iterator[Callable[[Result], None]]:
    """Yield what is to be called with each result."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("starting workers", total=len(rows) * len(plan))

        def advance(result: Result) -> None:
            progress.update(task, advance=1, description=f"{result.row.label} {result.check}")

        yield advance
