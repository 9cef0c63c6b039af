"""The page of a run, as plain data for `templates/run.html`.

A failing cell of the matrix links to its own section. The section starts with where the difference
begins and what the backend behaves like.
"""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING, Any, Final, get_args

from gateparity.conformance.judgement.verdict import ALLOWED
from gateparity.conformance.reports.html.blocks import draw_layouts
from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.html.heatmap import draw_heatmaps
from gateparity.conformance.reports.html.page import render
from gateparity.conformance.reports.summary import (
    RANKS,
    TITLE,
    cell_words,
    describe_counts,
    describe_saved,
    describe_verdict,
    empty_cells,
    find_cells,
    number_words,
    shown_checks,
    shown_dtypes,
)
from gateparity.conformance.runs.pairs import describe_change
from gateparity.conformance.runs.result import Status, check_command, repeat_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.reports.html.chart import Chart
    from gateparity.conformance.reports.html.figures import Table
    from gateparity.conformance.reports.html.heatmap import Heatmap
    from gateparity.conformance.runs.plan import Source
    from gateparity.conformance.runs.result import Pair, Result, Run

_PICTURED: Final = 80  # results with pictures: the page stays small, whatever fails


@dataclasses.dataclass(frozen=True)
class MatrixCell:
    """A cell of the matrix: its text, its status, and the share of the budget that it used.

    `share` runs from 0 (none of it) to 4 (nearly all). `link` is the section with its cases.
    """

    words: str
    status: Status
    share: int
    check: str
    link: str


@dataclasses.dataclass(frozen=True)
class FailureSection:
    """A case that differs: where the difference begins, how to repeat it, and its pictures."""

    case: str
    dtype: str
    reason: str
    begins: str
    command: str
    saved: str
    heatmaps: Sequence[Heatmap]
    growth: Chart | None


@dataclasses.dataclass(frozen=True)
class CellSection:
    """A cell of the matrix with all of its cases."""

    id: str
    backend: str
    check: str
    dtype: str
    words: str
    status: Status
    share: int
    command: str
    cases: str
    failures: Sequence[FailureSection]


def run_page(
    run: Run, source: Source, more: Sequence[Table] = (), notes: Sequence[str] = ()
) -> str:
    """Return the HTML page of a run, with a verb's own tables (`more`) and sentences (`notes`)."""
    places = _places(run, source.options)
    statuses = [result.status for result in run.results]
    return render(
        "run.html",
        title=f"gateparity: {run.verdict}",
        run=run,
        source=source,
        verdict=describe_verdict(run),
        counts=describe_counts(run),
        tally=[(status, statuses.count(status)) for status in get_args(Status)],
        heading=TITLE,
        allowed=ALLOWED,
        checks=shown_checks(run),
        dtypes=shown_dtypes(run),
        rows=[_row(run, backend.label, places) for backend in run.backends],
        places=places,
        failing=_failing(run, places),
        pairs=_pairs(run),
        reasons=empty_cells(run),
        changes=[describe_change(change) for change in run.changes],
        layouts=draw_layouts(run),
        more=[table for table in more if table.rows],
        notes=notes,
    )


def _row(run: Run, label: str, places: Sequence[CellSection]) -> dict[str, Any]:
    """Return a backend's part of the matrix: a line of cells for each dtype."""
    own = {(p.check, p.dtype): p for p in places if p.backend == label}
    lines = [
        (dtype, [_cell(check, own.get((check, dtype))) for check in shown_checks(run)])
        for dtype in shown_dtypes(run)
    ]
    statuses = {r.status for r in run.results if r.backend.label == label}
    return {
        "label": label,
        "version": run.versions.get(label, ""),
        "lines": lines,
        "statuses": sorted(statuses, key=RANKS.index),
    }


def _cell(check: str, place: CellSection | None) -> MatrixCell:
    if place is None:
        return MatrixCell(*cell_words(()), 0, check, "")
    return MatrixCell(place.words, place.status, place.share, check, place.id)


