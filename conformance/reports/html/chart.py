"""A line chart as numbers that a template writes as SVG: positions, ticks and labels.

SVG needs no script, takes its colours from the page, light or dark, and is a few kilobytes.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 40
_TICKS: Final = 6
_STYLES: Final = 6  # of lines, in the style sheet; then they repeat
_FAINT: Final = _STYLES  # the style of lines that no legend names


@dataclasses.dataclass(frozen=True)
class Curve:
    """One curve: its name, its style, its pieces in SVG's point format, and isolated points."""

    name: str
    style: int
    pieces: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True)
class Chart:
    """Lines, and both axes' ticks with their positions; `limit` is the height of a level line."""

    title: str
    across: str
    lines: tuple[Curve, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    limit: float | None = None
    limit_words: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


@dataclasses.dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        low, high, value = (self._of(v) for v in (self.low, self.high, value))
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)

    def _of(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self) -> list[float]:
        """Return a few round numbers within the scale's range."""
        if self.log:
            low, high = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, math.ceil((high - low) / _TICKS))
            return [10.0**k for k in range(low, high + 1, every)]
        width = _round_up((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / width - 1e-9)
        return [k * width for k in range(first, math.floor(self.high / width + 1e-9) + 1)]


def draw_chart(
    title: str,
    across: str,
    curves: Mapping[str, Points],
    *,
    log: bool = False,
    limit: float | None = None,
    limit_words: str = "",
    faint: Mapping[str, Points] | None = None,
) -> Chart | None:
    """Return a chart of named curves, or None if no point can be drawn.

    A point that isn't finite, or not positive on a log scale, is a gap. `faint` are curves below
    all others, which no legend names: each shows its name to a pointer that rests on it.
    """
    every = {**(faint or {}), **curves}
    shown = {name: [_shown(x, y, log=log) for x, y in points] for name, points in every.items()}
    styles = {name: k % _STYLES for k, name in enumerate(curves)}
    points = [point for curve in shown.values() for point in curve if point]
    if not points:
        return None
    x = _scale([p[0] for p in points], _LEFT, WIDTH - _RIGHT, log=False)
    heights = [p[1] for p in points] + ([limit] if limit is not None else [])
    y = _scale(heights, HEIGHT - _BOTTOM, _TOP, log=log)
    return Chart(
        title,
        across,
        tuple(_line(n, styles.get(n, _FAINT), curve, x, y) for n, curve in shown.items()),
        tuple((x(value), f"{value:g}") for value in x.ticks() if x(value) <= WIDTH - _RIGHT + 1),
        tuple((y(value), _tick_words(value, log=log)) for value in y.ticks()),
        None if limit is None else y(limit),
        limit_words,
    )


def _shown(x: float, y: float, *, log: bool) -> tuple[float, float] | None:
    return (x, y) if math.isfinite(y) and (y > 0 or not log) else None


def _scale(values: Iterable[float], start: float, end: float, *, log: bool) -> _Scale:
    values = list(values)
    low, high = min(values), max(values)
    if log:
        low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
        return _Scale(low, high if high > low else 10 * low, start, end, log)
    room = (high - low) * 0.04 or max(abs(high), 1.0) * 0.5
    return _Scale(low - room, high + room, start, end, log)


def _line(
    name: str, style: int, curve: Sequence[tuple[float, float] | None], x: _Scale, y: _Scale
) -> Curve:
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in curve:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append((x(point[0]), y(point[1])))
    drawn = tuple(" ".join(f"{a:g},{b:g}" for a, b in piece) for piece in pieces if len(piece) > 1)
    dotted = len(curve) <= 40 and style != _FAINT
    dots = tuple(p for piece in pieces for p in piece if len(piece) == 1 or dotted)
    return Curve(name, style, drawn, dots)


def _round_up(step: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _tick_words(value: float, *, log: bool) -> str:
    if log and not 0.01 <= value < 10_000:
        return f"1e{round(math.log10(value))}"
    return f"{value:g}"
