"""What goes to an adapter and comes back from it: every wrong array is named."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from gateparity.network.batch import (
    Batch,
    Gradients,
    Outputs,
    Trace,
    initial_states,
    replace_arrays,
    state_shape,
)
from gateparity.network.config import Config
from gateparity.protocol.adapter import find_unsupported
from gateparity.protocol.canonical import Canonical
from gateparity.protocol.guard import Guarded
from gateparity.protocol.validation import check_batch, check_gradients, check_outputs, check_trace

CONFIG = Config(input_size=2, hidden_size=3, layers=2, directions=2)
T, B = 5, 7  # steps, sequences


def zeros(*shape, dtype="float32"):
    return np.zeros(shape, dtype)


BATCH = Batch(zeros(T, B, 2), {"h": zeros(4, B, 3), "c": zeros(4, B, 3)}, np.arange(B) % (T + 1))
OUTPUTS = Outputs(zeros(T, B, 6), {"h": zeros(4, B, 3), "c": zeros(4, B, 3)})
TRACE = Trace(zeros(4, T, 4, B, 3), zeros(4, T, 4, B, 3), zeros(4, T, B, 3), zeros(4, T, B, 3))
PARAMS = {"kernel": zeros(5, 12), "bias": zeros(12)}
GRADIENTS = Gradients(PARAMS, BATCH)


class ForwardOnly:
    def forward(self, config, params, batch):
        return OUTPUTS


class Whole(ForwardOnly):
    def gates(self, config, params, batch):
        return TRACE

    def gradients(self, config, params, batch, cotangent):
        return GRADIENTS


class Declares(Whole):
    unsupported: ClassVar = {"gradients": "it runs forward only", "lengths": "all are full"}


class DeclaresAndLacks(ForwardOnly):
    unsupported = Declares.unsupported
    gates = None


LACKING = {name: f"ForwardOnly has no method {name}" for name in ("gates", "gradients")}


@pytest.mark.parametrize(
    ("adapter", "expected"),
    [
        (Whole(), {}),
        (ForwardOnly(), LACKING),
        (Declares(), Declares.unsupported),
        (
            DeclaresAndLacks(),
            {"gates": "DeclaresAndLacks has no method gates"} | Declares.unsupported,
        ),
    ],
    ids=["whole", "forward only", "declares", "both"],
)
def test_a_method_that_is_lacking_is_as_one_that_is_declared(adapter, expected):
    """Where both hold, the adapter's own words are the reason; under guard it is the same."""
    for seen in (adapter, Guarded(adapter)):
        assert find_unsupported(seen) == expected
        assert Canonical(seen).differentiates == ("gradients" not in expected)


def test_what_is_right_passes():
    check_batch(BATCH, CONFIG)
    check_batch(Batch(BATCH.x), CONFIG)
    check_batch(dataclasses.replace(BATCH, lengths=np.full(B, T, "uint8")), CONFIG)
    check_outputs(OUTPUTS, CONFIG, BATCH)
    check_trace(TRACE, CONFIG, BATCH)
    check_gradients(GRADIENTS, CONFIG, PARAMS, BATCH)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"x": [[1.0]]}, ValueError, "x is list, expected an array (T, B, input)"),
        (
            {"x": zeros(T, 2)},
            ValueError,
            "x is an array of float32 of shape (5, 2), expected an array (T, B, input)",
        ),
        ({"x": zeros(T, B, 3)}, ValueError, "x has shape (5, 7, 3), expected (5, 7, 2)"),
        ({"x": zeros(T, B, 2, dtype="f8")}, TypeError, "x is float64, expected float32"),
        ({"h_0": zeros(4, T, 3)}, ValueError, "h_0 has shape (4, 5, 3), expected (4, 7, 3)"),
        ({"c_0": zeros(2, B, 3)}, ValueError, "c_0 has shape (2, 7, 3), expected (4, 7, 3)"),
        ({"c_0": zeros(4, B, 3, dtype="f8")}, TypeError, "c_0 is float64, expected float32"),
        ({"lengths": [T] * B}, TypeError, "lengths is list, expected an array of integers"),
        (
            {"lengths": zeros(B)},
            TypeError,
            "lengths is an array of float32 of shape (7,), expected an array of integers",
        ),
        (
            {"lengths": zeros(B, dtype=bool)},
            TypeError,
            "lengths is an array of bool of shape (7,), expected an array of integers",
        ),
        (
            {"lengths": zeros(T, dtype=int)},
            ValueError,
            "lengths has shape (5,), expected (7,)",
        ),
        (
            {"lengths": np.arange(B)},
            ValueError,
            "lengths run from 0 to 6, expected 0 to 5",
        ),
        (
            {"lengths": np.arange(B) - 1},
            ValueError,
            "lengths run from -1 to 5, expected 0 to 5",
        ),
    ],
)
def test_a_wrong_batch(changes, kind, message):
    batch = replace_arrays(BATCH, **changes)
    assert refusal(kind, check_batch, batch, CONFIG) == message


