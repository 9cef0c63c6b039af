"""A cell unrolled in time: one cell with the same weights at each step, and what it hands on."""

from __future__ import annotations

from _extensions.drawings.shapes import GATES, arrow, box, legend, svg, text

_FIRST, _STEP, _WIDTH, _TOP, _HEIGHT = 96, 146, 90, 78, 84
_STEPS = 4


def draw() -> str:
    """Return the drawing."""
    parts = [text(38, _TOP + 33, "c_0"), text(38, _TOP + 71, "h_0")]
    for t in range(_STEPS):
        parts += _step(t)
    end = _FIRST + _STEPS * _STEP - (_STEP - _WIDTH) + 58
    parts += [text(end, _TOP + 33, "c_n"), text(end, _TOP + 71, "h_n")]
    parts += [legend(110, 258, ((f"gate-{gate}", word) for gate, word in GATES.items()), 130)]
    return svg(720, 272, "One LSTM cell, unrolled over four steps", parts)


def _step(t: int) -> list[str]:
    x = _FIRST + t * _STEP
    before = x - (_STEP - _WIDTH) if t else 52
    middle = x + _WIDTH / 2
    gates = [box(x + 11 + 18 * k, _TOP + 52, 14, 14, f"gate-{g}") for k, g in enumerate(GATES)]
    return [
        box(x, _TOP, _WIDTH, _HEIGHT),
        text(middle, _TOP + 26, "cell"),
        *gates,
        arrow((before, _TOP + 28), (x, _TOP + 28)),
        arrow((before, _TOP + 66), (x, _TOP + 66)),
        arrow((middle, _TOP + _HEIGHT + 36), (middle, _TOP + _HEIGHT)),
        text(middle, _TOP + _HEIGHT + 54, f"x_{t + 1}"),
        arrow((middle, _TOP), (middle, _TOP - 34)),
        text(middle, _TOP - 42, f"y_{t + 1} = h_{t + 1}"),
        *(
            [arrow((x + _WIDTH, y), (x + _WIDTH + 44, y)) for y in (_TOP + 28, _TOP + 66)]
            if t == _STEPS - 1
            else []
        ),
    ]
