"""The command: `gateparity check`, `gateparity backends`, `gateparity env`.

Exit codes: 0 all agree, 1 something differs, 2 could not run.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateparity.backends.spec import find_backends, parse_backends
from gateparity.conformance import env_cli
from gateparity.conformance.backends_table import print_backends
from gateparity.conformance.cases import RECIPES
from gateparity.conformance.checkpoint import read_checkpoint
from gateparity.conformance.checks import CHECKS
from gateparity.conformance.console import make_console, print_error
from gateparity.conformance.files import check_writable
from gateparity.conformance.plan import named_plan, text_plan, weights_plan
from gateparity.conformance.progress import show_progress
from gateparity.conformance.report import print_run, write_json
from gateparity.conformance.run import TIME_LIMIT, run_checks
from gateparity.conformance.text import read_text
from gateparity.conformance.torch_loader import torch_loader
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.backends.spec import Backend
    from gateparity.conformance.plan import Plan

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
app.add_typer(env_cli.app, name="env")

_EXAMPLES: Final = """
[bold]Examples[/]

  gateparity check                                        all that is found

  gateparity check -b numpy -b torch:layer                two rows

  gateparity check -b numpy -b torch@path/to/env          yours, as it is

  gateparity check -b numpy -b mypkg.lstm:MyLSTM          an adapter of yours

  gateparity check --weights model.pt --prefix encoder    a trained LSTM

  gateparity check --text timemachine.txt --json run.json
"""

Specs = Annotated[
    list[str] | None,
    typer.Option(
        "--backend",
        "-b",
        metavar="SPEC",
        help=r"NAME\[:VARIANT]\[@PYTHON] or module:Class; repeat for more. All found by default.",
    ),
]
Cases = Annotated[
    list[str] | None,
    typer.Option("--case", metavar="NAME", help=f"One of {', '.join(RECIPES)}; repeat for more."),
]
Checks = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="NAME", help=f"One of {', '.join(CHECKS)}; repeat for more."),
]
Seed = Annotated[int, typer.Option(min=0, help="Draws other weights and inputs.")]
Weights = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A PyTorch state_dict, .pt or .safetensors, with an LSTM."),
]
Prefix = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where in the state_dict the LSTM is.")
]
TextFile = Annotated[
    Path | None, typer.Option("--text", metavar="FILE", help="A text, fed as one-hot characters.")
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")
]
TimeLimit = Annotated[
    float,
    typer.Option(
        min=0.001,
        max=86_400.0,
        metavar="SECONDS",
        help="The longest that one call may take.",
    ),
]
Sigmas = Annotated[
    bool,
    typer.Option(
        "--sigmas",
        help="Also tell errors in standard deviations of what rounding alone should cause.",
    ),
]


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
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    sigmas: Sigmas = False,
) -> None:
    """Run one LSTM in every backend and compare all results.

    Each row is a backend and variant, each column a check; beneath, every pair of rows. Exit code
    0: all agree; 1: something differs; 2: something could not run.
    """
    if json:
        check_writable(json)
    rows = parse_backends(backend) if backend else _require(find_backends())
    _refuse_together(case, weights, prefix, text)
    if weights:
        config, params = read_checkpoint(weights, prefix, torch_loader(rows))
        plan = weights_plan(config, params, checks or [], seed)
        source = _option("--weights", weights)
        source += "" if prefix is None else f" {_option('--prefix', prefix)}"
    elif text:
        plan, source = text_plan(read_text(text), checks or [], seed), _option("--text", text)
    else:
        plan, source = named_plan(case or [], checks or [], seed), ""
    _run(rows, plan, source, seed=seed, json=json, time_limit=time_limit, budgets=sigmas)


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


def _run(
    rows: Sequence[Backend], plan: Plan, source: str, *, json: Path | None, **rest: Any
) -> None:
    with show_progress(rows, plan) as progress:
        run = run_checks(rows, plan, progress=progress, **rest)
    print_run(run, make_console(), source)
    if json:
        write_json(run, json)
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


def _option(name: str, value: object) -> str:
    """As a shell takes it."""
    return f"{name} {shlex.quote(str(value))}"


if __name__ == "__main__":
    main()
