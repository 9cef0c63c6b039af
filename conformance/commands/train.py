"""`gateparity train`: one text and one model, trained in every framework, with one verdict."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.progress import TextColumn

from gateparity.conformance.commands.choices import choose_backends
from gateparity.conformance.commands.options import Force, Json, Report, Seed, Specs
from gateparity.conformance.commands.progress import show_bars
from gateparity.conformance.reports.console import print_error
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.training import training_json, training_report
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.storage.kinds import CHECKPOINT, Kind, recognise
from gateparity.conformance.training.corpus import choose_text, named_text
from gateparity.conformance.training.resume import FOLDER, checkpoint_path
from gateparity.conformance.training.run import TIME_LIMIT, TrainingRun, TrainingSession
from gateparity.conformance.training.text_task import Sizes, TextTask, make_recipe
from gateparity.errors import InputError
from gateparity.files import check_folder
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.training.run import Progress as TrainingProgress

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity train --text timemachine.txt            each framework, float32

  gateparity train --download                        d2l's text, downloaded

  gateparity train --all --text timemachine.txt      every variant and dtype

  gateparity train --text timemachine.txt --biases separate   both biases

  gateparity train --text timemachine.txt --resume   go on after Ctrl-C

  gateparity train --all --report train.html         a page to look at

  gateparity train -b torch:layer -b jax:layer --epochs 5 --json run.json
"""
_SIZES: Final = Sizes()

TextFile = Annotated[
    Path | None,
    typer.Option(
        "--text",
        metavar="FILE",
        help="A text in UTF-8. By default $GATEPARITY_TEXT, else Python's own help topics.",
    ),
]
Download = Annotated[
    bool, typer.Option("--download", help="The Time Machine, from its public address.")
]
Every = Annotated[bool, typer.Option("--all", help="Every variant, in float32 and float64.")]
Biases = Annotated[
    Literal["tied", "separate"],
    typer.Option(help="tied: train one of two biases; separate: both, where a framework has two."),
]
Rate = Annotated[float, typer.Option(help="SGD's rate: a number that float32 holds exactly.")]
Epochs = Annotated[int, typer.Option(min=1, max=10_000, help="Times through all windows.")]
Windows = Annotated[int, typer.Option(min=1, max=10**6, help="Windows of the text to train on.")]
Batch = Annotated[int, typer.Option(min=1, max=10**6, help="Windows in a gradient step.")]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", hidden=True, help="Gone: --report draws the curves."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoints of a run that was stopped.")
]
Checkpoints = Annotated[
    Path, typer.Option("--checkpoints", metavar="FOLDER", help="The folder for checkpoints.")
]
TimeLimit = Annotated[
    float,
    typer.Option(min=0.001, max=86_400.0, metavar="SECONDS", help="The longest for one epoch."),
]


def train(
    text: TextFile = None,
    backend: Specs = None,
    biases: Biases = "tied",
    rate: Rate = 4.0,
    epochs: Epochs = _SIZES.epochs,
    windows: Windows = _SIZES.windows,
    batch: Batch = _SIZES.batch,
    seed: Seed = 0,
    json: Json = None,
    plot: Plot = None,
    report: Report = None,
    checkpoints: Checkpoints = Path(FOLDER),
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    download: Download = False,
    every: Every = False,
    resume: Resume = False,
    force: Force = False,
) -> None:
    """Train d2l's model of characters in every framework: one curve, and one sentence.

    The table has each backend at a dtype: its sentence, the last epoch's perplexity, and the
    largest distance of a weight from the first backend's. Exit code 0: one sentence; 1: several, or
    one diverged; 2: something could not run.
    """
    refuse_plot(plot)
    recipe, sizes = make_recipe(rate, biases), Sizes(windows=windows, batch=batch, epochs=epochs)
    rows = choose_trained_rows(backend, every=every)
    kept = _checkpoint_files(checkpoints, rows)
    read = [None if download else named_text(text)]
    files = ReportFiles(
        "training", json=json, reports=report, others=kept, inputs=read, force=force
    )
    task = TextTask(choose_text(text, download=download), sizes, recipe, seed)
    found = _run(rows, TrainingSession(task, checkpoints, resume, time_limit))
    files.publish(training_report(found), training_json(found))
    _clear(checkpoints, rows, found)
    raise typer.Exit(found.exit_code)


def refuse_plot(path: Path | None) -> None:
    """Raise `InputError` for `--plot`, an option of earlier versions, with what to type now."""
    if path:
        raise InputError("--plot is gone: type --report FILE.html, which draws the same curves")


def choose_trained_rows(specs: Sequence[str] | None, *, every: bool) -> list[BackendAtDtype]:
    """Return the backends to train: those named, else each framework's layer or all variants.

    Raise `InputError` if there is none.
    """
    backends = choose_backends(specs)
    if not specs and not every:
        backends = list({backend.name: backend for backend in backends}.values())
    return [
        BackendAtDtype(backend, dtype)
        for dtype in (SUITE_DTYPES if every else SUITE_DTYPES[:1])
        for backend in backends
    ]


def _checkpoint_files(
    folder: Path, rows: Sequence[BackendAtDtype]
) -> list[tuple[str, Path | None, Kind]]:
    """Return the checkpoints to be written, each with its name in errors; check the folder."""
    check_folder(folder)
    return [
        (
            f"--checkpoints of {row.label} {row.dtype}:",
            checkpoint_path(folder, row.label, row.dtype),
            CHECKPOINT,
        )
        for row in (rows if folder.is_dir() else ())
    ]


def _run(rows: list[BackendAtDtype], training_session: TrainingSession) -> TrainingRun:
    training_session.folder.mkdir(exist_ok=True)
    start, task = time.perf_counter(), training_session.task
    try:
        with _show_progress(rows, task.sizes.epochs) as progress:
            outcomes = dataclasses.replace(training_session, progress=progress).run(rows)
    except KeyboardInterrupt:
        print_error(
            f"stopped; the same command with --resume goes on from {training_session.folder}"
        )
        raise typer.Exit(130) from None
    return TrainingRun(task, outcomes, time.perf_counter() - start)


def _clear(folder: Path, rows: Sequence[BackendAtDtype], found: TrainingRun) -> None:
    """Remove the checkpoints, unless a backend has to resume from its own."""
    if any(outcome.error for outcome in found.outcomes):
        return
    for row in rows:
        path = checkpoint_path(folder, row.label, row.dtype)
        if recognise(path) == CHECKPOINT:
            path.unlink()
    with contextlib.suppress(OSError):  # it holds other files
        folder.rmdir()


@contextlib.contextmanager
def _show_progress(rows: Sequence[BackendAtDtype], epochs: int) -> Iterator[TrainingProgress]:
    """Show a bar for each backend on a terminal; yield a function that updates it each epoch."""
    with show_bars(TextColumn("{task.fields[loss]}")) as bars:
        tasks = {
            row: bars.add_task(f"{row.label} {row.dtype}", total=epochs, loss="") for row in rows
        }
        yield lambda row, epoch, perplexity: bars.update(
            tasks[row], completed=epoch, loss=f"perplexity {perplexity:.4f}"
        )
