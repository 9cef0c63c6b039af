"""`gateparity compare`: runs of several machines or days side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateparity.conformance.commands.console import make_console
from gateparity.conformance.commands.options import Force, Json, Junit, Markdown, Report
from gateparity.conformance.commands.progress import show_steps
from gateparity.conformance.recording import report as between
from gateparity.conformance.recording.compare import compare_recordings, count_steps
from gateparity.conformance.recording.join import name_files
from gateparity.conformance.recording.reading import is_recording, load_recording
from gateparity.conformance.reports.compare import join_files, uncompared_pairs
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.terminal import print_results, print_run, print_verdict
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.result import Run

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity compare monday.safetensors tuesday.safetensors

  gateparity compare torch.json jax.json --report both.html

What `gateparity record` wrote is judged again and compared array by array, with NumPy alone. What
`gateparity check --json` wrote holds verdicts and no arrays, and is joined as it is.
"""

Runs = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        help="What `gateparity record` wrote, once or more; or what `gateparity check --json` did.",
    ),
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
    """Compare recorded runs, or join the verdicts of several, into one verdict.

    All must have run the same checks on the same inputs. No framework is needed. Exit code as that
    of check.
    """
    files = ReportFiles(json, junit, markdown, report, force)
    recorded = {path: is_recording(path) for path in runs}
    if len(set(recorded.values())) > 1:
        of_kind = {kind: path for path, kind in recorded.items()}
        raise InputError(
            f"{of_kind[False]} is a run's JSON, verdicts without arrays, and {of_kind[True]} is a "
            "recorded run: expected one kind"
        )
    finish = _compare if all(recorded.values()) else _join
    raise typer.Exit(finish(runs, files).exit_code)


def _compare(paths: Sequence[Path], files: ReportFiles) -> Run:
    recordings = {name: load_recording(path) for name, path in name_files(paths).items()}
    with show_steps(count_steps(recordings)) as progress:
        comparison = compare_recordings(recordings, progress)
    source, console = next(iter(recordings.values())).source, make_console()
    between.print_recordings(comparison, console)
    print_results(comparison.run, console, source.options)
    between.print_twins(comparison, console)
    print_verdict(comparison.run, console)
    more, page = between.to_json(comparison), between.to_markdown(comparison)
    tables, notes = between.to_tables(comparison), between.to_notes(comparison)
    files.write(comparison.run, source, more, page, tables, notes)
    return comparison.run


def _join(paths: Sequence[Path], files: ReportFiles) -> Run:
    record, console = join_files(paths), make_console()
    if apart := uncompared_pairs(record.run):
        console.print(
            f"Pairs of rows that ran apart, each judged by the truth alone: {apart} "
            "(gateparity record keeps what they are compared by)"
        )
    print_run(record.run, console, record.source.options)
    files.write(record.run, record.source)
    return record.run
