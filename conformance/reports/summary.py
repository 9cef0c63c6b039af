"""Texts that all reports of a run share: the terminal's, Markdown's, a test's."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Final, get_args

from gateparity.conformance.judgement.verdict import ALLOWED
from gateparity.conformance.reports.undeclared import describe_place, suggest_keys
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.result import Status, replay_command
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.runs.result import Result, Run

TITLE: Final = (
    f"Largest error against the truth, in standard deviations of rounding: {ALLOWED:g} allowed"
)
RANKS: Final = ("fail", "error", "known", "pass", "skip")  # what a cell of several cases shows


def shown_dtypes(run: Run) -> list[str]:
    """Return the dtypes that have lines of their own: the suite's usual ones, if any was run."""
    found = list(dict.fromkeys(result.dtype for result in run.results))
    return [dtype for dtype in found if dtype in SUITE_DTYPES] or found


def shown_checks(run: Run) -> list[str]:
    """Return the checks that were run, in the order of their numbers; unknown ones come last."""
    found = dict.fromkeys(result.check for result in run.results)
    return [*(name for name in CHECKS if name in found), *(n for n in found if n not in CHECKS)]


def find_cells(run: Run) -> dict[tuple[str, str, str], list[Result]]:
    """Return the results for each backend, check and dtype.

    The check of float16 has a dtype of its own, and is shown in the first line.
    """
    cells: dict[tuple[str, str, str], list[Result]] = {}
    shown = shown_dtypes(run)
    for result in run.results:
        dtype = result.dtype if result.dtype in shown else shown[0]
        cells.setdefault((result.backend.label, result.check, dtype), []).append(result)
    return cells


def cell_words(cases: Sequence[Result]) -> tuple[str, Status]:
    """Return a cell's text for its cases, and the worst of their statuses."""
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
    """Format standard deviations: one decimal, or the power of ten from 1000 on."""
    if value is None or not math.isfinite(value):
        return "-" if value is None else "inf"
    return f"{value:.1f}" if value < 1000 else f"{value:.0e}"


def empty_cells(run: Run) -> list[tuple[str, Status, str, str]]:
    """Return why cells have no number: backend, status, checks and reason, each reason once.

    If a call raised, the checks are followed by its first case and the key that would declare it.
    """
    found: dict[tuple[str, Status, str], list[Result]] = {}
    for result in run.results:
        if result.status in ("skip", "error", "known"):
            found.setdefault((result.backend.label, result.status, result.reason), []).append(
                result
            )
    return [
        (label, status, describe_place(results), reason + suggest_keys(run, results))
        for (label, status, reason), results in found.items()
    ]


def describe_failure(result: Result) -> str:
    """Return one line that names the backend, check, case and dtype that differ."""
    return f"{result.backend.label} {result.check}, case {result.case}, {result.dtype} differs"


def describe_saved(result: Result) -> str:
    """Return where a failure was saved and the command that repeats it; empty if it wasn't."""
    if not result.saved:
        return ""
    file = shlex.quote(result.saved)
    return f"saved: {file} ({result.saved_sizes}); {replay_command(result.backend, file)}"


def describe_verdict(run: Run) -> str:
    """Return the verdict, and what a comparison lacks if it is incomplete."""
    if run.exit_code != 2 or len(run.ran) >= run.least:
        return run.verdict
    return f"{run.verdict} ({len(run.ran)} of the {run.least} backends that a comparison needs)"


def describe_counts(run: Run) -> str:
    """Return the run's counts, times and rate. A case is one check on one case in one backend."""
    statuses = [result.status for result in run.results]
    found = [f"{statuses.count(status)} {status}" for status in get_args(Status)]
    computed = len(statuses) - statuses.count("skip") - statuses.count("error")
    rate = computed / run.seconds if run.seconds else 0.0
    return (
        f"{', '.join(found)}; {len(run.pairs)} pairs; seed {run.seed}; {run.seconds:.1f} s, "
        f"of them {run.transport_seconds:.1f} s transport; {rate:.1f} cases/s"
    )
