"""The drawings of the lessons, each made by the build: a file and a function `draw` for each.

A drawing is SVG within its page. Its colours are the site's, from `_static/drawings.css`, so that
it is legible in light and in dark.
"""

from __future__ import annotations

import importlib
from typing import Final

NAMES: Final = (
    *("cell", "unrolled", "layouts", "ragged", "truncated", "bidirectional"),
    *("growth", "trainings"),
)


def draw(name: str) -> str:
    """Return a drawing as an `<svg>` element; raise `ValueError` for a name that has none."""
    if name not in NAMES:
        raise ValueError(f"unknown drawing {name!r}, expected one of {', '.join(NAMES)}")
    drawn: str = importlib.import_module(f"_extensions.drawings.{name}").draw()
    return drawn
