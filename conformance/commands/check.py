"""`gateparity check`: one LSTM in every backend, compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateparity.backends.spec import find_backends, parse_backends
from gateparity.conformance.checkpoint import read_checkpoint
from gateparity.conformance.commands.console import print_error
from gateparity.conformance.commands.finish import finish
from gateparity.conformance.commands.options import (
    Cases,
    Checks,
    Json,
    Junit,
    Markdown,
    NoSave,
    Prefix,
    Save,
    Seed,
    Specs,
    TextFile,
    TimeLimit,
    Weights,
)
from gateparity.conformance.commands.progress import show_progress
from gateparity.conformance.failures.saver import make_saver
from gateparity.conformance.plan import named_plan, text_plan, weights_plan
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.run import TIME_LIMIT, run_checks
from gateparity.conformance.source import Source, source_of
from gateparity.conformance.text import read_text
from gateparity.conformance.torch_loader import torch_loader
from gateparity.errors import InputError

if TYPE_CHECKING:
    from gateparity.backends.spec import Backend

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity check                                        all that is found

  gateparity check -b numpy -b torch:layer                two rows

  gateparity check -b numpy -b torch@path/to/env          yours, as it is

  gateparity check -b numpy -b mypkg.lstm:MyLSTM          an adapter of yours

  gateparity check --weights model.pt --prefix encoder    a trained LSTM

  gateparity check --text timemachine.txt --json run.json

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
    time_limit: TimeLimit = TIME_LIMIT,
    save: Save = None,
    *,
    no_save: NoSave = False,
) -> None:
    """Run one LSTM in every backend and compare all results.

    Each row is a backend and variant, each column a check; beneath, every pair of rows. Exit code
    0: all agree; 1: something differs; 2: something could not run.
    """
    files = ReportFiles(json, junit, markdown)
    saver = make_saver(save, seed, no_save=no_save)
    rows = parse_backends(backend) if backend else _require(find_backends())
    _refuse_together(case, weights, prefix, text)
    source = Source()
    if weights:
        config, params = read_checkpoint(weights, prefix, torch_loader(rows))
        plan = weights_plan(config, params, checks or [], seed)
        source = source_of(weights, weights=weights, prefix=prefix)
    elif text:
        plan = text_plan(read_text(text), checks or [], seed)
        source = source_of(text, text=text)
    else:
        plan = named_plan(case or [], checks or [], seed)
    with show_progress(rows, plan) as progress:
        saver.say = progress.say
        run = run_checks(
            rows, plan, progress=progress, seed=seed, time_limit=time_limit, save=saver
        )
    for problem in saver.problems:
        print_error(problem)
    finish(run, source, files)


def _require(rows: list[Backend]) -> list[Backend]:
    if not rows:
        raise InputError("no backend was found: gateparity env create --all")
    return rows


def _refuse_together(
    case: list[str] | None, weights: Path | None, prefix: str | None, text: Path | None
) -> None:
    given = [n for n, v in (("--case", case), ("--weights", weights), ("--text", text)) if v]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other: choose one")
    if prefix is not None and not weights:
        raise InputError(
            "--prefix goes with --weights: gateparity check --weights FILE --prefix NAME"
        )
