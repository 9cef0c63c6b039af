"""A layer variant executes the framework's own class: seen by a profiler, in that framework."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from gateparity.network.batch import Batch, Outputs
from gateparity.network.config import Config

CLASSES = {
    ("torch", "layer"): "torch.nn.LSTM",
    ("tensorflow", "layer"): "keras.layers.LSTM",
    ("jax", "layer"): "flax.linen.OptimizedLSTMCell",
    ("jax", "nnx"): "flax.nnx.OptimizedLSTMCell",
    ("mxnet", "layer"): "mxnet.gluon.rnn.LSTM",
}


@pytest.mark.parametrize("operation", ["forward", "gradients"])
@pytest.mark.parametrize("steps", [3, 20])
@pytest.mark.parametrize(("name", "variant"), CLASSES)
def test_the_layer_variant_executes_the_named_class(load, name, variant, steps, operation):
    layer, scratch = load(name, variant), load(name, "scratch")
    module, _, kind = CLASSES[name, variant].rpartition(".")
    named = getattr(importlib.import_module(module), kind)
    assert named in _types_at_work(layer, operation, steps)
    assert named not in _types_at_work(scratch, operation, steps)


def _types_at_work(adapter, operation: str, steps: int) -> set[type]:
    """The type of every `self` of every Python function that a call enters."""
    config = Config(2, 3 + steps)  # a size of its own, so that nothing is compiled yet
    arrays = {
        name: np.full(shape, 0.1, "float32")
        for name, shape in adapter.layout.shapes(config).items()
    }
    x, state = np.ones((steps, 1, 2), "float32"), np.ones((1, 1, 3 + steps), "float32")
    batch = Batch(x, dict.fromkeys("hc", state))
    cotangent = [Outputs(np.ones((steps, 1, 3 + steps), "float32"), dict.fromkeys("hc", state))]
    found: set[type] = set()

    def watch(frame, event, _):
        if event == "call" and "self" in frame.f_code.co_varnames[:1]:
            found.add(type(frame.f_locals.get("self")))

    sys.setprofile(watch)
    try:
        extra = cotangent if operation == "gradients" else []
        getattr(adapter, operation)(config, arrays, batch, *extra)
    finally:
        sys.setprofile(None)
    return found
