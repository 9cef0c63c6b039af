"""Where a run's time went, as a table and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateparity.conformance.reports.blocks import Section, Table, line
from gateparity.conformance.runs.profile import PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.reports.blocks import Text
    from gateparity.conformance.runs.profile import Phase, Profile


def profile_section(profile: Profile) -> Section:
    """Return a row for each phase, and a column for each worker and the main thread."""
    columns = [*profile.threads.values(), profile.total]
    rows: list[list[Text]] = [[phase, *(_seconds(of[phase]) for of in columns)] for phase in PHASES]
    walls = [profile.wall] * len(profile.threads)
    rows.append(["wall", *map(_seconds, [*walls, sum(walls)])])
    head = ("seconds", *profile.threads, "all")
    words = "A column for each worker, and for gateparity's own main thread (docs/bench.md)."
    return Section(
        "Where the time went", [Table(head, rows, numbers=len(columns)), line(words)], "profile"
    )


def profile_json(profile: Profile) -> dict[str, Any]:
    """Return the seconds of each thread by phase; those of a thread add up to `wall`."""
    threads = {name: _rounded(of) for name, of in profile.threads.items()}
    return {"wall": profile.wall, "threads": threads, "all": _rounded(profile.total)}


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}"


def _rounded(of: Mapping[Phase, float]) -> dict[str, float]:
    return {phase: round(seconds, 6) for phase, seconds in of.items()}
