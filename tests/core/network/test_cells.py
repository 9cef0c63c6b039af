"""The kinds of cell: the number and the order of gates are written in one place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.layouts import D2L, KERAS, TORCH
from gateparity.network.cells import LSTM, CellKind
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters, cell_shapes
from gateparity.packing.array_spec import axis_sizes

ONE_GATE = CellKind(
    "plain", "h", ("h",), "https://d2l.ai/chapter_recurrent-neural-networks/rnn.html"
)


def test_the_lstm_is_named_with_its_gates_and_its_states():
    assert Config(1, 1).cell is LSTM
    assert (LSTM.gates, LSTM.states) == ("ifgo", ("h", "c"))


def test_a_kind_of_cell_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LSTM.gates = "h"


@pytest.mark.parametrize("biases", [True, False])
def test_the_shapes_of_weights_have_the_gates_of_the_configs_cell(monkeypatch, biases):
    monkeypatch.setattr(Config, "cell", ONE_GATE)
    config = Config(2, 3, biases=biases)
    assert {shape[0] for shape in cell_shapes(config, 0).values()} == {1}
    assert axis_sizes(config, 0)["gate"] == 1


@pytest.mark.parametrize("layout", [D2L, KERAS, TORCH], ids=lambda layout: layout.name)
def test_a_layouts_arrays_are_as_many_and_as_long_as_the_cell_has_gates(layout):
    config = Config(2, 3)
    params = build_parameters(config, lambda _, shape: np.zeros(shape, np.float32))
    sizes = sum(array.size for array in layout.pack(params, config).values())
    biases = 2 if layout is TORCH else 1
    assert sizes == len(config.cell.gates) * 3 * (2 + 3 + biases)
