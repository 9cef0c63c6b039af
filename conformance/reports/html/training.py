"""The page of a training run: each backend's sentence and curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.html.figures import Section, Table, figures_page
from gateparity.conformance.reports.training import WHY_NATIVE, report_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.training.run import Report

    Points = list[tuple[float, float]]

_HEAD: Final = ("backend", "version", "dtype", "it has", "perplexity", "distance", "s")
_MOST: Final = 400  # points of a curve


def training_page(report: Report) -> str:
    """Return the HTML page of a training report."""
    found = report_json(report)
    told, recipe = found["text"], report.task.recipe
    counts = (
        f"{told['where']}; {len(found['rows'])} rows; gauge {recipe.gauge}; rate {recipe.rate:g}; "
        f"seed {found['seed']}; {found['seconds']:.0f} s"
    )
    notes = [f"Gauge native: {WHY_NATIVE}."] if recipe.gauge == "native" else []
    return figures_page(
        "gateparity train", found["verdict"], report.exit_code, counts, _sections(found), notes
    )


def _sections(found: Mapping[str, Any]) -> list[Section]:
    ran = {f"{row['backend']} {row['dtype']}": row for row in found["rows"] if row["perplexities"]}
    perplexity = draw_chart("Perplexity", "epoch", {n: _by_epoch(r) for n, r in ran.items()})
    loss = draw_chart("Loss", "gradient step", {n: _thin(_losses(r)) for n, r in ran.items()})
    distance = draw_chart(
        "Largest difference of a weight from the first row's: a gap is none at all",
        "gradient step",
        {n: _distances(r) for n, r in ran.items()},
        log=True,
    )
    rows = [_words(row) for row in found["rows"]]
    return [
        Section(Table("Every row and its sentence", _HEAD, rows, numbers=3)),
        Section(Table("Curves", (), ()), [perplexity, loss, distance]),
    ]


def _words(row: Mapping[str, Any]) -> list[str]:
    diverged = f"diverged at step {row['diverged']}" if row["diverged"] else ""
    skip = f"skip: {row['skip']}" if row["skip"] else ""
    said = row["sentence"] or diverged or skip or row["error"] or "-"
    return [
        row["backend"],
        row["version"],
        row["dtype"],
        said,
        _last(row["perplexities"], ".6f"),
        _last(row["distances"], ".1e"),
        f"{row['seconds']:.0f}",
    ]


def _last(numbers: Sequence[float | None], form: str) -> str:
    return "-" if not numbers or numbers[-1] is None else format(numbers[-1], form)


def _by_epoch(row: Mapping[str, Any]) -> Points:
    return _thin(_points(row["perplexities"], 1))


def _losses(row: Mapping[str, Any]) -> Points:
    return _points(row["losses"], 1)


def _distances(row: Mapping[str, Any]) -> Points:
    epochs = len(row["distances"])
    return _thin(_points(row["distances"], len(row["losses"]) / epochs if epochs else 1))


def _points(numbers: Sequence[float | None], step: float) -> Points:
    return [((k + 1) * step, math.nan if n is None else n) for k, n in enumerate(numbers)]


def _thin(points: Points) -> Points:
    """Return every n-th point of a long curve, and the last one."""
    every = math.ceil(len(points) / _MOST) or 1
    return points[::every] + ([points[-1]] if points and (len(points) - 1) % every else [])
