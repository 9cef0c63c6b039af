"""Curves as one self-contained HTML page, drawn by plotly with its script inside.

Plotly is an optional extra: it is imported when a plot is requested. The page holds the whole
script, so that it works without a network.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.training.horizon import APART
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateparity.conformance.training.horizon import Horizon
    from gateparity.conformance.training.run import Report

_WIDE, _NARROW = 7, 1.5  # the first row's line is the widest: those that lie on it can be seen
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def require_plotly() -> None:
    """Raise `InputError` before the work starts if no plot could be made."""
    try:
        import plotly  # noqa: F401
    except ImportError:
        raise InputError(
            "--plot needs plotly, which isn't installed: pip install 'gateparity[plot]'"
        ) from None


def plot_training(report: Report) -> str:
    """Return a page with perplexity by epoch, and each backend's distance from the first by step.

    The distance is that of the furthest weight, on a log scale.
    """
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    titles = ("perplexity", "largest difference of a weight from the first row's")
    figure = make_subplots(rows=2, cols=1, subplot_titles=titles, vertical_spacing=0.12)
    ran = [(o, o.history) for o in report.outcomes if o.history and o.history.epochs]
    for k, (outcome, history) in enumerate(ran):
        name = _escape(f"{outcome.row.label} {outcome.row.dtype}")
        line = {"width": _width(k, len(ran)), "dash": _DASHES[k % len(_DASHES)]}
        shared = {"name": name, "legendgroup": str(k), "mode": "lines", "line": line}
        epochs = list(range(1, history.epochs + 1))
        steps = [sum(map(len, history.losses[:epoch])) for epoch in epochs]
        figure.add_trace(go.Scatter(x=epochs, y=_finite(history.perplexities), **shared), 1, 1)
        far = _positive(report.distances(outcome))
        if any(distance is not None for distance in far):  # the first row has none
            figure.add_trace(go.Scatter(x=steps, y=far, showlegend=False, **shared), 2, 1)
    figure.update_xaxes(title_text="epoch", row=1, col=1)
    figure.update_xaxes(title_text="gradient step", row=2, col=1)
    figure.update_yaxes(type="log", exponentformat="power", row=2, col=1)
    where = f"{report.task.text.where}: gauge {report.task.recipe.gauge}"
    return _page(figure, f"gateparity train: {where}, seed {report.task.seed}", 900, "x unified")


def plot_horizons(horizons: Sequence[Horizon]) -> str:
    """Return a page with the distance of two backends by step, predicted and of every pair.

    The distance is that of the furthest weight, on a log scale.
    """
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    titles = [_escape(f"{horizon.problem} {horizon.dtype}") for horizon in horizons]
    rows = max(1, math.ceil(len(horizons) / 2))
    figure = make_subplots(rows=rows, cols=2, subplot_titles=titles)
    for k, horizon in enumerate(horizons):
        place = {"row": k // 2 + 1, "col": k % 2 + 1}
        batches = horizon.steps // len(horizon.expected)
        steps = [batches * (epoch + 1) for epoch in range(len(horizon.expected))]
        thin = {"width": 1, "color": "rgba(90,90,90,0.45)"}
        for pair, distances in horizon.found.items():
            figure.add_trace(_line(go, steps, distances, pair, thin), **place)
        thick = {"width": 4, "color": "#d62728", "dash": "dash"}
        figure.add_trace(_line(go, steps, horizon.expected, "predicted", thick), **place)
        figure.add_hline(y=APART, line_dash="dot", **place)
        figure.update_xaxes(title_text="gradient step", **place)
        figure.update_yaxes(type="log", exponentformat="power", **place)
    words = f"predicted (dashed), and every pair of rows; apart at {APART:g} (dotted)"
    figure.update_layout(showlegend=False)
    return _page(figure, f"gateparity horizon: {words}", 330 * rows, "closest")


def _line(go: Any, steps: list[int], distances: Iterable[float], name: str, line: Any) -> Any:
    return go.Scatter(x=steps, y=_positive(distances), name=_escape(name), mode="lines", line=line)


def _page(figure: Any, title: str, height: int, hover: str) -> str:
    words = _escape(title)
    figure.update_layout(template="plotly_white", title=words, height=height, hovermode=hover)
    page: str = figure.to_html(include_plotlyjs=True, full_html=True, div_id="plot")
    return page


def _width(k: int, rows: int) -> float:
    return _WIDE - (_WIDE - _NARROW) * k / max(rows - 1, 1)


def _escape(words: str) -> str:
    """Escape a text, since plotly interprets its texts as HTML."""
    return html.escape(printable(words))


def _finite(numbers: Iterable[float]) -> list[float | None]:
    return [number if math.isfinite(number) else None for number in numbers]


def _positive(numbers: Iterable[float]) -> list[float | None]:
    """Replace numbers that a log scale can't show by None; 0 means equal to the last bit."""
    return [number if 0 < number < math.inf else None for number in numbers]
