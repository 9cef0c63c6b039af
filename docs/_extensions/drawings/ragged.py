"""A ragged batch in three forms: padded, packed, and with a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from _extensions.drawings.shapes import box, svg, text

if TYPE_CHECKING:
    from collections.abc import Callable

_LENGTHS: Final = {"a": 4, "b": 2, "c": 3}
_KINDS: Final = {"a": "gate-i", "b": "gate-f", "c": "gate-g"}
_STEPS, _SIZE = 4, 44


def draw() -> str:
    """Return the drawing."""
    parts = [
        text(8, 22, "padded: (T, B), short sequences filled up", "", "start"),
        *_grid(8, 38, _number, "0"),
        text(380, 22, "mask: which steps are live", "", "start"),
        *_grid(380, 38, lambda *_: "1", "0"),
        text(8, 222, "packed: step by step, the longest sequence first; no padding", "", "start"),
        *_packed(8, 238),
    ]
    return svg(720, 316, "Three sequences of 4, 2 and 3 steps: padded, masked and packed", parts)


def _number(name: str, step: int) -> str:
    return f"{name}_{step + 1}"


def _grid(x: float, y: float, word: Callable[[str, int], str], filled: str) -> list[str]:
    parts = []
    for row, (name, length) in enumerate(_LENGTHS.items()):
        for step in range(_STEPS):
            live = step < length
            kind = _KINDS[name] if live else "pad"
            words = word(name, step) if live else filled
            parts.append(box(x + step * _SIZE, y + row * _SIZE, _SIZE, _SIZE, kind, words))
    return parts


def _packed(x: float, y: float) -> list[str]:
    """Return the packed row, with the number of sequences that are live at each step."""
    order = sorted(_LENGTHS, key=lambda name: -_LENGTHS[name])
    parts = []
    for step in range(_STEPS):
        live = [name for name in order if _LENGTHS[name] > step]
        width = _SIZE * len(live)
        cells = enumerate(live)
        parts += [
            box(x + k * _SIZE, y, _SIZE, _SIZE, _KINDS[n], _number(n, step)) for k, n in cells
        ]
        parts.append(text(x + width / 2, y + _SIZE + 22, f"{len(live)}", "small"))
        x += width + 14
    return [*parts, text(x + 6, y + _SIZE + 22, "batch sizes", "small", "start")]
