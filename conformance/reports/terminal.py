"""A run as terminal tables."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateparity.conformance.reports.console import print_line, print_table
from gateparity.conformance.reports.summary import (
    TITLE,
    cell_words,
    describe_counts,
    describe_failure,
    describe_saved,
    describe_verdict,
    empty_cells,
    find_cells,
    number_words,
    shown_checks,
    shown_dtypes,
)
from gateparity.conformance.runs.pairs import describe_change
from gateparity.conformance.runs.result import repeat_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gateparity.conformance.judgement.divergence import Divergence
    from gateparity.conformance.runs.result import Pair, Result, Run, Status

_STYLES = {
    "pass": "green",
    "known": "yellow",
    "fail": "bold red",
    "skip": "dim",
    "error": "bold yellow",
}
_MOST_STEPS = 12  # in one table


def print_run(run: Run, console: Console, source: str = "") -> None:
    """Print all of the run, with the verdict last."""
    print_results(run, console, source)
    print_verdict(run, console)


def print_verdict(run: Run, console: Console) -> None:
    """Print one line with the verdict and the run's counts."""
    print_line(_summary(run), console)


def print_results(run: Run, console: Console, source: str = "") -> None:
    """Print the table of checks, failures with how to repeat them, and the table of pairs."""
    print_table(console, _check_table(run))
    for label, status, checks, reason in empty_cells(run):
        mark = f"[{_STYLES[status]}]{escape(label)} {status}[/]"
        print_line(f"{mark}: {checks}: {escape(reason)}", console)
    for label, said in run.arithmetics.items():
        words = ", ".join(f"{name} {value:g}" for name, value in said.items())
        print_line(f"[dim]{escape(label)} declares[/]: {words} (docs/rounding.md)", console)
    for backend in run.backends:
        failures = [r for r in run.results if r.backend == backend and r.status == "fail"]
        for k, result in enumerate(failures):
            _print_failure(result, run.seed, source, console, growth=not k)
        if backend.label in run.explanations:
            words = f"{escape(backend.label)}: {escape(run.explanations[backend.label])}"
            more = " ".join(filter(None, ["-b", shlex.quote(backend.spec), source]))
            print_line(f"[bold red]{words}[/] (gateparity diagnose {escape(more)})", console)
    if len(run.backends) > 1:
        print_table(console, _pair_table(run))
    for pair in run.pairs:
        if pair.status == "fail":
            names = escape(f"{pair.a} and {pair.b}")
            line = f"[bold red]{names} differ[/], {pair.dtype}: {escape(pair.reason)}"
            print_line(line, console)
    for change in run.changes:
        print_line(escape(describe_change(change)), console)


def _check_table(run: Run) -> Table:
    checks = shown_checks(run)
    dtypes = shown_dtypes(run)
    found = find_cells(run)
    table = Table(title=TITLE)
    for name in ("backend", "version", "dtype"):
        table.add_column(name, no_wrap=True)
    for check in checks:
        table.add_column(check, no_wrap=True, justify="right")
    for backend in run.backends:
        columns = [
            [cell_words(found.get((backend.label, check, dtype), ())) for dtype in dtypes]
            for check in checks
        ]
        version = run.versions.get(backend.label, "")
        table.add_row(
            escape(backend.label), escape(version), "\n".join(dtypes), *map(_cell, columns)
        )
    return table


def _cell(cells: Sequence[tuple[str, Status]]) -> Text:
    """Return the cell's text, with a line for each dtype."""
    return Text("\n").join(Text(words, _STYLES[status]) for words, status in cells)


def _pair_table(run: Run) -> Table:
    labels = [backend.label for backend in run.backends]
    pairs = {(frozenset((p.a, p.b)), p.dtype): p for p in run.pairs}
    table = Table(title="Every pair: float32 above the diagonal, float64 below")
    table.add_column("backend", no_wrap=True)
    for k in range(len(labels)):
        table.add_column(str(k + 1), no_wrap=True, justify="right")
    for j, label in enumerate(labels):
        cells = [
            _pair_cell(pairs.get((frozenset((label, other)), _DTYPE_AT[j < k])), same=j == k)
            for k, other in enumerate(labels)
        ]
        table.add_row(f"{j + 1} {escape(label)}", *cells)
    return table


_DTYPE_AT = {True: "float32", False: "float64"}  # above the diagonal or not


def _pair_cell(pair: Pair | None, *, same: bool) -> Text:
    if same or pair is None:
        return Text("\\" if same else "-", "dim")
    mark = " X" if pair.status == "fail" else ""
    return Text(number_words(pair.sigmas) + mark, _STYLES[pair.status])


def _print_failure(
    result: Result, seed: int, source: str, console: Console, *, growth: bool
) -> None:
    what = escape(describe_failure(result))
    print_line(f"[bold red]{what}[/]: {escape(result.reason)}", console)
    if growth and result.begins and len(result.begins.growth) > 1:
        print_table(console, _growth_table(result.begins))
    print_line(f"  repeat: {escape(repeat_command(result, seed, source))}", console)
    if saved := describe_saved(result):
        print_line(f"  {escape(saved)}", console)


def _growth_table(begins: Divergence) -> Table:
    """Return a table of the largest error at each step, or where it doubles if steps are many."""
    growth = begins.growth
    shown = growth if len(growth) <= _MOST_STEPS else _doublings(growth)
    table = Table(title=f"Largest error of {begins.array} over time, in sigma")
    for step, _ in shown:
        table.add_column(f"step {step}", no_wrap=True, justify="right")
    table.add_row(*(number_words(sigmas) for _, sigmas in shown))
    return table


def _doublings(growth: tuple[tuple[int, float], ...]) -> list[tuple[int, float]]:
    kept = [growth[0]]
    for step, sigmas in growth[1:-1]:
        if len(kept) < _MOST_STEPS - 1 and sigmas > 2 * kept[-1][1]:
            kept.append((step, sigmas))
    return [*kept, growth[-1]]


def _summary(run: Run) -> str:
    style = {"agrees": "bold green", "differs": "bold red"}.get(run.verdict, "bold yellow")
    missing = describe_verdict(run).removeprefix(run.verdict)
    return f"[{style}]{run.verdict}[/]{missing}: {describe_counts(run)}"
