"""`gateparity check`: one LSTM in every backend, compared."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape

from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.commands.choices import (
    choose_plan,
    choose_rows,
    require_two,
    rows_to_load,
)
from gateparity.conformance.commands.options import (
    Cases,
    Checks,
    Force,
    Json,
    Junit,
    Markdown,
    NoSave,
    Prefix,
    Record,
    Report,
    Save,
    Seed,
    Specs,
    TextFile,
    TimeLimit,
    Weights,
)
from gateparity.conformance.commands.progress import show_progress
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.failures.saver import make_saver
from gateparity.conformance.reports.console import make_console, print_error, print_line
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.terminal import print_run
from gateparity.conformance.runs.run import run_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.failures.saver import Saver
    from gateparity.conformance.runs.plan import Plan, Source
    from gateparity.conformance.runs.result import Run

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity check                                        all that is found

  gateparity check -b numpy -b torch:layer                two rows

  gateparity check -b numpy -b torch@path/to/env          yours, as it is

  gateparity check -b jax@0.9.2 -b jax                    two versions

  gateparity check -b numpy -b torch@ssh=gpuhost//python=/opt/env/bin/python

  gateparity check -b numpy -b mypkg.lstm:MyLSTM          an adapter of yours

  gateparity check --weights model.pt --prefix encoder    a trained LSTM

  gateparity check --text timemachine.txt --json run.json

  gateparity check --report parity.html                   a page to look at

  gateparity check -b torch --record monday.safetensors   one is enough

  gateparity check --junit parity.xml --markdown parity.md    for CI
"""


def check(
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
    report: Report = None,
    time_limit: TimeLimit = TIME_LIMIT,
    save: Save = None,
    record: Record = None,
    *,
    no_save: NoSave = False,
    force: Force = False,
) -> None:
    """Run one LSTM in every backend and compare all results.

    Each row is a backend and variant, each column a check; beneath, every pair of rows. Exit code
    0: all agree; 1: something differs; 2: something could not run.
    """
    files = ReportFiles(json, junit, markdown, report, record, force=force, inputs=(weights, text))
    no_save = no_save or bool(record and not save)  # a recording has all arrays
    saver = make_saver(save, seed, no_save=no_save, force=force, inputs=(weights, text))
    backends = choose_rows(backend)
    plan, source = choose_plan(backends, case, checks, seed, weights, prefix, text)
    if not record:
        require_two(backends)
    run, recorded = _run(
        backends, plan, source, files, saver, seed, time_limit, rows_to_load(backend, backends)
    )
    console = make_console()
    print_run(run, console, source.options)
    files.write(run, source)
    if recorded:
        print_line(escape(recorded), console)
    raise typer.Exit(run.exit_code)


def _run(
    backends: Sequence[Backend],
    plan: Plan,
    source: Source,
    files: ReportFiles,
    saver: Saver,
    seed: int,
    time_limit: float,
    load_first: Sequence[Backend],
) -> tuple[Run, str]:
    """Return the explained run, and the line that says where it is recorded."""
    saver.check(backends, plan)
    with show_progress(backends, plan) as progress:
        saver.say = progress.say
        run = run_checks(
            backends,
            plan,
            progress=progress,
            seed=seed,
            time_limit=time_limit,
            save=saver,
            load_first=load_first,
        )
        run = dataclasses.replace(run, least=1 if files.recording else 2)
        recorded = files.write_recording(run, plan, source)
        run = explained(run, plan)
    for problem in saver.problems:
        print_error(problem)
    return run, recorded
