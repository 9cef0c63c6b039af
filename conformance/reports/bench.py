"""A benchmark as a report and as data: times, ratios beside their targets, reasons, and growth."""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.bench.judging import KINDS, judge_all, judge_timing
from gateparity.conformance.bench.sizes import DTYPE, SIZES
from gateparity.conformance.bench.targets import OPERATIONS
from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.bench.judging import Judged
    from gateparity.conformance.bench.measure import Bench, Timing
    from gateparity.conformance.bench.statistics import Spread
    from gateparity.conformance.bench.targets import Kind
    from gateparity.conformance.reports.blocks import Line, Text, Tone

SCHEMA: Final = 1
_TONES: Final[dict[str, Tone]] = {"met": "pass", "unclear": "known", "missed": "fail"}
_MARKS: Final = {"met": "", "unclear": " ?", "missed": " X"}
_TIMES: Final = ("backend", "quartiles", "ms", "layer, ms", "to the layer", "own cost")


def bench_report(bench: Bench, exit_code: int) -> Report:
    """Return the report of a benchmark whose verdict is this exit code."""
    misses = [judged for judged in judge_all(bench) if judged.verdict != "met"]
    return Report(
        "gateparity bench",
        [
            Section("Backends", [_machines(bench)], "backends"),
            *_sizes(bench),
            Section("Targets that are not met", list(_describe_misses(misses)), "targets"),
            Section("Time with gradients grows as this power: 1 is linear", [_growth(bench)]),
            Section("Every number, with its quartiles", [_numbers(bench)], folded=True, extra=True),
            Section("Manifests: what times may depend on", _manifests(bench), extra=True),
        ],
        ("measured", "targets missed", "incomplete")[exit_code],
        exit_code,
        describe_bench(bench),
        list(_errors(bench)),
    )


def describe_bench(bench: Bench) -> str:
    """Return the counts of verdicts and the conditions of the run, in one line."""
    counts = collections.Counter[str](judged.verdict for judged in judge_all(bench))
    found = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _TONES)
    cores = {machine["cores"] for machine in bench.machines.values()}
    words = f"targets: {found}; {DTYPE}; seed {bench.seed}; {bench.clock} clock"
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


def _errors(bench: Bench) -> Iterator[Line]:
    reasons: dict[str, list[str]] = {}
    for label, reason in bench.errors.items():
        reasons.setdefault(reason, []).append(label)
    for reason, labels in reasons.items():
        yield line(Cell(", ".join(labels), "error"), f" could not run: {reason}")


def _machines(bench: Bench) -> Table:
    rows: list[list[Text]] = [
        [label, version, str(bench.machines[label]["threads"])]
        for label, version in bench.versions.items()
    ]
    return Table(("backend", "version", "threads"), rows, numbers=1)


# Times and ratios


def _sizes(bench: Bench) -> Iterator[Section]:
    """Yield a section for each size, with a table for each operation."""
    for size in dict.fromkeys(timing.size for timing in bench.timings):
        alike = [timing for timing in bench.timings if timing.size == size]
        tables = [_times(operation, alike) for operation in OPERATIONS]
        yield Section(f"{size}: {SIZES[size].words}", [*tables, *_legend(alike)], f"size-{size}")


def _times(operation: str, timings: list[Timing]) -> Table:
    rows: list[list[Text]] = [
        [
            *(timing.label, _quartiles(timing.seconds), _milliseconds(timing.seconds)),
            _milliseconds(timing.direct),
            *(_ratio(timing, kind) for kind in KINDS),
        ]
        for timing in timings
        if timing.operation == operation
    ]
    return Table(_TIMES, rows, operation, numbers=5)


def _legend(timings: list[Timing]) -> Iterator[Line]:
    verdicts = {judged.verdict for timing in timings for judged in judge_timing(timing)}
    if verdicts - {"met"}:
        yield line("X: misses its target. ?: unclear, a quarter of the rounds meets it.")


def _quartiles(found: Spread) -> str:
    return f"{1000 * found.low:.1f} to {1000 * found.high:.1f}"


def _milliseconds(found: Spread | None) -> str:
    return f"{1000 * found.median:.1f}" if found else "-"


def _ratio(timing: Timing, kind: Kind) -> Text:
    found: Spread | None = getattr(timing, kind)
    if found is None:
        return "-"
    words = f"{found.median:.2f}"
    verdicts = [judged.verdict for judged in judge_timing(timing) if judged.kind == kind]
    return Cell(words + _MARKS[verdicts[0]], _TONES[verdicts[0]]) if verdicts else words


# Targets, growth, and what only a page shows


def _describe_misses(misses: list[Judged]) -> Iterator[Line]:
    """Yield a line for each backend, target and reason, with all its operations and sizes."""
    found: dict[tuple[str, ...], list[Judged]] = {}
    for judged in misses:
        key = (judged.verdict, judged.timing.label, f"{judged.target:.2f}", judged.reason)
        found.setdefault((*key, judged.kind), []).append(judged)
    for (verdict, label, target, reason, _), alike in found.items():
        places = ", ".join(
            f"{judged.ratio.median:.2f} at {judged.timing.size} {judged.timing.operation}"
            for judged in alike
        )
        words = f": {label}, {KINDS[alike[0].kind]}, {target} allowed: {places}: {reason}"
        yield line(Cell(verdict, _TONES[verdict]), words, item=True)


def _growth(bench: Bench) -> Table:
    letters = list(bench.growths[0].exponents) if bench.growths else []
    rows = [
        [growth.label, *(f"{k:.2f}" for k in growth.exponents.values())] for growth in bench.growths
    ]
    return Table(("backend", *letters), rows, numbers=len(letters))


def _numbers(bench: Bench) -> Table:
    rows: list[list[Text]] = []
    for timing in bench.timings:
        targets = {j.kind: f"{j.verdict} {j.target:.2f}" for j in judge_timing(timing)}
        ratios = (_spread(getattr(timing, kind), 1, 2) for kind in KINDS)
        times = (_spread(found, 1000, 1) for found in (timing.seconds, timing.direct))
        cells = [timing.label, timing.size, timing.operation, str(timing.rounds), *times]
        for kind, ratio in zip(KINDS, ratios, strict=True):
            cells.append(f"{ratio} {targets.get(kind, '')}".strip())
        rows.append([*cells])
    head = ("backend", "size", "operation", "rounds", "ms", "layer, ms", *KINDS.values())
    return Table(head, rows, keys=3, numbers=5)


def _spread(found: Spread | None, factor: float, digits: int) -> str:
    if found is None:
        return "-"
    median, low, high = (f"{x * factor:.{digits}f}" for x in dataclasses.astuple(found))
    return f"{median} ({low} to {high})"


def _manifests(bench: Bench) -> list[Section]:
    sections = []
    for label, machine in bench.machines.items():
        facts = {**machine, **machine.get("manifest", {})}
        rows: list[list[Text]] = [[n, str(v)] for n, v in facts.items() if n != "manifest"]
        sections.append(Section(label, [Table(("line", "value"), rows)], folded=True))
    return sections
