"""A bidirectional stack of two layers, and the four states that `h_n` holds."""

from __future__ import annotations

from typing import Final

from _extensions.drawings.shapes import arrow, box, svg, text

_STEPS, _FIRST, _STEP, _WIDTH, _HEIGHT = 3, 150, 150, 76, 36
_LAYERS: Final = (236, 76)  # the height of each layer's upper row
_LOWER: Final = 54  # from the upper row, the forward one, to the reverse one


def draw() -> str:
    """Return the drawing: inputs below, outputs on top, final states at both ends."""
    parts = []
    for t in range(_STEPS):
        x = _middle(t)
        below, above = _LAYERS[0] + _LOWER + _HEIGHT + 10, _LAYERS[1] - 10
        parts += [
            text(x, below + 48, f"x_{t + 1}"),
            arrow((x, below + 30), (x, below)),
            arrow((x, _LAYERS[0] - 10), (x, _LAYERS[1] + _LOWER + _HEIGHT + 10)),
            arrow((x, above), (x, above - 28)),
            text(x, above - 36, f"y_{t + 1} = [h→, h←]"),
        ]
    for layer, y in enumerate(_LAYERS):
        parts += _layer(layer, y)
    return svg(720, 392, "Two bidirectional layers over three steps", parts)


def _middle(t: int) -> float:
    return _FIRST + t * _STEP + _WIDTH / 2


def _layer(layer: int, y: float) -> list[str]:
    lower, end = y + _LOWER, _FIRST + (_STEPS - 1) * _STEP + _WIDTH
    parts = [text(8, y + 2, f"layer {layer}", "", "start")]
    for t in range(_STEPS):
        x = _FIRST + t * _STEP
        parts += [
            box(x - 10, y - 10, _WIDTH + 20, _LOWER + _HEIGHT + 20, "frame"),
            box(x, y, _WIDTH, _HEIGHT, "gate-i", "→"),
            box(x, lower, _WIDTH, _HEIGHT, "gate-f", "←"),
        ]
        if t:
            before = x - _STEP + _WIDTH
            parts += [
                arrow((before, y + _HEIGHT / 2), (x, y + _HEIGHT / 2), kind="gate-i"),
                arrow((x, lower + _HEIGHT / 2), (before, lower + _HEIGHT / 2), kind="gate-f"),
            ]
    forward, reverse = f"h_n[{2 * layer}]", f"h_n[{2 * layer + 1}]"
    return [
        *parts,
        arrow((end, y + _HEIGHT / 2), (end + 56, y + _HEIGHT / 2), kind="gate-i"),
        box(end + 56, y + 2, 84, _HEIGHT - 4, "gate-i", forward),
        arrow((_FIRST, lower + _HEIGHT / 2), (_FIRST - 46, lower + _HEIGHT / 2), kind="gate-f"),
        box(_FIRST - 130, lower + 2, 84, _HEIGHT - 4, "gate-f", reverse),
    ]
