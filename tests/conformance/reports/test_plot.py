"""A plot is one page: every value escaped, nothing fetched, and refused before the work starts."""

from __future__ import annotations

import importlib.util
import json
import re
import sys

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.problems.text import encode_text
from gateparity.conformance.reports.plot import plot_horizons, plot_training, require_plotly
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.training.horizon import Horizon
from gateparity.conformance.training.resume import History
from gateparity.conformance.training.run import Outcome, Report
from gateparity.conformance.training.text_task import Sizes, TextTask, make_recipe
from gateparity.errors import InputError
from gateparity.protocol.training import TrainingState

if importlib.util.find_spec("plotly") is None:
    pytest.skip("plotly isn't installed", allow_module_level=True)

EVIL = "</script><img src=x onerror=alert(1)>"


def outcome(label, weights, losses):
    backend = Backend(label, "", "x:Y", None, shipped=False)
    history = History(TrainingState({}), 99.0)
    history.losses = history.norms = [np.array(two, "float32") for two in losses]
    history.weights = [np.array([one], "float32") for one in weights]
    return Outcome(BackendAtDtype(backend, "float32"), history, "it has")


def report(label="mine:Copy"):
    task = TextTask(encode_text("it has been said " * 9, EVIL), Sizes(), make_recipe(4.0, "tied"))
    losses = [(3.0, 2.0), (1.0, float("inf"))]
    backends = [outcome("numpy:scratch", [0, 0], losses), outcome(label, [0, 0.5], losses)]
    return Report(task, backends, 1.0)


def traces(page):
    """What plotly is given to draw."""
    found = re.search(
        r"Plotly\.newPlot\(\s*\"plot\",\s*(\[.*?\]),\s*\{\"template\"", page, re.DOTALL
    )
    return json.loads(found[1])


def test_curves_are_those_of_the_report():
    first, second, far = traces(plot_training(report()))
    assert first["name"] == "numpy:scratch float32"
    assert (first["x"], second["x"]) == ([1, 2], [1, 2])
    assert first["y"] == [pytest.approx(np.exp(2.5)), None]  # not finite: no point
    assert (far["x"], far["y"]) == (
        [2, 4],
        [None, 0.5],
    )  # equal to the bit: no point on a log scale


def test_horizons_have_every_pair_and_what_was_predicted():
    found = {"a and b": (0.0, 0.25), EVIL: (1.0, float("nan"))}
    horizon = Horizon("wild sgd", "float32", 4, 2, 2, 4, ("a", "b"), (0.125, 0.5), found)
    page = plot_horizons([horizon])
    one, other, predicted = traces(page)
    assert (one["name"], one["x"], one["y"]) == ("a and b", [2, 4], [None, 0.25])
    assert other["y"] == [1.0, None]
    assert (predicted["name"], predicted["y"]) == ("predicted", [0.125, 0.5])
    assert EVIL not in page


def test_every_value_is_escaped():
    page = plot_training(report(EVIL))
    assert EVIL not in page
    assert "<img" not in "".join(trace["name"] for trace in traces(page))


def test_a_page_needs_nothing_else():
    page = plot_training(report())
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']?(https?:)?//""", page)


def test_a_plot_without_plotly_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(InputError, match=r"pip install 'gateparity\[plot\]'"):
        require_plotly()
