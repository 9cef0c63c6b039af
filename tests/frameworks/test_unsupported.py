"""What the shipped adapters may leave out, and nothing else; and that they really can't."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.network.batch import Batch, Outputs
from gateparity.network.config import Config
from gateparity.protocol.validation import check_gradients, check_outputs

ALLOWED = {
    ("torch", "scratch"): {"empty_sequence"},
    ("torch", "layer"): {"gates", "empty_sequence", "zero_length"},
    ("tensorflow", "layer"): {"gates", "empty_sequence", "empty_batch"},
    ("jax", "layer"): {"gates"},
    ("jax", "nnx"): {"gates"},
    ("mxnet", "scratch"): {"empty_sequence", "empty_batch", "float16"},
    ("mxnet", "layer"): {"gates", "lengths_float64", "empty_sequence", "empty_batch", "float16"},
}
CONFIG = Config(2, 3)
EDGES = {  # what is asked for: steps, sequences, dtype, lengths
    "empty_sequence": (0, 4, "float32", None),
    "empty_batch": (5, 0, "float32", None),
    "float16": (5, 4, "float16", None),
    "float64": (5, 4, "float64", None),
    "lengths_float64": (5, 4, "float64", (3, 5, 1, 2)),
    "zero_length": (5, 4, "float32", (3, 0, 5, 2)),
}
ROWS = [(name, variant) for name in FRAMEWORKS for variant in FRAMEWORKS[name].targets]


def problem(adapter, edge):
    steps, size, dtype, lengths = EDGES[edge]
    config = dataclasses.replace(CONFIG, dtype=dtype)
    params = {n: np.full(s, 0.1, dtype) for n, s in adapter.layout.shapes(config).items()}
    x, states = np.ones((steps, size, 2), dtype), dict.fromkeys("hc", np.ones((1, size, 3), dtype))
    batch = Batch(x, states, None if lengths is None else np.array(lengths, np.int32))
    return (
        config,
        params,
        batch,
        Outputs(np.ones((steps, size, 3), dtype), states),
    )


@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_only_what_is_listed_is_unsupported(load, name, variant):
    adapter = load(name, variant)
    assert set(adapter.unsupported) == ALLOWED.get((name, variant), set())
    assert all(reason for reason in adapter.unsupported.values())
    assert adapter.name == f"{name}:{variant}"


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_what_is_unsupported_fails_and_all_else_is_answered(load, name, variant, edge):
    """Were it to work one day, it would have to be struck off."""
    adapter = load(name, variant)
    config, params, batch, cotangent = problem(adapter, edge)
    if edge in adapter.unsupported:
        unguarded = dataclasses.replace(adapter, unsupported={})
        with pytest.raises(Exception):  # noqa: B017, PT011 -- of whatever kind
            unguarded.forward(config, params, batch)
        return
    check_outputs(adapter.forward(config, params, batch), config, batch)
    found = adapter.gradients(config, params, batch, cotangent)
    check_gradients(found, config, params, batch)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_call_that_failed_leaves_nothing_to_the_next(load, name):
    """MXNet computes later: one in fifteen of the calls after it met the failure of this one."""
    adapter = load(name, "scratch")
    unguarded = dataclasses.replace(adapter, unsupported={}) if adapter.unsupported else adapter
    for _ in range(60):
        config, params, batch, _ = problem(adapter, "float16")
        with contextlib.suppress(Exception):
            unguarded.forward(config, params, batch)
        config, params, batch, _ = problem(adapter, "lengths_float64")
        check_outputs(adapter.forward(config, params, batch), config, batch)
