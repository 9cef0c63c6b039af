"""How a run ends: its tables, its files, its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import typer

from gateparity.conformance.commands.console import make_console
from gateparity.conformance.reports.terminal import print_run

if TYPE_CHECKING:
    from gateparity.conformance.reports.files import ReportFiles
    from gateparity.conformance.result import Run
    from gateparity.conformance.source import Source


def finish(run: Run, source: Source, files: ReportFiles) -> NoReturn:
    """Print a run, write its files and leave with its exit code."""
    print_run(run, make_console(), source.options)
    files.write(run, source)
    raise typer.Exit(run.exit_code)
