"""A chart of curves over steps, with axes, words at the curves' ends, and a band."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

from _extensions.drawings.shapes import line, svg, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _extensions.drawings.shapes import Point

_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 556, 34, 272
_WIDTH, _HEIGHT = 720, 318
_TICKS: Final = 5
_APART: Final = 16  # the least distance between words


@dataclasses.dataclass(frozen=True)
class Curve:
    """Heights for x = 1, 2, ...; `kind` is the class of its colour, `words` stand at its end."""

    words: str
    kind: str
    heights: Sequence[float]


def chart(
    title: str,
    axes: tuple[str, str],
    curves: Sequence[Curve],
    band: tuple[str, Sequence[float]] = ("", ()),
) -> str:
    """Return curves over steps with logarithmic heights.

    `axes` are the words of both axes. The area below `band`, words and heights, is shaded.
    """
    words, edge = band
    known = [h for curve in curves for h in curve.heights if h > 0] + list(edge)
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    steps = max(len(curve.heights) for curve in curves)

    def place(step: int, height: float) -> tuple[float, float]:
        share = (math.log10(max(height, 10.0**low)) - low) / (high - low)
        across = (step - 1) / max(steps - 1, 1)
        return _LEFT + across * (_RIGHT - _LEFT), _BOTTOM - share * (_BOTTOM - _TOP)

    ends, parts = [], []
    if edge:
        points = [place(k, height) for k, height in enumerate(edge, 1)]
        parts.append(_area(points))
        ends.append((points[-1][1], words))
    parts += _axes(axes, steps, low, high, place)
    for curve in curves:
        points = [place(k, height) for k, height in enumerate(curve.heights, 1)]
        parts.append(line(*points, kind=f"curve {curve.kind}"))
        ends.append((points[-1][1], curve.words))
    return svg(_WIDTH, _HEIGHT, title, [*parts, *_words(ends)])


def _words(ends: list[tuple[float, str]]) -> list[str]:
    """Return the words at the curves' ends, moved down where they would cover each other."""
    parts, last = [], 0.0
    for height, words in sorted(ends):
        last = max(height, last + _APART)
        parts.append(text(_RIGHT + 8, last + 4, words, "small", "start"))
    return parts


def _area(edge: Sequence[Point]) -> str:
    corners = [(_LEFT, _BOTTOM), *edge, (edge[-1][0], _BOTTOM)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polygon class="band" points="{points}"/>'


def _axes(
    words: tuple[str, str], steps: int, low: int, high: int, place: Callable[[int, float], Point]
) -> list[str]:
    parts = [
        line((_LEFT, _TOP), (_LEFT, _BOTTOM), (_RIGHT, _BOTTOM)),
        text((_LEFT + _RIGHT) / 2, _BOTTOM + 44, words[0], "small"),
        text(8, 14, words[1], "small", "start"),
    ]
    for power in range(low, high + 1, max(1, (high - low) // 4)):
        _, height = place(1, 10.0**power)
        parts += [
            line((_LEFT - 5, height), (_LEFT, height)),
            text(_LEFT - 10, height + 4, f"1e{power}", "small", "end"),
        ]
    for k in range(_TICKS):
        step = 1 + round(k * (steps - 1) / (_TICKS - 1))
        across, _ = place(step, 10.0**low)
        parts += [
            line((across, _BOTTOM), (across, _BOTTOM + 5)),
            text(across, _BOTTOM + 20, str(step), "small"),
        ]
    return parts
