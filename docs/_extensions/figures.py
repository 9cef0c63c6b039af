"""Measurements of frameworks, drawn as SVG within a page, in the colours of the page's scheme."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes

    Numbers = Mapping[str, Mapping[str, float]]  # by framework and label

_INK: Final = "#010203"  # replaced by the page's text colour; nothing else has it
_COLOURS: Final = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # Paul Tol's


def draw_bars(found: Numbers, title: str) -> str:
    """Draw a group of bars for each framework, one for each label; `title` names the `<svg>`."""
    labels = list(dict.fromkeys(label for numbers in found.values() for label in numbers))
    width = 0.8 / len(labels)

    def draw(axes: Axes) -> None:
        for k, label in enumerate(labels):
            places = [n + (k - (len(labels) - 1) / 2) * width for n in range(len(found))]
            heights = [numbers.get(label, 0.0) for numbers in found.values()]
            axes.bar(places, heights, width * 0.9, label=label, color=_COLOURS[k % len(_COLOURS)])
        axes.set_xticks(range(len(found)), list(found))

    return _drawn(draw, title)


def draw_curves(found: Numbers, title: str) -> str:
    """Draw a curve for each framework over numeric labels, with logarithmic heights."""

    def draw(axes: Axes) -> None:
        for k, (name, numbers) in enumerate(found.items()):
            x = [float(label) for label in numbers]
            axes.plot(x, list(numbers.values()), label=name, color=_COLOURS[k % len(_COLOURS)])
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")

    return _drawn(draw, title)


FIGURES: Final = {"bars": draw_bars, "curves": draw_curves}  # by the directive that draws it


def on_white(picture: str) -> str:
    """Return a picture of a page as a file of its own, on white."""
    svg = picture[picture.index("<svg") :].removesuffix("</div>")
    return svg.replace("<svg", '<svg style="background: #fff; color: #000"', 1)


def _drawn(draw: Callable[[Axes], None], title: str) -> str:
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "font.size": 9}):
        figure = Figure(figsize=(7.2, 2.8), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[:].set_color(_INK)
        axes.tick_params(which="both", colors=_INK)
        figure.legend(loc="outside upper left", ncols=3, frameon=False, labelcolor=_INK)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inline(out.getvalue(), title)


def _inline(svg: str, title: str) -> str:
    """Adapt an SVG file for a page: no metadata, the page's colours, and its full width.

    A page that is narrower than the picture scrolls the picture's box, so that words stay legible.
    """
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' width="[^"]*" height="[^"]*"', "", svg, count=1)
    for k, colour in enumerate(_COLOURS):
        svg = svg.replace(colour, f"var(--series-{k}, {colour})")
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)
    return f'<div class="sheet measured" tabindex="0">{svg}</div>'
