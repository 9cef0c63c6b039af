"""`gateparity check`: one LSTM in every backend, compared."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import typer
from rich import filesize
from rich.markup import escape

from gateparity.backends.workers.programs import default_store
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.commands.choices import (
    backends_to_load,
    choose_backends,
    choose_plan,
    require_two,
)
from gateparity.conformance.commands.options import (
    AllProblems,
    Cases,
    Checks,
    Force,
    Input,
    Isolate,
    Json,
    Junit,
    Markdown,
    NoCache,
    NoSave,
    Prefix,
    Problems,
    Profile,
    Record,
    Report,
    Save,
    Seed,
    Specs,
    Strict,
    TextFile,
    TimeLimit,
    Weights,
    Wide,
)
from gateparity.conformance.commands.progress import show_progress
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.failures.saver import make_saver
from gateparity.conformance.recordings.recording import make_recording
from gateparity.conformance.recordings.writing import pack_recording
from gateparity.conformance.reports.blocks import line
from gateparity.conformance.reports.console import make_console, print_error, print_line, print_note
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.junit import to_junit
from gateparity.conformance.reports.profile import profile_section
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.reports.run import run_report
from gateparity.conformance.runs.expected import conclude, with_expected
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.storage.kinds import RECORDING, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateparity.backends.backend import Backend
    from gateparity.conformance.commands.choices import Arrays
    from gateparity.conformance.failures.saver import Saver
    from gateparity.conformance.reports.blocks import Block, Line
    from gateparity.conformance.runs.plan import Plan, Source
    from gateparity.conformance.runs.result import Run

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity check                                        all that is found

  gateparity check -b numpy -b torch:layer                two backends

  gateparity check -b numpy -b torch@path/to/env          yours, as it is

  gateparity check -b jax@0.9.2 -b jax                    two versions

  gateparity check -b numpy -b torch@ssh=gpuhost//python=/opt/env/bin/python

  gateparity check -b numpy -b mypkg.lstm:MyLSTM          an adapter of yours

  gateparity check --weights model.pt --prefix encoder    a trained LSTM

  gateparity check --weights model.pt --input case.npz    your own numbers

  gateparity check --text timemachine.txt --json run.json

  gateparity check --report parity.html                   a page to look at

  gateparity check -b torch --record monday.safetensors   one is enough

  gateparity check --junit parity.xml --markdown parity.md    for CI
"""


def check(
    backend: Specs = None,
    case: Cases = None,
    problem: Problems = None,
    checks: Checks = None,
    seed: Seed = 0,
    weights: Weights = None,
    prefix: Prefix = None,
    input: Input = None,  # noqa: A002  the option's name
    text: TextFile = None,
    json: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    report: Report = None,
    time_limit: TimeLimit = TIME_LIMIT,
    save: Save = None,
    record: Record = None,
    *,
    all_problems: AllProblems = False,
    wide: Wide = False,
    no_cache: NoCache = False,
    isolate: Isolate = False,
    profile: Profile = False,
    no_save: NoSave = False,
    force: Force = False,
    strict: Strict = False,
) -> None:
    """Run one LSTM in every backend and compare all results.

    Exit code 0: all agree; 1: some differ, or with --strict are undecided; 2: some could not run.
    """
    backends = choose_backends(backend)
    paths: Any = {"inputs": (weights, input, text), "force": force}
    files = _make_files(json, report, markdown, junit, record, **paths)
    saver = make_saver(save, seed, no_save=no_save or bool(record and not save), **paths)
    asked = choose_plan(backends, case, checks, seed, weights, prefix, text, problem, input)
    how: Any = {"seed": seed, "time_limit": time_limit, "isolate": isolate, "strict": strict}
    how |= {"cache": not no_cache, "all_problems": all_problems or bool(problem or case)}
    run = _run(backend, backends, asked[0], saver, record, **how)
    raise typer.Exit(_publish(run, *asked, files, record, wide=wide, profile=profile))


def _make_files(
    json: Path | None,
    reports: Sequence[Path] | None,
    markdown: Path | None,
    junit: Path | None,
    record: Path | None,
    **paths: Any,
) -> ReportFiles:
    others = [("--junit", junit, Kind("JUnit XML", "run")), ("--record", record, RECORDING)]
    return ReportFiles("run", json, reports, markdown, others=others, **paths)


def _run(
    specs: Sequence[str] | None,
    backends: Sequence[Backend],
    plan: Plan,
    saver: Saver,
    record: Path | None,
    *,
    cache: bool,
    strict: bool,
    **options: Any,
) -> Run:
    """Return the run, explained, and print what could not be saved or kept."""
    if not record:
        require_two(backends)
    options["load_first"] = backends_to_load(specs, backends)
    store = default_store() if cache else None
    saver.check(backends, plan)
    try:
        with show_progress(backends, plan) as progress:
            saver.say = progress.say
            run = run_checks(backends, plan, progress=progress, save=saver, store=store, **options)
            run = explained(run, plan)
    except KeyboardInterrupt:
        kept = f"failing cases in {saver.folder}: {len(saver.saved)}" if saver.saved else "nothing"
        print_error(f"stopped by Ctrl-C, kept {kept}")
        raise typer.Exit(130) from None
    for problem in saver.problems:
        print_error(problem)
    if store and store.trouble:
        print_note(store.trouble)
    return dataclasses.replace(run, least=1 if record else 2, strict=strict)


def _publish(
    run: Run,
    plan: Plan,
    source: Source,
    expected: Arrays | None,
    files: ReportFiles,
    record: Path | None,
    *,
    wide: bool,
    profile: bool,
) -> int:
    """Write and print what was found, and return the exit code."""
    more = [*_write_others(files, record, run, plan, source), *_profile(run, wanted=profile)]
    run = with_expected(run, plan, expected or {})
    conclusion = [] if expected is None else [conclude(run, plan)]
    lead = [line(words) for words in conclusion]
    found = run_report(run, source, wide=wide, lead=lead, more=more)
    files.publish(found, to_json(run, source))
    for words in conclusion:
        print_line(escape(words), make_console())  # the last of all, to be pasted
    return run.exit_code


def _profile(run: Run, *, wanted: bool) -> list[Block]:
    return [profile_section(run.profile)] if wanted and run.profile else []


def _write_others(
    files: ReportFiles, path: Path | None, run: Run, plan: Plan, source: Source
) -> list[Line]:
    """Write JUnit XML and the run itself, if asked. Return the line that says where that is."""
    files.write_text("--junit", to_junit(run, source.options))
    if not path:
        return []
    data = pack_recording(make_recording(run, plan, source))
    files.write_bytes("--record", data)
    size = filesize.decimal(len(data))
    return [line(f"Recorded: {path} ({size}); gateparity compare {path} OTHER...")]
