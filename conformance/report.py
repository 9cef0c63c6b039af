"""A run as tables for a person and as JSON for a program."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateparity.conformance.console import print_table
from gateparity.conformance.files import write_text
from gateparity.conformance.result import repeat_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from gateparity.backends.spec import Backend
    from gateparity.conformance.result import Pair, Result, Run

_STYLES = {"pass": "green", "fail": "bold red", "skip": "dim", "error": "bold yellow"}
_TITLE = "Largest error against the truth, relative to the largest true value"
_BUDGETS = "; s: in standard deviations of what rounding alone should cause"
_RANKS = ("fail", "error", "pass", "skip")  # what a cell of several cases shows


def print_run(run: Run, console: Console, source: str = "") -> None:
    """The table of rows and checks, what went wrong and how to repeat it, and all pairs."""
    print_table(console, _check_table(run))
    for line in _notes(run):
        _print_line(line, console)
    for result in run.results:
        if result.status == "fail":
            _print_failure(result, run.seed, source, console)
    if len(run.rows) > 1:
        print_table(console, _pair_table(run))
    for pair in run.pairs:
        if pair.status == "fail":
            names = escape(f"{pair.a} and {pair.b}")
            line = f"[bold red]{names} differ[/], {pair.dtype}: {escape(pair.reason)}"
            _print_line(line, console)
    _print_line(_summary(run), console)


def write_json(run: Run, path: Path) -> None:
    """The run as JSON, written aside and renamed."""
    write_text(path, json.dumps(to_json(run), indent=2, allow_nan=False) + "\n")


def to_json(run: Run) -> dict[str, Any]:
    """The run as plain data. An error that isn't finite is null, and its reason tells."""
    return {
        "schema": 1,
        "verdict": run.verdict,
        "seed": run.seed,
        "versions": run.versions,
        "seconds": round(run.seconds, 3),
        "transport_seconds": round(run.transport_seconds, 3),
        "results": [
            {
                "backend": result.row.name,
                "variant": result.row.variant,
                "check": result.check,
                "case": result.case,
                "dtype": result.dtype,
                "status": result.status,
                "max_error": _finite(result.max_error),
                "reason": result.reason,
                **({} if result.sigmas is None else {"sigmas": _finite(result.sigmas)}),
            }
            for result in run.results
        ],
        "pairs": [{**vars(pair), "max_error": _finite(pair.max_error)} for pair in run.pairs],
    }


def _check_table(run: Run) -> Table:
    checks = list(dict.fromkeys(result.check for result in run.results))
    dtypes = list(dict.fromkeys(result.dtype for result in run.results))
    budgets = any(result.sigmas is not None for result in run.results)
    table = Table(title=_TITLE + (_BUDGETS if budgets else ""))
    for name in ("backend", "version", "dtype"):
        table.add_column(name, no_wrap=True)
    for check in checks:
        table.add_column(check, no_wrap=True, justify="right")
    for row in run.rows:
        found = [result for result in run.results if result.row == row]
        cells = [_cell(found, check, dtypes) for check in checks]
        version = run.versions.get(row.label, "")
        table.add_row(escape(row.label), escape(version), "\n".join(dtypes), *cells)
    return table


def _cell(found: Sequence[Result], check: str, dtypes: Iterable[str]) -> Text:
    """A line for each dtype: the worst of the cases."""
    lines = []
    for dtype in dtypes:
        cases = [r for r in found if (r.check, r.dtype) == (check, dtype)]
        if not cases:
            lines.append(Text("-"))
            continue
        status = min((r.status for r in cases), key=_RANKS.index)
        errors = [r.max_error for r in cases if r.max_error is not None]
        mark = " X" if status == "fail" else ""  # seen without colours too
        sigmas = [r.sigmas for r in cases if r.sigmas is not None]
        budget = f" {max(sigmas):5.1f}s" if sigmas else ""
        number = _number(max(errors, default=None)) + budget + mark
        words = status if status in ("skip", "error") else number
        lines.append(Text(words, _STYLES[status]))
    return Text("\n").join(lines)


def _pair_table(run: Run) -> Table:
    labels = [row.label for row in run.rows]
    pairs = {(p.a, p.b, p.dtype): p for p in run.pairs}
    table = Table(title="Every pair: float32 above the diagonal, float64 below")
    table.add_column("backend", no_wrap=True)
    for k in range(len(labels)):
        table.add_column(str(k + 1), no_wrap=True, justify="right")
    for j, label in enumerate(labels):
        cells = [
            _pair_cell(
                pairs.get((labels[min(j, k)], labels[max(j, k)], _DTYPE_AT[j < k])), same=j == k
            )
            for k in range(len(labels))
        ]
        table.add_row(f"{j + 1} {escape(label)}", *cells)
    return table


_DTYPE_AT = {True: "float32", False: "float64"}  # above the diagonal or not


def _pair_cell(pair: Pair | None, *, same: bool) -> Text:
    if same or pair is None:
        return Text("\\" if same else "-", "dim")
    mark = " X" if pair.status == "fail" else ""
    return Text(_number(pair.max_error) + mark, _STYLES[pair.status])


def _notes(run: Run) -> Iterable[str]:
    """Why cells are empty: each reason once a row."""
    notes: dict[tuple[Backend, str, str], list[str]] = {}
    for result in run.results:
        if result.status in ("skip", "error"):
            checks = notes.setdefault((result.row, result.status, result.reason), [])
            if result.check not in checks:
                checks.append(result.check)
    for (row, status, reason), checks in notes.items():
        style = _STYLES[status]
        yield f"[{style}]{escape(row.label)} {status}[/]: {', '.join(checks)}: {escape(reason)}"


def _print_failure(result: Result, seed: int, source: str, console: Console) -> None:
    where = f"{result.row.label} {result.check}, case {result.case}, {result.dtype}"
    _print_line(f"[bold red]{escape(where)} differs[/]: {escape(result.reason)}", console)
    _print_line(f"  repeat: {escape(repeat_command(result, seed, source))}", console)


def _print_line(line: str, console: Console) -> None:
    """One line, so that a command in it can be copied; what is too narrow for it wraps it."""
    console.print(line, highlight=False, soft_wrap=True)


def _summary(run: Run) -> str:
    counts = [f"{sum(r.status == s for r in run.results)} {s}" for s in _STYLES]
    words = {"agrees": "[bold green]agrees[/]", "differs": "[bold red]differs[/]"}
    verdict = words.get(run.verdict, f"[bold yellow]{run.verdict}[/]")
    if run.exit_code == 2 and len(run.ran) < 2:
        verdict += f" ({len(run.ran)} of the 2 backends that a comparison needs)"
    return (
        f"{verdict}: {', '.join(counts)}; {len(run.pairs)} pairs; seed {run.seed}; "
        f"{run.seconds:.1f} s, of them {run.transport_seconds:.1f} s transport"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}" if math.isfinite(value) else "not finite"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
