"""`tinygrad.nn.LSTMCell`, on its Python device, which needs no compiler."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("DEV", "PYTHON")  # read when it is imported

tinygrad = pytest.importorskip("tinygrad", exc_type=ImportError)


def make(config, params):
    from tinygrad.nn.state import load_state_dict

    cell = tinygrad.nn.LSTMCell(config.input_size, config.hidden_size)
    load_state_dict(cell, {n: tensor(array) for n, array in params.items()}, verbose=False)

    def step(x, h, c):
        h, c = cell(tensor(x), (tensor(h), tensor(c)))
        return h.numpy(), c.numpy()

    return step


def tensor(array):
    return tinygrad.Tensor(array)


def test_tinygrad(verify_cell):
    verify_cell("tinygrad", make)
