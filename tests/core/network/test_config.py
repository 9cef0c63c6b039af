"""What a config derives from its fields, and what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.network.config import Config


def test_defaults():
    assert Config(2, 3) == Config(
        input_size=2, hidden_size=3, layers=1, directions=1, biases=True, dtype="float32"
    )


def test_derived_sizes():
    config = Config(input_size=5, hidden_size=3, layers=4, directions=2)
    assert config.cells == 8
    assert config.output_size == 6
    assert [config.layer_input_size(layer) for layer in range(4)] == [5, 6, 6, 6]


def test_a_layer_above_one_direction_reads_the_hidden_size():
    assert Config(5, 3, layers=2).layer_input_size(1) == 3


def test_a_config_is_a_value():
    assert len({Config(2, 3), Config(2, 3), Config(2, 4)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config(2, 3).layers = 2


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_dtypes(dtype):
    assert Config(2, 3, dtype=dtype).dtype == dtype


@pytest.mark.parametrize("field", ["input_size", "hidden_size", "layers"])
@pytest.mark.parametrize("value", [0, -1, 1.0, "1", True, None])
def test_a_size_is_an_integer_of_at_least_1(field, value):
    message = f"{field} is {value!r}, expected an integer of at least 1"
    assert refusal({field: value}) == message


@pytest.mark.parametrize("value", [0, 3, 1.0, True, "2", None])
def test_directions_are_1_or_2(value):
    assert refusal({"directions": value}) == f"directions is {value!r}, expected 1 or 2"


@pytest.mark.parametrize("value", [0, 1, None, "no"])
def test_biases_are_true_or_false(value):
    assert refusal({"biases": value}) == f"biases is {value!r}, expected True or False"


@pytest.mark.parametrize("value", ["float128", "bfloat16", "f4", np.dtype("float32"), np.float64])
def test_a_dtype_is_the_name_of_one(value):
    """Not a NumPy dtype, which equals its name: a config goes over the wire."""
    assert refusal({"dtype": value}) == (
        f"dtype is {value!r}, expected one of float16, float32, float64, longdouble"
    )


def refusal(changes):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the callers compare the message
        Config(**{"input_size": 2, "hidden_size": 3} | changes)
    return str(caught.value)
