"""The measurements as a table and as JSON."""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape
from rich.table import Table

from gateparity.conformance.bench.judging import KINDS, judge_all, judge_timing
from gateparity.conformance.bench.sizes import DTYPE, SIZES
from gateparity.conformance.reports.console import print_line, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from gateparity.conformance.bench.judging import Judged
    from gateparity.conformance.bench.measure import Bench, Growth, Timing
    from gateparity.conformance.bench.statistics import Spread
    from gateparity.conformance.bench.targets import Kind


SCHEMA: Final = 1
_STYLES: Final = {"met": "green", "unclear": "yellow", "missed": "bold red"}


def print_bench(bench: Bench, console: Console) -> None:
    """Print times and ratios, missed targets with reasons, growth, errors, and the counts."""
    if bench.timings:
        print_table(console, _time_table(bench))
    for judged in judge_all(bench):
        if judged.reason:
            print_line(_miss_words(judged), console)
    if bench.growths:
        print_table(console, _growth_table(bench.growths))
    for label, reason in bench.errors.items():
        print_line(f"[bold yellow]{escape(label)} error[/]: {escape(reason)}", console)
    print_line(describe_bench(bench), console)


def describe_bench(bench: Bench) -> str:
    """Return the counts of verdicts and the conditions of the run, in one line."""
    counts = collections.Counter[str](judged.verdict for judged in judge_all(bench))
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _STYLES)
    cores = {machine["cores"] for machine in bench.machines.values()}
    words = f"targets: {told}; {DTYPE}; seed {bench.seed}; {bench.clock} clock"
    return f"{words}; {max(cores, default=0)} cores" if cores else words


def bench_json(bench: Bench) -> dict[str, Any]:
    """Return the measurements as plain data, in seconds; `low` and `high` are quartiles."""
    return {
        "schema": SCHEMA,
        "seed": bench.seed,
        "dtype": DTYPE,
        "clock": bench.clock,
        "seconds": bench.seconds,
        "sizes": {name: dataclasses.asdict(size) for name, size in SIZES.items()},
        "rows": {
            label: {"version": version, **bench.machines[label]}
            for label, version in bench.versions.items()
        },
        "timings": [_timing_json(timing) for timing in bench.timings],
        "growth": {growth.label: dict(growth.exponents) for growth in bench.growths},
        "errors": bench.errors,
    }


def _timing_json(timing: Timing) -> dict[str, Any]:
    judged = {
        each.kind: {"target": each.target, "verdict": each.verdict, "reason": each.reason}
        for each in judge_timing(timing)
    }
    return {**dataclasses.asdict(timing), "targets": judged}


def _time_table(bench: Bench) -> Table:
    sizes = dict.fromkeys(timing.size for timing in bench.timings)
    table = Table(
        title="Median, and the quartiles; " + "; ".join(f"{n}: {SIZES[n].words}" for n in sizes)
    )
    for name in ("backend", "version", "threads", "size", "operation"):
        table.add_column(name)
    for name in ("ms", "layer, ms", *KINDS.values()):
        table.add_column(name, justify="right")
    last = ""
    for timing in bench.timings:
        label = timing.label if timing.label != last else ""
        last = timing.label
        table.add_row(
            escape(label),
            escape(bench.versions[timing.label]) if label else "",
            str(bench.machines[timing.label]["threads"]) if label else "",
            timing.size,
            timing.operation,
            _spread_words(timing.seconds, 1000, 1),
            _spread_words(timing.direct, 1000, 1),
            *(_ratio_words(timing, kind) for kind in KINDS),
        )
    return table


def _ratio_words(timing: Timing, kind: Kind) -> str:
    found: Spread | None = getattr(timing, kind)
    words = _spread_words(found, 1, 2)
    for judged in judge_timing(timing):
        if judged.kind == kind:
            style = _STYLES[judged.verdict]
            return f"{words} [{style}]{judged.verdict} {judged.target:.2f}[/]"
    return words


def _spread_words(found: Spread | None, factor: float, digits: int) -> str:
    if found is None:
        return "-"
    median, low, high = (f"{x * factor:.{digits}f}" for x in dataclasses.astuple(found))
    return f"{median} ({low} to {high})"


def _growth_table(growths: list[Growth]) -> Table:
    table = Table(title="Time with gradients grows as a power of T, B and H: 1 is linear")
    table.add_column("backend")
    for letter in growths[0].exponents:
        table.add_column(letter, justify="right")
    for growth in growths:
        table.add_row(escape(growth.label), *(f"{k:.2f}" for k in growth.exponents.values()))
    return table


def _miss_words(judged: Judged) -> str:
    timing, style = judged.timing, _STYLES[judged.verdict]
    where = f"{escape(timing.label)} {timing.size} {timing.operation}, {KINDS[judged.kind]}"
    found = f"{judged.ratio.median:.2f}, {judged.target:.2f} meant"
    return f"[{style}]{where} {judged.verdict}[/]: {found}: {escape(judged.reason)}"
