"""`gateparity diagnose`: name the mistake that an LSTM makes."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import TIME_LIMIT, open_worker
from gateparity.conformance.commands.choices import choose_plan
from gateparity.conformance.commands.options import (
    Force,
    Json,
    Prefix,
    Seed,
    TextFile,
    TimeLimit,
    Weights,
    backend_option,
)
from gateparity.conformance.commands.progress import show_progress
from gateparity.conformance.diagnosis.evidence import Evidence, gather_evidence
from gateparity.conformance.diagnosis.predictions import Predictions
from gateparity.conformance.diagnosis.probes import Probe
from gateparity.conformance.diagnosis.search import Diagnoser
from gateparity.conformance.failures.failure import load_failure
from gateparity.conformance.recordings.compare import mark_rows, name_files
from gateparity.conformance.recordings.reading import load_recording
from gateparity.conformance.recordings.recording import LIMITS
from gateparity.conformance.reports.console import make_console, print_error, print_note
from gateparity.conformance.reports.diagnosis import diagnosis_json, print_diagnosis
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.run import purity_beside
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.storage.kinds import RECORDING, Kind
from gateparity.conformance.storage.outputs import Outputs
from gateparity.conformance.storage.tensors import UNSEALED, peek_words
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.backends.backend import Backend
    from gateparity.conformance.runs.plan import Plan

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity diagnose --backend mypkg.lstm:MyLSTM    an adapter of yours

  gateparity diagnose --backend torch:layer          a framework's layer

  gateparity diagnose -b mypkg:MyLSTM --weights model.pt    on a trained LSTM

  gateparity diagnose gateparity-failures/*          failures that were saved

  gateparity diagnose here.st there.st               two recorded runs

An LSTM whose layout isn't known is diagnosed through a layout that it might have: the answer says
in what that one is wrong.
"""

Specs = Annotated[
    list[str] | None,
    backend_option(r"NAME\[:VARIANT]\[@WHERE] or module:Class."),
]
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="What `gateparity check` saved of failures, or `--record` of a run.",
    ),
]


def diagnose_command(
    files: Files = None,
    backend: Specs = None,
    seed: Seed = 0,
    weights: Weights = None,
    prefix: Prefix = None,
    text: TextFile = None,
    json: Json = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Search the known mistakes, and pairs of them, for what reproduces an LSTM's numbers.

    A backend is first asked all that `gateparity check` asks. Exit code 0: it agrees with the
    truth; 1: it differs, explained or not; 2: it could not run, or a probe raised.
    """
    inputs = [*(files or ()), weights, text]
    outputs = Outputs({"--json": (json, Kind("JSON", "diagnosis"))}, inputs, force=force)
    if bool(files) == bool(backend) or (files and (weights or text)):
        raise InputError(
            "expected either a backend or files that `gateparity check` saved: gateparity diagnose "
            "--backend SPEC, or gateparity diagnose FILE"
        )
    if files:
        gathered = _read_files(files)
    else:
        backends = parse_backends(backend or [])
        plan = _choose_plan(backends, seed, weights, prefix, text)
        gathered = _ask_backends(backends, plan, time_limit)
    found, codes = {}, {0}
    for evidence in gathered:
        found[evidence.label], code = _report(evidence)
        codes.add(code)
    outputs.write_json("--json", {"schema": 1, "diagnoses": found})
    raise typer.Exit(1 if 1 in codes else max(codes))


def _report(evidence: Evidence) -> tuple[dict[str, Any], int]:
    """Print what is wrong with one backend; return it as plain data, and the exit code."""
    if evidence.error:
        print_error(evidence.error)
        return {"error": evidence.error}, 2
    with _show_progress() as progress:
        diagnoser = Diagnoser(Predictions(evidence.arithmetic))
        diagnosis = diagnoser.diagnose(evidence.probes, progress)
    print_diagnosis(evidence, diagnosis, make_console())
    failed = diagnosis.differing or any(result.status == "fail" for result in evidence.wrong)
    return diagnosis_json(evidence, diagnosis), 1 if failed else 2 * bool(evidence.wrong)


def _choose_plan(
    backends: list[Backend], seed: int, weights: Path | None, prefix: str | None, text: Path | None
) -> Plan:
    """Return all that `gateparity check` asks, and purity in any case."""
    plan, _ = choose_plan(backends, None, None, seed, weights, prefix, text)
    return [*plan, *purity_beside(plan, seed)]


def _ask_backends(backends: list[Backend], plan: Plan, time_limit: float) -> Iterator[Evidence]:
    truths = Truths()
    for backend in backends:
        with (
            Session(backend, truths, partial(open_worker, limit=time_limit)) as session,
            show_progress([backend], plan) as progress,
        ):
            results = []
            for task in plan:
                results.append(session.run(*task))
                progress(results[-1])
        yield gather_evidence(backend.label, plan, results, session.arithmetic)


def _read_files(files: list[Path]) -> Iterator[Evidence]:
    recorded = [peek_words(file, LIMITS).get("kind") == RECORDING.name for file in files]
    yield from _read_failures([f for f, run in zip(files, recorded, strict=True) if not run])
    yield from _read_runs([f for f, run in zip(files, recorded, strict=True) if run])


def _read_failures(files: list[Path]) -> Iterator[Evidence]:
    """Yield those of one backend together."""
    saved: dict[str, list[Probe]] = {}
    for file in files:
        failure = load_failure(file)
        if not failure.sealed:
            print_note(f"{file} {UNSEALED}")
        probe = Probe(CHECKS[failure.check], failure.case, failure.found)
        saved.setdefault(failure.backend, []).append(probe)
    for label, probes in saved.items():
        yield Evidence(label, tuple(probes), {})


def _read_runs(files: list[Path]) -> Iterator[Evidence]:
    """Yield the evidence of each backend of each run; labels name the file."""
    recordings = {name: load_recording(path) for name, path in name_files(files).items()}
    for name, run in mark_rows(recordings).items():
        for backend in run.backends:
            answers = [result for result in run.results if result.backend == backend]
            arithmetic = run.arithmetics.get(backend.label, {})
            yield gather_evidence(backend.label, recordings[name].plan, answers, arithmetic)


@contextlib.contextmanager
def _show_progress() -> Iterator[Callable[[float], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("looking at pairs of mistakes", total=1.0)
        yield lambda share: progress.update(task, completed=share)
