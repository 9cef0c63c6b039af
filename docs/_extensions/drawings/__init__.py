"""The drawings of the lessons, each made by the build: a file and a function `draw` for each.

A drawing is SVG within its page. Its colours are the site's, from `_static/drawings.css`, so that
it is legible in light and in dark.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

NAMES: Final = (
    *("cell", "unrolled", "layouts", "ragged", "truncated", "bidirectional"),
    *("growth", "trainings"),
)

_STYLE: Final = Path(__file__).parents[2] / "_static" / "drawings.css"
_ALONE: Final = 'xmlns="http://www.w3.org/2000/svg" class="sheet"'


def draw(name: str) -> str:
    """Return a drawing as an `<svg>` element; raise `ValueError` for a name that has none."""
    if name not in NAMES:
        raise ValueError(f"unknown drawing {name!r}, expected one of {', '.join(NAMES)}")
    drawn: str = importlib.import_module(f"_extensions.drawings.{name}").draw()
    return drawn


def draw_alone(name: str) -> str:
    """Return a drawing as a file of its own, in the colours of a light page."""
    style = f"{_STYLE.read_text('utf-8')} svg.sheet {{ background: #fff; color: #000; }}"
    opened, _, rest = draw(name).partition(">")
    return f"{opened} {_ALONE}><style>{style}</style>{rest}"
