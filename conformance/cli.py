"""The command: `gateparity check`, `compare`, `replay`, `selftest`, `diagnose`, `backends`, `env`.

Exit codes: 0 all agree, 1 something differs, 2 could not run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from gateparity.backends.spec import find_backends, parse_backends
from gateparity.conformance.checkpoint import read_checkpoint
from gateparity.conformance.commands import diagnose, env, replay, selftest
from gateparity.conformance.commands.console import make_console, print_error
from gateparity.conformance.commands.options import (
    Cases,
    Checks,
    Json,
    Junit,
    Markdown,
    NoSave,
    Prefix,
    Runs,
    Save,
    Seed,
    Specs,
    TextFile,
    TimeLimit,
    Weights,
)
from gateparity.conformance.commands.progress import show_progress
from gateparity.conformance.failures.saver import make_saver
from gateparity.conformance.files import check_writable
from gateparity.conformance.plan import named_plan, text_plan, weights_plan
from gateparity.conformance.reports.backends import print_backends
from gateparity.conformance.reports.compare import join_files, uncompared_pairs
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.terminal import print_run
from gateparity.conformance.run import TIME_LIMIT, run_checks
from gateparity.conformance.source import Source, source_of
from gateparity.conformance.text import read_text
from gateparity.conformance.torch_loader import torch_loader
from gateparity.errors import InputError

if TYPE_CHECKING:
    from gateparity.backends.spec import Backend
    from gateparity.conformance.result import Run

_START: Final = """
[bold]Start[/]

  gateparity env create --all    five frameworks, each in an environment of its own

  gateparity check               one LSTM in all of them, compared

  gateparity check --help        more examples
"""

app = typer.Typer(
    help="One LSTM in five frameworks at once: identical weights in, and proof that they agree.",
    epilog=_START,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(env.app, name="env")
app.command("replay", epilog=replay.EXAMPLES)(replay.replay_command)
app.command("diagnose", epilog=diagnose.EXAMPLES)(diagnose.diagnose_command)
app.command(epilog=selftest.EXAMPLES)(selftest.selftest)

_EXAMPLES: Final = """
[bold]Examples[/]

  gateparity check                                        all that is found

  gateparity check -b numpy -b torch:layer                two rows

  gateparity check -b numpy -b torch@path/to/env          yours, as it is

  gateparity check -b numpy -b mypkg.lstm:MyLSTM          an adapter of yours

  gateparity check --weights model.pt --prefix encoder    a trained LSTM

  gateparity check --text timemachine.txt --json run.json

  gateparity check --junit parity.xml --markdown parity.md    for CI
"""


@app.command(epilog=_EXAMPLES)
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
    _finish(run, source, files)


@app.command()
def compare(runs: Runs, json: Json = None, junit: Junit = None, markdown: Markdown = None) -> None:
    """Join the results of several machines into one verdict.

    All must have run the same checks and cases with the same seed. Exit code as that of check.
    """
    files = ReportFiles(json, junit, markdown)
    record = join_files(runs)
    if apart := uncompared_pairs(record.run):
        make_console().print(
            f"Pairs of rows that ran apart, each judged by the truth alone: {apart}"
        )
    _finish(record.run, record.source, files)


@app.command()
def backends(json: Json = None) -> None:
    """Say which backends were found, where and at which version, and why others were not."""
    if json:
        check_writable(json)
    print_backends(make_console(), json)


def main() -> None:
    """Run the command; bad input becomes one line and exit code 2."""
    try:
        app()
    except InputError as error:
        print_error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _finish(run: Run, source: Source, files: ReportFiles) -> None:
    print_run(run, make_console(), source.options)
    files.write(run, source)
    raise typer.Exit(run.exit_code)


def _require(rows: list[Backend]) -> list[Backend]:
    if not rows:
        raise InputError("no backend was found: gateparity env create --all")
    return rows


def _refuse_together(
    case: list[str] | None, weights: Path | None, prefix: str | None, text: Path | None
) -> None:
    given = [n for n, v in (("--case", case), ("--weights", weights), ("--text", text)) if v]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other")
    if prefix is not None and not weights:
        raise InputError("--prefix goes with --weights")


if __name__ == "__main__":
    main()
