"""Truncated backpropagation: what is carried over a cut, and where gradients stop."""

from __future__ import annotations

from typing import Final

from _extensions.drawings.shapes import arrow, box, line, svg, text

_ROWS: Final = (
    ("one long sequence", True, True),
    ("carried, and detached", True, False),
    ("from zero in each chunk", False, False),
)
_CHUNKS, _STEPS, _SIZE, _GAP, _LEFT = 3, 3, 34, 18, 182
_BETWEEN: Final = 46  # chunks


def draw() -> str:
    """Return the drawing: a line for each way to cut a sequence."""
    parts = []
    for row, (words, carried, pulled) in enumerate(_ROWS):
        parts += _row(34 + row * 88, words, carried=carried, pulled=pulled)
    y = 34 + len(_ROWS) * 88 - 6
    parts += [
        arrow((_LEFT, y), (_LEFT + 40, y)),
        text(_LEFT + 48, y + 5, "states, forward", "small", "start"),
        arrow((_LEFT + 240, y), (_LEFT + 200, y), kind="gate-f dashed"),
        text(_LEFT + 248, y + 5, "gradients, backward", "small", "start"),
    ]
    return svg(720, y + 20, "A sequence cut into chunks of three steps", parts)


def _row(y: float, words: str, *, carried: bool, pulled: bool) -> list[str]:
    parts = [text(8, y + _SIZE / 2 + 5, words, "", "start")]
    x = float(_LEFT)
    for chunk in range(_CHUNKS):
        for step in range(_STEPS):
            first = step == 0
            gap = _BETWEEN if first else _GAP
            if chunk or not first:
                parts += _links(
                    x - gap, x, y, forward=carried or not first, back=pulled or not first
                )
            parts.append(box(x, y, _SIZE, _SIZE))
            x += _SIZE + (_BETWEEN if step == _STEPS - 1 else _GAP)
    return parts


def _links(x: float, end: float, y: float, *, forward: bool, back: bool) -> list[str]:
    """Return the arrows between two steps, or the bars where they are cut."""
    top, low, middle = y + 9, y + _SIZE - 9, (x + end) / 2
    cut = [line((middle, y - 10), (middle, y + _SIZE + 10), kind="cut")]
    return [
        arrow((x, top), (end, top)) if forward else text(end - 8, top + 5, "0", "small"),
        *([arrow((end, low), (x, low), kind="gate-f dashed")] if back else cut),
    ]
