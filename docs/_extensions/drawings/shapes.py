"""Boxes, arrows and words of SVG. A class says what a shape means, the style sheet how it looks.

In words, `x_t` and `h_{t-1}` have a lower index.
"""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    Point = tuple[float, float]

TIMES: Final = "\N{MULTIPLICATION SIGN}"
GATES: Final = {"i": "input", "f": "forget", "g": "candidate", "o": "output"}
_INDEX: Final = re.compile(r"_(?:\{([^}]*)\}|(\w))")
_HEAD: Final = 7.0  # the length of an arrow's head


def svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """Return an `<svg>` of that size; `title` is what a screen reader says."""
    label = html.escape(title)
    size = f'viewBox="0 0 {_n(width)} {_n(height)}"'
    narrow = f'style="max-width: {_n(width)}px; min-width: {_n(width * 0.85)}px"'
    return f'<svg role="img" aria-label="{label}" {size} {narrow}>{"".join(parts)}</svg>'


def box(x: float, y: float, width: float, height: float, kind: str = "", words: str = "") -> str:
    """Return a rectangle with its left upper corner at `x, y`, and words in its middle."""
    shape = (
        f'<rect class="box {kind}" x="{_n(x)}" y="{_n(y)}" '
        f'width="{_n(width)}" height="{_n(height)}" rx="3"/>'
    )
    return shape + (text(x + width / 2, y + height / 2 + 5, words) if words else "")


def circle(x: float, y: float, words: str, kind: str = "") -> str:
    """Return a small circle with an operator in it."""
    return f'<circle class="box {kind}" cx="{_n(x)}" cy="{_n(y)}" r="11"/>' + text(x, y + 5, words)


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    """Return words whose base line is at `y`; `anchor` is start, middle or end."""
    shown = _INDEX.sub(_lower, html.escape(words))
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{shown}</text>'


def line(*points: Point, kind: str = "") -> str:
    """Return a line through points."""
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return f'<polyline class="line {kind}" points="{path}"/>'


def arrow(*points: Point, kind: str = "") -> str:
    """Return a line through points with a head at the last one."""
    (x0, y0), (x, y) = points[-2:]
    length = math.hypot(x - x0, y - y0)
    dx, dy = (x - x0) / length * _HEAD, (y - y0) / length * _HEAD
    corners = ((x, y), (x - dx + dy / 2, y - dy - dx / 2), (x - dx - dy / 2, y - dy + dx / 2))
    head = " ".join(f"{_n(a)},{_n(b)}" for a, b in corners)
    end = (x - dx / 2, y - dy / 2)  # within the head, so that the line's end doesn't show
    return line(*points[:-1], end, kind=kind) + f'<polygon class="head {kind}" points="{head}"/>'


def legend(x: float, y: float, kinds: Iterable[tuple[str, str]], step: float = 110) -> str:
    """Return a small box and its meaning for each pair of kind and words, side by side."""
    return "".join(
        box(x + k * step, y - 11, 14, 14, kind)
        + text(x + k * step + 20, y, words, "small", anchor="start")
        for k, (kind, words) in enumerate(kinds)
    )


def _lower(found: re.Match[str]) -> str:
    index = found[1] or found[2]
    return f'<tspan class="index" dy="4">{index}</tspan><tspan dy="-4">&#8203;</tspan>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
