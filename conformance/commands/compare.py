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
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.junit import to_junit
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.storage.kinds import Kind

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity compare monday.safetensors tuesday.safetensors

  gateparity compare torch.safetensors jax.safetensors --report both.html

`compare` judges again what `gateparity check --record` wrote.
It compares the runs array by array, with NumPy alone.
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

    All must have run the same checks on the same inputs. No framework is needed. The exit codes
    are those of check.
    """
    others = [("--junit", junit, Kind("JUnit XML", "run"))]
    files = ReportFiles("run", json, report, markdown, others=others, inputs=runs, force=force)
    recordings = {name: load_recording(path) for name, path in name_files(runs).items()}
    with show_steps(count_steps(recordings)) as progress:
        comparison = compare_recordings(recordings, progress)
    first = next(iter(recordings.values()))
    run = explained(comparison.run, first.plan)
    comparison = dataclasses.replace(comparison, run=run)
    files.write_text("--junit", to_junit(run, first.source.options))
    data = {**to_json(run, first.source), **between.to_json(comparison)}
    files.publish(between.comparison_report(comparison), data)
    raise typer.Exit(run.exit_code)
