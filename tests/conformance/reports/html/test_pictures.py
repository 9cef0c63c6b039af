"""Pictures of arrays, charts and layouts: what is drawn is what was found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.html.heatmap import draw_heatmaps, find_levels
from gateparity.conformance.reports.html.layout import draw_layout, draw_layouts
from gateparity.layouts import LAYOUTS


def test_a_trace_is_drawn_gate_by_step():
    z = np.zeros((2, 3, 4, 5, 6))
    z[1, 2, 1, 4, 5] = 50.0
    (heatmap,) = draw_heatmaps({"z": z, "y": np.zeros((3, 5, 6))}, "z")
    assert (heatmap.title, heatmap.down, heatmap.across) == ("z, cell 1", "gate", "step")
    assert (heatmap.rows, heatmap.columns) == (("i", "f", "g", "o"), ("0", "1", "2"))
    assert heatmap.cells[1] == (("0.0", 0), ("0.0", 0), ("50.0", 5))
    assert {cell for k in (0, 2, 3) for cell in heatmap.cells[k]} == {("0.0", 0)}


def test_weights_are_drawn_gate_by_unit_and_outputs_unit_by_step():
    d_w, y = np.zeros((4, 2, 3)), np.zeros((5, 2, 7))
    d_w[3, 1, 2], y[4, 1, 6] = np.inf, 9.0
    first, second = draw_heatmaps({"d_w_ih of layer 0": d_w, "y": y}, "y")
    assert (first.title, first.down, first.across) == ("y", "unit", "step")
    assert first.cells[6][4] == ("9.0", 5)
    assert (second.down, second.across, second.cells[3][1]) == ("gate", "unit", ("inf", 5))


def test_what_is_unknown_or_within_rounding_is_not_drawn():
    assert draw_heatmaps({"strange": np.full((3, 3), 99.0)}, "strange") == []
    assert draw_heatmaps({"y": np.full((3, 3, 3), 8.0), "x": np.zeros((0, 1, 1))}, "y") == []


def test_long_arrays_are_drawn_together_and_lose_no_error():
    y = np.zeros((1000, 1, 100))
    y[777, 0, 55] = 1e9
    (heatmap,) = draw_heatmaps({"y": y}, "y")
    assert (len(heatmap.rows), len(heatmap.columns)) == (16, 48)
    assert (heatmap.rows[0], heatmap.columns[-1]) == ("0-6", "980-999")
    assert "1e+09" in {words for line in heatmap.cells for words, _ in line}


def test_colours_go_by_order_of_magnitude():
    worst = np.array([[0.0, 8.0, 1e2, 1e4, 1e6, np.inf, np.nan]])
    assert find_levels(worst).tolist() == [[0, 0, 1, 3, 5, 5, 5]]
    assert find_levels(np.array([[9.0, 9.0]])).tolist() == [[5, 5]]


def test_a_chart_has_gaps_where_there_is_no_number():
    points = [(0, 1.0), (1, 10.0), (2, math.inf), (3, 0.0), (4, 100.0), (5, 1000.0)]
    chart = draw_chart("t", "step", {"a": points}, log=True, limit=8.0)
    (line,) = chart.lines
    assert [len(piece.split()) for piece in line.pieces] == [2, 2]
    heights = [float(p.split(",")[1]) for piece in line.pieces for p in piece.split()]
    assert heights == sorted(heights, reverse=True)
    assert chart.top <= min(heights) < max(heights) <= chart.bottom
    assert [words for _, words in chart.y_ticks] == ["1", "10", "100", "1000"]
    assert heights[1] < chart.limit < heights[0]


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [-1e-9, 1e-9], [1e300, -1e300], [5, 5, 5]])
@pytest.mark.parametrize("log", [False, True])
def test_every_chart_stays_inside(values, log):
    chart = draw_chart("t", "x", {"a": list(enumerate(values))}, log=log)
    if chart is None:
        assert log
        assert max(values) <= 0
        return
    dots = [dot for line in chart.lines for dot in line.dots]
    assert all(chart.left <= x <= chart.right for x, _ in dots)
    assert all(chart.top <= y <= chart.bottom for _, y in dots)
    assert len(chart.x_ticks) < 15
    assert len(chart.y_ticks) < 15


def test_nothing_to_draw_is_no_chart():
    assert draw_chart("t", "x", {}) is None
    assert draw_chart("t", "x", {"a": [(1, math.nan)]}) is None


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_every_layout_is_drawn(layout):
    """Each gate has the same number of elements, whatever the arrays are."""
    letters = "".join("".join(a.gates) for a in draw_layout(layout).arrays)
    assert len({letters.count(gate) for gate in "ifgo"}) == 1
    assert set(letters) == set("ifgo")


def test_a_diagram_shows_where_gates_lie():
    arrays = {a.name: a.gates for a in draw_layout(LAYOUTS["torch"]).arrays}
    assert arrays["weight_ih_l0"] == ("iii", "iii", "fff", "fff", "ggg", "ggg", "ooo", "ooo")
    assert arrays["bias_hh_l0"] == ("iiffggoo",)
    arrays = {a.name: a.gates for a in draw_layout(LAYOUTS["keras"]).arrays}
    assert arrays["lstm_0/lstm_cell/kernel"] == ("iiffggoo",) * 3


def test_rows_share_a_diagram_only_where_they_share_a_layout(broken, run):
    found = {diagram.backends: diagram.name for diagram in draw_layouts(broken)}
    assert found == {
        ("numpy:scratch",): "d2l",
        ("broken:Swapped",): "d2l",
    }  # of one name, and not the same
    assert [diagram.name for diagram in draw_layouts(run)] == ["d2l"]  # of a file: what we ship
