"""`gateparity diagnose`: what is wrong with an LSTM, in words."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gateparity.backends.spec import parse_backends
from gateparity.conformance.commands.console import make_console, print_note
from gateparity.conformance.commands.options import Force, Json, Seed, TimeLimit, backend_option
from gateparity.conformance.diagnosis.predictions import Predictions
from gateparity.conformance.diagnosis.probes import Probe, make_probes, probe_cases
from gateparity.conformance.diagnosis.search import Diagnostician
from gateparity.conformance.failures.failure import load_failure
from gateparity.conformance.kinds import RECORDING, Kind
from gateparity.conformance.outputs import Outputs
from gateparity.conformance.recording.form import LIMITS
from gateparity.conformance.recording.join import mark_rows, name_files
from gateparity.conformance.recording.reading import load_recording
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.run import TIME_LIMIT
from gateparity.conformance.session import Session, Truths
from gateparity.conformance.storage.seal import UNSEALED
from gateparity.conformance.storage.tensors import peek_words
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.conformance.diagnosis.search import Diagnosis
    from gateparity.conformance.plan import Plan
    from gateparity.conformance.result import Result

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity diagnose --backend mypkg.lstm:MyLSTM    an adapter of yours

  gateparity diagnose --backend torch:layer          a framework's layer

  gateparity diagnose gateparity-failures/*          failures that were saved

  gateparity diagnose here.st there.st               every row of two recorded runs

An LSTM whose layout isn't known is diagnosed through a layout that it might have: the answer says
in what that one is wrong.
"""
_NEAREST: Final = 5  # of those ruled out, in words

Specs = Annotated[
    list[str] | None,
    backend_option(r"NAME\[:VARIANT]\[@WHERE] or module:Class."),
]
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="What `gateparity check` saved of failures, or `gateparity record` of a run.",
    ),
]


def diagnose_command(
    files: Files = None,
    backend: Specs = None,
    seed: Seed = 0,
    json: Json = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Search the known mistakes, and pairs of them, for what reproduces an LSTM's numbers.

    Exit code 0: it agrees with the truth; 1: it differs, explained or not; 2: it could not run.
    """
    outputs = Outputs({"--json": (json, Kind("JSON", "diagnosis"))}, files or (), force=force)
    if bool(files) == bool(backend):
        raise InputError(
            "expected either a backend or files that `gateparity check` saved: gateparity diagnose "
            "--backend SPEC, or gateparity diagnose FILE"
        )
    found = {}
    for label, diagnosis in _diagnose_all(files or [], backend or [], seed, time_limit):
        found[label] = diagnosis
        print_diagnosis(label, diagnosis, make_console())
    data = {label: diagnosis_json(diagnosis) for label, diagnosis in found.items()}
    outputs.write_json("--json", {"schema": 1, "diagnoses": data})
    raise typer.Exit(int(any(diagnosis.differing for diagnosis in found.values())))


def print_diagnosis(label: str, diagnosis: Diagnosis, console: Console) -> None:
    """What differs, what it behaves like, and what was ruled out."""
    count, differing = len(diagnosis.probes), len(diagnosis.differing)
    if not differing:
        line = f"[green]{escape(label)}[/] agrees with the truth in {count} of {count} probes"
        console.print(line, highlight=False)
        return
    names = ", ".join(f"{p.check.name} of {p.case.name}" for p in diagnosis.differing)
    line = f"[bold red]{escape(label)}[/] differs in {differing} of {count} probes: {names}"
    console.print(line, highlight=False)
    console.print(f"  [bold]{escape(diagnosis.words)}[/]", highlight=False)
    nearest = [f"{m.name} ({_words(d)})" for m, d in diagnosis.nearest[:_NEAREST]]
    near = f"; the nearest: {'; '.join(nearest)}" if nearest else ", and none of them is near"
    more = f" Ruled out: {len(diagnosis.ruled_out)}{near}"
    console.print(f" {escape(more)}", highlight=False)


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """As plain data; a distance that isn't finite is null."""
    return {
        "probes": [list(probe.key) for probe in diagnosis.probes],
        "differing": [list(probe.key) for probe in diagnosis.differing],
        "words": diagnosis.words,
        "explanations": [[m.name for m in mistakes] for mistakes in diagnosis.explanations],
        "ruled_out": [
            {"name": m.name, "sigmas": d if math.isfinite(d) else None}
            for m, d in diagnosis.ruled_out
        ],
    }


def _diagnose_all(
    files: list[Path], specs: list[str], seed: int, time_limit: float
) -> Iterator[tuple[str, Diagnosis]]:
    recorded = [peek_words(file, LIMITS).get("kind") == RECORDING.name for file in files]
    yield from _diagnose_failures([f for f, run in zip(files, recorded, strict=True) if not run])
    yield from _diagnose_runs([f for f, run in zip(files, recorded, strict=True) if run])
    for row in parse_backends(specs) if specs else []:
        with Session(row, Truths(), time_limit) as session:
            probes = _ask(session, seed)
            yield row.label, _diagnose(probes, session.arithmetic)


def _diagnose_failures(files: list[Path]) -> Iterator[tuple[str, Diagnosis]]:
    """Those of one backend together."""
    saved: dict[str, list[Probe]] = {}
    for file in files:
        failure = load_failure(file)
        if not failure.sealed:
            print_note(f"{file} {UNSEALED}")
        probe = Probe(CHECKS[failure.check], failure.case, failure.found)
        saved.setdefault(failure.backend, []).append(probe)
    for label, probes in saved.items():
        yield label, _diagnose(probes, {})


def _diagnose_runs(files: list[Path]) -> Iterator[tuple[str, Diagnosis]]:
    """Each row of each run, told apart by the files' names."""
    recordings = {name: load_recording(path) for name, path in name_files(files).items()}
    for name, run in mark_rows(recordings).items():
        for row in run.rows:
            answers = [result for result in run.results if result.row == row]
            probes = _make_probes(recordings[name].plan, answers)
            yield row.label, _diagnose(probes, run.arithmetics.get(row.label, {}))


def _ask(session: Session, seed: int) -> list[Probe]:
    plan = probe_cases(seed)
    return _make_probes(plan, [session.run(check, case) for check, case in plan])


def _make_probes(plan: Plan, results: list[Result]) -> list[Probe]:
    probes = make_probes(plan, results)
    if not probes:
        raise InputError(f"{results[0].row.label} answers no probe: {results[0].reason}")
    return probes


def _diagnose(probes: list[Probe], arithmetic: Any) -> Diagnosis:
    with _show_progress() as progress:
        return Diagnostician(Predictions(arithmetic)).diagnose(probes, progress)


@contextlib.contextmanager
def _show_progress() -> Iterator[Callable[[float], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("looking at pairs of mistakes", total=1.0)
        yield lambda share: progress.update(task, completed=share)


def _words(distance: float) -> str:
    return f"{distance:.0e} sigma" if math.isfinite(distance) else "not finite"
