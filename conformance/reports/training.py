"""The results of a training run: each backend's sentence, how far its weights are from the first
backend's, and whether all sentences are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape

from gateparity.conformance.reports.console import print_line
from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.storage.tensors import UNSEALED
from gateparity.errors import printable

if TYPE_CHECKING:
    from rich.console import Console

    from gateparity.conformance.training.run import Outcome, Report


WHY_NATIVE = (
    "two biases that are both trained get the same gradient, so their sum steps twice as far as "
    "one bias would, and the norm that clips counts it twice"
)


def print_report(report: Report, console: Console) -> None:
    """Print a line for each backend with perplexity, distance and sentence; then the verdict."""
    wide = max((len(o.row.label) for o in report.outcomes), default=0)
    console.print(f"{'backend':{wide}}  dtype    perplexity  distance  s      sentence")
    for outcome in report.outcomes:
        print_line(f"{escape(outcome.row.label):{wide}}  {_words(report, outcome)}", console)
    for line in _verdict(report):
        print_line(line, console)


def report_json(report: Report) -> dict[str, Any]:
    """Return the report as plain data; a number that isn't finite is null."""
    task = report.task
    return {
        "schema": 1,
        "seed": task.seed,
        "text": {"where": task.text.where, "symbols": len(task.text.symbols)},
        "sizes": vars(task.sizes),
        "recipe": vars(task.recipe),
        "verdict": ("one sentence", "different sentences", "incomplete")[report.exit_code],
        "sentences": report.sentences,
        "seconds": report.seconds,
        "rows": [_row_json(report, outcome) for outcome in report.outcomes],
    }


def _row_json(report: Report, outcome: Outcome) -> dict[str, Any]:
    history = outcome.history
    steps = np.concatenate(history.losses).tolist() if history and history.epochs else []
    norms = np.concatenate(history.norms).tolist() if history and history.epochs else []
    return {
        "backend": outcome.row.label,
        "version": outcome.version,
        "dtype": outcome.row.dtype,
        "sentence": outcome.sentence or None,
        "lead": finite(outcome.margin),
        "error": outcome.error or None,
        "skip": outcome.skip or None,
        "diverged": outcome.diverged,
        "seconds": outcome.seconds,
        "compiled": history.compiled if history else 0,
        "perplexities": [finite(p) for p in (history.perplexities if history else [])],
        "distances": [finite(d) for d in report.distances(outcome)],
        "losses": [finite(loss) for loss in steps],
        "norms": [finite(norm) for norm in norms],
    }


def _words(report: Report, outcome: Outcome) -> str:
    dtype = f"{outcome.row.dtype}  "
    history = outcome.history
    if outcome.skip:
        return f"{dtype}skip: {escape(printable(outcome.skip))}"
    if history is None or not history.epochs:
        return f"{dtype}[bold red]{escape(printable(outcome.error))}[/]"
    distance = report.distances(outcome)[-1]
    said = escape(outcome.sentence) or f"[bold red]{escape(_why(outcome))}[/]"
    return (
        f"{dtype}{history.perplexities[-1]:10.6f}  {distance:8.1e}  {outcome.seconds:5.0f}  {said}"
    )


def _why(outcome: Outcome) -> str:
    if outcome.diverged:
        return f"diverged at step {outcome.diverged}"
    return printable(outcome.error)


def _verdict(report: Report) -> list[str]:
    lines = [
        f"{escape(f'{o.row.label} {o.row.dtype}')} went on from a file that {UNSEALED}"
        for o in report.outcomes
        if o.history and not o.history.sealed
    ]
    diverged = [o for o in report.outcomes if o.diverged]
    if diverged:
        first = min(diverged, key=lambda o: o.diverged or 0)
        rate = report.task.recipe.rate
        lines.append(
            f"a rate of {rate:g} diverges: in {escape(first.row.label)} {first.row.dtype} first, "
            f"at step {first.diverged}"
        )
    if report.task.recipe.gauge == "native":
        lines.append(f"gauge native: {WHY_NATIVE}")
    margins = [o.margin for o in report.outcomes if o.sentence]
    margin = f"; the nearest choice of a character was won by {min(margins):.1e}" if margins else ""
    count = len(report.sentences)
    said = {0: "no sentence", 1: "one sentence"}.get(count, f"{count} different sentences")
    rows = sum(bool(o.sentence) for o in report.outcomes)
    lines.append(f"{said} from {rows} rows{margin}; {report.seconds:.0f} s")
    return lines
