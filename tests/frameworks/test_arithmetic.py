"""What an adapter declares of its arithmetic is so: how far its sigmoid and tanh are off.

Both are read off the cell state, as the adapter itself computes them, compiled or not, in scratch
and layer: `c = sigmoid(z_f) c_0 + sigmoid(z_i) tanh(z_g)`, with the other factor 1 or 0.
"""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.network.batch import Batch
from gateparity.network.config import GATES, Config
from gateparity.network.parameters import CellWeights, cast_parameters

UNITS = {"float32": 2.0**-24, "float64": 2.0**-53}
STRETCH = 0.25  # of arguments: a quarter of the shortest wave that the budget draws
BOUND = 4.0
WIDTH, ROWS = 64, 2500
OPEN = 100.0  # the sigmoid of this is 1, to the last digit
STEPS = (1, 16)  # TensorFlow's layer is compiled from 16 on


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


EXACT = {"sigmoid": sigmoid, "tanh": np.tanh}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_declared_bias_is_the_measured_one(load, name):
    """Not exceeded by any function of any variant, and more than half used by one of them."""
    adapters = [load(name, variant) for variant in FRAMEWORKS[name].targets]
    declared = {float(getattr(a, "rounding_model", {}).get("bias", 0)) for a in adapters}
    assert len(declared) == 1
    measured = {
        (adapter.name, function, steps): measure(adapter, function, steps)
        for adapter in adapters
        for function in EXACT
        for steps in STEPS
    }
    worst, bias = max(measured.values()), declared.pop()
    assert worst <= (bias or 1), measured
    assert worst > bias / 2, measured


@pytest.mark.parametrize("dtype", UNITS)
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_each_function_is_as_exact_as_the_budget_takes_it_to_be(load, name, dtype):
    """Two units, evenly spread, beside the bias: a standard deviation of 1.2."""
    for adapter in (load(name, variant) for variant in FRAMEWORKS[name].targets):
        bias = getattr(adapter, "rounding_model", {}).get("bias", 0)
        for function in EXACT:
            errors = in_units(adapter, function, 1, dtype)
            assert largest_mean(arguments(), errors) <= (bias or 1)
            assert np.sqrt(np.mean(np.square(errors))) < np.hypot(2 / np.sqrt(3), bias)


def test_a_bias_would_be_seen():
    """The measurement, on a function that is off by 3 units one way and 3 the other."""
    x = arguments()
    off = x + 3 * UNITS["float32"] * x * np.sign(np.sin(8 * x))
    assert largest_mean(x, (off - x) / x / UNITS["float32"]) > 2.5
    assert largest_mean(x, np.random.default_rng(0).uniform(-3, 3, x.size)) < 0.5


def measure(adapter, function, steps):
    """The largest mean error over a stretch of arguments, in units roundoff."""
    return largest_mean(arguments(), in_units(adapter, function, steps))


def in_units(adapter, function, steps, dtype="float32"):
    x = arguments()
    exact = EXACT[function](x.astype(np.longdouble))
    errors = (run(adapter, function, x, steps, dtype) - exact) / np.abs(exact) / UNITS[dtype]
    return errors.astype(np.float64)


def arguments():
    """Float32 numbers, as float64; zero is none of them."""
    x = np.linspace(-BOUND, BOUND, WIDTH * ROWS, dtype=np.float32)
    return x[x != 0].astype(np.float64)


def largest_mean(x, errors):
    places = np.floor((x + BOUND) / STRETCH).astype(int)
    counts = np.bincount(places)
    means = np.bincount(places, errors) / np.maximum(counts, 1)
    return float(np.abs(means[counts > 500]).max())


def run(adapter, function, x, steps, dtype):
    """The function by the adapter: in the first step, and then the state is kept as it is."""
    gate = {"sigmoid": "f", "tanh": "g"}[function]
    config = Config(WIDTH, WIDTH, dtype=dtype)
    later = np.full((steps - 1, ROWS, WIDTH), OPEN if gate == "f" else 0)
    inputs = np.concatenate([np.resize(x, (1, ROWS, WIDTH)), later]).astype(dtype)
    h_0 = np.zeros((1, ROWS, WIDTH), dtype)
    c_0 = np.full_like(h_0, gate == "f")
    params = adapter.layout.pack(cast_parameters((cell(gate),), dtype), config)
    found = adapter.forward(config, params, Batch(inputs, {"h": h_0, "c": c_0}))
    return found.states["c"].reshape(-1)[: x.size]


def cell(gate):
    """One gate sees the input as it is; the input and forget gates of tanh stand open."""
    w_ih = np.zeros((4, WIDTH, WIDTH))
    w_ih[GATES.index(gate)] = np.eye(WIDTH)
    b_ih = np.zeros((4, WIDTH))
    if gate == "g":
        b_ih[[GATES.index("i"), GATES.index("f")]] = OPEN
    return CellWeights(w_ih, np.zeros_like(w_ih), b_ih, np.zeros_like(b_ih))
