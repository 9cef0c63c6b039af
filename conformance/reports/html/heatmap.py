"""A heatmap of a difference, as a table: a row for each gate or unit, a column for each step.

A cell has its largest error, in standard deviations, and a level that colours it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.divergence import array_axes
from gateparity.conformance.reports.numbers import number_words
from gateparity.network.config import GATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.requirements.results import Results
    from gateparity.network.parameters import Array

_LEVELS: Final = 5  # of what is beyond rounding; 0 is what is within
_MOST: Final = 4  # pictures of one result
_ROWS, _COLUMNS = 16, 48  # more are drawn together, each place with the worst of them
_DOWN: Final = ("gate", "unit", "input", "cell")  # what rows are, the first that an array has
_ACROSS: Final = ("step", "unit", "from unit", "input")  # what columns are, likewise


@dataclasses.dataclass(frozen=True)
class Heatmap:
    """The errors of one array, or of its part in one cell. `cells` are rows of (words, level)."""

    title: str
    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[tuple[str, int], ...], ...]


def draw_heatmaps(ratios: Results, first: str) -> list[Heatmap]:
    """Return heatmaps of the arrays beyond rounding, the one called `first` before all others.

    `ratios` are errors in standard deviations, an array for each name.
    """
    beyond = [n for n, ratio in ratios.items() if ratio.size and not (ratio <= ALLOWED).all()]
    names = sorted(beyond, key=lambda name: name != first)
    drawn = (heatmap for name in names for heatmap in _draw(name, ratios[name]))
    return [heatmap for heatmap, _ in zip(drawn, range(_MOST), strict=False)]


def find_levels(worst: Array) -> Array:
    """Return the colour level of each error: 0 within rounding, then 1 to 5 by order of magnitude.

    An error that isn't finite gets the last level.
    """
    beyond = ~(worst <= ALLOWED)
    finite = beyond & np.isfinite(worst)
    levels = np.where(beyond, _LEVELS, 0)
    if finite.any():
        size = np.log(worst, where=finite, out=np.zeros(worst.shape))
        low, high = size[finite].min(), size[finite].max()
        share = (size - low) / (high - low) if high > low else np.ones(worst.shape)
        levels = np.where(finite, 1 + (share * (_LEVELS - 1)).round().astype(int), levels)
    return levels


def _draw(name: str, ratio: Array) -> Iterator[Heatmap]:
    axes = array_axes(name)
    if len(axes) != ratio.ndim or ratio.ndim < 2:
        return
    down = next((axis for axis in _DOWN if axis in axes), "")
    across = next((axis for axis in _ACROSS if axis in axes and axis != down), "")
    if not down or not across:
        return
    cells = ratio.shape[axes.index("cell")] if "cell" in axes and down != "cell" else 1
    for cell in range(cells):
        part, left = ratio, axes
        if "cell" in axes and down != "cell":
            part, left = ratio.take(cell, axes.index("cell")), tuple(a for a in axes if a != "cell")
        if not (part <= ALLOWED).all():
            title = f"{name}, cell {cell}" if cells > 1 else name
            yield _draw_part(title, part, left, down, across)


def _draw_part(title: str, ratio: Array, axes: Sequence[str], down: str, across: str) -> Heatmap:
    """Draw the worst error over all axes except two."""
    rest = tuple(k for k, axis in enumerate(axes) if axis not in (down, across))
    worst = ratio.max(axis=rest)
    if axes.index(down) > axes.index(across):
        worst = worst.T
    row_names = list(GATES) if down == "gate" else [str(k) for k in range(worst.shape[0])]
    worst, rows = _bin(worst, row_names, _ROWS)
    turned, columns = _bin(worst.T, [str(k) for k in range(worst.shape[1])], _COLUMNS)
    levels = find_levels(turned)
    cells = tuple(
        tuple(zip(map(number_words, line.tolist()), level.tolist(), strict=True))
        for line, level in zip(turned.T, levels.T, strict=True)
    )
    return Heatmap(title, down, across, tuple(rows), tuple(columns), cells)


def _bin(array: Array, names: list[str], most: int) -> tuple[Array, list[str]]:
    """Merge rows if there are more than `most`, by their maximum; names give the first and last."""
    if len(array) <= most:
        return array, names
    groups = np.array_split(np.arange(len(array)), most)
    merged = np.stack([array[group].max(axis=0) for group in groups])
    return merged, [f"{names[g[0]]}-{names[g[-1]]}" for g in groups]
