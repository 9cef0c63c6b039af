"""One set of weights, loaded into PyTorch, Keras and Flax and saved by each: read back bit for bit.

Where a framework has one bias, it is the sum of PyTorch's two. Each framework's own
class takes the arrays, checks their shapes and writes the file. The files of a stack of Keras and
Flax hold a layer for each of PyTorch's.
"""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from gateparity.backends.checkpoints.registry import open_contents
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

CONFIGS = {
    f"{layers}-{directions}": Config(3, 4, layers=layers, directions=directions)
    for layers in (1, 2)
    for directions in (1, 2)
}
TORCH = """
import sys
import numpy as np, torch

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-"))
    lstm = torch.nn.LSTM(3, 4, layers, bidirectional=directions == 2)
    arrays = np.load(f"torch-{name}.npz")
    lstm.load_state_dict({key: torch.from_numpy(arrays[key]) for key in arrays})
    torch.save({"model": {f"rnn.{key}": a for key, a in lstm.state_dict().items()}}, f"{name}.pt")
    torch.jit.script(torch.nn.Sequential(lstm)).save(f"{name}.script.pt")
"""
KERAS = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy as np
from keras import layers as L

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-"))
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((None, 3))])
    for _ in range(layers):
        lstm = L.LSTM(4, return_sequences=True)
        model.add(L.Bidirectional(lstm) if directions == 2 else lstm)
    arrays = np.load(f"keras-{name}.npz")
    for variable in model.weights:
        variable.assign(arrays[variable.path.removeprefix("sequential/")])
    model.save(f"{name}.keras")
    model.save(f"{name}.h5")
    model.save_weights(f"{name}.weights.h5")
"""
FLAX = """
import sys
import jax, jax.numpy as jnp, numpy as np
from flax import linen, serialization
from flax.traverse_util import flatten_dict, unflatten_dict

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-"))
    rnn = lambda: linen.RNN(linen.OptimizedLSTMCell(4))
    layer = lambda: linen.Bidirectional(rnn(), rnn()) if directions == 2 else rnn()
    model = linen.Sequential([layer() for _ in range(layers)])
    made = model.init(jax.random.key(0), jnp.zeros((1, 2, 3)))["params"]
    arrays = np.load(f"flax-{name}.npz")
    params = {k: jnp.asarray(arrays[k]) for k, v in flatten_dict(made, sep="/").items()}
    assert {k: v.shape for k, v in params.items()} == {
        k: v.shape for k, v in flatten_dict(made, sep="/").items()}
    with open(f"{name}.msgpack", "wb") as file:
        file.write(serialization.to_bytes({"params": unflatten_dict(params, sep="/")}))
"""
SCRIPTS = {"torch": TORCH, "tensorflow": KERAS, "jax": FLAX}
NAMES = {"torch": ("torch", ""), "keras": ("keras", "h5"), "flax": ("flax", "sequential")}


def drawn(config):
    draw = np.random.default_rng(5).normal
    return build_parameters(config, lambda _, shape: draw(size=shape).astype("float32"))


@pytest.fixture(scope="module")
def folder(find_backend, tmp_path_factory):
    """A folder in which each framework saved the weights of each config."""
    folder = tmp_path_factory.mktemp("same")
    for name, config in CONFIGS.items():
        for framework, (layout, key) in NAMES.items():
            named = LAYOUTS[layout].named(config, key)
            np.savez(folder / f"{framework}-{name}.npz", **named.pack(drawn(config), config))
    for framework, script in SCRIPTS.items():
        command = [str(find_backend(framework).python), "-W", "ignore", "-c", script, *CONFIGS]
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("suffix", ["pt", "script.pt", "keras", "h5", "weights.h5", "msgpack"])
@pytest.mark.parametrize("name", CONFIGS)
def test_every_framework_saves_the_same_weights(name, suffix, folder):
    with open_contents(folder / f"{name}.{suffix}", refuse) as contents:
        read = [layer.read() for layer in contents.layers]
    config = CONFIGS[name]
    assert {one.directions for one, _ in read} == {config.directions}
    assert sum(one.layers for one, _ in read) == config.layers
    cells = [cell for _, parameters in read for cell in parameters]
    for ours, theirs in zip(drawn(config), cells, strict=True):
        assert theirs.w_ih.tobytes() == ours.w_ih.tobytes()
        assert theirs.w_hh.tobytes() == ours.w_hh.tobytes()
        assert (theirs.b_ih + theirs.b_hh).tobytes() == (ours.b_ih + ours.b_hh).tobytes()


def refuse(framework, *_):
    pytest.fail(f"{framework} was asked for a file that is read on this side")
