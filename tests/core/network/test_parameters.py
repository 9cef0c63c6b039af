"""The shapes and the order of canonical parameters, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.network.config import Config
from gateparity.network.parameters import (
    CellWeights,
    build_parameters,
    cast_parameters,
    cell_shapes,
    check_array,
    check_parameters,
    fields,
)

CONFIG = Config(input_size=2, hidden_size=3, layers=2, directions=2)


def test_shapes_of_the_first_layer_and_of_one_above_it():
    above = {"w_ih": (4, 3, 6), "w_hh": (4, 3, 3), "b_ih": (4, 3), "b_hh": (4, 3)}
    assert cell_shapes(CONFIG, 0) == above | {"w_ih": (4, 3, 2)}
    assert cell_shapes(CONFIG, 1) == above


def test_shapes_without_biases():
    assert cell_shapes(Config(2, 3, biases=False), 0) == {"w_ih": (4, 3, 2), "w_hh": (4, 3, 3)}


def test_parameters_are_built_layer_major_field_by_field():
    asked = []

    def array(field, shape):
        asked.append((field, shape[-1]))
        return np.full(shape, len(asked), CONFIG.dtype)

    params = build_parameters(CONFIG, array)
    first = [("w_ih", 2), ("w_hh", 3), ("b_ih", 3), ("b_hh", 3)]
    above = [("w_ih", 6), *first[1:]]
    assert asked == first * 2 + above * 2
    assert [cell.w_ih.max() for cell in params] == [1, 5, 9, 13]
    check_parameters(params, CONFIG)


def test_a_cast_keeps_numbers_and_absent_biases():
    params = zeros(Config(2, 3, biases=False))
    params[0].w_ih[:] = 0.1
    (found,) = cast_parameters(params, "float64")
    assert found.w_ih.dtype == found.w_hh.dtype == "float64"
    np.testing.assert_array_equal(found.w_ih, np.float64(np.float32(0.1)))
    assert found.b_ih is None
    assert found.b_hh is None


def test_fields_leave_absent_biases_out():
    w_ih, w_hh, b = np.zeros((4, 3, 2)), np.zeros((4, 3, 3)), np.zeros((4, 3))
    assert list(fields(CellWeights(w_ih, w_hh))) == ["w_ih", "w_hh"]
    assert list(fields(CellWeights(w_ih, w_hh, b, b))) == ["w_ih", "w_hh", "b_ih", "b_hh"]


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        (
            {"w_ih": np.zeros((4, 3, 2), "f4")},
            ValueError,
            "cell 2: w_ih has shape (4, 3, 2), expected (4, 3, 6)",
        ),
        ({"b_hh": np.zeros((4, 3))}, TypeError, "cell 2: b_hh is float64, expected float32"),
        ({"w_hh": [1.0]}, TypeError, "cell 2: w_hh is list, expected a NumPy array"),
        (
            {"b_hh": None},
            ValueError,
            "cell 2 has ['b_ih', 'w_hh', 'w_ih'], expected ['b_hh', 'b_ih', 'w_hh', 'w_ih']",
        ),
    ],
)
def test_a_wrong_cell_is_refused(changes, kind, message):
    cells = list(zeros(CONFIG))
    cells[2] = dataclasses.replace(cells[2], **changes)
    assert refusal(kind, check_parameters, tuple(cells), CONFIG) == message


def test_biases_that_the_config_lacks_are_refused():
    message = "cell 0 has ['b_hh', 'b_ih', 'w_hh', 'w_ih'], expected ['w_hh', 'w_ih']"
    params = zeros(Config(2, 3))
    assert refusal(ValueError, check_parameters, params, Config(2, 3, biases=False)) == message


def test_a_wrong_number_of_cells_is_refused():
    message = "parameters hold 3 cells, expected 4 (2 layers, 2 directions)"
    assert refusal(ValueError, check_parameters, zeros(CONFIG)[:3], CONFIG) == message


@pytest.mark.parametrize(
    ("array", "kind", "message"),
    [
        (np.zeros((2, 1), "f4"), ValueError, "x has shape (2, 1), expected (1, 2)"),
        (np.zeros((1, 2), "f8"), TypeError, "x is float64, expected float32"),
        (np.zeros((1, 2), ">f4"), TypeError, "x is >f4, expected float32"),
        (np.float32(1), TypeError, "x is float32, expected a NumPy array"),
        (None, TypeError, "x is NoneType, expected a NumPy array"),
    ],
)
def test_a_wrong_array_is_refused(array, kind, message):
    assert refusal(kind, check_array, "x", array, (1, 2), "float32") == message


def test_longdouble_is_a_dtype():
    check_array("x", np.zeros(2, np.longdouble), (2,), "longdouble")


def zeros(config):
    return build_parameters(config, lambda _, shape: np.zeros(shape, config.dtype))


def refusal(kind, call, *args):
    with pytest.raises(kind) as caught:
        call(*args)
    return str(caught.value)
