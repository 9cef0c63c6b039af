"""`gateparity replay`: a saved failure, run again on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateparity.backends.catalogue import is_shipped
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.commands.options import Force, Json, Report, TimeLimit, backend_option
from gateparity.conformance.commands.progress import show_steps
from gateparity.conformance.failures.failure import load_failure
from gateparity.conformance.failures.replay import replay
from gateparity.conformance.reports.console import print_note
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.replay import replay_report, to_json
from gateparity.conformance.storage.tensors import UNSEALED
from gateparity.errors import InputError

if TYPE_CHECKING:
    from gateparity.conformance.failures.failure import Failure

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity replay FILE                                where it failed

  gateparity replay FILE --backend numpy                somewhere else

  gateparity replay FILE --backend mypkg.lstm:MyLSTM    in an adapter of yours

  gateparity replay FILE --backend torch@path/to/env --report again.html
"""

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="What `gateparity check` saved of a failure.")
]
Spec = Annotated[
    str | None,
    backend_option(r"NAME\[:VARIANT]\[@WHERE] or module:Class; where it failed by default."),
]


def replay_command(
    file: File,
    backend: Spec = None,
    json: Json = None,
    report: Report = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Repeat a failure that was saved, here or on another machine.

    The file holds numbers and words and names no code to run. Exit code 1: it still fails; 0: it
    agrees now; 2: it could not run.
    """
    files = ReportFiles("replay", json, report, inputs=[file], force=force)
    failure = load_failure(file)
    if not failure.sealed:
        print_note(f"{file} {UNSEALED}")
    backends = parse_backends([backend or _recorded(failure, file)])
    replays = []
    with show_steps(len(backends), f"replaying {failure.check}") as progress:
        for one in backends:
            replays.append(replay(failure, one, time_limit))
            progress(one.label)
    found = replay_report(failure, replays)
    files.publish(found, to_json(file, failure, replays))
    raise typer.Exit(found.exit_code)


def _recorded(failure: Failure, file: Path) -> str:
    """Return the label of the shipped adapter that failed, from the file.

    Raise `InputError` for any other adapter: a file must not name code to import.
    """
    if not is_shipped(failure.backend):
        raise InputError(
            f"{file} failed in {failure.backend}, which is none of gateparity's own backends: "
            "say what to run with --backend"
        )
    return failure.backend
