"""One cell: four gates read the input and the last output, and change the state."""

from __future__ import annotations

from _extensions.drawings.shapes import TIMES, arrow, box, circle, line, svg, text

_TOP, _GATES, _BUS = 52, 190, 262  # heights of the state's line, of the gates, of what they read
_PLACES = {"f": 150, "i": 270, "g": 390, "o": 510}
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
_WORDS = {"f": "forget", "i": "input", "g": "candidate", "o": "output"}


def draw() -> str:
    """Return the drawing."""
    parts = [*_reading(), *_state(), *_output()]
    for gate, x in _PLACES.items():
        function = "tanh" if gate == "g" else _SIGMA
        parts += [
            arrow((x, _BUS), (x, _GATES + 40)),
            box(x - 46, _GATES, 92, 40, f"gate-{gate}", f"{gate}_t = {function}"),
            text(x + 8, _GATES + 58, _WORDS[gate], "small", "start"),
        ]
    return svg(720, 312, "The four gates of an LSTM cell, and the two states", parts)


def _reading() -> list[str]:
    """Return the line that all gates read: the step's input, and the output of the step before."""
    return [
        text(40, _BUS + 5, "h_{t-1}"),
        line((64, _BUS), (_PLACES["o"], _BUS)),
        text(96, _BUS + 44, "x_t"),
        line((96, _BUS + 30), (96, _BUS)),
    ]


def _state() -> list[str]:
    """Return the line of the cell state: what is kept, and what is added."""
    f, i, g = _PLACES["f"], _PLACES["i"], _PLACES["g"]
    middle = (i + g) / 2
    return [
        text(40, _TOP + 5, "c_{t-1}"),
        arrow((64, _TOP), (f - 11, _TOP)),
        arrow((f + 11, _TOP), (middle - 11, _TOP)),
        arrow((middle + 11, _TOP), (660, _TOP)),
        text(680, _TOP + 5, "c_t"),
        arrow((f, _GATES), (f, _TOP + 11)),
        circle(f, _TOP, TIMES, "gate-f"),
        text(f + 16, _TOP - 14, "keep", "small"),
        arrow((i, _GATES), (i, 122), (middle - 11, 122)),
        arrow((g, _GATES), (g, 122), (middle + 11, 122)),
        circle(middle, 122, TIMES, "gate-i"),
        arrow((middle, 111), (middle, _TOP + 11)),
        circle(middle, _TOP, "+"),
        text(middle + 16, _TOP - 14, "add", "small"),
    ]


def _output() -> list[str]:
    """Return the way from the state to the output."""
    x, y = 600, _GATES + 20
    return [
        arrow((x, _TOP), (x, 96)),
        box(x - 28, 96, 56, 30, "", "tanh"),
        arrow((x, 126), (x, y - 11)),
        arrow((_PLACES["o"] + 46, y), (x - 11, y)),
        circle(x, y, TIMES, "gate-o"),
        arrow((x + 11, y), (660, y)),
        text(680, y + 5, "h_t"),
        text(x + 6, y + 30, "show", "small"),
    ]
