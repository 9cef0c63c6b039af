"""The page of `gateparity bench`: times and ratios beside their targets, reasons, and growth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.reports.bench import bench_json, describe_bench
from gateparity.conformance.reports.html.figures import Section, Table, figures_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.conformance.bench.measure import Bench

_KINDS: Final = {"framework": "to the framework's layer", "own": "own cost"}
_TIMES: Final = ("backend", "size", "operation", "ms", "layer, ms", *_KINDS.values())
_TARGETS: Final = ("backend", "size", "operation", "ratio", "verdict", "reason", "found", "target")


def bench_page(bench: Bench) -> str:
    """Return the HTML page of a benchmark."""
    found = bench_json(bench)
    targets = [row for timing in found["timings"] for row in _targets(timing)]
    missed = sum(row[4] == "missed" for row in targets)
    verdict = "incomplete" if bench.errors else f"{missed} missed" if missed else "measured"
    letters = list(dict.fromkeys(letter for row in found["growth"].values() for letter in row))
    growth = [
        [label, *(f"{powers[letter]:.2f}" for letter in letters)]
        for label, powers in found["growth"].items()
    ]
    sections = [
        Section(Table("What could not run", ("backend", "reason"), list(bench.errors.items()))),
        Section(Table("Median, and the quartiles", _TIMES, _times(found), numbers=4)),
        Section(Table("Targets", _TARGETS, targets, numbers=2)),
        Section(
            Table(
                "Time with gradients grows as a power of T, B and H: 1 is linear",
                ("backend", *letters),
                growth,
                numbers=len(letters),
            )
        ),
        Section(Table("Where it ran", ("backend", "line", "value"), list(_machines(found)))),
    ]
    code = 2 if bench.errors else int(bool(missed))
    return figures_page("gateparity bench", verdict, code, describe_bench(bench), sections)


def _times(found: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            *(timing["label"], timing["size"], timing["operation"]),
            *(_spread(timing[name], 1000, 1) for name in ("seconds", "direct")),
            *(_spread(timing[kind], 1, 2) for kind in _KINDS),
        ]
        for timing in found["timings"]
    ]


def _targets(timing: Mapping[str, Any]) -> Iterator[list[str]]:
    for kind, judged in timing["targets"].items():
        yield [
            *(timing["label"], timing["size"], timing["operation"], _KINDS[kind]),
            *(judged["verdict"], judged["reason"]),
            *(f"{timing[kind]['median']:.2f}", f"{judged['target']:.2f}"),
        ]


def _machines(found: Mapping[str, Any]) -> Iterator[list[str]]:
    for label, told in found["rows"].items():
        manifest = told.get("manifest", {})
        for line, value in {**told, **manifest}.items():
            if line != "manifest":
                yield [label, line, str(value)]


def _spread(found: Mapping[str, float] | None, factor: float, digits: int) -> str:
    if found is None:
        return "-"
    median, low, high = (f"{found[n] * factor:.{digits}f}" for n in ("median", "low", "high"))
    return f"{median} ({low} to {high})"