def test_a_batch_of_nothing_passes():
    check_batch(Batch(zeros(T, 0, 2), lengths=zeros(0, dtype=int)), CONFIG)
    check_batch(Batch(zeros(0, B, 2), lengths=zeros(B, dtype=int)), CONFIG)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"y": zeros(B, T, 6)}, ValueError, "y has shape (7, 5, 6), expected (5, 7, 6)"),
        ({"y": zeros(T, B, 6, dtype="f8")}, TypeError, "y is float64, expected float32"),
        ({"h_n": zeros(B, 3)}, ValueError, "h_n has shape (7, 3), expected (4, 7, 3)"),
        ({"h_n": None}, TypeError, "h_n is NoneType, expected a NumPy array"),
        ({"c_n": zeros(4, B, 6)}, ValueError, "c_n has shape (4, 7, 6), expected (4, 7, 3)"),
    ],
)
def test_wrong_outputs(changes, kind, message):
    outputs = replace_arrays(OUTPUTS, **changes)
    assert refusal(kind, check_outputs, outputs, CONFIG, BATCH) == message


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        (
            {"z": zeros(4, 4, T, B, 3)},
            ValueError,
            "z has shape (4, 4, 5, 7, 3), expected (4, 5, 4, 7, 3)",
        ),
        (
            {"gates": zeros(4, T, 3, B, 3)},
            ValueError,
            "gates has shape (4, 5, 3, 7, 3), expected (4, 5, 4, 7, 3)",
        ),
        ({"c": zeros(4, T, B, 3, dtype="f2")}, TypeError, "c is float16, expected float32"),
        ({"h": zeros(T, B, 6)}, ValueError, "h has shape (5, 7, 6), expected (4, 5, 7, 3)"),
    ],
)
def test_a_wrong_trace(changes, kind, message):
    trace = dataclasses.replace(TRACE, **changes)
    assert refusal(kind, check_trace, trace, CONFIG, BATCH) == message


@pytest.mark.parametrize(
    ("params", "batch", "kind", "message"),
    [
        (
            {"bias": None},
            {},
            ValueError,
            "gradients name ['kernel'], expected ['bias', 'kernel']",
        ),
        (
            {"kernel": zeros(12, 5)},
            {},
            ValueError,
            "d_kernel has shape (12, 5), expected (5, 12)",
        ),
        ({"bias": zeros(12, dtype="f8")}, {}, TypeError, "d_bias is float64, expected float32"),
        ({}, {"x": zeros(T, B, 3)}, ValueError, "d_x has shape (5, 7, 3), expected (5, 7, 2)"),
        ({}, {"h_0": None}, TypeError, "d_h_0 is NoneType, expected a NumPy array"),
        ({}, {"c_0": zeros(4, 3)}, ValueError, "d_c_0 has shape (4, 3), expected (4, 7, 3)"),
    ],
)
def test_wrong_gradients(params, batch, kind, message):
    found = {name: array for name, array in (PARAMS | params).items() if array is not None}
    gradients = Gradients(found, replace_arrays(BATCH, **batch))
    assert refusal(kind, check_gradients, gradients, CONFIG, PARAMS, BATCH) == message


def test_gradients_of_states_are_due_where_no_state_was_given():
    gradients = Gradients(PARAMS, Batch(BATCH.x))
    message = "d_h_0 is NoneType, expected a NumPy array"
    assert refusal(TypeError, check_gradients, gradients, CONFIG, PARAMS, Batch(BATCH.x)) == message


def test_states_are_zeros_where_none_are_given():
    assert state_shape(CONFIG, BATCH) == (4, B, 3)
    given = np.ones((4, B, 3), "float32")
    h_0, c_0 = initial_states(CONFIG, Batch(BATCH.x, {"c": given}))
    np.testing.assert_array_equal(h_0, zeros(4, B, 3), strict=True)
    assert c_0 is given


def refusal(kind, call, *args):
    with pytest.raises(kind) as caught:
        call(*args)
    return str(caught.value)
