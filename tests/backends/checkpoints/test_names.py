"""Recurrent layers are found by name among arrays, with their kinds, sizes and oddities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateparity.backends.checkpoints.contents import StoredArray
from gateparity.backends.checkpoints.names import find_layers
from gateparity.layouts import TORCH
from gateparity.network.config import Config

CONFIG = Config(3, 5, layers=2, directions=2)


def stored(shapes, dtype="float32", prefix=""):
    def load(shape):
        return np.arange(math.prod(shape), dtype="float32").reshape(shape)

    return {
        prefix + name: StoredArray(shape, dtype, lambda shape=shape: load(shape))
        for name, shape in shapes.items()
    }


def torch_layer(prefix, gates=4, layer=""):
    shapes = {"weight_ih": (gates * 5, 3), "weight_hh": (gates * 5, 5), "bias_ih": (gates * 5,)}
    return stored({f"{name}{layer}": shape for name, shape in shapes.items()}, prefix=prefix)


def only(arrays):
    (layer,) = find_layers(arrays)
    return layer


def test_an_lstm_of_pytorch_has_its_structure():
    layer = only(stored(TORCH.shapes(CONFIG), prefix="encoder.lstm."))
    assert (layer.path, layer.kind, layer.layout) == ("encoder.lstm", "LSTM", TORCH)
    assert (layer.input_size, layer.hidden_size, layer.layers, layer.directions) == (3, 5, 2, 2)
    assert layer.biases
    assert not layer.refusal
    assert layer.parameters == sum(math.prod(shape) for shape in TORCH.shapes(CONFIG).values())
    assert layer.read()[0] == CONFIG


@pytest.mark.parametrize(("gates", "kind"), [(3, "GRU"), (1, "RNN")])
@pytest.mark.parametrize("end", ["", "_l0"])
def test_another_kind_is_found_with_its_sizes_and_not_held(gates, kind, end):
    layer = only(torch_layer("rnn.", gates, end))
    assert (layer.kind, layer.input_size, layer.hidden_size) == (kind, 3, 5)
    assert layer.layout is None
    with pytest.raises(ValueError, match=f"is of kind {kind}, expected an LSTM"):
        layer.read()


def test_a_projection_is_refused_with_the_sizes_of_its_lstm():
    shapes = {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 2), "weight_hr_l0": (2, 5)}
    layer = only(stored(shapes))
    assert (layer.input_size, layer.hidden_size, layer.oddities) == (3, 5, ("projection to 2",))
    assert "it is the projection of an LSTM with proj_size" in layer.refusal


def test_a_cell_with_a_single_bias_is_equinox_and_has_one_layout():
    arrays = stored({"bias": (20,), "weight_hh": (20, 5), "weight_ih": (20, 3)}, prefix="cell.")
    assert only(arrays).layout.name == "equinox"


def test_a_port_to_numpy_is_found_by_its_short_names():
    arrays = stored({"w_ih": (20, 3), "w_hh": (20, 5), "b_ih": (20,), "b_hh": (20,)}, prefix="dec_")
    layer = only(arrays)
    assert (layer.path, layer.layout.name) == ("dec", "torch_cell")


def test_canonical_parameters_are_those_of_gateparity():
    arrays = stored({"0.w_ih": (4, 5, 3), "0.w_hh": (4, 5, 5)}, prefix="params.")
    layer = only(arrays)
    assert (layer.path, layer.layout.name, layer.biases) == ("params", "canonical", False)
    config, params = layer.read()
    assert config == Config(3, 5, biases=False)
    np.testing.assert_array_equal(params[0].w_ih, arrays["params.0.w_ih"].load())


def test_layers_come_in_the_order_of_the_file():
    arrays = torch_layer("second.") | torch_layer("first.", layer="_l0") | torch_layer("third.", 3)
    assert [layer.path for layer in find_layers(arrays)] == ["second", "first", "third"]


def test_integers_are_no_weights():
    assert only(stored(TORCH.shapes(Config(3, 5)), "int8")).refusal == (
        "weight_ih_l0 is int8, expected floats"
    )
