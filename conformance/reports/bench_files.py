"""The times of `inspect` and `diff` on large files, as a report and as data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateparity.conformance.bench.files import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Report, Table, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.bench.files import FileTiming
    from gateparity.conformance.reports.blocks import Text


def files_report(timings: Sequence[FileTiming], exit_code: int) -> Report:
    """Return the table of formats, with the times that are longer than allowed marked."""
    rows: list[list[Text]] = [
        [
            timing.verb,
            timing.format,
            f"{timing.bytes / 2**20:.0f}",
            Cell(f"{timing.seconds:.2f}", "fail" if timing.is_slow else "pass"),
        ]
        for timing in timings
    ]
    allowed = ", ".join(f"{seconds:g} for {verb}" for verb, seconds in ALLOWED.items())
    return Report(
        "gateparity bench --files",
        [
            Table(("command", "format", "MiB", "seconds"), rows, keys=2, numbers=2),
            line(f"Seconds that are allowed, the start of a command included: {allowed}"),
        ],
        ("measured", "targets missed")[exit_code],
        exit_code,
    )


def files_json(timings: Sequence[FileTiming]) -> dict[str, Any]:
    """Return the same as plain data, in seconds and bytes."""
    files = [dataclasses.asdict(timing) for timing in timings]
    return {"schema": 1, "allowed": ALLOWED, "files": files}
