"""What biases show of an LSTM's origin, on numbers as frameworks begin with and train them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateparity.backends.checkpoints.contents import StoredArray, found_lstm
from gateparity.backends.checkpoints.origin import with_origin
from gateparity.layouts import KERAS, MXNET, ONNX, TORCH
from gateparity.network.config import Config
from gateparity.network.parameters import CellWeights

CONFIG = Config(6, 16)
DRAW = np.random.default_rng(3)
INITIAL = DRAW.uniform(-1 / 4, 1 / 4, (2, 4, 16)).astype(np.float32)  # 1 / sqrt(hidden)
TRAINED = DRAW.standard_normal((4, 16)).astype(np.float32)  # the same gradient for both biases
ZERO = np.zeros((4, 16), np.float32)
FORGET = np.array([0, 1, 0, 0], np.float32)[:, None] + TRAINED / 10


def origin(layout, b_ih, b_hh):
    weights = DRAW.standard_normal((4, 16, 22)).astype(np.float32)
    cell = CellWeights(weights[..., :6], weights[..., 6:], b_ih, b_hh)
    native = layout.pack((cell,), CONFIG)

    def unread():
        pytest.fail("a matrix of weights was read")

    arrays = {
        name: StoredArray(a.shape, "float32", unread if a.size > 500 else lambda a=a: a)
        for name, a in native.items()
    }
    return with_origin(found_lstm("", layout, arrays)).origin


@pytest.mark.parametrize("layout", [TORCH, MXNET, ONNX])
def test_training_leaves_the_difference_that_pytorch_began_with(layout):
    found = origin(layout, *(INITIAL + TRAINED))
    bound = 2 / math.sqrt(16)
    largest = np.abs(INITIAL[0] - INITIAL[1]).max()
    assert found.startswith("b_ih - b_hh is within PyTorch's initial range")
    assert f"{largest:.3g} of {bound:.3g}" in found


def test_a_difference_beyond_pytorchs_range_is_no_sign_of_it():
    assert origin(TORCH, 4 * INITIAL[0], INITIAL[1]) == ""


def test_equal_biases_and_a_zero_bias_are_named():
    assert "both biases are equal" in origin(MXNET, TRAINED, TRAINED)
    assert "b_hh is zero: from a framework with one bias" in origin(TORCH, TRAINED, ZERO)
    assert "b_ih is zero: from a framework with one bias" in origin(TORCH, ZERO, TRAINED)
    assert origin(TORCH, ZERO, ZERO) == "all biases are zero"


def test_forget_biases_near_1_are_named_in_any_layout():
    words = "forget biases are near 1"
    assert words in origin(KERAS, FORGET, ZERO)
    assert words in origin(TORCH, FORGET / 2, FORGET / 2)
    assert words not in origin(KERAS, TRAINED, ZERO)
    assert words not in origin(KERAS, np.ones_like(ZERO), ZERO)


def test_numbers_that_are_not_finite_are_no_sign():
    assert origin(TORCH, np.full_like(ZERO, np.inf), np.full_like(ZERO, np.inf)) == ""
    assert origin(TORCH, np.full_like(ZERO, np.nan), ZERO) != "all biases are zero"
