"""`gateparity compare`: runs of several machines or days side by side."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Final

import typer

from gateparity.conformance.commands.options import Force, Json, Junit, Markdown, Report
from gateparity.conformance.commands.progress import show_steps
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.recordings.compare import compare_recordings, count_steps, name_files
from gateparity.conformance.recordings.reading import load_recording
from gateparity.conformance.reports import recordings as between
from gateparity.conformance.reports.console import make_console
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.terminal import print_results, print_verdict

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity compare monday.safetensors tuesday.safetensors

  gateparity compare torch.safetensors jax.safetensors --report both.html

What `gateparity check --record` wrote is judged again and compared array by array, with NumPy
alone.
"""

Runs = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="What `gateparity check --record` wrote, once or more."),
]


def compare_command(
    runs: Runs,
    json: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    report: Report = None,
    *,
    force: Force = False,
) -> None:
    """Compare recorded runs: judge each again, and compare all pairs.

    All must have run the same checks on the same inputs. No framework is needed. Exit code as that
    of check.
    """
    files = ReportFiles(json, junit, markdown, report, force=force, inputs=runs)
    recordings = {name: load_recording(path) for name, path in name_files(runs).items()}
    with show_steps(count_steps(recordings)) as progress:
        comparison = compare_recordings(recordings, progress)
    plan = next(iter(recordings.values())).plan
    comparison = dataclasses.replace(comparison, run=explained(comparison.run, plan))
    source, console = next(iter(recordings.values())).source, make_console()
    between.print_recordings(comparison, console)
    print_results(comparison.run, console, source.options)
    between.print_twins(comparison, console)
    print_verdict(comparison.run, console)
    more, page = between.to_json(comparison), between.to_markdown(comparison)
    tables, notes = between.to_tables(comparison), between.to_notes(comparison)
    files.write(comparison.run, source, more, page, tables, notes)
    raise typer.Exit(comparison.run.exit_code)
