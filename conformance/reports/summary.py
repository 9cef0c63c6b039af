"""What every account of a run says alike, in plain words: the terminal's, Markdown's, a test's."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Final, get_args

from gateparity.conformance.cases import DTYPES
from gateparity.conformance.reports.undeclared import describe_place, suggest_keys
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.result import Status, replay_command
from gateparity.conformance.verdict import ALLOWED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.result import Result, Run

TITLE: Final = (
    f"Largest error against the truth, in standard deviations of rounding: {ALLOWED:g} allowed"
)
RANKS: Final = ("fail", "error", "known", "pass", "skip")  # what a cell of several cases shows


def shown_dtypes(run: Run) -> list[str]:
    """Those that have lines of their own: the suite's usual ones, if any was run."""
    found = list(dict.fromkeys(result.dtype for result in run.results))
    return [dtype for dtype in found if dtype in DTYPES] or found


def shown_checks(run: Run) -> list[str]:
    """Those that were run, in the order of their numbers; a foreign one last."""
    found = dict.fromkeys(result.check for result in run.results)
    return [*(name for name in CHECKS if name in found), *(n for n in found if n not in CHECKS)]


def find_cells(run: Run) -> dict[tuple[str, str, str], list[Result]]:
    """The cases of every row, check and dtype. One check has a dtype of its own, float16: it stands
    in the first line.
    """
    cells: dict[tuple[str, str, str], list[Result]] = {}
    shown = shown_dtypes(run)
    for result in run.results:
        dtype = result.dtype if result.dtype in shown else shown[0]
        cells.setdefault((result.row.label, result.check, dtype), []).append(result)
    return cells


def cell_words(cases: Sequence[Result]) -> tuple[str, Status]:
    """What a cell says of its cases, and how it ended: the worst of them."""
    if not cases:
        return "-", "skip"
    status = min((case.status for case in cases), key=RANKS.index)
    if status in ("skip", "error"):
        return status, status
    mark = {"fail": " X", "known": " ~"}.get(status, "")  # seen without colours too
    judged = [case for case in cases if case.status in ("pass", "fail")]
    sigmas = [max(case.sigmas, case.shift or 0) for case in judged if case.sigmas is not None]
    return number_words(max(sigmas, default=None)) + mark, status


def number_words(value: float | None) -> str:
    """Standard deviations: one decimal, or the power of ten where that is enough."""
    if value is None or not math.isfinite(value):
        return "-" if value is None else "inf"
    return f"{value:.1f}" if value < 1000 else f"{value:.0e}"


def empty_cells(run: Run) -> list[tuple[str, Status, str, str]]:
    """Why cells have no number: row, status, checks and reason, each reason once a row.

    What a call raised has its first case beside the checks, and the key that would declare it.
    """
    found: dict[tuple[str, Status, str], list[Result]] = {}
    for result in run.results:
        if result.status in ("skip", "error", "known"):
            found.setdefault((result.row.label, result.status, result.reason), []).append(result)
    return [
        (label, status, describe_place(results), reason + suggest_keys(run, results))
        for (label, status, reason), results in found.items()
    ]


def describe_failure(result: Result) -> str:
    """What differs."""
    return f"{result.row.label} {result.check}, case {result.case}, {result.dtype} differs"


def describe_saved(result: Result) -> str:
    """Where a failure was saved, and the command that repeats it from there; empty if it wasn't."""
    if not result.saved:
        return ""
    file = shlex.quote(result.saved)
    return f"saved: {file} ({result.saved_sizes}); {replay_command(result.row, file)}"


def describe_verdict(run: Run) -> str:
    """The verdict, with what is missing of a comparison."""
    if run.exit_code != 2 or len(run.ran) >= run.least:
        return run.verdict
    return f"{run.verdict} ({len(run.ran)} of the {run.least} backends that a comparison needs)"


def describe_counts(run: Run) -> str:
    """What the run came to in numbers. A case is one check on one case in one row, computed."""
    statuses = [result.status for result in run.results]
    found = [f"{statuses.count(status)} {status}" for status in get_args(Status)]
    computed = len(statuses) - statuses.count("skip") - statuses.count("error")
    rate = computed / run.seconds if run.seconds else 0.0
    return (
        f"{', '.join(found)}; {len(run.pairs)} pairs; seed {run.seed}; {run.seconds:.1f} s, "
        f"of them {run.transport_seconds:.1f} s transport; {rate:.1f} cases/s"
    )