def _share(cases: Sequence[Result]) -> int:
    """Return the share of the budget, 0 to 4, that the worst of the passed cases used."""
    judged = [max(c.sigmas, c.shift or 0) for c in cases if c.status == "pass" and c.sigmas]
    return _quarter(max(judged, default=0))


def _quarter(sigmas: float) -> int:
    return min(4, int(4 * sigmas / ALLOWED))


def _places(run: Run, source: str) -> list[CellSection]:
    places: list[CellSection] = []
    pictured = 0
    backends = [backend.label for backend in run.backends]
    for (label, check, dtype), cases in find_cells(run).items():
        words, status = cell_words(cases)
        failures: list[FailureSection] = []
        for result in cases:
            if result.status != "fail":
                continue
            first = not failures  # of a cell's cases, which mostly fail for one reason
            pictured += first
            drawn = first and pictured <= _PICTURED
            failures.append(_failure(result, run.seed, source, drawn=drawn))
        ident = f"cell-{backends.index(label)}-{check}-{dtype}"
        found = dict.fromkeys(f"{case.case} {case.status}" for case in cases)
        command = check_command(cases[0].backend, cases[0].check, source, run.seed)
        says = (words, status, _share(cases), command, ", ".join(found))
        places.append(CellSection(ident, label, check, dtype, *says, failures))
    order = shown_checks(run)
    return sorted(places, key=lambda p: (backends.index(p.backend), order.index(p.check), p.dtype))


def _failure(result: Result, seed: int, source: str, *, drawn: bool) -> FailureSection:
    begins = result.begins
    words = f"{begins.array}: {begins.inside}" if begins and begins.inside else ""
    growth = None
    if drawn and begins and len(begins.growth) > 1:
        growth = draw_chart(
            f"Largest error of {begins.array} at each step, in standard deviations",
            "step",
            {begins.array: begins.growth},
            log=True,
            limit=ALLOWED,
            limit_words=f"{ALLOWED:g} allowed",
        )
    first = begins.array if begins else ""
    return FailureSection(
        result.case,
        result.dtype,
        result.reason,
        words or (begins.array if begins else ""),
        repeat_command(result, seed, source),
        describe_saved(result),
        draw_heatmaps(result.ratios, first) if drawn and result.ratios else [],
        growth,
    )


def _failing(run: Run, places: Sequence[CellSection]) -> list[dict[str, Any]]:
    """Return the failing backends: what each behaves like, and its failing cells."""
    found = []
    for backend in run.backends:
        cells = [p for p in places if p.backend == backend.label and p.failures]
        if cells:
            said = run.explanations.get(backend.label, "")
            command = f"gateparity diagnose --backend {shlex.quote(backend.spec)}"
            found.append(
                {"label": backend.label, "said": said, "diagnose": command, "cells": cells}
            )
    return found


def _pairs(run: Run) -> dict[str, Any]:
    """Return the table of all pairs, float32 above the diagonal, and the pairs that differ."""
    labels = [backend.label for backend in run.backends]
    found = {(frozenset((p.a, p.b)), p.dtype): p for p in run.pairs}
    lines = [
        [
            None if j == k else _pair_cell(found.get((frozenset((a, b)), _dtype(j, k))))
            for k, b in enumerate(labels)
        ]
        for j, a in enumerate(labels)
    ]
    return {
        "labels": labels,
        "lines": lines,
        "differing": [pair for pair in run.pairs if pair.status == "fail"],
    }


def _dtype(j: int, k: int) -> str:
    return "float32" if j < k else "float64"


def _pair_cell(pair: Pair | None) -> tuple[str, Status, int]:
    if pair is None:
        return "-", "skip", 0
    share = _quarter(pair.sigmas or 0) if pair.status == "pass" else 0
    mark = " X" if pair.status == "fail" else ""
    return number_words(pair.sigmas) + mark, pair.status, share
