"""`equinox.nn.LSTMCell`, over a batch by `vmap`."""

from __future__ import annotations

import pytest

jax = pytest.importorskip("jax", exc_type=ImportError)
equinox = pytest.importorskip("equinox", exc_type=ImportError)


def make(config, params):
    cell = equinox.nn.LSTMCell(
        config.input_size, config.hidden_size, dtype=config.dtype, key=jax.random.key(0)
    )
    for name, array in params.items():
        assert getattr(cell, name).shape == array.shape
        cell = equinox.tree_at(lambda cell, n=name: getattr(cell, n), cell, array)
    return lambda x, h, c: jax.vmap(cell)(x, (h, c))


def test_equinox(verify_cell):
    with jax.enable_x64(True):
        verify_cell("equinox", make, backend="jax")
