"""`gateparity diagnose`: name the mistake that an LSTM makes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.programs import default_store
from gateparity.backends.workers.remote import TIME_LIMIT, open_worker
from gateparity.conformance.commands.choices import choose_plan
from gateparity.conformance.commands.options import (
    Cases,
    Checks,
    Force,
    Json,
    NoCache,
    Prefix,
    Problems,
    Report,
    Seed,
    TextFile,
    TimeLimit,
    Weights,
    backend_option,
)
from gateparity.conformance.commands.progress import show_progress, show_share
from gateparity.conformance.diagnosis.evidence import Evidence, gather_evidence
from gateparity.conformance.diagnosis.predictions import Predictions
from gateparity.conformance.diagnosis.probes import Probe
from gateparity.conformance.diagnosis.search import Diagnoser
from gateparity.conformance.failures.failure import load_failure
from gateparity.conformance.recordings.compare import mark_rows, name_files
from gateparity.conformance.recordings.reading import load_recording
from gateparity.conformance.recordings.recording import LIMITS
from gateparity.conformance.reports.console import make_console, print_note
from gateparity.conformance.reports.diagnosis import diagnosis_json, diagnosis_report
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.run import purity_beside
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.thinning import Thinning, choose_thinning
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.storage.kinds import RECORDING
from gateparity.conformance.storage.tensors import UNSEALED, peek_words
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.remote import Worker
    from gateparity.conformance.diagnosis.search import Diagnosis
    from gateparity.conformance.reports.diagnosis import Diagnosed
    from gateparity.conformance.runs.plan import Plan

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity diagnose --backend mypkg.lstm:MyLSTM    an adapter of yours

  gateparity diagnose --backend torch:layer          a framework's layer

  gateparity diagnose -b mypkg:MyLSTM --check lengths    some checks alone

  gateparity diagnose -b mypkg:MyLSTM --weights model.pt    on a trained LSTM

  gateparity diagnose gateparity-failures/*          failures that were saved

  gateparity diagnose here.st there.st               two recorded runs

  gateparity diagnose -b torch --report why.html     a page to look at

If you don't know the layout of an LSTM, give it one that it might have.
The diagnosis says what is wrong with that layout.
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
    case: Cases = None,
    problem: Problems = None,
    checks: Checks = None,
    seed: Seed = 0,
    weights: Weights = None,
    prefix: Prefix = None,
    text: TextFile = None,
    json: Json = None,
    report: Report = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    no_cache: NoCache = False,
    force: Force = False,
) -> None:
    """Search the known mistakes, and pairs of them, for what reproduces an LSTM's numbers.

    First all checks of `gateparity check` run, or those that are named. Exit code 0: the backend
    agrees with the truth; 1: it differs, explained or not; 2: it could not run, or a probe raised.
    """
    inputs = [*(files or ()), weights, text]
    outputs = ReportFiles("diagnosis", json, report, inputs=inputs, force=force)
    _require_either(files, backend, case, problem, checks, weights, text)
    store = None if no_cache else default_store()
    if files:
        gathered = _read_files(files)
    else:
        backends = parse_backends(backend or [])
        plan, *_ = choose_plan(backends, case, checks, seed, weights, prefix, text, problem)
        plan = [*plan, *purity_beside(plan, seed)]
        start = partial(open_worker, limit=time_limit, store=store)
        thinning = Thinning() if case or problem else choose_thinning(seed)
        gathered = _ask_backends(backends, plan, thinning, Truths(store), start)
    found = _diagnose_all(gathered)
    if store and store.trouble:
        print_note(store.trouble)
    result = diagnosis_report(found)
    diagnoses = {evidence.label: diagnosis_json(evidence, one) for evidence, one in found}
    outputs.publish(result, {"schema": 1, "diagnoses": diagnoses})
    raise typer.Exit(result.exit_code)


def _require_either(files: Any, backend: Any, *asked: Any) -> None:
    """Refuse both or neither of files and a backend, and what is asked of files."""
    if bool(files) == bool(backend) or (files and any(asked)):
        raise InputError(
            "expected either a backend or files that `gateparity check` saved: gateparity diagnose "
            "--backend SPEC, or gateparity diagnose FILE"
        )


def _diagnose_all(gathered: Iterable[Evidence]) -> list[Diagnosed]:
    """Return the diagnosis of each backend; those found before Ctrl-C are printed."""
    found: list[Diagnosed] = []
    try:
        for evidence in gathered:
            found.append((evidence, _diagnose(evidence)))  # noqa: PERF401  kept at Ctrl-C
    except KeyboardInterrupt:
        if found:
            print_report(diagnosis_report(found), make_console())
        raise
    return found


def _diagnose(evidence: Evidence) -> Diagnosis | None:
    if evidence.error:
        return None
    diagnoser = Diagnoser(Predictions(evidence.rounding_model))
    with show_share(f"{evidence.label}: searching mistakes") as progress:
        return diagnoser.diagnose(evidence.probes, progress)


def _ask_backends(
    backends: list[Backend],
    plan: Plan,
    thinning: Thinning,
    truths: Truths,
    start: Callable[[Backend], Worker],
) -> Iterator[Evidence]:
    for backend in backends:
        own = thinning.thin(plan, [backend])
        with (
            Session(backend, truths, start) as session,
            show_progress([backend], own) as progress,
        ):
            results = []
            for task in own:
                results.append(session.run(*task))
                progress(results[-1])
        yield gather_evidence(backend.label, own, results, session.rounding_model)


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
            rounding_model = run.rounding_models.get(backend.label, {})
            yield gather_evidence(backend.label, recordings[name].plan, answers, rounding_model)
