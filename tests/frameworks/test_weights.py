"""A layer variant's weights go through the framework's own layer, which takes no others."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.network.config import Config

CONFIG = Config(4, 6, layers=2, directions=2, dtype="float64")
ROWS = [(name, variant) for name in FRAMEWORKS for variant, _ in FRAMEWORKS[name].variants]
LAYERS = [name for name, variant in ROWS if variant == "layer"]


def arrays(adapter):
    generator = np.random.default_rng(0)
    shapes = adapter.layout.shapes(CONFIG)
    return {name: generator.uniform(-1, 1, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_weights_come_back_bit_for_bit_under_the_same_names(load, name, variant):
    adapter = load(name, variant)
    if not hasattr(adapter, "weights"):
        pytest.skip("NumPy has no weights of its own")
    given = arrays(adapter)
    found = adapter.weights(CONFIG, given)
    assert set(found) == set(given)
    for key, array in given.items():
        np.testing.assert_array_equal(found[key], array, key)
        assert found[key].dtype == array.dtype


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_refuses_a_kernel_of_another_shape(load, name):
    adapter = load(name, "layer")
    given = arrays(adapter)
    for key in given:
        if given[key].ndim == 2 and len(set(given[key].shape)) == 2:
            with pytest.raises(Exception):  # noqa: B017, PT011 -- the framework's own
                adapter.weights(CONFIG, {**given, key: given[key].T})


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_misses_an_array_that_is_left_out(load, name):
    adapter = load(name, "layer")
    given = arrays(adapter)
    for key in (min(given), max(given)):
        with pytest.raises(Exception):  # noqa: B017, PT011 -- the framework's own
            adapter.weights(CONFIG, {n: a for n, a in given.items() if n != key})
