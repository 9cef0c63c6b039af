"""`gateparity record`: a run in one file, to be judged and compared anywhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.commands.choices import choose_plan, choose_rows, rows_to_load
from gateparity.conformance.commands.options import (
    Cases,
    Checks,
    Force,
    Json,
    Junit,
    Markdown,
    Prefix,
    Seed,
    Specs,
    TextFile,
    TimeLimit,
    Weights,
)
from gateparity.conformance.commands.progress import show_progress
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.recordings.recording import make_recording
from gateparity.conformance.recordings.writing import pack_recording
from gateparity.conformance.reports.console import make_console, print_line
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.terminal import print_run
from gateparity.conformance.runs.run import run_checks

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity record -b torch -o monday.safetensors    one framework

  gateparity record -b jax --check forward -o gpu.safetensors

  gateparity record --weights model.pt -o model-here.safetensors

  gateparity compare monday.safetensors tuesday.safetensors
"""
_STEP: Final = 1000  # from one unit of size to the next

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The file, a .safetensors.")
]


def record_command(
    output: Output,
    backend: Specs = None,
    case: Cases = None,
    checks: Checks = None,
    seed: Seed = 0,
    weights: Weights = None,
    prefix: Prefix = None,
    text: TextFile = None,
    json: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Run one LSTM in every backend and keep inputs, results and manifests in one file.

    `gateparity compare` judges such files with NumPy alone, and compares them. The file is written
    whatever comes out. Exit code 0: recorded, and what was compared agrees; 1: something differs;
    2: something could not run.
    """
    files = ReportFiles(
        json, junit, markdown, recording=output, force=force, inputs=(weights, text)
    )
    rows = choose_rows(backend)
    plan, source = choose_plan(rows, case, checks, seed, weights, prefix, text)
    with show_progress(rows, plan) as progress:
        run = explained(
            run_checks(
                rows,
                plan,
                progress=progress,
                seed=seed,
                time_limit=time_limit,
                load_first=rows_to_load(backend, rows),
            ),
            plan,
        )
    run = dataclasses.replace(run, least=1)  # the others are recorded elsewhere
    data = pack_recording(make_recording(run, plan, source))
    files.outputs.write_bytes("--output", data)
    console = make_console()
    print_run(run, console, source.options)
    files.write(run, source)
    words = f"recorded: {output} ({_size_words(len(data))}); gateparity compare {output} OTHER..."
    print_line(escape(words), console)
    raise typer.Exit(run.exit_code)


def _size_words(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} GB"
