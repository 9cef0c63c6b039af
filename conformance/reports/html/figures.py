"""A page of figures: sections, each with charts and a table."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.conformance.reports.html.page import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.reports.html.chart import Chart


@dataclasses.dataclass(frozen=True)
class Table:
    """A title, a head, and rows with as many cells; the last `numbers` columns are numeric."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int = 0


_TONES: Final = ("agrees", "differs", "incomplete")  # by exit code


@dataclasses.dataclass(frozen=True)
class Section:
    """Charts and a table under one title. A section without either isn't shown."""

    table: Table
    charts: Sequence[Chart | None] = ()


def figures_page(
    name: str,
    verdict: str,
    exit_code: int,
    counts: str,
    sections: Sequence[Section],
    notes: Sequence[str] = (),
) -> str:
    """Return the HTML page; `exit_code` colours the verdict."""
    shown = [
        dataclasses.replace(section, charts=[chart for chart in section.charts if chart])
        for section in sections
    ]
    return render(
        "figures.html",
        title=f"{name}: {verdict}",
        name=name,
        verdict=verdict,
        tone=_TONES[exit_code],
        counts=counts,
        sections=shown,
        notes=notes,
    )
