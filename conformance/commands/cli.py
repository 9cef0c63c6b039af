"""The command `gateparity`: its verbs, and its exit codes.

Exit codes: 0, all agree; 1, something differs; 2, could not run.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer

from gateparity.conformance.commands.completion import joined_words
from gateparity.conformance.commands.group import Verb, group_of, usage_line
from gateparity.conformance.reports.console import print_error
from gateparity.errors import InputError

VERBS: Final = (
    Verb("check", "check:check", "Run one LSTM in every backend and compare all results."),
    Verb(
        "compare",
        "compare:compare_command",
        "Compare recorded runs: judge each again, and compare all pairs.",
    ),
    Verb(
        "train",
        "train:train",
        "Train d2l's model of characters in every framework: one curve, and one sentence.",
    ),
    Verb(
        "horizon",
        "horizon:horizon",
        "Train small problems in every backend: within rounding at every step, and for how long.",
    ),
    Verb(
        "diagnose",
        "diagnose:diagnose_command",
        "Search the known mistakes, and pairs of them, for what reproduces an LSTM's numbers.",
    ),
    Verb(
        "replay",
        "replay:replay_command",
        "Repeat a failure that was saved, here or on another machine.",
    ),
    Verb(
        "inspect",
        "inspect:inspect_command",
        "Show every recurrent layer in files of weights: kind, sizes, layout, likely origin.",
    ),
    Verb(
        "diff",
        "diff:diff_command",
        "Say whether two files hold the same network, and how their layers differ.",
    ),
    Verb(
        "layout",
        "layout:layout_command",
        "Show how frameworks name, order, transpose and fuse the arrays of an LSTM.",
    ),
    Verb(
        "selftest",
        "selftest:selftest",
        "Measure the suite itself: which mistakes it catches, its false alarms, its sensitivity.",
    ),
    Verb(
        "bench",
        "bench:bench",
        "Time every backend beside its framework's own layer, in turns.",
    ),
    Verb(
        "backends",
        "backends:backends",
        "List the backends that were found, where and at which version, and why others can't run.",
    ),
    Verb(
        "env",
        "env:app",
        "Make, list, repair and remove environments: each framework in one of its own.",
    ),
)
_GONE: Final = {
    "record": "type `gateparity check --record FILE`, which takes the same options",
    "recipes": "docs/defaults.md has the lines that read each framework's defaults; in the "
    "repository, `python docs/_extensions/execution.py defaults` runs them",
}
_START: Final = """
[bold]Start[/]

  gateparity env create --all    five frameworks, each apart

  gateparity check               one LSTM in all of them, compared

  gateparity check --help        more examples
"""

app = typer.Typer(
    cls=group_of(VERBS, _GONE),
    help="One LSTM in five frameworks at once: identical weights in, and proof that they agree.",
    epilog=_START,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if wanted:
        import importlib.metadata

        print(f"gateparity {importlib.metadata.version('gateparity')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def start(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Run gateparity with the options that come before the verb."""


def main() -> None:
    """Run the command; turn bad input into one line and exit code 2."""
    try:
        with joined_words(os.environ):
            sys.exit(app(prog_name="gateparity", standalone_mode=False))
    except InputError as error:
        print_error(str(error))
    except typer.TyperException as error:
        if line := usage_line(error):
            print_error(line)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(2)


if __name__ == "__main__":
    main()
