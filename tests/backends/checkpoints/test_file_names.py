"""Layouts know the names that Keras and Flax themselves write, and the shapes under them."""

from __future__ import annotations

import json
import subprocess

import pytest

from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config

LAYERS, INPUT, HIDDEN = 3, 4, 5
KERAS = """
import json, os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import h5py, keras
from keras import layers as L

found = {}
for both in (False, True):
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((None, 4))])
    for _ in range(3):
        lstm = L.LSTM(5, return_sequences=True)
        model.add(L.Bidirectional(lstm) if both else lstm)
    model.save("model.h5")
    model.save_weights("model.weights.h5")
    for key, path in (("h5", "model.h5"), ("weights", "model.weights.h5")):
        names = found[f"keras:{key}:{1 + both}"] = {}
        with h5py.File(path) as file:
            file.visititems(lambda n, o: names.update({n: o.shape} if hasattr(o, "shape") else {}))
json.dump(found, sys.stdout)
"""
FLAX = """
import json, sys
import jax, jax.numpy as jnp
from flax import linen, nnx
from flax.traverse_util import flatten_dict

class Called(linen.Module):
    both: bool

    @linen.compact
    def __call__(self, x):
        for _ in range(3):
            rnn = lambda: linen.RNN(linen.OptimizedLSTMCell(5))
            x = (linen.Bidirectional(rnn(), rnn()) if self.both else rnn())(x)
        return x

def linen_layer(both):
    rnn = lambda: linen.RNN(linen.OptimizedLSTMCell(5))
    return linen.Bidirectional(rnn(), rnn()) if both else rnn()

def nnx_layer(kind, size, both):
    rnn = lambda: nnx.RNN(kind(size, 5, rngs=nnx.Rngs(0)))
    return nnx.Bidirectional(rnn(), rnn()) if both else rnn()

found, x = {}, jnp.zeros((1, 2, 4))
for both in (False, True):
    layers = linen.Sequential([linen_layer(both) for _ in range(3)])
    sizes = (4, *[10 if both else 5] * 2)
    trees = {
        "flax:compact": Called(both).init(jax.random.key(0), x)["params"],
        "flax:sequential": layers.init(jax.random.key(0), x)["params"],
    }
    for name, kind in (("nnx", nnx.LSTMCell), ("nnx_optimized", nnx.OptimizedLSTMCell)):
        model = nnx.Sequential(*[nnx_layer(kind, size, both) for size in sizes])
        trees[f"{name}:sequential"] = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    for name, tree in trees.items():
        flat = {"/".join(map(str, path)): a.shape for path, a in flatten_dict(tree).items()}
        found[f"{name}:{1 + both}"] = flat
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def found(find_backend, tmp_path_factory):
    """Names and shapes in files, by layout, key and directions."""
    folder, named = tmp_path_factory.mktemp("named"), {}
    for framework, script in (("tensorflow", KERAS), ("jax", FLAX)):
        command = [str(find_backend(framework).python), "-W", "ignore", "-c", script]
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
        named |= json.loads(done.stdout)
    return named


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        *(("keras", "h5"), ("keras", "weights"), ("flax", "compact"), ("flax", "sequential")),
        *(("nnx", "sequential"), ("nnx_optimized", "sequential")),
    ],
)
def test_a_framework_writes_the_names_that_its_layout_has(name, key, directions, found):
    config = Config(INPUT, HIDDEN, layers=LAYERS, directions=directions)
    expected = LAYOUTS[name].named(config, key).shapes(config)
    written = found[f"{name}:{key}:{directions}"]
    if key == "h5":  # behind the groups of a model and a layer
        written = {own(path, expected): shape for path, shape in written.items()}
    assert {path: tuple(shape) for path, shape in written.items()} == expected


def own(path, expected):
    return next((name for name in expected if path.endswith(f"sequential/{name}")), path)
